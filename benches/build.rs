//! Tells where the C libbpf that libbpf-sys built stands, for the C program among the peers.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let include = env::var("DEP_BPF_INCLUDE").expect("libbpf-sys tells its include directory");
    let library = Path::new(&include).parent().expect("the include directory stands in the output directory");
    println!("cargo::rustc-env=LIBBPF_INCLUDE={include}");
    println!("cargo::rustc-env=LIBBPF_LIBRARY={}", library.join("libbpf.a").display());
}
