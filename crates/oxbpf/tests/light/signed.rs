//! Loaders with a signature, which the kernel checks with a key of the session's keyring (6.18).

use std::ffi::CStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use oxbpf::{Errno, Error, LightLoad, LoadOptions, Object, Signature};
use oxbpf_testing::{Need, Skip, Suite, TestResult};

const SESSION: i32 = -3;

pub(crate) fn tests(suite: &mut Suite) {
    let openssl = Need::That("needs openssl", || Command::new("openssl").arg("version").output().is_ok());
    suite.test("signed::by_a_known_key", &[Need::Bpf, Need::Kernel(6, 18), openssl], by_a_known_key);
    suite.test("signed::no_signature", &[Need::Bpf, Need::Kernel(6, 18)], no_signature);
    suite.test("signed::before_6_18", &[Need::Bpf], before);
}

fn by_a_known_key() -> TestResult {
    let dir = std::env::temp_dir().join(format!("oxbpf-signed-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let result = in_dir(&dir);
    std::fs::remove_dir_all(&dir)?;
    result
}

fn in_dir(dir: &Path) -> TestResult {
    let spec = super::spec("tests/globals.bpf.o")?;
    let loader = Object::light_loader(&spec, &LoadOptions::default(), true)?;
    let at = |name: &str| -> PathBuf { dir.join(name) };
    std::fs::write(at("insns"), loader.encoded())?;
    openssl(
        dir,
        "req -x509 -newkey rsa:2048 -nodes -sha256 -days 2 -subj /CN=oxbpf -keyout key.pem -out cert.pem",
    )?;
    openssl(dir, "x509 -in cert.pem -outform DER -out cert.der")?;
    let sign = "cms -sign -binary -noattr -nocerts -md sha256 -outform DER -in insns -out sig -signer cert.pem \
                -inkey key.pem";
    openssl(dir, sign)?;
    let pkcs7 = std::fs::read(at("sig"))?;
    let load = |pkcs7: Vec<u8>| {
        let signature = Some(Signature { pkcs7, keyring: SESSION });
        Object::load_light(&loader, &LightLoad { signature, ..LightLoad::default() })
    };
    // The key is not there yet.
    let error = load(pkcs7.clone()).unwrap_err();
    if error.errno() == Some(Errno::EOPNOTSUPP) {
        assert!(error.to_string().contains("this kernel checks no signatures"), "{error}");
        return Err(Skip::because(error.to_string()).into());
    }
    assert_eq!(error.errno(), Some(Errno::ENOKEY), "{error}");
    if let Err(error) = add_key(c"asymmetric", c"oxbpf-test", &std::fs::read(at("cert.der"))?) {
        return Err(Skip::because(format!("the kernel takes no certificate: {error}")).into());
    }
    assert_eq!(load(pkcs7.clone())?.programs().len(), spec.programs.len());
    let mut wrong = pkcs7;
    *wrong.last_mut().unwrap() ^= 1;
    let error = load(wrong).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EKEYREJECTED), "{error}");
    assert!(error.to_string().contains("the signature is not of these instructions"), "{error}");
    Ok(())
}

fn openssl(dir: &Path, args: &str) -> io::Result<()> {
    let output = Command::new("openssl").args(args.split_whitespace()).current_dir(dir).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// Puts a key into the session's keyring, which this process gets for itself.
fn add_key(kind: &CStr, name: &CStr, key: &[u8]) -> io::Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_long = 1;
    // SAFETY: a null name makes a new keyring.
    unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<u8>()) };
    // SAFETY: two strings that end in NUL, and as many bytes as is said.
    let id = unsafe {
        libc::syscall(libc::SYS_add_key, kind.as_ptr(), name.as_ptr(), key.as_ptr(), key.len(), SESSION)
    };
    if id < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn no_signature() -> TestResult {
    let loader = super::loader(&super::spec("tests/globals.bpf.o")?)?;
    let signature = Some(Signature { pkcs7: b"not PKCS#7".to_vec(), keyring: SESSION });
    let error = Object::load_light(&loader, &LightLoad { signature, ..LightLoad::default() }).unwrap_err();
    assert!(
        matches!(&error, Error::ProgramLoad { program, .. } if program == "loader of globals"),
        "{error}"
    );
    Ok(())
}

fn before() -> TestResult {
    use oxbpf::sys::doors::Older;
    use oxbpf::sys::{HostDoor, KernelVersion};
    let older = Older::new(std::sync::Arc::new(HostDoor), KernelVersion::new(6, 17, 0));
    let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(older));
    let loader = super::loader(&super::spec("tests/globals.bpf.o")?)?;
    let signature = Some(Signature { pkcs7: vec![0x30], keyring: SESSION });
    let options = LightLoad { kernel, signature, ..LightLoad::default() };
    let error = Object::load_light(&loader, &options).unwrap_err();
    assert!(error.to_string().contains("needs kernel >= 6.18 (signatures of programs)"), "{error}");
    Ok(())
}
