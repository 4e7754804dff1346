//! Names in C: what is an identifier, what a word of the language, what the name of a number that every compiler
//! knows.

use crate::{
    Type,
    dump::classes::{BLOCK, is_ident, leading},
    words::c_str,
};

/// Whether the name can stand in C as it is.
#[inline]
pub(super) fn is_plain(name: &[u8]) -> bool {
    let (blocks, rest) = name.as_chunks();
    blocks.iter().all(|block| leading(block) == BLOCK) && rest.iter().all(|&b| is_ident(b)) && is_free(name)
}

/// The name at the start of strings if it can stand in C as it is: to find its end and to look at each byte is the
/// same work.
#[inline(always)]
pub(super) fn plain_at(strs: &[u8]) -> Option<&[u8]> {
    let len = match in_block(strs, 0) {
        Some(BLOCK) => BLOCK.wrapping_add(in_block(strs, BLOCK).unwrap_or(BLOCK)),
        Some(len) => len,
        None => BLOCK,
    };
    // Most are that short, and not at the end of all strings.
    let name = strs.get(..len).filter(|_| strs.get(len) == Some(&0));
    match name {
        Some(name) => is_free(name).then_some(name),
        None => long_at(strs),
    }
}

/// With how many bytes of identifiers the block at `start` starts.
#[inline(always)]
fn in_block(strs: &[u8], start: usize) -> Option<usize> {
    strs.get(start..)?.first_chunk().map(leading)
}

/// The same for any name.
#[inline(never)]
fn long_at(strs: &[u8]) -> Option<&[u8]> {
    c_str(strs, 0).filter(|name| is_plain(name))
}

/// Whether bytes of identifiers are an identifier: not empty, no number, and no word of C.
#[inline]
pub(super) fn is_free(name: &[u8]) -> bool {
    let Some(&first) = name.first() else { return false };
    !(first.is_ascii_digit() || may_be_keyword(name) && is_keyword(name))
}

/// Whether a name could be a word of C by its first two bytes, its last and its length: few others could.
#[inline(always)]
fn may_be_keyword(name: &[u8]) -> bool {
    /// For each mark the lengths of words, a bit for each.
    #[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "checked by the compiler")]
    const LENGTHS: [u32; 256] = {
        let (mut table, mut i) = ([0; 256], 0);
        while i < KEYWORDS.len() {
            let word = KEYWORDS[i].as_bytes();
            table[mark([word[0], word[1], word[word.len() - 1]]) as usize] |= 1 << word.len();
            i += 1;
        }
        table
    };
    // No word has only one byte, and none more than 31.
    let (&[first, second, ..], Some(&last)) = (name, name.last()) else { return false };
    let lengths = LENGTHS.get(usize::from(mark([first, second, last]))).copied().unwrap_or_default();
    lengths >> (name.len() & 31) & 1 != 0
}

#[inline]
const fn mark([first, second, last]: [u8; 3]) -> u8 {
    first.wrapping_mul(7) ^ second.rotate_left(4) ^ last.wrapping_mul(29)
}

/// A name near to this one that can stand in C. Two names can become the same.
#[cold]
pub(super) fn made_plain(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len().saturating_add(1));
    if name.first().is_none_or(u8::is_ascii_digit) {
        out.push(b'_');
    }
    out.extend(name.iter().map(|&b| if is_ident(b) { b } else { b'_' }));
    if is_keyword(&out) {
        out.push(b'_');
    }
    out
}

/// Words of C11 and of GNU C, the shorter first. Those that only C23 has (`bool`, `true`, `nullptr`) are names in the
/// kernel.
#[rustfmt::skip]
const KEYWORDS: [&str; 84] = [
    "do", "if", "asm", "for", "int", "auto", "case", "char", "else", "enum", "goto", "long", "void", "_Bool",
    "__asm", "break", "const", "float", "short", "union", "while", "__bf16", "__fp16", "double", "extern",
    "inline", "return", "signed", "sizeof", "static", "struct", "switch", "typeof", "_Atomic", "_BitInt",
    "__asm__", "__const", "default", "typedef", "_Alignas", "_Alignof", "_Complex", "_Float16", "_Float32",
    "_Float64", "_Generic", "__func__", "__imag__", "__inline", "__int128", "__real__", "__signed",
    "__thread", "__typeof", "continue", "register", "restrict", "unsigned", "volatile", "_Float128",
    "_Float32x", "_Float64x", "_Noreturn", "__alignof", "__const__", "__label__", "_Imaginary", "__float128",
    "__inline__", "__restrict", "__signed__", "__typeof__", "__volatile", "__alignof__", "__attribute",
    "__auto_type", "__complex__", "__FUNCTION__", "__restrict__", "__volatile__", "_Thread_local",
    "__attribute__", "__extension__", "_Static_assert",
];

fn is_keyword(name: &[u8]) -> bool {
    let order = |word: &&str| word.len().cmp(&name.len()).then_with(|| word.as_bytes().cmp(name));
    KEYWORDS.binary_search_by(order).is_ok()
}

/// Whether every compiler knows this number: each word of its name is one of C.
pub(super) fn is_base_type(name: &[u8]) -> bool {
    !name.is_empty() && name.split(|&b| b == b' ').all(is_base_word)
}

#[rustfmt::skip]
fn is_base_word(word: &[u8]) -> bool {
    matches!(
        word,
        b"char" | b"short" | b"int" | b"long" | b"signed" | b"unsigned" | b"_Bool" | b"float" | b"double"
        | b"_Complex" | b"__int128" | b"__int128_t" | b"__uint128_t" | b"_Float16" | b"_Float32" | b"_Float64"
        | b"_Float128" | b"_Float32x" | b"_Float64x" | b"__float128" | b"__fp16" | b"__bf16"
    )
}

/// A number in C's words, for those that have no name or one that compilers do not know. None where C has no
/// number of that size.
pub(super) fn number_of(ty: Type<'_>) -> Option<&'static str> {
    let size = ty.size().unwrap_or(0);
    let Some(int) = ty.int() else { return Some(float_of(size)) };
    Some(match (size, int.signed) {
        (1, _) if int.bool => "_Bool",
        (1, true) => "signed char",
        (1, false) => "unsigned char",
        (2, true) => "short",
        (2, false) => "unsigned short",
        (4, true) => "int",
        (4, false) => "unsigned int",
        (8, true) => "long long",
        (8, false) => "unsigned long long",
        (16, true) => "__int128",
        (16, false) => "unsigned __int128",
        _ => return None,
    })
}

/// A floating-point number of that size.
fn float_of(size: u32) -> &'static str {
    match size {
        2 => "_Float16",
        4 => "float",
        8 => "double",
        _ => "long double",
    }
}

/// Whether an arbitrary attribute (Linux 6.15) can be written between its parentheses without ending them.
pub(super) fn is_attribute(text: &[u8]) -> bool {
    let mut open = 0u32;
    for &b in text {
        match b {
            b'(' => open = open.saturating_add(1),
            b')' => match open.checked_sub(1) {
                Some(left) => open = left,
                None => return false,
            },
            _ if is_ident(b) || b" ,.-+".contains(&b) => {}
            _ => return false,
        }
    }
    open == 0 && !text.is_empty()
}

/// A string between quotes.
pub(super) fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &b in text {
        match b {
            b'"' | b'\\' => out.extend([b'\\', b]),
            // Three digits, so that what follows is not taken for more of them; `?` could be a trigraph.
            0..=0x1f | 0x7f.. | b'?' => out.extend(format!("\\{b:03o}").bytes()),
            _ => out.push(b),
        }
    }
    out.push(b'"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_c_takes_and_others() {
        for good in ["a", "_", "bool", "task_struct", "Int", "x1", "this_name_is_longer_than_keywords"] {
            assert!(is_plain(good.as_bytes()), "{good}");
        }
        for (bad, made) in [
            ("", "_"),
            ("1x", "_1x"),
            ("int", "int_"),
            ("a b", "a_b"),
            ("Option<&str>", "Option__str_"),
            ("größe", "gr____e"),
            ("__attribute__", "__attribute___"),
        ] {
            assert!(!is_plain(bad.as_bytes()), "{bad}");
            assert_eq!(String::from_utf8(made_plain(bad.as_bytes())).unwrap(), made);
        }
    }

    #[test]
    fn all_words_are_found() {
        assert!(KEYWORDS.is_sorted_by_key(|word| (word.len(), *word)));
        for word in KEYWORDS {
            assert!(!is_plain(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn names_at_the_start_of_strings() {
        let strs = b"a_name_of_more_than_16\0int\0no way\0end\0a_name_that_is_longer_than_32_bytes\0and no name that is as brief\0";
        let at = |start: usize| plain_at(&strs[start..]);
        assert_eq!([at(0), at(34)], [Some(&strs[..22]), Some(&b"end"[..])]);
        assert_eq!([at(38), at(strs.len() - 6)].map(|name| name.map(<[u8]>::len)), [Some(35), Some(5)]);
        assert_eq!([at(23), at(27), at(33), at(74), at(strs.len())], [None; 5]);
    }

    #[test]
    fn numbers() {
        assert!(is_base_type(b"long long unsigned int") && is_base_type(b"unsigned __int128"));
        assert!(!is_base_type(b"__ARRAY_SIZE_TYPE__") && !is_base_type(b"u32") && !is_base_type(b"int "));
    }

    #[test]
    fn tags_cannot_leave_their_place() {
        assert!(is_attribute(b"address_space(1)") && is_attribute(b"rcu"));
        for bad in [&b""[..], b"x)) int y; ((", b"a(", b"a\"", b"a\n"] {
            assert!(!is_attribute(bad));
        }
        assert_eq!(quoted(b"a\"\\\n?\xff"), b"\"a\\\"\\\\\\012\\077\\377\"");
    }
}
