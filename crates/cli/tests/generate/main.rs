//! `oxbpf gen`, as people use it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use oxbpf_testing::{Need, Skip, Suite, TestResult, mounts, testdata};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    let needs = [Need::Bpf, Need::NetAdmin, Need::Kernel(5, 14)];
    let openssl = Need::That("needs openssl", || Command::new("openssl").arg("version").output().is_ok());
    suite.test("loader::files", &[], files);
    suite.test("loader::refused", &[], refused);
    suite.test("loader::signed", &[openssl], signed);
    suite.test("load::told", &needs, told);
    suite.test("load::pinned", &needs, pinned);
    suite.test("load::other_format", &[], other_format);
    suite.run()
}

/// A directory that goes with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("oxbpf-gen-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn at(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command prints, on both outputs, and its exit code.
fn run(program: &str, args: &[&str]) -> io::Result<(i32, String, String)> {
    let output = Command::new(program).args(args).env("NO_COLOR", "1").stdin(Stdio::null()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
}

fn generate(args: &[&str]) -> io::Result<(i32, String, String)> {
    run(env!("CARGO_BIN_EXE_oxbpf"), &[&["gen"], args].concat())
}

fn object(name: &str) -> String {
    testdata(name).display().to_string()
}

fn files() -> TestResult {
    let dir = Dir::new("files")?;
    let out = dir.at("loader");
    let done = generate(&["loader", &object("big_endian/globals.bpf.o"), "-o", &out])?;
    assert_eq!(done, (0, String::new(), String::new()));
    let read = |name: &str| std::fs::read(Path::new(&out).join(name));
    let description: serde_json::Value = serde_json::from_slice(&read("loader.json")?)?;
    assert_eq!((&description["name"], &description["big_endian"]), (&"globals".into(), &true.into()));
    assert_eq!(read("loader.insns")?.len() % 8, 0);
    let types = &description["types"];
    let start = usize::try_from(types["start"].as_u64().ok_or("no number")?)?;
    assert_eq!(read("loader.data")?[start..start + 2], [0xeb, 0x9f], "BTF begins so, in that byte order");
    assert!(read("loader.p7s").is_err());
    Ok(())
}

fn refused() -> TestResult {
    let dir = Dir::new("refused")?;
    let out = dir.at("loader");
    let (code, _, error) = generate(&["loader", &object("tests/struct_ops.bpf.o"), "-o", &out])?;
    assert_eq!(code, 1);
    assert!(error.contains("its layout depends on the kernel"), "{error}");
    assert!(!Path::new(&out).exists());
    let (code, ..) = generate(&["loader", &object("xdp_counter.bpf.o"), "-o", &out, "--key", "key.pem"])?;
    assert_eq!(code, 2, "a key without its certificate");
    Ok(())
}

fn openssl(dir: &Dir, args: &str) -> TestResult {
    let output = Command::new("openssl").args(args.split_whitespace()).current_dir(&dir.0).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// openssl takes the signature for one of the instructions by that key.
fn signed() -> TestResult {
    let dir = Dir::new("signed")?;
    for name in ["", "other-"] {
        let paths = format!("-keyout {name}key.pem -out {name}cert.pem");
        openssl(&dir, &format!("req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 -subj /CN=oxbpf {paths}"))?;
    }
    let (object, out) = (object("tests/globals.bpf.o"), dir.at("loader"));
    let sign = |key: &str, cert: &str| {
        generate(&["loader", &object, "-o", &out, "--key", &dir.at(key), "--cert", &dir.at(cert)])
    };
    let (code, _, error) = sign("key.pem", "other-cert.pem")?;
    assert!(code == 1 && error.contains("not the certificate of the key"), "{error}");
    let (code, _, error) = sign("cert.pem", "cert.pem")?;
    assert!(code == 1 && error.contains("not an RSA key"), "{error}");
    assert_eq!(sign("key.pem", "cert.pem")?, (0, String::new(), String::new()));
    openssl(
        &dir,
        "cms -verify -binary -inform DER -in loader/loader.p7s -content loader/loader.insns -certfile cert.pem \
         -CAfile cert.pem -purpose any -out verified",
    )?;
    let description: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.at("loader/loader.json"))?)?;
    assert_eq!((&description["signed"], &description["checks_hash"]), (&true.into(), &true.into()));
    Ok(())
}

fn told() -> TestResult {
    let dir = Dir::new("told")?;
    let out = dir.at("loader");
    assert_eq!(generate(&["loader", &object("xdp_counter.bpf.o"), "-o", &out])?.0, 0);
    let (code, text, error) = generate(&["load", &out])?;
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(text.lines().any(|line| line.starts_with("program ") && line.ends_with("(xdp)")), "{text}");
    let (_, json, _) = generate(&["load", &out, "--json"])?;
    let told: serde_json::Value = serde_json::from_str(&json)?;
    assert_eq!(told["object"], "xdp_counter");
    Ok(())
}

/// The map of global variables has a dot in its name, which files of bpffs must not have.
fn pinned() -> TestResult {
    let bpffs = mounts::find("bpf").ok_or_else(|| Skip::because("no bpffs"))?;
    let pins = Dir(bpffs.join(format!("oxbpf-gen-{}", std::process::id())));
    let dir = Dir::new("pinned")?;
    let out = dir.at("loader");
    assert_eq!(generate(&["loader", &object("execsnoop.bpf.o"), "-o", &out])?.0, 0);
    let load = || generate(&["load", &out, "--pin", &pins.0.display().to_string()]);
    let (code, _, error) = load()?;
    assert_eq!((code, error.as_str()), (0, ""));
    let mut names: Vec<_> = std::fs::read_dir(&pins.0)?.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["events", "execsnoo_bss", "on_exec"]);
    let (code, _, error) = load()?;
    assert!(code == 1 && error.contains("EEXIST"), "{error}");
    Ok(())
}

fn other_format() -> TestResult {
    let dir = Dir::new("format")?;
    let out = dir.at("loader");
    assert_eq!(generate(&["loader", &object("xdp_counter.bpf.o"), "-o", &out])?.0, 0);
    let path = dir.at("loader/loader.json");
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(&path, text.replace("\"format\": 1", "\"format\": 99"))?;
    let (code, _, error) = generate(&["load", &out])?;
    assert!(code == 2 && error.contains("another format"), "{error}");
    Ok(())
}
