//! BTF that compilers and other tools have made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this is a folder of the repository")
}

/// Where the inputs that are made in a run are kept.
pub(crate) fn made() -> Outcome<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/inputs");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The running kernel's.
pub(crate) fn vmlinux() -> Outcome<Vec<u8>> {
    Ok(fs::read("/sys/kernel/btf/vmlinux")?)
}

/// The objects of `testdata/` that have BTF.
pub(crate) fn objects() -> Outcome<Vec<PathBuf>> {
    let mut found = all_objects()?;
    found.retain(|path| !["tests/no_btf.bpf.o", "tests/aya.bpf.o"].iter().any(|name| path.ends_with(name)));
    Ok(found)
}

/// The objects of `testdata/`.
pub(crate) fn all_objects() -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("testdata")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(".bpf.o") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A C program of several units with much from the system's headers.
const PROGRAM: [(&str, &str); 3] = [
    (
        "one",
        "#include <stdio.h>\n#include <stdlib.h>\n#include <pthread.h>\n#include <sys/socket.h>\n\
         #include <netinet/in.h>\n#include <netinet/tcp.h>\n#include <sys/stat.h>\n\
         struct hidden; struct node { struct node *next; struct hidden *h; int bits:3, more:5; };\n\
         struct node *first; pthread_mutex_t lock; struct tcp_info tcp; struct stat st; FILE *file;\n\
         int walk(struct node *n, const char *const *names) { return n && n->next ? n->bits : !names; }\n",
    ),
    (
        "two",
        "#include <elf.h>\n#include <poll.h>\n#include <signal.h>\n#include <netdb.h>\n\
         #include <sys/resource.h>\n#include <sys/stat.h>\n\
         struct node; struct hidden { struct node *back; union { double d; long l[4]; } u; enum { A, B } e; };\n\
         struct hidden here; siginfo_t info; struct addrinfo *addr; Elf64_Ehdr elf; struct stat st2;\n\
         long look(struct hidden *h, void (*call)(siginfo_t *, volatile int)) { return h->u.l[1] + !!call; }\n",
    ),
    (
        "three",
        "#include <linux/bpf.h>\n#include <linux/perf_event.h>\n#include <linux/if_link.h>\n\
         #include <linux/netlink.h>\n\
         struct hidden; struct node { struct node *next; struct hidden *h; int bits:3, more:5; };\n\
         union bpf_attr attr; struct perf_event_attr pe; enum bpf_prog_type type; struct nlmsghdr nl;\n\
         extern struct node *first; int main(void) { return first && attr.map_type == 1; }\n",
    ),
];

fn run(program: &str, args: &[&str]) -> Outcome<()> {
    let output = Command::new(program).args(args).output().map_err(|e| format!("{program}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr)).into())
}

fn sources() -> Outcome<Vec<(PathBuf, PathBuf)>> {
    let folder = made()?;
    PROGRAM
        .iter()
        .map(|(name, text)| {
            let source = folder.join(format!("{name}.c"));
            fs::write(&source, text)?;
            Ok((source, folder.join(name)))
        })
        .collect()
}

/// The C program with DWARF, made BTF by pahole: a file for each unit, and one for the whole.
pub(crate) fn pahole() -> Outcome<Vec<PathBuf>> {
    let mut made_files = Vec::new();
    for (source, stem) in sources()? {
        let object = stem.with_extension("gcc.o");
        run("gcc", &["-g", "-O1", "-c", &source.to_string_lossy(), "-o", &object.to_string_lossy()])?;
        made_files.push(object);
    }
    let whole = made()?.join("whole.gcc.o");
    let mut args = vec!["-r".into(), "-o".into(), whole.to_string_lossy().into_owned()];
    args.extend(made_files.iter().map(|path| path.to_string_lossy().into_owned()));
    run("ld", &args.iter().map(String::as_str).collect::<Vec<_>>())?;
    made_files.push(whole);
    for path in &made_files {
        run("pahole", &["-J", &path.to_string_lossy()])?;
    }
    Ok(made_files)
}

/// The C program's units as clang describes them for BPF.
pub(crate) fn clang() -> Outcome<Vec<PathBuf>> {
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang-19".to_owned());
    // glibc has no headers for BPF; those of the host do.
    let host = format!("-D__{}__", std::env::consts::ARCH);
    let include = format!("/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    sources()?
        .into_iter()
        .map(|(source, stem)| {
            let object = stem.with_extension("clang.o");
            let (source, to) = (source.to_string_lossy(), object.to_string_lossy());
            run(
                &clang,
                &["-target", "bpf", "-g", "-O1", "-w", &host, "-I", &include, "-c", &source, "-o", &to],
            )?;
            Ok(object)
        })
        .collect()
}
