//! Sections of one's own.

use std::io;
use std::sync::{Arc, Mutex};

use oxbpf::obj::insn::Insn;
use oxbpf::sys::doors::Fake;
use oxbpf::sys::uapi::ProgLoadAttr;
use oxbpf::{
    AttachReason, AttachType, Error, Link, LoadRequest, ObjectSpec, OpenOptions, Program, ProgramFlags,
    ProgramSpec, ProgramType, SectionHandler, SectionHandlers, XdpFlags,
};

use crate::{load, named};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Notes what it is called for, and does something at each step.
#[derive(Clone, Default)]
struct Noting {
    name: &'static str,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Noting {
    fn note(&self, step: &str, program: &str) {
        self.notes.lock().unwrap().push(format!("{}: {step} {program}", self.name));
    }
}

impl SectionHandler for Noting {
    fn setup(&self, program: &mut ProgramSpec) -> Outcome<()> {
        self.note("setup", &program.name);
        program.flags |= ProgramFlags::TEST_RND_HI32;
        if program.attach_to.as_deref() == Some("nonsense") {
            return Err(Box::new(io::Error::other("nonsense is no target")));
        }
        Ok(())
    }

    fn prepare_load(&self, program: &ProgramSpec, request: &mut LoadRequest<'_>) -> Outcome<()> {
        self.note("load", &program.name);
        request.insns = vec![Insn::mov64_imm(0, 1), Insn::exit()].into();
        request.func_info = Vec::new().into();
        request.line_info = Vec::new().into();
        request.flags |= ProgramFlags::TEST_STATE_FREQ;
        request.attach_type = Some(AttachType::XDP_CPUMAP);
        Ok(())
    }

    fn attach(&self, program: &Program) -> Outcome<Option<Link>> {
        self.note("attach", program.name());
        Ok(Some(program.attach_xdp(1, XdpFlags::empty())?))
    }
}

/// Does nothing at all.
struct Idle;

impl SectionHandler for Idle {}

/// The object with its one program in `section`, opened with these handlers.
fn open(section: &str, handlers: &SectionHandlers) -> Result<ObjectSpec, Error> {
    let mut spec = crate::spec("xdp_counter.bpf.o");
    spec.programs[0].section = section.into();
    spec.programs[0].def = oxbpf::SectionDef::find(section).map(|(def, _)| def);
    handlers.apply(&mut spec)?;
    Ok(spec)
}

#[test]
fn each_step_has_its_say() {
    let noting = Noting { name: "mine", ..Noting::default() };
    let handlers =
        SectionHandlers::new().on("mine+", ProgramType::XDP, Some(AttachType::XDP), noting.clone());
    let spec = open("mine/there", &handlers).unwrap();
    let program = &spec.programs[0];
    assert_eq!((program.prog_type, program.attach_type), (ProgramType::XDP, Some(AttachType::XDP)));
    assert_eq!((program.attach_to.as_deref(), program.flags), (Some("there"), ProgramFlags::TEST_RND_HI32));
    // What goes along with a spec goes along with its clones.
    let (object, calls) = load(&spec.clone(), Arc::new(Fake::new()));
    let object = object.unwrap();
    let attr: ProgLoadAttr = named(&calls, "BPF_PROG_LOAD")[0].view();
    assert_eq!((attr.insn_cnt, attr.func_info_cnt, attr.line_info_cnt), (2, 0, 0));
    assert_eq!(attr.prog_flags, (ProgramFlags::TEST_RND_HI32 | ProgramFlags::TEST_STATE_FREQ).bits());
    assert_eq!(attr.expected_attach_type, AttachType::XDP_CPUMAP.0);
    assert_eq!(object.programs()[0].attach_type(), Some(AttachType::XDP_CPUMAP));
    assert_eq!(object.attach().unwrap().len(), 1);
    let name = &spec.programs[0].name;
    let notes = noting.notes.lock().unwrap().clone();
    assert_eq!(notes, ["setup", "load", "attach"].map(|step| format!("mine: {step} {name}")));
}

/// Handlers come before the table, which comes before the handler of everything else; the first that fits counts.
#[test]
fn the_first_that_fits_counts() {
    let noting = |name| Noting { name, ..Noting::default() };
    let handlers = SectionHandlers::new()
        .on("xdp", ProgramType::SCHED_CLS, None, noting("xdp"))
        .on("tc/", ProgramType::SCHED_ACT, None, noting("tc"))
        .on("tc/egress", ProgramType::XDP, None, noting("egress"))
        .otherwise(ProgramType::SOCKET_FILTER, None, noting("otherwise"));
    let type_of = |section| {
        let spec = open(section, &handlers).unwrap();
        (spec.programs[0].prog_type, spec.programs[0].def.is_some())
    };
    assert_eq!(type_of("xdp"), (ProgramType::SCHED_CLS, false));
    assert_eq!(type_of("tc/egress"), (ProgramType::SCHED_ACT, false));
    assert_eq!(type_of("what/ever"), (ProgramType::SOCKET_FILTER, false));
    assert!(type_of("xdp/devmap").1, "the table's");
}

/// Made one of another type, a program is no longer its handler's, unless that is for any.
#[test]
fn another_type_another_way() {
    let noting = Noting { name: "any", ..Noting::default() };
    let handlers = SectionHandlers::new().on("mine", ProgramType::XDP, None, noting.clone()).otherwise(
        ProgramType::XDP,
        None,
        noting.clone(),
    );
    for (section, calls) in [("mine", 1), ("other", 2)] {
        noting.notes.lock().unwrap().clear();
        let mut spec = open(section, &handlers).unwrap();
        spec.programs[0].set_type(ProgramType::SCHED_CLS);
        load(&spec, Arc::new(Fake::new())).0.unwrap();
        assert_eq!(noting.notes.lock().unwrap().len(), calls, "{section}");
    }
}

#[test]
fn failures_name_program_and_step() {
    let handlers = SectionHandlers::new().on("mine/", ProgramType::XDP, None, Noting::default());
    let error = open("mine/nonsense", &handlers).unwrap_err();
    let name = crate::spec("xdp_counter.bpf.o").programs[0].name.clone();
    assert_eq!(
        error.to_string(),
        format!("program {name} (mine/nonsense): its handler cannot set it up: nonsense is no target")
    );
}

/// What a handler does not attach waits for a method that does, and is left out when the object is attached.
#[test]
fn handlers_need_not_attach() {
    let handlers = SectionHandlers::new().on("mine", ProgramType::XDP, Some(AttachType::XDP), Idle);
    let (object, _) = load(&open("mine", &handlers).unwrap(), Arc::new(Fake::new()));
    let object = object.unwrap();
    assert!(object.attach().unwrap().is_empty());
    let error = object.programs()[0].attach().unwrap_err();
    let Error::Attach(error) = error else { panic!("{error}") };
    assert!(matches!(error.reason, AttachReason::NotByHandler), "{error}");
}

#[test]
fn objects_are_opened_with_them() {
    let file = oxbpf_testing::testdata("xdp_counter.bpf.o");
    let handlers = SectionHandlers::new().on("xdp", ProgramType::SCHED_CLS, None, Idle);
    let options = OpenOptions { name: Some("renamed".into()), handlers };
    let spec = options.open(file).unwrap();
    assert_eq!((spec.name.as_str(), spec.programs[0].prog_type), ("renamed", ProgramType::SCHED_CLS));
}
