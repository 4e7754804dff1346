//! The BPF objects of the kernel's own selftests, compiled once and kept in the user's cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::Outcome;

/// Debian's package of the sources.
const TARBALL: &str = "/usr/src/linux-source-6.1.tar.xz";
const TREE: &str = "linux-source-6.1";
/// What of it is needed.
const PARTS: &[&str] = &[
    "tools/testing/selftests/bpf",
    "tools/lib/bpf",
    "tools/include",
    "scripts/bpf_doc.py",
    "include/uapi/linux",
];

/// The objects that clang can make, and the names of the sources it cannot.
pub(crate) struct Selftests {
    pub(crate) objects: Vec<PathBuf>,
    pub(crate) failed: Vec<String>,
}

/// Compiles what is not compiled yet.
pub(crate) fn build() -> Outcome<Selftests> {
    let cache = cache()?;
    let tree = cache.join(TREE);
    if !tree.join(PARTS[0]).exists() {
        if !Path::new(TARBALL).exists() {
            return Err(format!("{TARBALL} is missing: apt-get install linux-source-6.1").into());
        }
        eprintln!("conformance: unpacking {TARBALL}");
        let mut tar = Command::new("tar");
        tar.arg("-xf").arg(TARBALL).arg("-C").arg(&cache);
        tar.args(PARTS.iter().map(|part| format!("{TREE}/{part}")));
        run(&mut tar, None)?;
    }
    let headers = headers(&cache, &tree)?;
    let objects = cache.join("objects");
    fs::create_dir_all(&objects)?;
    let sources = listed(&tree.join(PARTS[0]).join("progs"), "c")?;
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
            compile(source, &objects, &tree, &headers);
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    found()
}

/// What was compiled, now or before.
pub(crate) fn found() -> Outcome<Selftests> {
    let cache = cache()?;
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let failed = listed(&cache.join("objects"), "failed")?.iter().map(name).collect();
    Ok(Selftests { objects: listed(&cache.join("objects"), "o")?, failed })
}

fn cache() -> Outcome<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let dir = base.ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join("oxbpf/conformance");
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// The files of a folder with this extension, sorted.
pub(crate) fn listed(dir: &Path, extension: &str) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `vmlinux.h` and libbpf's headers, as the selftests of that kernel want them.
fn headers(cache: &Path, tree: &Path) -> Outcome<PathBuf> {
    let dir = cache.join("include");
    let bpf = dir.join("bpf");
    if dir.join("done").exists() {
        return Ok(dir);
    }
    fs::create_dir_all(&bpf)?;
    for name in ["bpf_helpers.h", "bpf_core_read.h", "bpf_tracing.h", "bpf_endian.h", "usdt.bpf.h"] {
        fs::copy(tree.join("tools/lib/bpf").join(name), bpf.join(name))?;
    }
    let mut doc = Command::new("python3");
    doc.arg(tree.join("scripts/bpf_doc.py")).arg("--header").arg("--file");
    doc.arg(tree.join("tools/include/uapi/linux/bpf.h"));
    run(&mut doc, Some(&bpf.join("bpf_helper_defs.h")))?;
    let mut dump = Command::new("bpftool");
    dump.args(["btf", "dump", "file"]).arg(kernel_types(cache)).args(["format", "c"]);
    run(&mut dump, Some(&dir.join("vmlinux.h")))?;
    fs::write(dir.join("done"), "")?;
    Ok(dir)
}

/// The types of the kernel that the sources are of, if `cargo xtask vm` has it; otherwise those of this one.
fn kernel_types(cache: &Path) -> PathBuf {
    let kernels = cache.with_file_name("kernels");
    let kernels = fs::read_dir(kernels).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = kernels
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("linux-image-6.1."))
        .map(|entry| entry.path().join("vmlinux"))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from("/sys/kernel/btf/vmlinux"))
}

fn compile(source: &Path, objects: &Path, tree: &Path, headers: &Path) {
    let stem = source.file_stem().unwrap_or_default();
    let object = objects.join(stem).with_extension("bpf.o");
    // A stem has no dots of its own here.
    let failed = objects.join(stem).with_extension("failed");
    if object.exists() || failed.exists() {
        return;
    }
    let mut clang = Command::new("clang-19");
    clang.args(["-g", "-O2", "-target", "bpf", "-mcpu=v3", "-mlittle-endian", "-D__TARGET_ARCH_x86", "-w"]);
    clang.args(["-DENABLE_ATOMICS_TESTS", "-std=gnu11", "-fno-strict-aliasing"]);
    clang.arg("-I").arg(headers);
    clang.arg("-I").arg(tree.join("tools/testing/selftests/bpf"));
    clang.arg("-I").arg(tree.join("tools/include/uapi"));
    clang.args(["-idirafter", "/usr/include/x86_64-linux-gnu", "-idirafter", "/usr/include"]);
    clang.arg("-c").arg(source).arg("-o").arg(&object).stdin(Stdio::null());
    match clang.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => drop(fs::write(&failed, output.stderr)),
        Err(error) => drop(fs::write(&failed, format!("clang-19: {error}"))),
    }
}

fn run(command: &mut Command, output: Option<&Path>) -> Outcome<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    if let Some(path) = output {
        command.stdout(fs::File::create(path)?);
    }
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("{program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}").into()) }
}
