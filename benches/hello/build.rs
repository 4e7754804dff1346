//! What unwinds the stack for a backtrace is linked into the program: a library of its own for it takes more memory than
//! all of it (docs/small-programs.md). With musl it is so anyway.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu") {
        println!("cargo::rustc-link-lib=static=gcc_eh");
    }
}
