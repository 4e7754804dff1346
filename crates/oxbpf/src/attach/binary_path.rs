//! From the name of a program or library to its file, as a shell and the dynamic linker look for them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where binaries are looked for.
#[derive(Debug, Default)]
pub(crate) struct Search {
    programs: Vec<PathBuf>,
    libraries: Vec<PathBuf>,
}

impl Search {
    /// This machine's: `PATH`, `LD_LIBRARY_PATH`, the dynamic linker's configuration, the usual directories.
    pub(crate) fn host() -> Search {
        let mut programs = split_paths(env::var_os("PATH").as_deref());
        programs.extend(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from));
        let mut libraries = split_paths(env::var_os("LD_LIBRARY_PATH").as_deref());
        linker_config(Path::new("/etc/ld.so.conf"), &mut libraries, 0);
        if let Ok(musl) = fs::read_to_string(format!("/etc/ld-musl-{}.path", env::consts::ARCH)) {
            libraries.extend(musl.split([':', '\n']).filter(|d| !d.is_empty()).map(PathBuf::from));
        }
        for base in ["/lib", "/usr/lib"] {
            libraries.push(Path::new(base).join(multiarch()));
        }
        libraries.extend(["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"].map(PathBuf::from));
        Search { programs, libraries }
    }

    /// The file that `name` means. A name with a slash is that file. `libc.so.6` is looked for among the
    /// libraries, `bash` among the programs; `libc` finds the newest `libc.so.N`.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(PathBuf::from(name));
        }
        if name.is_empty() {
            return None;
        }
        if name.ends_with(".so") || name.contains(".so.") {
            return first_elf(&self.libraries, name).or_else(|| self.versioned(name));
        }
        first_elf(&self.programs, name).or_else(|| {
            let library = format!("{name}.so");
            first_elf(&self.libraries, &library).or_else(|| self.versioned(&library))
        })
    }

    /// The newest `LIBRARY.N` of the first directory that has one.
    fn versioned(&self, library: &str) -> Option<PathBuf> {
        self.libraries.iter().find_map(|dir| {
            let mut found: Vec<(Vec<u64>, PathBuf)> = fs::read_dir(dir)
                .ok()?
                .filter_map(|entry| {
                    let name = entry.ok()?.file_name().into_string().ok()?;
                    let version = name.strip_prefix(library)?.strip_prefix('.')?;
                    let version: Option<Vec<u64>> =
                        version.split('.').map(|part| part.parse().ok()).collect();
                    Some((version?, dir.join(name)))
                })
                .collect();
            found.sort();
            found.into_iter().rev().map(|(_, path)| path).find(|path| is_elf(path))
        })
    }
}

fn split_paths(list: Option<&OsStr>) -> Vec<PathBuf> {
    // An empty entry means the current directory to a shell; a probe wants none by accident.
    let list = list.map(env::split_paths);
    list.into_iter().flatten().filter(|p| !p.as_os_str().is_empty()).collect()
}

fn first_elf(dirs: &[PathBuf], name: &str) -> Option<PathBuf> {
    dirs.iter().map(|dir| dir.join(name)).find(|path| is_elf(path))
}

/// `/usr/lib/x86_64-linux-gnu/libc.so` is a text for the linker; what a probe wants begins with `\x7fELF`.
fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    // Opening a FIFO would wait for its writer.
    path.metadata().is_ok_and(|m| m.is_file())
        && fs::File::open(path).and_then(|mut f| f.read_exact(&mut magic)).is_ok()
        && magic == *b"\x7fELF"
}

/// Directories of `/etc/ld.so.conf` and of what it includes.
fn linker_config(path: &Path, dirs: &mut Vec<PathBuf>, depth: u32) {
    let Ok(text) = fs::read_to_string(path) else { return };
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(pattern) = line.strip_prefix("include").filter(|p| p.starts_with([' ', '\t'])) {
            // An include that includes itself ends here.
            if depth < 4 {
                for file in included(path, Path::new(pattern.trim())) {
                    linker_config(&file, dirs, depth + 1);
                }
            }
        } else if line.starts_with('/') {
            dirs.push(PathBuf::from(line));
        }
    }
}

/// Files of an `include DIR/*.conf` line, sorted. Only this form of pattern is in use.
fn included(from: &Path, pattern: &Path) -> Vec<PathBuf> {
    let pattern = from.parent().unwrap_or(Path::new("/")).join(pattern);
    let (Some(dir), Some(name)) = (pattern.parent(), pattern.file_name().and_then(OsStr::to_str)) else {
        return Vec::new();
    };
    let Some((before, after)) = name.split_once('*') else { return vec![pattern] };
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|n| n.len() >= name.len() - 1 && n.starts_with(before) && n.ends_with(after))
        .map(|n| dir.join(n))
        .collect();
    files.sort();
    files
}

/// The name of Debian's directory for this architecture.
fn multiarch() -> &'static str {
    let little = cfg!(target_endian = "little");
    match env::consts::ARCH {
        "x86_64" => "x86_64-linux-gnu",
        "x86" => "i386-linux-gnu",
        "aarch64" => "aarch64-linux-gnu",
        "arm" => "arm-linux-gnueabihf",
        "riscv64" => "riscv64-linux-gnu",
        "s390x" => "s390x-linux-gnu",
        "loongarch64" => "loongarch64-linux-gnu",
        "powerpc64" if little => "powerpc64le-linux-gnu",
        "mips64" if little => "mips64el-linux-gnuabi64",
        "sparc64" => "sparc64-linux-gnu",
        // Names no directory.
        _ => "unknown-linux-gnu",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Dir(PathBuf);
    impl Dir {
        fn new(name: &str) -> Dir {
            let dir = env::temp_dir().join(format!("oxbpf-path-{name}-{}", std::process::id()));
            fs::create_dir_all(&dir).unwrap();
            Dir(dir)
        }
        fn file(&self, name: &str, text: &[u8]) -> PathBuf {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }
    }
    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn names_find_what_they_mean() {
        let d = Dir::new("names");
        let tool = d.file("bin/tool", b"\x7fELF program");
        d.file("bin/script", b"#!/bin/sh\n");
        d.file("lib/libx.so", b"/* GNU ld script */ GROUP ( libx.so.6 )");
        d.file("lib/libx.so.2", b"\x7fELF old");
        let x10 = d.file("lib/libx.so.10", b"\x7fELF new");
        d.file("lib/libx.so.rc1", b"\x7fELF not a version");
        symlink(&x10, d.0.join("lib/liby.so")).unwrap();
        let s =
            Search { programs: vec![d.0.join("bin")], libraries: vec![d.0.join("none"), d.0.join("lib")] };

        assert_eq!(s.find("tool"), Some(tool));
        assert_eq!(s.find("script"), None, "a script has no functions to probe");
        assert_eq!(s.find("libx.so.2"), Some(d.0.join("lib/libx.so.2")));
        assert_eq!(s.find("libx"), Some(x10.clone()), "the newest version, by number");
        assert_eq!(s.find("libx.so"), Some(x10), "not the linker script");
        assert_eq!(s.find("liby"), Some(d.0.join("lib/liby.so")));
        assert_eq!(s.find("libz.so.1"), None);
        assert_eq!(s.find(""), None);
        assert_eq!(s.find("./any/where"), Some(PathBuf::from("./any/where")));
    }

    #[test]
    fn the_linkers_configuration_is_followed() {
        let d = Dir::new("conf");
        let conf = d.file("ld.so.conf", b"include conf.d/*.conf\n# /comment\n/opt/a\n");
        d.file("conf.d/b.conf", b"/opt/b # why\n");
        d.file("conf.d/a.conf", b"include ../ld.so.conf\n");
        d.file("conf.d/c.txt", b"/opt/c\n");
        let mut dirs = Vec::new();
        linker_config(&conf, &mut dirs, 0);
        assert_eq!(dirs.last().unwrap(), Path::new("/opt/a"));
        assert!(dirs.contains(&PathBuf::from("/opt/b")));
        assert!(!dirs.contains(&PathBuf::from("/opt/c")));
    }

    #[test]
    fn the_hosts_own_libc_is_found() {
        if cfg!(target_env = "gnu") {
            assert!(Search::host().find("libc").unwrap().to_str().unwrap().ends_with("/libc.so.6"));
        }
    }
}
