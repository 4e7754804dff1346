//! The descriptors of this process.

use std::collections::BTreeMap;
use std::io;

/// Those that are open, by number, with what they are of.
pub(crate) fn open() -> io::Result<BTreeMap<u32, String>> {
    let mut open = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let target = std::fs::read_link(entry.path());
        let number = entry.file_name().to_str().and_then(|n| n.parse().ok());
        if let (Some(number), Ok(target)) = (number, target) {
            let target = target.display().to_string();
            // The directory being read.
            if !target.ends_with("/fd") {
                open.insert(number, target);
            }
        }
    }
    Ok(open)
}
