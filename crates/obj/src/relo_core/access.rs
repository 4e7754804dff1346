//! Access strings: `0:1:2`, the path clang recorded from the root type to what is accessed.

use super::{describe::shortened, error::Problem};

/// Longest path taken, in components. Longer ones are refused, here and when a path grows in the target by
/// anonymous members.
pub(super) const MAX_DEPTH: usize = 64;

/// Longest access string: components of ten digits, with colons between them.
const MAX_TEXT: usize = MAX_DEPTH * 11;

/// Splits an access string into its indexes: the first indexes the root as if it were an array, the others a
/// member, an element or an enumerator.
pub(super) fn parse(text: &str) -> Result<Vec<u32>, Problem> {
    let bad = || Problem::BadAccessString { text: shortened(text) };
    if text.len() > MAX_TEXT {
        return Err(bad());
    }
    let mut indexes = Vec::new();
    for part in text.split(':') {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        if indexes.len() == MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        indexes.push(part.parse().map_err(|_| bad())?);
    }
    Ok(indexes)
}

/// An array index as the distance it stands for: clang writes `p[-1]` as 4294967295.
pub(super) fn distance(index: u32) -> i64 {
    i64::from(index.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_paths() {
        assert_eq!(parse("0").unwrap(), [0]);
        assert_eq!(parse("0:1:2").unwrap(), [0, 1, 2]);
        assert_eq!(parse("4294967295:0").unwrap(), [u32::MAX, 0]);
        assert_eq!(parse(&vec!["7"; MAX_DEPTH].join(":")).unwrap(), [7; MAX_DEPTH]);
        assert_eq!(distance(u32::MAX), -1);
        assert_eq!(distance(3), 3);
    }

    #[test]
    fn bad_paths() {
        for text in
            ["", ":", "0:", ":0", "0::1", "-1", "+1", "0 :1", " 0", "0:x", "0x1", "4294967296", "0,1", "٣"]
        {
            let Err(Problem::BadAccessString { text: named }) = parse(text) else { panic!("{text:?} taken") };
            assert_eq!(named, text);
        }
        assert!(matches!(parse(&"0".repeat(MAX_TEXT + 1)), Err(Problem::BadAccessString { .. })));
        assert!(matches!(parse(&vec!["0"; MAX_DEPTH + 1].join(":")), Err(Problem::TooDeep)));
    }
}
