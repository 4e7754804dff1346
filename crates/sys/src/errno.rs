//! Errors of system calls, by number and by name.

use std::fmt;

/// An error number of Linux, as a system call returned it (positive).
///
/// `Display` gives the name and what it means: `EPERM (Operation not permitted)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub i32);

impl Errno {
    /// The name in capitals, `EPERM` for 1; `None` for a number that Linux does not use.
    pub fn name(self) -> Option<&'static str> {
        entry(self).map(|(name, _)| name)
    }

    /// What the number means in general, in a few words; `None` for a number that Linux does not use.
    pub fn description(self) -> Option<&'static str> {
        entry(self).map(|(_, text)| text)
    }

    /// The number that a name stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        let place = texts().position(|(known, _)| known == name)?;
        NUMBERS.get(place).copied().map(Self)
    }

    /// The errno of the last failed libc call of this thread.
    pub(crate) fn last() -> Self {
        Self(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match entry(*self) {
            Some((name, text)) => write!(f, "{name} ({text})"),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl std::error::Error for Errno {}

impl From<rustix::io::Errno> for Errno {
    fn from(e: rustix::io::Errno) -> Self {
        Self(e.raw_os_error())
    }
}

impl From<Errno> for std::io::Error {
    fn from(e: Errno) -> Self {
        Self::from_raw_os_error(e.0)
    }
}

/// The name of a number, and what it means.
fn entry(e: Errno) -> Option<(&'static str, &'static str)> {
    texts().nth(NUMBERS.iter().position(|number| *number == e.0)?)
}

/// Names and what they mean, in the order of [`NUMBERS`].
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXTS.lines().filter_map(|line| line.split_once(' '))
}

macro_rules! errnos {
    ($( $name:ident $text:literal, )*) => {
        impl Errno {
            $( #[doc = concat!("`", stringify!($name), "`: \"", $text, "\".")] pub const $name: Self = Self(libc::$name); )*
        }
        /// The numbers come from libc, for they differ between architectures.
        static NUMBERS: &[i32] = &[ $( libc::$name, )* 524 ];
        /// One text, as a table of texts would be full of addresses, which take memory in every process.
        static TEXTS: &str = concat!(
            $( stringify!($name), " ", $text, "\n", )*
            "ENOTSUPP Operation not supported by the kernel object"
        );
    };
}

impl Errno {
    /// `ENOTSUPP`, 524: a number of the kernel's own that bpf(2) lets through now and then.
    pub const ENOTSUPP: Self = Self(524);
}

errnos! {
    EPERM "Operation not permitted",
    ENOENT "No such file or directory",
    ESRCH "No such process",
    EINTR "Interrupted system call",
    EIO "Input/output error",
    ENXIO "No such device or address",
    E2BIG "Argument list too long",
    ENOEXEC "Exec format error",
    EBADF "Bad file descriptor",
    ECHILD "No child processes",
    EAGAIN "Resource temporarily unavailable",
    ENOMEM "Cannot allocate memory",
    EACCES "Permission denied",
    EFAULT "Bad address",
    ENOTBLK "Block device required",
    EBUSY "Device or resource busy",
    EEXIST "File exists",
    EXDEV "Invalid cross-device link",
    ENODEV "No such device",
    ENOTDIR "Not a directory",
    EISDIR "Is a directory",
    EINVAL "Invalid argument",
    ENFILE "Too many open files in system",
    EMFILE "Too many open files",
    ENOTTY "Inappropriate ioctl for device",
    ETXTBSY "Text file busy",
    EFBIG "File too large",
    ENOSPC "No space left on device",
    ESPIPE "Illegal seek",
    EROFS "Read-only file system",
    EMLINK "Too many links",
    EPIPE "Broken pipe",
    EDOM "Numerical argument out of domain",
    ERANGE "Numerical result out of range",
    EDEADLK "Resource deadlock avoided",
    ENAMETOOLONG "File name too long",
    ENOLCK "No locks available",
    ENOSYS "Function not implemented",
    ENOTEMPTY "Directory not empty",
    ELOOP "Too many levels of symbolic links",
    ENOMSG "No message of desired type",
    EIDRM "Identifier removed",
    ECHRNG "Channel number out of range",
    EL2NSYNC "Level 2 not synchronized",
    EL3HLT "Level 3 halted",
    EL3RST "Level 3 reset",
    ELNRNG "Link number out of range",
    EUNATCH "Protocol driver not attached",
    ENOCSI "No CSI structure available",
    EL2HLT "Level 2 halted",
    EBADE "Invalid exchange",
    EBADR "Invalid request descriptor",
    EXFULL "Exchange full",
    ENOANO "No anode",
    EBADRQC "Invalid request code",
    EBADSLT "Invalid slot",
    EBFONT "Bad font file format",
    ENOSTR "Device not a stream",
    ENODATA "No data available",
    ETIME "Timer expired",
    ENOSR "Out of streams resources",
    ENONET "Machine is not on the network",
    ENOPKG "Package not installed",
    EREMOTE "Object is remote",
    ENOLINK "Link has been severed",
    EADV "Advertise error",
    ESRMNT "Srmount error (System V)",
    ECOMM "Communication error on send",
    EPROTO "Protocol error",
    EMULTIHOP "Multihop attempted",
    EDOTDOT "RFS specific error",
    EBADMSG "Bad message",
    EOVERFLOW "Value too large for defined data type",
    ENOTUNIQ "Name not unique on network",
    EBADFD "File descriptor in bad state",
    EREMCHG "Remote address changed",
    ELIBACC "Can not access a needed shared library",
    ELIBBAD "Accessing a corrupted shared library",
    ELIBSCN ".lib section in a.out corrupted",
    ELIBMAX "Attempting to link in too many shared libraries",
    ELIBEXEC "Cannot exec a shared library directly",
    EILSEQ "Invalid or incomplete multibyte or wide character",
    ERESTART "Interrupted system call should be restarted",
    ESTRPIPE "Streams pipe error",
    EUSERS "Too many users",
    ENOTSOCK "Socket operation on non-socket",
    EDESTADDRREQ "Destination address required",
    EMSGSIZE "Message too long",
    EPROTOTYPE "Protocol wrong type for socket",
    ENOPROTOOPT "Protocol not available",
    EPROTONOSUPPORT "Protocol not supported",
    ESOCKTNOSUPPORT "Socket type not supported",
    EOPNOTSUPP "Operation not supported",
    EPFNOSUPPORT "Protocol family not supported",
    EAFNOSUPPORT "Address family not supported by protocol",
    EADDRINUSE "Address already in use",
    EADDRNOTAVAIL "Cannot assign requested address",
    ENETDOWN "Network is down",
    ENETUNREACH "Network is unreachable",
    ENETRESET "Network dropped connection on reset",
    ECONNABORTED "Software caused connection abort",
    ECONNRESET "Connection reset by peer",
    ENOBUFS "No buffer space available",
    EISCONN "Transport endpoint is already connected",
    ENOTCONN "Transport endpoint is not connected",
    ESHUTDOWN "Cannot send after transport endpoint shutdown",
    ETOOMANYREFS "Too many references: cannot splice",
    ETIMEDOUT "Connection timed out",
    ECONNREFUSED "Connection refused",
    EHOSTDOWN "Host is down",
    EHOSTUNREACH "No route to host",
    EALREADY "Operation already in progress",
    EINPROGRESS "Operation now in progress",
    ESTALE "Stale file handle",
    EUCLEAN "Structure needs cleaning",
    ENOTNAM "Not a XENIX named type file",
    ENAVAIL "No XENIX semaphores available",
    EISNAM "Is a named type file",
    EREMOTEIO "Remote I/O error",
    EDQUOT "Disk quota exceeded",
    ENOMEDIUM "No medium found",
    EMEDIUMTYPE "Wrong medium type",
    ECANCELED "Operation canceled",
    ENOKEY "Required key not available",
    EKEYEXPIRED "Key has expired",
    EKEYREVOKED "Key has been revoked",
    EKEYREJECTED "Key was rejected by service",
    EOWNERDEAD "Owner died",
    ENOTRECOVERABLE "State not recoverable",
    ERFKILL "Operation not possible due to RF-kill",
    EHWPOISON "Memory page has hardware error",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        assert_eq!(texts().count(), NUMBERS.len());
        for (number, (name, text)) in NUMBERS.iter().zip(texts()) {
            assert_eq!(Errno::from_name(name), Some(Errno(*number)));
            assert_eq!((Errno(*number).name(), Errno(*number).description()), (Some(name), Some(text)));
        }
        assert_eq!((Errno(0).name(), Errno(5000).name(), Errno::from_name("EWHAT")), (None, None, None));
    }

    #[test]
    fn every_number_up_to_the_last_has_a_name() {
        // 41 and 58 stand for others (EWOULDBLOCK, EDEADLOCK) and are no numbers of their own.
        let missing: Vec<i32> = (1..=133).filter(|n| Errno(*n).name().is_none()).collect();
        if cfg!(target_arch = "x86_64") {
            assert_eq!(missing, [41, 58]);
        }
    }

    #[test]
    fn text() {
        assert_eq!(Errno::EPERM.to_string(), "EPERM (Operation not permitted)");
        assert_eq!(Errno::ENOTSUPP.to_string(), "ENOTSUPP (Operation not supported by the kernel object)");
        assert_eq!(Errno(4000).to_string(), "errno 4000");
        assert_eq!(format!("{:?} {:?}", Errno::EINVAL, Errno(4000)), "EINVAL Errno(4000)");
    }
}
