//! Running compilers.

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

use object::{Object, ObjectSection};
use oxbpf_btf::Endian;

/// What a test needs is not here, and why.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("oxbpf-dump-c-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Compiles; gives the object file, or what the compiler said.
fn compile(compiler: &str, args: &[&str], source: &str) -> Result<Result<Vec<u8>, String>, Missing> {
    let folder = Folder::new();
    let (from, to) = (folder.0.join("types.c"), folder.0.join("types.o"));
    fs::write(&from, source).unwrap();
    // Unnamed parameters, unknown attributes and enums that are only declared are no faults of the text.
    let output =
        Command::new(compiler).args(args).args(["-std=gnu11", "-w", "-c", "-o"]).arg(&to).arg(&from).output();
    let output = output.map_err(|e| Missing(format!("needs {compiler}: {e}")))?;
    if output.status.success() {
        return Ok(Ok(fs::read(&to).unwrap()));
    }
    let said: String = String::from_utf8_lossy(&output.stderr).chars().take(4000).collect();
    Ok(Err(format!("{compiler}: {said}")))
}

/// The BTF that clang makes of the source.
pub(crate) fn clang(source: &str, endian: Endian) -> Result<Result<Vec<u8>, String>, Missing> {
    let target = if endian == Endian::Big { "-target=bpfeb" } else { "-target=bpfel" };
    let target = target.replace("-target", "--target");
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang-19".to_owned());
    let object = match compile(&clang, &["-g", &target, "-fno-builtin"], source)? {
        Ok(object) => object,
        Err(said) => return Ok(Err(said)),
    };
    let elf = object::File::parse(&*object).unwrap();
    Ok(Ok(elf.section_by_name(".BTF").unwrap().data().unwrap().to_vec()))
}

/// Whether gcc takes the source.
pub(crate) fn gcc(source: &str) -> Result<Result<(), String>, Missing> {
    Ok(compile("gcc", &["-fno-builtin"], source)?.map(drop))
}
