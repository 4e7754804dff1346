//! Running clang.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::sources::Source;

/// The major version of clang whose output is committed: other versions give other code.
const CLANG: &str = "19";

/// How every source is compiled. Its own options follow and win.
pub(super) const OPTIONS: &[&str] = &[
    "-g",
    "-O2",
    "-target",
    "bpfel",
    // Kernel 5.1 and later; what newer clangs take by default.
    "-mcpu=v3",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",
    // Only our own headers: those of the machine differ from one to the next.
    "-nostdinc",
    "-Iinclude",
];

/// clang and llvm-strip of the right version.
#[derive(Debug)]
pub(super) struct Compiler {
    clang: String,
    strip: String,
}

impl Compiler {
    /// Looks for clang in `$CLANG`, then by the names that distributions give it.
    pub(super) fn find() -> Result<Compiler> {
        let named = env::var("CLANG").ok();
        let clang = named
            .into_iter()
            .chain([format!("clang-{CLANG}"), "clang".into()])
            .find(|clang| is_right_clang(clang))
            .with_context(|| {
                format!("clang {CLANG} is missing: apt-get install clang-{CLANG} llvm-{CLANG}")
            })?;
        let strip = [format!("llvm-strip-{CLANG}"), "llvm-strip".into()]
            .into_iter()
            .find(|strip| Command::new(strip).arg("--version").output().is_ok())
            .with_context(|| format!("llvm-strip is missing: apt-get install llvm-{CLANG}"))?;
        Ok(Compiler { clang, strip })
    }

    /// Makes the source's object. True if it differs from the one that was there.
    pub(super) fn compile(&self, root: &Path, source: &Source) -> Result<bool> {
        let object = root.join(source.object());
        if let Some(dir) = object.parent() {
            fs::create_dir_all(dir)?;
        }
        let before = fs::read(&object).ok();
        let mut clang = Command::new(&self.clang);
        // Where the repository lies is nobody's business: BTF's line info would tell.
        clang.arg(format!("-ffile-prefix-map={}=.", root.display()));
        clang.args(OPTIONS).args(&source.options);
        clang.args(["-c", &source.path(), "-o", &source.object()]).current_dir(root);
        run(clang)?;
        let mut strip = Command::new(&self.strip);
        strip.args(["-g", &source.object()]).current_dir(root);
        run(strip)?;
        Ok(before != Some(fs::read(&object)?))
    }
}

fn is_right_clang(clang: &str) -> bool {
    let Ok(output) = Command::new(clang).arg("-dumpversion").output() else { return false };
    String::from_utf8_lossy(&output.stdout).split('.').next() == Some(CLANG)
}

fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}
