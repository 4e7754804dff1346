//! A door that records.

use std::sync::{Arc, Mutex, PoisonError};

use crate::uapi::{MapCreateAttr, ProgLoadAttr, RawPerfEventAttr};
use crate::{Attr, Call, Cmd, Door, Errno, Layout, Reply};

/// Passes calls on and remembers them.
///
/// ```
/// use std::sync::Arc;
/// use oxbpf_sys::{Kernel, MapCreate, MapType, doors::{Fake, Recorder}, uapi::MapCreateAttr};
///
/// let recorder = Arc::new(Recorder::new(Arc::new(Fake::new())));
/// let kernel = Kernel::with_door(recorder.clone());
/// kernel.map_create(&MapCreate {
///     map_type: MapType::HASH, key_size: 4, value_size: 8, max_entries: 10, name: "counts", ..Default::default()
/// })?;
/// let calls = recorder.take();
/// assert_eq!(calls[0].to_string(), "BPF_MAP_CREATE counts");
/// assert_eq!(calls[0].view::<MapCreateAttr>().max_entries, 10);
/// # Ok::<(), oxbpf_sys::SysError>(())
/// ```
#[derive(Debug)]
pub struct Recorder {
    inner: Arc<dyn Door>,
    calls: Mutex<Vec<Recorded>>,
}

/// A call that was made.
///
/// `Display`: its name, what it was about, and the errno if it failed: `open /proc/thread-self/mounts: EACCES`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// Its name: `BPF_MAP_CREATE`, `open`.
    pub name: &'static str,
    /// What it was about: the name of a map, the path of a file; may be empty.
    pub what: String,
    /// bpf(2): the command.
    pub cmd: Option<Cmd>,
    /// bpf(2): the attribute as it went in.
    pub attr: Vec<u8>,
    /// bpf(2): the memory lent to the kernel, by the names of the fields, as it was after the call. write(2): what
    /// was written, as `"data"`.
    pub fields: Vec<(&'static str, Vec<u8>)>,
    /// perf_event_open(2): the event.
    pub perf: Option<RawPerfEventAttr>,
    /// The errno, if it failed.
    pub errno: Option<Errno>,
}

impl Recorded {
    /// The attribute of a bpf(2) call as `L`.
    pub fn view<L: Layout>(&self) -> L {
        let mut bytes = self.attr.clone();
        bytes.resize(bytes.len().max(size_of::<L>()), 0);
        L::read_from_prefix(&bytes).map_or_else(|_| L::new_zeroed(), |(l, _)| l)
    }

    /// The memory lent under the name of a field.
    pub fn bytes(&self, field: &str) -> Option<&[u8]> {
        self.fields.iter().find(|f| f.0 == field).map(|f| &*f.1)
    }
}

impl std::fmt::Display for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)?;
        if !self.what.is_empty() {
            write!(f, " {}", self.what)?;
        }
        match self.errno {
            Some(e) => write!(f, ": {e:?}"),
            None => Ok(()),
        }
    }
}

impl Recorder {
    /// Of the calls that go to `inner`.
    pub fn new(inner: Arc<dyn Door>) -> Self {
        Self { inner, calls: Mutex::default() }
    }

    /// The calls so far, in order; they are forgotten.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn bpf(&self, record: &mut Recorded, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        record.cmd = Some(attr.cmd());
        record.attr = attr.as_bytes().to_vec();
        let result = self.inner.call(Call::Bpf(attr));
        record.fields =
            attr.fields().map(|(name, bytes)| (name, bytes.unwrap_or_default().to_vec())).collect();
        result
    }
}

// SAFETY: all replies are those of `inner`.
unsafe impl Door for Recorder {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        let mut record = Recorded {
            name: call.name(),
            what: describe(&call),
            cmd: None,
            attr: Vec::new(),
            fields: Vec::new(),
            perf: None,
            errno: None,
        };
        match &call {
            Call::PerfEventOpen(open) => record.perf = Some(*open.attr),
            Call::Write(_, bytes) => record.fields.push(("data", bytes.to_vec())),
            _ => {}
        }
        let result = match call {
            Call::Bpf(attr) => self.bpf(&mut record, attr),
            call => self.inner.call(call),
        };
        record.errno = result.as_ref().err().copied();
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        result
    }
}

/// What a call is about, for people.
pub(super) fn describe(call: &Call<'_, '_>) -> String {
    match call {
        Call::Bpf(attr) => subject(attr),
        Call::PerfEventOpen(open) => open.probe.map(|p| p.to_string_lossy().into_owned()).unwrap_or_default(),
        Call::Open(path, _)
        | Call::ReadDir(path)
        | Call::Mkdir(path)
        | Call::Unlink(path)
        | Call::FsMagic(path) => path.display().to_string(),
        Call::IfIndex(name) => (*name).to_owned(),
        Call::IfName(index) => index.to_string(),
        _ => String::new(),
    }
}

fn subject(attr: &Attr<'_>) -> String {
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
    };
    match attr.cmd() {
        Cmd::MAP_CREATE => text(&attr.view::<MapCreateAttr>().map_name),
        Cmd::PROG_LOAD => text(&attr.view::<ProgLoadAttr>().prog_name),
        Cmd::OBJ_PIN | Cmd::OBJ_GET => attr.bytes("pathname").map(text).unwrap_or_default(),
        Cmd::RAW_TRACEPOINT_OPEN => attr.bytes("name").map(text).unwrap_or_default(),
        _ => String::new(),
    }
}
