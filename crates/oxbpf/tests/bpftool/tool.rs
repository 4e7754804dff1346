//! bpftool, and the comparison of what it says with what we say.

use std::error::Error;
use std::fmt::Debug;
use std::path::PathBuf;
use std::process::Command;

use oxbpf::sys::FdInfo;
use oxbpf_testing::Need;
use serde_json::Value;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// bpftool is there.
pub(crate) const BPFTOOL: Need = Need::That("needs bpftool (Debian's package bpftool)", || path().is_some());

fn path() -> Option<PathBuf> {
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&dirs).chain(sbin).map(|dir| dir.join("bpftool")).find(|file| file.is_file())
}

/// What `bpftool -j ARGS` prints.
pub(crate) fn bpftool(args: &[&str]) -> Result<Value> {
    let path = path().ok_or("no bpftool")?;
    let output = Command::new(path).arg("-j").args(args).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let value: Value = serde_json::from_str(&text).map_err(|e| format!("{args:?}: {e}: {text}"))?;
    match value.get("error") {
        Some(error) => Err(format!("bpftool {args:?}: {error}").into()),
        None => Ok(value),
    }
}

/// What bpftool tells of one object by its id: `of` is `prog`, `map`, `btf` or `link`.
pub(crate) fn show(of: &str, id: u32) -> Result<Told> {
    let what = format!("bpftool {of} show id {id}");
    let value = bpftool(&[of, "show", "id", &id.to_string()])?;
    // Some of them print a list of one.
    let value = value.as_array().and_then(|list| list.first()).cloned().unwrap_or(value);
    Ok(Told { what, value })
}

/// What an independent source tells of an object.
#[derive(Debug)]
pub(crate) struct Told {
    what: String,
    pub(crate) value: Value,
}

impl Told {
    /// What the descriptor's file in /proc tells.
    pub(crate) fn proc(info: &FdInfo) -> Self {
        let lines = info.lines().map(|(key, value)| (key.to_owned(), value.into()));
        Self { what: "fdinfo".into(), value: Value::Object(lines.collect()) }
    }

    /// It says `ours` in `field`, or does not have the field, and then ours is `none`. Numbers of /proc are text.
    #[track_caller]
    pub(crate) fn same<T: Into<Value> + PartialEq + Debug>(&self, field: &str, ours: T, none: T) {
        let Some(theirs) = self.value.get(field) else {
            assert_eq!(ours, none, "{}: no {field} in {}", self.what, self.value);
            return;
        };
        let ours: Value = ours.into();
        let theirs = match theirs.as_str() {
            Some(text) if ours.is_u64() => number(text).map_or_else(|| theirs.clone(), Value::from),
            _ => theirs.clone(),
        };
        assert_eq!(ours, theirs, "{}: {field} of {}", self.what, self.value);
    }

    /// If it has the field, it says `ours` in it; how many fields that compared.
    #[track_caller]
    pub(crate) fn agrees<T: Into<Value>>(&self, field: &str, ours: T) -> usize {
        let ours: Value = ours.into();
        self.same(field, ours.clone(), ours);
        usize::from(self.value.get(field).is_some())
    }

    /// It has the field, and says `ours` in it.
    #[track_caller]
    pub(crate) fn has<T: Into<Value> + PartialEq + Debug>(&self, field: &str, ours: T) {
        assert!(self.value.get(field).is_some(), "{}: no {field} in {}", self.what, self.value);
        let ours: Value = ours.into();
        self.same(field, ours, Value::Null);
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
