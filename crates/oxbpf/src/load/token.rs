//! Tokens: privileges that a BPF file system hands to a container.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use oxbpf_sys::{Errno, Kernel, OpenHow, SysError};

use super::LoadOptions;
use crate::error::{Error, Result};
use crate::hint::Hint;

/// The file system that is tried unasked.
const DEFAULT: &str = "/sys/fs/bpf";
/// What libbpf takes a path from, and so do we.
const VARIABLE: &str = "LIBBPF_BPF_TOKEN_PATH";

/// Where a load gets the token from that stands in for privileges (6.9): a BPF file system that was mounted, for the user
/// namespace that this process is in, with the options `delegate_cmds`, `delegate_maps`, `delegate_progs`,
/// `delegate_attachs`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Token {
    /// From the file system that the environment's `LIBBPF_BPF_TOKEN_PATH` names, as [`At`](Self::At); no token if that is
    /// there and empty. If it is not there: from `/sys/fs/bpf`, once the kernel has refused something for want of
    /// privileges, and only if that delegates something; otherwise the refusal says why not
    /// ([`Hint::NoToken`](crate::Hint::NoToken)).
    #[default]
    Auto,
    /// From nowhere.
    Off,
    /// From the file system whose root this is: the load fails if there is no token to be had.
    #[doc(alias = "bpf_token_path")]
    At(PathBuf),
}

impl Token {
    /// What it means where the environment has this to say.
    fn resolve(&self, variable: Option<&OsStr>) -> Cow<'_, Self> {
        match (self, variable) {
            (Self::Auto, Some(path)) if path.is_empty() => Cow::Owned(Self::Off),
            (Self::Auto, Some(path)) => Cow::Owned(Self::At(path.into())),
            _ => Cow::Borrowed(self),
        }
    }
}

/// What is known of a token that nobody asked for.
#[derive(Debug, Clone)]
pub(super) enum Unasked {
    /// None is to be looked for, or it was found.
    Settled,
    /// There may be one.
    Open,
    /// There is none, for this reason.
    Missing(SysError),
}

/// The way to the kernel: as the options say, or with a token.
#[derive(Debug)]
pub(super) struct Access<'o> {
    options: Cow<'o, LoadOptions>,
    unasked: Unasked,
}

impl<'o> Access<'o> {
    /// Gets the token if one must be had.
    pub(super) fn new(options: &'o LoadOptions) -> Result<Self> {
        let variable = match options.token {
            Token::Auto => std::env::var_os(VARIABLE),
            _ => None,
        };
        let mut access = Self { options: Cow::Borrowed(options), unasked: Unasked::Settled };
        match &*options.token.resolve(variable.as_deref()) {
            // Who brings one needs no other.
            _ if options.kernel.token().is_some() => {}
            Token::Off => {}
            Token::Auto => access.unasked = Unasked::Open,
            Token::At(path) => {
                let kernel = with_token(&options.kernel, path)
                    .map_err(|source| Error::Token { path: path.clone(), source })?;
                access.options.to_mut().kernel = kernel;
            }
        }
        Ok(access)
    }

    /// Goes on where [`end`](Self::end) was.
    pub(super) fn resume(options: &'o LoadOptions, (kernel, unasked): (Kernel, Unasked)) -> Self {
        let mut access = Self { options: Cow::Borrowed(options), unasked };
        if kernel.token().is_some() {
            access.options.to_mut().kernel = kernel;
        }
        access
    }

    /// The kernel, with its token, and whether there may still be one to ask for.
    pub(super) fn end(self) -> (Kernel, Unasked) {
        (self.options.kernel.clone(), self.unasked)
    }

    /// The options, with the kernel to use.
    pub(super) fn options(&self) -> &LoadOptions {
        &self.options
    }

    /// Does `work`; once more, with a token, if it was refused for want of privileges and there is one.
    pub(super) fn with<T>(&mut self, mut work: impl FnMut(&LoadOptions) -> Result<T>) -> Result<T> {
        let mut refused = match work(&self.options) {
            Err(error) if error.errno() == Some(Errno::EPERM) => error,
            done => return done,
        };
        if let Unasked::Open = self.unasked {
            match with_token(&self.options.kernel, Path::new(DEFAULT)) {
                Ok(kernel) => {
                    tracing::debug!(path = DEFAULT, "privileges by a token");
                    self.unasked = Unasked::Settled;
                    self.options.to_mut().kernel = kernel;
                    return work(&self.options);
                }
                Err(error) => self.unasked = Unasked::Missing(error),
            }
        }
        if let (Unasked::Missing(source), Some(hint @ Hint::UserNamespace)) =
            (&self.unasked, refused.hint_mut())
        {
            *hint = Hint::NoToken { path: DEFAULT.into(), source: source.clone() };
        }
        Err(refused)
    }
}

fn with_token(kernel: &Kernel, bpffs: &Path) -> Result<Kernel, SysError> {
    let root = kernel.open(bpffs, OpenHow::Read)?;
    Ok(kernel.with_token(kernel.token_create(root.as_fd())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_speaks_where_the_options_do_not() {
        let path = |path: &str| Token::At(path.into());
        let resolve =
            |token: &Token, variable: Option<&str>| token.resolve(variable.map(OsStr::new)).into_owned();
        assert_eq!(resolve(&Token::Auto, None), Token::Auto);
        assert_eq!(resolve(&Token::Auto, Some("")), Token::Off);
        assert_eq!(resolve(&Token::Auto, Some("/bpf")), path("/bpf"));
        assert_eq!(resolve(&Token::Off, Some("/bpf")), Token::Off);
        assert_eq!(resolve(&path("/mine"), Some("/bpf")), path("/mine"));
    }
}
