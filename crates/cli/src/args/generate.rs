//! `oxbpf gen`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The arguments of `oxbpf gen`.
#[derive(Debug, Args)]
pub(crate) struct GenArgs {
    #[command(subcommand)]
    pub(crate) command: GenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GenCommand {
    /// Make of an object a program that loads it in the kernel
    #[command(after_help = LOADER_HELP)]
    Loader(LoaderArgs),

    /// Load an object by its loader
    #[command(after_help = LOAD_HELP)]
    Load(LoadArgs),
}

const LOADER_HELP: &str = "\
DIRECTORY gets loader.json, which describes the loader, loader.insns and loader.data; loader.p7s if it is signed.
docs/light.md tells how to run it without oxbpf.

Examples:
  oxbpf gen loader execsnoop.bpf.o -o execsnoop
  oxbpf gen loader execsnoop.bpf.o -o execsnoop --key key.pem --cert cert.pem
  oxbpf gen load execsnoop --pin /sys/fs/bpf/execsnoop";

const LOAD_HELP: &str = "\
Nothing is attached. What is pinned stays loaded, and is called as in the object, with _ for dots.

Examples:
  oxbpf gen load execsnoop
  oxbpf gen load execsnoop --pin /sys/fs/bpf/execsnoop --json";

/// The arguments of `oxbpf gen loader`.
#[derive(Debug, Args)]
pub(crate) struct LoaderArgs {
    /// The BPF object file
    #[arg(value_name = "OBJECT")]
    pub(crate) object: PathBuf,

    /// Where the loader is put: a directory, which is made
    #[arg(long, short = 'o', value_name = "DIRECTORY")]
    pub(crate) output: PathBuf,

    /// Take the values of __kconfig variables from FILE, a kernel configuration, before this kernel's
    #[arg(long, value_name = "FILE")]
    pub(crate) kconfig: Option<PathBuf>,

    /// Have the loader check the hash of its data (Linux 6.18); goes with a signature anyway
    #[arg(long)]
    pub(crate) check_hash: bool,

    /// Sign the loader with this RSA key (PEM, PKCS#8 or PKCS#1, not encrypted)
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Signing")]
    pub(crate) key: Option<PathBuf>,

    /// The certificate of the key (PEM), which the kernel has to know to check the signature
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Signing")]
    pub(crate) cert: Option<PathBuf>,
}

/// The arguments of `oxbpf gen load`.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// The directory that `oxbpf gen loader` has made
    #[arg(value_name = "DIRECTORY")]
    pub(crate) directory: PathBuf,

    /// Pin maps and programs in DIRECTORY of a BPF file system, all or none, by their names; without this they are
    /// loaded, told about, and gone
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) pin: Option<PathBuf>,

    /// The keyring that a signature is checked with: session, user, builtin, secondary, platform, or the serial number
    /// of one
    #[arg(long, value_name = "KEYRING", default_value = "session", value_parser = keyring)]
    pub(crate) keyring: i32,

    /// Print one JSON object
    #[arg(long, short = 'j')]
    pub(crate) json: bool,
}

/// The number that the kernel knows a keyring by.
fn keyring(text: &str) -> Result<i32, String> {
    match text {
        "builtin" => Ok(0),
        "secondary" => Ok(1),
        "platform" => Ok(2),
        "session" => Ok(-3),
        "user" => Ok(-4),
        number => number.parse().map_err(|_| "neither the name of a keyring nor a serial number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::keyring;

    #[test]
    fn keyrings_have_names_and_numbers() {
        assert_eq!((keyring("session"), keyring("builtin"), keyring("1234")), (Ok(-3), Ok(0), Ok(1234)));
        assert!(keyring("sesion").is_err());
    }
}
