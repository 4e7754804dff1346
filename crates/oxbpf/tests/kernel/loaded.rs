//! What is loaded already, by id, by pin and one after another.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use oxbpf::{
    ElemFlags, Errno, Error, Kernel, LinkDetails, LinkType, LoadedBtf, LoadedLink, Map, MapCreate, MapType,
    OpenFlags, Program, ProgramParts,
};
use oxbpf_testing::{Need, Skip, Suite, TestResult, mounts, wait_until};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use crate::support::{Loaded, PATIENCE, Result};

pub(crate) fn tests(suite: &mut Suite) {
    let bpffs = Need::That("needs a BPF file system", || mounts::find("bpf").is_some());
    let needs = [Need::Bpf, Need::SysAdmin, Need::Kernel(5, 11)];
    suite.test("loaded::one_by_one", &needs, one_by_one);
    suite.test("loaded::while_they_come_and_go", &needs, while_they_come_and_go);
    suite.test("loaded::what_is_not_there", &needs, what_is_not_there);
    suite.test("loaded::without_privileges", &needs, without_privileges);
    suite.test("loaded::without_addresses", &needs, without_addresses);
    suite.test("loaded::for_reading_only", &needs, for_reading_only);
    suite.test("loaded::pinned", &[Need::Bpf, Need::Kernel(5, 11), bpffs], pinned);
    suite.test(
        "loaded::links_of_raw_tracepoints",
        &[Need::Bpf, Need::SysAdmin, Need::Kernel(5, 11)],
        links_of_raw_tracepoints,
    );
}

fn array<'a>() -> MapCreate<'a> {
    MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 8, max_entries: 1, ..Default::default() }
}

/// A program that is loaded, a map of it, its BTF and its link are among all.
fn one_by_one() -> TestResult {
    let kernel = Kernel::host();
    let loaded = Loaded::new("tests/raw_tp.bpf.o")?;
    let program = loaded.object.program("on_enter")?;
    let link = program.attach()?;
    let (info, told) = (program.info()?, link.info()?);
    assert_eq!((told.link_type, told.prog_id), (LinkType::RAW_TRACEPOINT, info.id));

    let found = Program::iter_loaded(&kernel).filter_map(oxbpf::Result::ok).find_map(|p| {
        let other = p.info().ok()?;
        (other.id == info.id).then_some((p, other))
    });
    let (same, other) = found.ok_or("the program is not among those loaded")?;
    assert_eq!((same.name(), same.prog_type(), same.section()), ("on_enter", program.prog_type(), ""));
    assert_eq!((other.tag, other.load_time, &other.map_ids), (info.tag, info.load_time, &info.map_ids));

    let maps: Vec<u32> =
        Map::iter_loaded(&kernel).filter_map(|m| m.ok()?.info().ok()).map(|m| m.id).collect();
    assert!(maps.is_sorted() && info.map_ids.iter().all(|id| maps.contains(id)), "{maps:?}");

    let links: Vec<LoadedLink> = LoadedLink::iter_loaded(&kernel).filter_map(oxbpf::Result::ok).collect();
    let same = links.iter().find(|l| l.id() == told.id).ok_or("the link is not among those made")?;
    assert_eq!(same.link_type(), LinkType::RAW_TRACEPOINT);
    let LinkDetails::RawTracepoint { name, .. } = same.info()?.details else { panic!("{same:?}") };
    assert_eq!(name, "sys_enter");

    let first = LoadedBtf::iter_loaded(&kernel).next().ok_or("no BTF")??;
    assert_eq!((first.id(), first.info()?.name.as_str()), (1, "vmlinux"));
    let own = LoadedBtf::from_id(&kernel, info.btf_id)?.btf()?;
    assert!(own.types().any(|t| t.name() == "on_enter"), "the types of the program");
    Ok(())
}

/// Nothing that goes meanwhile is an error, and what stays is seen.
fn while_they_come_and_go() -> TestResult {
    let kernel = Kernel::host();
    let stays = Map::create(&kernel, &array())?.info()?.id;
    let kept = Map::from_id(&kernel, stays);
    assert!(matches!(&kept, Err(e) if e.errno() == Some(Errno::ENOENT)), "it went with its descriptor");
    let stays = Map::create(&kernel, &array())?;
    let id = stays.info()?.id;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<()> {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let some: Vec<_> = (0..8).map(|_| Map::create(&kernel, &array())).collect();
                drop(some);
            }
        });
        let walk = || -> Result<()> {
            for _ in 0..200 {
                let mut seen = false;
                for map in Map::iter_loaded(&kernel) {
                    // Its descriptor is open: it can be asked.
                    seen |= map?.info()?.id == id;
                }
                assert!(seen, "a map that stays is not left out");
            }
            Ok(())
        };
        let walked = walk();
        stop.store(true, Ordering::Relaxed);
        walked
    })?;
    Ok(())
}

fn what_is_not_there() -> TestResult {
    let kernel = Kernel::host();
    let missing = |error: Error| {
        assert_eq!(error.errno(), Some(Errno::ENOENT), "{error}");
        error.to_string()
    };
    let id = 0x7fff_fff0;
    let said = missing(Program::from_id(&kernel, id).expect_err("it is refused"));
    assert!(said.starts_with("BPF_PROG_GET_FD_BY_ID of program 2147483632 failed: ENOENT"), "{said}");
    let said = missing(Map::from_id(&kernel, id).expect_err("it is refused"));
    assert!(said.starts_with("BPF_MAP_GET_FD_BY_ID of map 2147483632 failed: ENOENT"), "{said}");
    let said = missing(LoadedLink::from_id(&kernel, id).expect_err("it is refused"));
    assert!(said.starts_with("BPF_LINK_GET_FD_BY_ID of link 2147483632 failed: ENOENT"), "{said}");
    let said = missing(LoadedBtf::from_id(&kernel, id).expect_err("it is refused"));
    assert!(said.starts_with("BPF_BTF_GET_FD_BY_ID of BTF 2147483632 failed: ENOENT"), "{said}");
    // Descriptors of something else are refused, whoever asks.
    let map = Map::create(&kernel, &array())?;
    let other = || map.as_fd().try_clone_to_owned();
    let wrong = [
        Program::from_fd(&kernel, other()?).expect_err("it is refused"),
        LoadedLink::from_fd(&kernel, other()?).expect_err("it is refused"),
        LoadedBtf::from_fd(&kernel, other()?).expect_err("it is refused"),
    ];
    for (error, kind) in wrong.iter().zip(["program", "link", "BTF"]) {
        assert_eq!(error.errno(), Some(Errno::EINVAL));
        assert!(error.to_string().ends_with(&format!(": a descriptor of a map, not of a {kind}")), "{error}");
    }
    Ok(())
}

/// On a thread without capabilities: lists are refused, and of a program whose descriptor it has it learns little.
fn without_privileges() -> TestResult {
    let loaded = Loaded::new("tests/raw_tp.bpf.o")?;
    let program = loaded.object.program("on_enter")?.clone();
    assert!(!program.info()?.withheld());
    let full = program.dump(ProgramParts::all())?;
    assert!(!full.withheld.contains(ProgramParts::LINE_INFO) && !full.line_info.is_empty());
    let work = move || -> Result<()> {
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
        let kernel = Kernel::host();
        let mut list = Program::iter_loaded(&kernel);
        let refused = list.next().ok_or("an item")?.expect_err("it is refused");
        assert_eq!(refused.errno(), Some(Errno::EPERM), "{refused}");
        assert!(refused.to_string().starts_with("BPF_PROG_GET_NEXT_ID failed: EPERM"), "{refused}");
        assert!(list.next().is_none(), "after the error there is nothing");
        let refused = Map::from_id(&kernel, 1).expect_err("it is refused");
        assert_eq!(refused.errno(), Some(Errno::EPERM), "{refused}");

        let info = program.info()?;
        assert!(info.withheld(), "{info:?}");
        assert_eq!((info.name.as_str(), info.nr_line_info), ("on_enter", 0));
        let parts = ProgramParts::XLATED | ProgramParts::TAGS;
        let dump = program.dump(parts)?;
        assert_eq!((dump.withheld, dump.xlated.len()), (parts, 0));
        Ok(())
    };
    std::thread::spawn(work).join().expect("no panic")?;
    Ok(())
}

/// Who may not see the kernel's addresses (no `CAP_SYSLOG`) is told that the machine code and where it is are withheld.
fn without_addresses() -> TestResult {
    let number = |path: &str| Kernel::host().read_text(path).ok().and_then(|t| t.trim().parse::<i32>().ok());
    if number("/proc/sys/kernel/perf_event_paranoid").is_none_or(|n| n < 2) {
        return Err(Skip::because(
            "needs addresses hidden from some (kernel.perf_event_paranoid of 2 or more)",
        )
        .into());
    }
    let loaded = Loaded::new("tests/raw_tp.bpf.o")?;
    let id = loaded.object.program("on_enter")?.info()?.id;
    let work = move || -> Result<()> {
        let mut sets = rustix::thread::capabilities(None)?;
        sets.effective.remove(CapabilitySet::SYSLOG);
        set_capabilities(None, sets)?;
        // Who opened the descriptor counts.
        let program = Program::from_id(&Kernel::host(), id)?;
        let info = program.info()?;
        let dump = program.dump(ProgramParts::all())?;
        assert!(!info.withheld() && dump.xlated.len() == info.xlated_prog_len as usize);
        let hidden = ProgramParts::JITED
            | ProgramParts::KSYMS
            | ProgramParts::FUNC_LENS
            | ProgramParts::JITED_LINE_INFO;
        assert_eq!(dump.withheld, if info.jited_prog_len > 0 { hidden } else { ProgramParts::empty() });
        assert_eq!((dump.jited.len(), dump.ksyms.len(), dump.jited_line_info.len()), (0, 0, 0));
        assert!(!dump.tags.is_empty() && !dump.line_info.is_empty());
        Ok(())
    };
    std::thread::spawn(work).join().expect("no panic")?;
    Ok(())
}

fn for_reading_only() -> TestResult {
    let kernel = Kernel::host();
    let map = Map::create(&kernel, &array())?;
    let id = map.info()?.id;
    let reader = Map::from_id_with(&kernel, id, OpenFlags::RDONLY)?;
    assert_eq!(reader.lookup(&[0; 4])?, Some(vec![0; 8]));
    let refused = reader.update(&[0; 4], &[1; 8], ElemFlags::empty()).expect_err("it is refused");
    assert_eq!(refused.errno(), Some(Errno::EPERM), "{refused}");
    let writer = Map::from_id_with(&kernel, id, OpenFlags::WRONLY)?;
    writer.update(&[0; 4], &[1; 8], ElemFlags::empty())?;
    assert_eq!(writer.lookup(&[0; 4]).expect_err("it is refused").errno(), Some(Errno::EPERM));
    assert_eq!(map.lookup(&[0; 4])?, Some(vec![1; 8]));
    assert_eq!(map.info()?.frozen, Some(false));
    map.freeze()?;
    assert_eq!(map.info()?.frozen, Some(true));
    Ok(())
}

/// Whatever is pinned is opened as what it is, and as nothing else.
fn pinned() -> TestResult {
    let kernel = Kernel::host();
    let bpffs = mounts::find("bpf").ok_or("a BPF file system")?;
    let dir = bpffs.join(format!("oxbpf-loaded-{}", std::process::id()));
    let [program_at, map_at, link_at] = ["program", "map", "link"].map(|name| dir.join(name));
    let work = || -> Result<()> {
        let loaded = Loaded::new("tests/raw_tp.bpf.o")?;
        let program = loaded.object.program("on_enter")?;
        program.pin(&program_at)?;
        Map::create(&kernel, &array())?.pin(&map_at)?;
        let link = program.attach()?;
        let id = link.info()?.id;
        link.pin(&link_at)?;
        drop(link);
        let again = LoadedLink::from_pinned(&kernel, &link_at)?;
        assert_eq!((again.id(), again.info()?.prog_id), (id, program.info()?.id), "it stays attached");
        assert_eq!(Program::from_pinned(&kernel, &program_at)?.info()?.tag, program.info()?.tag);
        let reader = Map::from_pinned_with(&kernel, &map_at, OpenFlags::RDONLY)?;
        let refused = reader.update(&[0; 4], &[1; 8], ElemFlags::empty()).expect_err("it is refused");
        assert_eq!(refused.errno(), Some(Errno::EPERM));

        let wrong = Program::from_pinned(&kernel, &map_at).expect_err("it is refused");
        let reason = "EINVAL (Invalid argument): a descriptor of a map, not of a program";
        let said = format!("program at {}: BPF_OBJ_GET_INFO_BY_FD failed: {reason}", map_at.display());
        assert_eq!(wrong.to_string(), said);
        let wrong = Map::from_pinned(&kernel, &link_at).expect_err("it is refused");
        assert!(wrong.to_string().ends_with(": a descriptor of a link, not of a map"), "{wrong}");
        let none = LoadedLink::from_pinned(&kernel, dir.join("none")).expect_err("it is refused");
        assert_eq!(none.errno(), Some(Errno::ENOENT), "{none}");
        let taken = again.pin(&link_at).expect_err("it is refused");
        assert_eq!(taken.errno(), Some(Errno::EEXIST), "{taken}");

        drop(again);
        kernel.unpin(&link_at)?;
        let gone = || LoadedLink::from_id(&kernel, id).is_err_and(|e| e.errno() == Some(Errno::ENOENT));
        assert!(wait_until(PATIENCE, gone), "it goes with its last pin");
        Ok(())
    };
    let result = work();
    for path in [&program_at, &map_at, &link_at] {
        let _ = kernel.unpin(path);
    }
    std::fs::remove_dir(&dir)?;
    result
}

/// What a kind of link cannot do, it says.
fn links_of_raw_tracepoints() -> TestResult {
    let kernel = Kernel::host();
    let loaded = Loaded::new("tests/raw_tp.bpf.o")?;
    let link = loaded.object.program("on_enter")?.attach()?;
    let same = LoadedLink::from_id(&kernel, link.info()?.id)?;
    let refused = same.update(loaded.object.program("on_exit")?).expect_err("it is refused");
    let id = same.id();
    let starts = |text: &str, with: String| assert!(text.starts_with(&with), "{text}");
    starts(&refused.to_string(), format!("BPF_LINK_UPDATE of link {id} failed: EINVAL"));
    let refused = same.detach().expect_err("it is refused");
    starts(&refused.to_string(), format!("BPF_LINK_DETACH of link {id} failed: EOPNOTSUPP"));
    Ok(())
}
