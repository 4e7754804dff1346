//! Why a program was not run.

use oxbpf_obj::ProgramType;
use oxbpf_sys::{Errno, SysError};

/// A program that could not be run by hand, and why.
///
/// `Display`: `cannot run program count (xdp) by hand: the packet has 3 bytes, and needs at least 14`.
#[derive(Debug, thiserror::Error)]
#[error("cannot run program {program} ({prog_type}) by hand: {reason}")]
#[non_exhaustive]
pub struct TestRunError {
    /// The program's name.
    pub program: String,
    /// Its type.
    pub prog_type: ProgramType,
    /// Why.
    #[source]
    pub reason: TestRunReason,
}

impl TestRunError {
    /// The kernel's error number, where it was the kernel that refused.
    pub fn errno(&self) -> Option<Errno> {
        match &self.reason {
            TestRunReason::Kernel(e) => Some(e.errno),
            _ => None,
        }
    }
}

/// The reason in a [`TestRunError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestRunReason {
    /// No kernel runs programs of this type by hand.
    #[error("the kernel runs no programs of this type by hand")]
    NotForType,
    /// Something was given that programs of this type do not take.
    #[error("programs of this type take no {what}")]
    NotTaken {
        /// What.
        what: &'static str,
    },
    /// The packet is too short.
    #[error("the packet has {got} bytes, and needs at least {least}")]
    ShortPacket {
        /// What it has.
        got: usize,
        /// What it needs: a header.
        least: usize,
    },
    /// Programs of this type need a context.
    #[error("programs of this type need a context: `TestRun::ctx`")]
    NoContext,
    /// The context is too long.
    #[error("the context has {got} bytes, of which programs of this type take at most {most}")]
    LongContext {
        /// What it has.
        got: usize,
        /// What it may have.
        most: usize,
    },
    /// The kernel refused.
    #[error(transparent)]
    Kernel(#[from] SysError),
}
