//! Names of objects and of the maps that hold their data.

/// Characters of a name that the kernel keeps (`BPF_OBJ_NAME_LEN` less the NUL).
pub(crate) const MAX_KERNEL_NAME: usize = 15;

/// The name of an object: as much of it as the kernel keeps.
pub(crate) fn object(name: &str) -> String {
    truncated(name, MAX_KERNEL_NAME).to_owned()
}

/// The name of the map that holds a data section: of the object's name as much as fits before `.data`, `.bss`
/// or `.rodata` (7 characters are always left for that); custom sections keep their own.
pub(crate) fn data_map(object: &str, section: &str) -> String {
    let is_custom = section.get(1..).is_some_and(|rest| rest.contains('.'));
    if is_custom {
        return section.to_owned();
    }
    let suffix = section.len().max(7);
    let prefix = truncated(object, MAX_KERNEL_NAME.saturating_sub(suffix));
    kernel(&format!("{prefix}{section}"))
}

/// A name as the kernel takes it: letters, digits, `_` and `.`, 15 at most.
pub(crate) fn kernel(name: &str) -> String {
    name.bytes()
        .take(MAX_KERNEL_NAME)
        .map(|b| if b.is_ascii_alphanumeric() || b == b'_' || b == b'.' { char::from(b) } else { '_' })
        .collect()
}

fn truncated(name: &str, max: usize) -> &str {
    let end = (0..=max.min(name.len())).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
    name.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_maps_are_named_after_the_object() {
        assert_eq!(data_map("my_object_name", ".rodata"), "my_objec.rodata");
        assert_eq!(data_map("my_object_name", ".bss"), "my_objec.bss");
        assert_eq!(data_map("my_object_name", ".kconfig"), "my_obje.kconfig");
        assert_eq!(data_map("a-b", ".data"), "a_b.data");
        assert_eq!(data_map("", ".data"), ".data");
        assert_eq!(data_map("obj", ".rodata.abracadabra"), ".rodata.abracadabra");
        assert_eq!(kernel(".rodata.abracadabra"), ".rodata.abracad");
        assert_eq!(data_map("ähnlich", ".data"), "__hnlich.data");
    }

    #[test]
    fn objects_are_cut_between_characters() {
        assert_eq!(object("abcdefghijklmnop"), "abcdefghijklmno");
        assert_eq!(object("abcdefghijklmné"), "abcdefghijklmn");
    }
}
