//! Files that are packed as a whole, as distributions pack kernel modules.

use std::borrow::Cow;
use std::io::Read;

use crate::Error;

/// What a file may come to unpacked: so much, and so many times its size. Modules come to about four times.
const MOST: u64 = 64 << 20;
const MOST_TIMES: u64 = 20;

/// Whether these first bytes are those of a packed file.
pub(crate) fn is_packed(start: &[u8]) -> bool {
    packed_by(start).is_some()
}

fn packed_by(start: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 3] = [
        (&[0x1f, 0x8b, 8], "gzip"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    ];
    MARKS.into_iter().find(|(mark, _)| start.starts_with(mark)).map(|(_, name)| name)
}

/// The file as it is, or what is in it.
///
/// # Errors
/// If it is packed by something else than gzip, is broken, or comes to far more than any module does.
pub(crate) fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let wrong = |what| Err(Error::NotElf { what });
    match packed_by(bytes) {
        None => return Ok(bytes.into()),
        Some("gzip") => {}
        Some("xz") => return wrong("packed by xz, which is not supported: unpack it first (`unxz -k FILE`)"),
        Some(_) => return wrong("packed by zstd, which is not supported: unpack it first (`unzstd FILE`)"),
    }
    let most = (bytes.len() as u64).saturating_mul(MOST_TIMES).saturating_add(MOST);
    let mut out = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes).take(most.saturating_add(1)).read_to_end(&mut out);
    match read {
        Err(_) => wrong("packed by gzip, and broken"),
        Ok(len) if len as u64 > most => wrong("packed by gzip, and far too large"),
        Ok(_) => Ok(out.into()),
    }
}
