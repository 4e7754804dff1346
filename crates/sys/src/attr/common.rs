//! What all commands have in common: a log, beside the command's own attribute.

use std::ptr;

use super::Attr;
use crate::uapi::{COMMON_ATTRS, CommonAttr};

/// The name of the log's memory.
const LOG: &str = "common_log_buf";

impl<'a> Attr<'a> {
    /// Asks for a log of what is wrong. Kernels before 7.2 refuse a call that does (`EINVAL`).
    pub(crate) fn log_into(&mut self, level: u32, buf: &'a mut [u8]) {
        self.common = Some(CommonAttr {
            log_buf: if buf.is_empty() { 0 } else { buf.as_mut_ptr() as u64 },
            log_size: buf.len() as u32,
            log_level: level,
            ..Default::default()
        });
        self.lend(LOG, buf);
    }

    /// Whether it comes with what all commands have in common, as kernels take since Linux 7.2. The memory of the
    /// log is lent as `"common_log_buf"`.
    pub fn has_common(&self) -> bool {
        self.common.is_some()
    }

    /// What all commands have in common; zeros if it comes without.
    pub fn common(&self) -> CommonAttr {
        self.common.unwrap_or_default()
    }

    /// Answers in the kernel's stead: writes `text` into the log, with a NUL at its end, and how long it is in full.
    /// As with [`answer`](Self::answer), no kernel gets the attribute afterwards.
    pub fn answer_log(&mut self, text: &str) {
        if let Some((last, log)) = self.bytes_mut(LOG).and_then(<[u8]>::split_last_mut) {
            let n = text.len().min(log.len());
            log[..n].copy_from_slice(&text.as_bytes()[..n]);
            log.get_mut(n).unwrap_or(last).clone_from(&0);
        }
        if let Some(common) = &mut self.common {
            self.answered = true;
            common.log_true_size = text.len() as u32 + 1;
        }
    }

    /// The command with its flag, and the last two arguments of the call.
    pub(super) fn common_args(&mut self) -> (u32, *mut CommonAttr, usize) {
        match &mut self.common {
            None => (self.cmd.0, ptr::null_mut(), 0),
            Some(common) => (self.cmd.0 | COMMON_ATTRS, ptr::from_mut(common), size_of::<CommonAttr>()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uapi::{Cmd, MapCreateAttr};

    #[test]
    fn the_flag_comes_with_the_log() {
        let mut plain = Attr::new(Cmd::MAP_CREATE, &MapCreateAttr::default());
        assert_eq!(plain.common_args(), (0, ptr::null_mut(), 0));
        let mut buf = [0; 8];
        let mut logged = Attr::new(Cmd::MAP_CREATE, &MapCreateAttr::default());
        logged.log_into(1, &mut buf);
        let (cmd, common, size) = logged.common_args();
        assert_eq!((cmd, common.is_null(), size), (1 << 16, false, 24));
        assert_eq!((logged.common().log_size, logged.common().log_level), (8, 1));
        assert_eq!(logged.as_bytes().len(), 0, "the command's own attribute is as long as without");
        logged.answer_log("too long for it");
        assert_eq!(logged.common().log_true_size, 16);
        assert_eq!(&buf, b"too lon\0");
    }
}
