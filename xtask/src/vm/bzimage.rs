//! The kernel proper, cut out of a bzImage: QEMU boots the bare ELF image sooner, as nothing needs to be
//! decompressed by an emulated CPU.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Offsets in the boot protocol's header.
const SETUP_SECTS: usize = 0x1f1;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;

/// The uncompressed kernel; nothing if it is compressed in a way that is not known here.
pub(super) fn vmlinux(bzimage: &[u8]) -> Option<Vec<u8>> {
    let setup_sectors = usize::from(*bzimage.get(SETUP_SECTS)?);
    let start = (setup_sectors + 1) * 512 + word(bzimage, PAYLOAD_OFFSET)?;
    let payload = bzimage.get(start..start.checked_add(word(bzimage, PAYLOAD_LENGTH)?)?)?;
    let program = match payload {
        [0xfd, b'7', b'z', ..] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [0x1f, 0x8b, ..] => "gzip",
        _ => return None,
    };
    // The uncompressed size follows the payload, which the programs call garbage.
    let vmlinux = decompress(program, payload)?;
    vmlinux.starts_with(b"\x7fELF").then_some(vmlinux)
}

/// What the program makes of the bytes, whatever it thinks of the end of them.
pub(super) fn decompress(program: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new(program)
        .args(["-dcq"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes));
        Some(child.wait_with_output().ok()?.stdout)
    })
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(word)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_bzimage_is_refused() {
        assert!(vmlinux(b"").is_none());
        assert!(vmlinux(&[0; 4096]).is_none());
        assert!(vmlinux(&[0xff; 4096]).is_none());
    }
}
