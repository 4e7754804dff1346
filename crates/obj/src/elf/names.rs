use std::ffi::CStr;

use crate::Error;
use crate::error::NameProblem;

/// Names longer than this are refused. A path of a uprobe's binary may be 4,096 bytes long.
pub(crate) const MAX_NAME: usize = 8192;

/// The string at an offset of a string table.
pub(super) fn at(strings: &[u8], offset: u32) -> Result<&str, NameProblem> {
    let rest = strings.get(offset as usize..).ok_or(NameProblem::OutOfRange { offset })?;
    // Bounded, or a table without a NUL would be searched to its end for every name.
    let window = rest.get(..MAX_NAME).unwrap_or(rest);
    let name = CStr::from_bytes_until_nul(window).map_err(|_| NameProblem::NotEnded { offset })?;
    name.to_str().map_err(|_| NameProblem::NotUtf8 { offset })
}

/// Bounds the copies of names: a file may let many symbols share one long string, and copies of that would
/// take far more memory than the file.
pub(crate) struct NameBudget {
    left: u64,
}

impl NameBudget {
    /// What a file of so many bytes justifies.
    pub(crate) fn of_file(len: u64) -> Self {
        Self { left: len.saturating_mul(4).saturating_add(64 * 1024) }
    }

    /// Copies a name.
    pub(crate) fn copy(&mut self, name: &str) -> Result<String, Error> {
        self.take(name.len())?;
        Ok(name.to_owned())
    }

    /// Allows for a copy of so many bytes.
    pub(crate) fn take(&mut self, len: usize) -> Result<(), Error> {
        self.left = self.left.checked_sub(len as u64).ok_or(Error::NamesTooLong)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_inside_the_table() {
        let table = b"\0abc\0\xff\0tail";
        assert_eq!(at(table, 0), Ok(""));
        assert_eq!(at(table, 1), Ok("abc"));
        assert_eq!(at(table, 3), Ok("c"));
        assert_eq!(at(table, 5), Err(NameProblem::NotUtf8 { offset: 5 }));
        assert_eq!(at(table, 7), Err(NameProblem::NotEnded { offset: 7 }));
        assert_eq!(at(table, 99), Err(NameProblem::OutOfRange { offset: 99 }));
        assert_eq!(at(&[b'a'; 10_000], 0), Err(NameProblem::NotEnded { offset: 0 }));
    }

    #[test]
    fn copies_are_bounded_by_the_file() {
        let mut budget = NameBudget::of_file(0);
        let name = "n".repeat(8000);
        for _ in 0..8 {
            budget.copy(&name).unwrap();
        }
        assert!(matches!(budget.copy(&name), Err(Error::NamesTooLong)));
    }
}
