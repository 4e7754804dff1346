//! Names as the kernel takes them.

/// Bytes of a name in the kernel, without the NUL at its end.
const LEN: usize = 15;

/// `name` cut to what the kernel keeps, with `_` for characters that it refuses.
pub(super) fn for_kernel(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    name.chars().map(|c| if allowed(c) { c } else { '_' }).take(LEN).collect()
}

#[cfg(test)]
mod tests {
    use super::for_kernel;

    #[test]
    fn names_fit_the_kernel() {
        assert_eq!(for_kernel("handle_exec"), "handle_exec");
        assert_eq!(for_kernel("a_name_of_more_than_15"), "a_name_of_more_");
        assert_eq!(for_kernel("execsnoo.rodata"), "execsnoo.rodata");
        assert_eq!(for_kernel("naïve-$1"), "na_ve__1");
        assert_eq!(for_kernel(""), "");
    }
}
