//! What these tests share: loading an example, its globals, its records, a process that does a known thing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::error::Error;
use std::net::UdpSocket;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use oxbpf::typed::Plain;
use oxbpf::{LoadOptions, LoadedLink, Map, Object, ObjectSpec, Program, RingBuffer};
use oxbpf_testing::{testdata, wait_until};
use zerocopy::FromBytes;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An object in the kernel, and what its file says.
pub(crate) struct Loaded {
    spec: ObjectSpec,
    pub(crate) object: Object,
}

impl Loaded {
    pub(crate) fn new(file: &str) -> Result<Loaded> {
        Loaded::with(file, |_| Ok(()))
    }

    /// As [`new`](Self::new), with changes before loading.
    pub(crate) fn with(file: &str, change: impl FnOnce(&mut ObjectSpec) -> Result<()>) -> Result<Loaded> {
        let mut spec = oxbpf::open(testdata(file))?;
        change(&mut spec)?;
        let object = Object::load(&spec, &LoadOptions::default())?;
        Ok(Loaded { spec, object })
    }

    /// What a global variable is now.
    pub(crate) fn global<T: Plain>(&self, name: &str) -> Result<T> {
        let global = self.spec.global(name).ok_or_else(|| format!("no global {name}"))?;
        let map = self.object.map(&self.spec.maps[global.map].name)?;
        let value = map.lookup(&0u32.to_ne_bytes())?.ok_or("globals have a value")?;
        let at = global.offset as usize;
        Ok(T::read_from_bytes(&value[at..at + global.size as usize]).map_err(|_| "another size")?)
    }

    pub(crate) fn map(&self, name: &str) -> Result<&Map> {
        Ok(self.object.map(name)?)
    }
}

/// Waits until no link of the kernel holds the program (Linux 5.8; perf events 5.15): a child that another test is
/// starting has copies of all descriptors for a moment.
pub(crate) fn wait_until_detached(program: &Program) -> Result<()> {
    let kernel = program.kernel();
    let id = program.info()?.id;
    let links = || -> oxbpf::Result<usize> {
        let mut links = 0;
        for link in LoadedLink::iter_loaded(kernel) {
            links += usize::from(link?.info()?.prog_id == id);
        }
        Ok(links)
    };
    let gone = wait_until(PATIENCE, || links().is_ok_and(|n| n == 0));
    if gone { Ok(()) } else { Err(format!("{:?} links hold the program", links()).into()) }
}

/// Reads records until one is as wanted.
pub(crate) fn wait_for<T: FromBytes>(ring: &mut RingBuffer, mut wanted: impl FnMut(&T) -> bool) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    let mut found = None;
    let mut seen = 0;
    while found.is_none() {
        let left = end.checked_duration_since(Instant::now());
        let left = left.ok_or_else(|| format!("none of {seen} records was the wanted one"))?;
        ring.poll(left, |_, record| {
            seen += 1;
            let record = T::read_from_bytes(record).expect("a record has the size of its struct");
            if found.is_none() && wanted(&record) {
                found = Some(record);
            }
        })?;
    }
    found.ok_or_else(|| "found".into())
}

/// The text of a `char[]` up to its NUL.
pub(crate) fn text(chars: &[u8]) -> String {
    let end = chars.iter().position(|&c| c == 0).unwrap_or(chars.len());
    String::from_utf8_lossy(&chars[..end]).into_owned()
}

/// A command that is this program itself, doing what [`act_as_told`] knows.
pub(crate) fn this_program(args: &[&str]) -> Result<Vec<String>> {
    let own = std::env::current_exe()?;
    let own = own.to_str().ok_or("a path in UTF-8")?.to_owned();
    Ok([own, "--act".to_owned()].into_iter().chain(args.iter().map(|&a| a.to_owned())).collect())
}

/// As a child of a test, does what its arguments say and nothing else.
pub(crate) fn act_as_told() -> Option<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [act, what, numbers @ ..] = &args[..] else { return None };
    if act != "--act" {
        return None;
    }
    let number = |i: usize| numbers[i].parse::<usize>().expect("a number");
    match what.as_str() {
        // So many packets with so many bytes to a port of this host where nobody listens.
        "send" => {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            for _ in 0..number(0) {
                // An earlier packet's refusal may be reported instead of sending.
                while socket.send_to(&vec![0; number(1)], "127.0.0.1:9").is_err() {}
            }
        }
        // So many system calls of a kind that nothing else makes.
        "getppid" => (0..number(0)).for_each(|_| {
            let _ = rustix::process::getppid();
        }),
        // Busy until it has had a CPU for so many milliseconds, however many others want one.
        "spin" => {
            let used = || {
                let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
                time.tv_sec as u128 * 1000 + time.tv_nsec as u128 / 1_000_000
            };
            while used() < number(0) as u128 {
                std::hint::spin_loop();
            }
        }
        _ => panic!("told to {what}"),
    }
    Some(ExitCode::SUCCESS)
}

/// `&[&str]` of a list of strings.
pub(crate) fn refs(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// A name in the temporary directory that nothing has.
pub(crate) fn unique_path(what: &str) -> String {
    let dir = std::env::temp_dir();
    format!("{}/oxbpf-kernel-test-{}-{what}", dir.display(), std::process::id())
}

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// How often this thread has allocated memory.
pub(crate) fn allocations() -> u64 {
    ALLOCATIONS.get()
}

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: everything is passed on to the system's allocator as it came; the count is no memory of anyone's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // At a thread's end its count is gone before its last allocations are.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}
