//! `syscall(2)` as the libraries find it.

use std::ffi::c_long;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use oxbpf_obj::MapType;
use oxbpf_sys::uapi::{Cmd, MapCreateAttr};

use super::call::Call;
use super::{CALLS, HELD, ON};

type Syscall = unsafe extern "C" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long;

/// The C library's.
fn real() -> Syscall {
    static REAL: AtomicUsize = AtomicUsize::new(0);
    let mut address = REAL.load(Ordering::Relaxed);
    if address == 0 {
        // SAFETY: the name is a C string; `RTLD_NEXT` asks for the one that comes after this program's own.
        address = unsafe { libc::dlsym(libc::RTLD_NEXT, c"syscall".as_ptr()) } as usize;
        assert!(address != 0, "the C library has no syscall");
        REAL.store(address, Ordering::Relaxed);
    }
    // SAFETY: this is what the C library calls `syscall`: it takes numbers, as many as the call has, and leaves alone
    // what comes after them. Where Linux runs, such are passed alike whether or not the function says how many.
    unsafe { std::mem::transmute::<usize, Syscall>(address) }
}

/// bpf(2) past the recorder; the number it returns, or -1 and `errno`.
///
/// # Safety
/// As bpf(2): the attribute is whole, and its pointers lead to the memory that the command says.
pub(super) unsafe fn bpf<T>(cmd: Cmd, attr: &mut T) -> c_long {
    let (attr, size) = (std::ptr::from_mut(attr), size_of::<T>());
    // SAFETY: what the caller promises.
    unsafe { real()(libc::SYS_bpf, c_long::from(cmd.0), attr as c_long, size as c_long, 0, 0, 0) }
}

/// Stands in for the C library's, for all of this program.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    // SAFETY: what the caller promises of the same numbers.
    let call = || unsafe { real()(number, a, b, c, d, e, f) };
    if number != libc::SYS_bpf || !ON.load(Ordering::SeqCst) {
        return call();
    }
    let cmd = Cmd(a as u32 & !oxbpf_sys::uapi::COMMON_ATTRS);
    // SAFETY: the caller lends the kernel this many bytes of attribute for the time of the call.
    let attr = unsafe { std::slice::from_raw_parts(b as *const u8, c as usize) };
    // SAFETY: the attribute is what the kernel would be given now.
    let mut record = unsafe { Call::before(cmd, attr) };
    let changes = matches!(cmd, Cmd::MAP_UPDATE_ELEM | Cmd::LINK_CREATE);
    let result = if changes && HELD.load(Ordering::SeqCst) {
        set_errno(libc::EPERM);
        -1
    } else {
        let result = call();
        if result < 0 && cmd == Cmd::MAP_CREATE { stand_in(&record, result) } else { result }
    };
    let errno = errno();
    record.after(if result < 0 { Err(errno) } else { Ok(result as i32) });
    CALLS.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    set_errno(errno);
    result
}

/// Tables of jumps are maps that kernels have since 6.19. Before, an array stands for them, so that both libraries go on
/// and show what they write into them and into programs, before the verifier refuses the jumps.
fn stand_in(call: &Call, refused: c_long) -> c_long {
    let errno = errno();
    let mut create: MapCreateAttr = call.view();
    if errno != libc::EINVAL || MapType(create.map_type) != MapType::INSN_ARRAY {
        set_errno(errno);
        return refused;
    }
    create.map_type = MapType::ARRAY.0;
    // SAFETY: an array's attribute has no pointers, but for what the caller's had already.
    unsafe { bpf(Cmd::MAP_CREATE, &mut create) }
}

pub(super) fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn set_errno(errno: i32) {
    // SAFETY: the address of this thread's own.
    unsafe { *libc::__errno_location() = errno }
}
