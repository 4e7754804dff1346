//! Calls that ask for something that came later than their command: what it is called, its first kernel, the call.
//! They are made on a kernel that is played and on the one at hand.

mod calls;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf_sys::{
    ElemFlags, Errno, Kernel, KernelVersion, MapCreate, MapFd, MapType, ProgLoad, ProgramType, Result,
};

pub(crate) use calls::ALL;

/// A call that asks for `feature`, which kernels have since `since`.
pub(crate) struct Newer {
    pub(crate) feature: &'static str,
    pub(crate) since: (u32, u32),
    pub(crate) call: fn(&On<'_>) -> Result<()>,
}

/// What the calls are made on.
pub(crate) struct On<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) array: &'a MapFd,
    pub(crate) program: BorrowedFd<'a>,
    /// No BPF object at all.
    pub(crate) file: BorrowedFd<'a>,
}

/// `r0 = 0; exit`.
pub(crate) const TRIVIAL: [u8; 16] = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

pub(crate) fn program<'a>(prog_type: ProgramType) -> ProgLoad<'a> {
    ProgLoad { prog_type, insns: &TRIVIAL, license: "GPL", ..Default::default() }
}

pub(crate) fn map<'a>(map_type: MapType) -> MapCreate<'a> {
    MapCreate { map_type, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() }
}

/// Makes every call, `kernel` being of `version`, and gives what each came to.
pub(crate) fn make_all(
    kernel: &Kernel,
    version: KernelVersion,
    mut check: impl FnMut(&Newer, bool, Result<()>),
) -> Result<()> {
    let array = kernel.map_create(&map(MapType::ARRAY))?;
    let program: OwnedFd = kernel.prog_load(&program(ProgramType::SOCKET_FILTER), None)?;
    let file: OwnedFd = std::fs::File::open("/dev/null").expect("there is /dev/null").into();
    let on = On { kernel, array: &array, program: program.as_fd(), file: file.as_fd() };
    for newer in ALL {
        check(newer, version.at_least(newer.since.0, newer.since.1), (newer.call)(&on));
    }
    Ok(())
}

/// What a kernel of `version` has to say: to those that came later that it is too old, of the others nothing like it.
#[track_caller]
pub(crate) fn expect(newer: &Newer, has: bool, version: KernelVersion, result: Result<()>) {
    let Newer { feature, since: (major, minor), .. } = newer;
    match result {
        Err(e) if !has => {
            assert!(matches!(e.errno, Errno::EINVAL | Errno::E2BIG), "{feature}: {e}");
            let said = e.unsupported.as_deref().unwrap_or_else(|| panic!("{feature}: {e}"));
            assert_eq!((&*said.feature, said.since), (*feature, KernelVersion::new(*major, *minor, 0)));
            let text = format!("; needs kernel >= {major}.{minor} ({feature}), this is {version}");
            assert!(e.to_string().ends_with(&text), "{e}");
        }
        Err(e) => assert_eq!(e.unsupported, None, "{feature}: {e}"),
        Ok(()) => assert!(has, "{feature} is not refused before {major}.{minor}"),
    }
}

/// Reads the only element.
pub(crate) fn look(on: &On<'_>, flags: ElemFlags) -> Result<()> {
    on.kernel.map_lookup_elem(on.array, &[0; 4], &mut [0; 4], flags)
}
