//! Names without their flavor.
//!
//! `task_struct___old` and `task_struct` mean the same type to CO-RE: what follows the last `___` between two
//! characters that are not underscores is a *flavor*, there so that one C file can declare the type twice.

/// The longest name that CO-RE compares with another, and that has a flavor. Names of a kernel have half of that at most;
/// with what a hostile file calls its types, looking each of them through would take too long.
pub(super) const MAX_NAME: usize = 1024;

/// The part of `name` that CO-RE compares: all of it before the last flavor separator. Names of more than 1,024 bytes
/// have none.
#[doc(alias = "bpf_core_essential_name_len")]
pub fn essential_name(name: &str) -> &str {
    // The cut is before an ASCII character, so on a character boundary.
    name.get(..essential_len(name.as_bytes())).unwrap_or(name)
}

/// [`essential_name`] of a name whose encoding is not known.
pub(super) fn essential_bytes(name: &[u8]) -> &[u8] {
    name.get(..essential_len(name)).unwrap_or(name)
}

/// What a name is compared by: [`essential_name`], or nothing if it is too long, which is the same as no other.
pub(super) fn comparable(name: &str) -> Option<&str> {
    (name.len() <= MAX_NAME).then(|| essential_name(name))
}

/// Whether two names are the same but for their flavors.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    comparable(a).is_some_and(|a| comparable(b) == Some(a))
}

fn essential_len(name: &[u8]) -> usize {
    if name.len() > MAX_NAME {
        return name.len();
    }
    name.windows(5).rposition(is_separator).map_or(name.len(), |at| at.saturating_add(1))
}

/// `X___Y`, with X and Y anything but an underscore.
fn is_separator(window: &[u8]) -> bool {
    matches!(window, [x, b'_', b'_', b'_', y] if *x != b'_' && *y != b'_')
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAME, essential_name, same_name};

    #[test]
    fn long_names_are_left_alone() {
        let long = format!("{}___f", "a".repeat(MAX_NAME - 4));
        assert!(essential_name(&long).len() == MAX_NAME - 4 && same_name(&long, &long));
        let longer = format!("a{long}");
        assert!(essential_name(&longer) == longer && !same_name(&longer, &longer));
    }

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
