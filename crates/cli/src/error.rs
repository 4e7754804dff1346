//! What can go wrong, said in one line, and with which exit code.

use std::io;
use std::path::PathBuf;

use oxbpf_btf::TypeProblem;

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The library says what and why.
    #[error(transparent)]
    Library(#[from] oxbpf::Error),

    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },

    #[error("{}: {source}", path.display())]
    Btf { path: PathBuf, source: oxbpf_btf::Error },

    #[error("{}: {source}", path.display())]
    TypesOf { path: PathBuf, split: bool, source: oxbpf::obj::Error },

    #[error("BTF {id}: {source}")]
    BtfOfId { id: u32, source: oxbpf_btf::Error },

    #[error(transparent)]
    Types(oxbpf_btf::Error),

    #[error(transparent)]
    Object(oxbpf::obj::Error),

    #[error("{what} has no types")]
    NoTypes { what: String },

    #[error("no {what} `{name}` is loaded")]
    NotLoaded { what: &'static str, name: String },

    #[error("several {what}s are `{name}`: take one by its id, {}", ids.join(", "))]
    Several { what: &'static str, name: String, ids: Vec<String> },

    #[error("cannot sign with {}: {reason}", path.display())]
    Sign { path: PathBuf, reason: String },

    #[error("{reason}")]
    Usage { reason: String },

    #[error("the object does not fit the types of {failed} of {of}")]
    Unresolved { failed: usize, of: usize },

    #[error("cannot write {}: {source}", path.display())]
    Create { path: PathBuf, source: io::Error },

    #[error("the object has no {kind} `{name}`{}", Have(.have))]
    NoSuch { kind: &'static str, name: String, have: Vec<String> },

    #[error("cannot set `{name}`: {reason}")]
    Set { name: String, reason: String },

    #[error("program `{program}` (section `{section}`) needs {what}: {option}")]
    NoTarget { program: String, section: String, what: &'static str, option: &'static str },

    #[error("the object has no program to attach")]
    NothingToAttach,

    #[error("cannot run `{program}`: {source}")]
    Command { program: String, source: io::Error },

    #[error("cannot print: {0}")]
    Print(io::Error),

    #[error("{what}: {source}")]
    System { what: &'static str, source: io::Error },
}

impl Error {
    /// 2 for what another command line would mend, 1 for the rest.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoSuch { .. } | Self::Set { .. } | Self::NoTarget { .. } | Self::Usage { .. } => 2,
            _ => 1,
        }
    }

    /// What to do about it, where the line itself does not say it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Library(oxbpf::Error::Rejected(_)) => {
                Some("--verbose shows the verifier's whole log".to_owned())
            }
            Self::TypesOf { split: false, source: oxbpf::obj::Error::Btf { source, .. }, .. }
                if refers_to_others(source) =>
            {
                Some("types that continue others, such as a module's, need these: --base-btf".to_owned())
            }
            Self::Command { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("is it installed, and in PATH?".to_owned())
            }
            _ => None,
        }
    }

    /// Whether it is only that nobody reads what is printed any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Whether what is wrong may be that the types stand on others, which are not there.
fn refers_to_others(error: &oxbpf_btf::Error) -> bool {
    match error {
        oxbpf_btf::Error::Type(error) => {
            matches!(error.problem, TypeProblem::TypeReference { .. } | TypeProblem::NameOffset { .. })
        }
        oxbpf_btf::Error::Strings { .. } => true,
        _ => false,
    }
}

/// What there is instead of what was asked for.
struct Have<'a>(&'a [String]);

impl std::fmt::Display for Have<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [] => f.write_str(": it has none"),
            names => write!(f, "; it has {}", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_what_is_there() {
        let error = |have: &[&str]| Error::NoSuch {
            kind: "map",
            name: "evnts".into(),
            have: have.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            error(&["events", "hist"]).to_string(),
            "the object has no map `evnts`; it has events, hist"
        );
        assert_eq!(error(&[]).to_string(), "the object has no map `evnts`: it has none");
        assert_eq!(error(&[]).exit_code(), 2);
    }

    #[test]
    fn only_a_broken_pipe_is_quiet() {
        assert!(Error::Print(io::ErrorKind::BrokenPipe.into()).is_broken_pipe());
        assert!(!Error::Print(io::ErrorKind::StorageFull.into()).is_broken_pipe());
    }
}
