//! Names without their flavor.
//!
//! `task_struct___old` and `task_struct` mean the same type to CO-RE: what follows the last `___` between two
//! characters that are not underscores is a *flavor*, there so that one C file can declare the type twice.

/// The part of `name` that CO-RE compares: all of it before the last flavor separator.
#[doc(alias = "bpf_core_essential_name_len")]
pub fn essential_name(name: &str) -> &str {
    // The cut is before an ASCII character, so on a character boundary.
    name.get(..essential_len(name.as_bytes())).unwrap_or(name)
}

/// [`essential_name`] of a name whose encoding is not known.
pub(super) fn essential_bytes(name: &[u8]) -> &[u8] {
    name.get(..essential_len(name)).unwrap_or(name)
}

fn essential_len(name: &[u8]) -> usize {
    name.windows(5).rposition(is_separator).map_or(name.len(), |at| at.saturating_add(1))
}

/// `X___Y`, with X and Y anything but an underscore.
fn is_separator(window: &[u8]) -> bool {
    matches!(window, [x, b'_', b'_', b'_', y] if *x != b'_' && *y != b'_')
}

#[cfg(test)]
mod tests {
    use super::essential_name;

    #[test]
    fn the_last_separator_counts() {
        for (name, essential) in [
            ("", ""),
            ("a", "a"),
            ("foo", "foo"),
            ("foo___", "foo___"),
            ("___foo", "___foo"),
            ("a___b", "a"),
            ("foo___bar", "foo"),
            ("foo___bar___baz", "foo___bar"),
            ("foo____bar", "foo____bar"),
            ("foo__bar", "foo__bar"),
            ("foo___bar___", "foo"),
            ("foo___bar____baz", "foo"),
            ("____a___b", "____a"),
            ("é___b", "é"),
            ("a___é", "a"),
        ] {
            assert_eq!(essential_name(name), essential, "{name}");
        }
    }
}
