//! Opens and loads an object: `load-object oxbpf|libbpf|nothing OBJECT`. The last only reads the file.

use std::ffi::CString;

use oxbpf::{LoadOptions, Object};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [who, path] = args.as_slice() else {
        return Err("usage: load-object oxbpf|libbpf|nothing OBJECT".into());
    };
    match who.as_str() {
        "oxbpf" => drop(Object::load(&oxbpf::open(path)?, &LoadOptions::default())?),
        "libbpf" => load(&CString::new(path.as_str())?)?,
        _ => drop(std::hint::black_box(std::fs::read(path)?)),
    }
    Ok(())
}

fn load(path: &CString) -> Result<(), Box<dyn std::error::Error>> {
    // SAFETY: the path ends in NUL, and null options are allowed.
    let object = unsafe { libbpf_sys::bpf_object__open_file(path.as_ptr(), std::ptr::null()) };
    if object.is_null() {
        return Err(std::io::Error::last_os_error().into());
    }
    // SAFETY: a live object, which nothing else uses.
    let error = unsafe { libbpf_sys::bpf_object__load(object) };
    // SAFETY: owned, and closed once.
    unsafe { libbpf_sys::bpf_object__close(object) };
    if error == 0 { Ok(()) } else { Err(std::io::Error::from_raw_os_error(-error).into()) }
}
