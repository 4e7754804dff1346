//! Tables of functions that the kernel calls: congestion control of TCP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use oxbpf::{Errno, Error, LinkKind, Links, LoadOptions, Object, ObjectSpec};
use oxbpf_testing::{Need, Suite, TestResult, testdata, wait_until};

use crate::support::{Loaded, PATIENCE, Result};

const FILE: &str = "tests/struct_ops.bpf.o";

pub(crate) fn tests(suite: &mut Suite) {
    let needs = |major, minor| [Need::Bpf, Need::NetAdmin, Need::KernelBtf, Need::Kernel(major, minor)];
    suite.test("struct_ops::the_kernel_calls_its_programs", &needs(5, 13), called);
    suite.test("struct_ops::not_attached_with_the_object", &needs(5, 13), not_attached);
    suite.test("struct_ops::by_links_and_replaced", &needs(6, 4), linked);
    suite.test("struct_ops::of_objects_made_one", &needs(5, 13), made_one);
    suite.test("struct_ops::of_objects_made_one_by_links", &needs(6, 4), made_one_by_links);
    suite.test("struct_ops::fields_that_the_kernel_lacks", &needs(5, 13), lacking);
    suite.test("struct_ops::programs_go_with_their_map", &[], programs);
}

/// The object with its map `plain` under a name of its own, since tests run side by side.
fn named(spec: &mut ObjectSpec, map: &str, name: &str) -> Result<()> {
    let mut bytes = [0_u8; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Ok(spec.set_struct_ops_field(map, "name", &bytes)?)
}

fn only(spec: &mut ObjectSpec, maps: &[&str]) {
    for map in spec.maps.iter_mut().filter(|map| map.struct_ops().is_some()) {
        map.autocreate = maps.contains(&map.name.as_str());
    }
}

fn is_registered(name: &str) -> bool {
    let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
    known.is_ok_and(|known| known.split_whitespace().any(|known| known == name))
}

/// Has a connection over the loopback interface use the algorithm.
fn connect_with(name: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let (mut other, _) = listener.accept()?;
    rustix::net::sockopt::set_tcp_congestion(&stream, name)?;
    stream.write_all(b"hello")?;
    let mut read = [0; 5];
    other.read_exact(&mut read)?;
    assert_eq!(&read, b"hello");
    Ok(())
}

fn called() -> TestResult {
    let loaded = Loaded::with(FILE, |spec| named(spec, "plain", "oxbpf_called"))?;
    let names: Vec<&str> = loaded.object.programs().iter().map(oxbpf::Program::name).collect();
    assert_eq!(names, ["ssthresh", "cong_avoid", "undo_cwnd", "init"], "not that of the maps that are off");
    assert!(!is_registered("oxbpf_called"));
    let links = loaded.object.attach()?;
    assert_eq!(links.iter().map(oxbpf::Link::kind).collect::<Vec<_>>(), [LinkKind::StructOps]);
    assert!(is_registered("oxbpf_called"));
    let twice = loaded.map("plain")?.attach_struct_ops().expect_err("it is attached");
    assert_eq!(twice.errno(), Some(Errno::EBUSY), "{twice}");
    connect_with("oxbpf_called")?;
    assert_eq!(loaded.global::<u64>("inits")?, 1);
    // There is no link, and not for want of a newer kernel.
    let none = links[0].info().expect_err("registered by its value").to_string();
    assert!(
        none.ends_with(": it is registered by its value; maps of .struct_ops.link are by a link"),
        "{none}"
    );
    drop(links);
    assert!(wait_until(PATIENCE, || !is_registered("oxbpf_called")));
    let other = loaded.map("struct_o.bss")?.attach_struct_ops().expect_err("no table");
    assert!(matches!(other, Error::MapKind { .. }), "{other}");
    Ok(())
}

/// Two objects, linked: tables of one have functions of the other.
fn objects_made_one(maps: &[&str]) -> Result<(Object, Links)> {
    let files = ["ops_one", "ops_two"].map(|name| testdata(format!("linked/{name}.bpf.o")));
    let mut spec = ObjectSpec::parse_named("ops", &oxbpf::link_objects(files)?)?;
    only(&mut spec, maps);
    let object = Object::load(&spec, &LoadOptions::default())?;
    let links = object.attach()?;
    Ok((object, links))
}

fn made_one() -> TestResult {
    let (object, links) = objects_made_one(&["old_one", "old_two"])?;
    assert_eq!(links.len(), 2);
    connect_with("oxbpf_old_one")?;
    assert_eq!(object.global("inits")?.get::<u64>()?, 1, "its own init");
    connect_with("oxbpf_old_two")?;
    assert_eq!(object.global("inits")?.get::<u64>()?, 101, "the init of the other object counts here");
    Ok(())
}

fn made_one_by_links() -> TestResult {
    let (object, links) = objects_made_one(&["new_one", "new_two", "off_two"])?;
    assert_eq!(links.len(), 3);
    for (name, inits) in [("oxbpf_new_one", 0), ("oxbpf_new_two", 0), ("oxbpf_off_two", 100)] {
        connect_with(name)?;
        assert_eq!(object.global("inits")?.get::<u64>()?, inits, "{name}");
    }
    Ok(())
}

/// A map with `autoattach` off waits for its own attachment. One function was replaced by another: the one that the
/// source says is of no use, and not loaded.
fn not_attached() -> TestResult {
    let loaded = Loaded::with(FILE, |spec| {
        only(spec, &["plain"]);
        named(spec, "plain", "oxbpf_waits")?;
        let map = spec.map_mut("plain").ok_or("it is there")?;
        map.autoattach = false;
        let ops = map.struct_ops_mut().ok_or("it is one")?;
        ops.programs.insert("init".into(), "other_init".into());
        Ok(())
    })?;
    let names: Vec<&str> = loaded.object.programs().iter().map(oxbpf::Program::name).collect();
    assert_eq!(names, ["ssthresh", "cong_avoid", "undo_cwnd", "other_init"]);
    assert_eq!(loaded.object.attach()?.len(), 0);
    assert!(!is_registered("oxbpf_waits") && !loaded.map("plain")?.autoattach());
    let link = loaded.map("plain")?.attach_struct_ops()?;
    connect_with("oxbpf_waits")?;
    assert_eq!(loaded.global::<u64>("inits")?, 100, "by the other function");
    drop(link);
    Ok(())
}

fn linked() -> TestResult {
    let loaded = Loaded::with(FILE, |spec| {
        only(spec, &["linked", "replacement"]);
        Ok(())
    })?;
    let other = Loaded::new("tests/raw_tp.bpf.o")?;
    let refused = other.object.program("on_enter")?.attach()?.update_struct_ops(loaded.map("linked")?);
    let refused = refused.expect_err("a link of another kind").to_string();
    assert!(refused.ends_with(": only a link of a struct_ops map takes another map"), "{refused}");
    let mut link = loaded.map("linked")?.attach_struct_ops()?;
    connect_with("oxbpf_linked")?;
    assert_eq!(loaded.global::<u64>("inits")?, 1);
    link.update_struct_ops(loaded.map("replacement")?)?;
    connect_with("oxbpf_linked")?;
    assert_eq!(loaded.global::<u64>("inits")?, 101, "by the other function");
    assert_eq!((link.program(), link.target()), ("replacement", "replacement"));
    link.detach()?;
    assert!(wait_until(PATIENCE, || !is_registered("oxbpf_linked")));
    Ok(())
}

fn lacking() -> TestResult {
    let more = |change: &dyn Fn(&mut ObjectSpec) -> Result<()>| {
        Loaded::with(FILE, |spec| {
            only(spec, &["more"]);
            change(spec)
        })
    };
    let loaded = more(&|_| Ok(()))?;
    let link = loaded.map("more")?.attach_struct_ops()?;
    assert!(is_registered("oxbpf_more"), "fields that are zero may be missing");
    drop(link);
    let error = more(&|spec| Ok(spec.set_struct_ops_field("more", "no_such_field", &1_u64)?));
    let text = error.err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(text, "map more: the kernel's struct tcp_congestion_ops has no field no_such_field");
    let error = more(&|spec| {
        let ops = spec.map_mut("more").and_then(oxbpf::MapSpec::struct_ops_mut).ok_or("it is one")?;
        ops.programs.insert("no_such_function".into(), "init".into());
        Ok(())
    });
    let text = error.err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(text, "map more: the kernel's struct tcp_congestion_ops has no field no_such_function");
    Ok(())
}

/// Which programs are loaded follows from the maps, with no kernel.
fn programs() -> TestResult {
    let mut spec = oxbpf::open(testdata(FILE))?;
    let loaded = |spec: &ObjectSpec| -> Vec<String> {
        spec.loaded_programs().map(|(_, program)| program.name.clone()).collect()
    };
    assert_eq!(loaded(&spec), ["ssthresh", "cong_avoid", "undo_cwnd", "init"]);
    only(&mut spec, &["replacement"]);
    assert_eq!(loaded(&spec), ["ssthresh", "cong_avoid", "undo_cwnd", "other_init"]);
    only(&mut spec, &["more"]);
    assert_eq!(loaded(&spec), ["ssthresh", "cong_avoid", "undo_cwnd"]);
    only(&mut spec, &[]);
    assert_eq!(loaded(&spec), Vec::<String>::new());
    // A function that is taken out is no longer loaded, though its section does not say `?`.
    let mut less = spec.clone();
    only(&mut less, &["plain"]);
    less.map_mut("plain")
        .and_then(oxbpf::MapSpec::struct_ops_mut)
        .ok_or("it is one")?
        .programs
        .remove("init");
    assert_eq!(loaded(&less), ["ssthresh", "cong_avoid", "undo_cwnd"]);
    let plain = spec.map("plain").and_then(oxbpf::MapSpec::struct_ops).ok_or("it is one")?;
    assert_eq!(plain.programs["init"], "init");
    assert_eq!(plain.data.len(), 48);
    let errors = [
        spec.set_struct_ops_field("plain", "name", &1_u64).expect_err("wrong").to_string(),
        spec.set_struct_ops_field("plain", "nothing", &1_u64).expect_err("wrong").to_string(),
        spec.set_struct_ops_field("nothing", "name", &1_u64).expect_err("wrong").to_string(),
    ];
    assert_eq!(
        errors,
        [
            "struct_ops map plain: field name: it has 16 bytes, the value has 8",
            "struct_ops map plain: field nothing: its struct has no such field",
            "struct_ops map nothing: field name: the object has no such map",
        ]
    );
    Ok(())
}
