//! What a library made of an object in the kernel: the calls that matter, without what is of one run only (numbers of
//! descriptors, ids, addresses), field by field.

mod fields;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;

use oxbpf_obj::Insn;
use oxbpf_sys::uapi::{Cmd, MapCreateAttr, MapElemAttr, ObjAttr, ProgLoadAttr};

use crate::calls::{Call, Fd, contents_of, maps_of_program};

/// What was made, or was to be made.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) things: BTreeMap<Name, Thing>,
}

/// What a thing is called: its kind, its name, and which of those of this name it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    kind: &'static str,
    name: String,
    number: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Name { kind, name, number } = self;
        if *number == 0 { write!(f, "{kind} {name}") } else { write!(f, "{kind} {name}#{number}") }
    }
}

/// The fields of a map, program or BTF, by their names in `union bpf_attr` or what they are.
pub(super) type Thing = BTreeMap<&'static str, Field>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    /// Instructions without descriptors, and what those stood for.
    Insns(Vec<Insn>, BTreeMap<usize, String>),
    /// Elements: keys and values.
    Elements(Vec<(Vec<u8>, Vec<u8>)>),
}

impl Made {
    pub(super) fn of(calls: &[Call], pins: &Path) -> Made {
        let mut builder = Builder { made: Made::default(), ids: HashMap::new(), pins };
        let attempts = without_probes(attempts(calls));
        for call in &attempts {
            builder.name(call);
        }
        for call in &attempts {
            builder.add(call);
        }
        for call in calls {
            builder.follow(call);
        }
        builder.contents(&attempts);
        builder.made
    }
}

#[cfg(test)]
impl Made {
    pub(super) fn with_program(name: &str, program: Thing) -> Made {
        let name = Name { kind: "program", name: name.to_owned(), number: 0 };
        Made { things: BTreeMap::from([(name, program)]) }
    }
}

/// The calls that make something, each at its last attempt: what was tried again, with a log or with less, counts once.
fn attempts(calls: &[Call]) -> Vec<&Call> {
    let mut attempts: Vec<&Call> = Vec::new();
    for call in calls.iter().filter(|call| is_about_object(call)) {
        let again =
            |last: &&Call| last.cmd == call.cmd && last.result.is_err() && raw_name(last) == raw_name(call);
        if attempts.last().is_some_and(again) {
            attempts.pop();
        }
        attempts.push(call);
    }
    attempts
}

/// Whether a call makes something of the object: it is not there to learn what the kernel has. Objects have names for
/// all they make.
fn is_about_object(call: &Call) -> bool {
    match call.cmd {
        Cmd::MAP_CREATE | Cmd::PROG_LOAD => !raw_name(call).is_empty(),
        Cmd::BTF_LOAD => true,
        _ => false,
    }
}

/// What a call makes.
fn kind(call: &Call) -> &'static str {
    match call.cmd {
        Cmd::MAP_CREATE => "map",
        Cmd::PROG_LOAD => "program",
        _ => "BTF",
    }
}

/// The name that what a call makes has in the kernel.
fn raw_name(call: &Call) -> String {
    let name = match call.cmd {
        Cmd::MAP_CREATE => call.view::<MapCreateAttr>().map_name,
        Cmd::PROG_LOAD => call.view::<ProgLoadAttr>().prog_name,
        _ => return "types".to_owned(),
    };
    String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned()
}

/// Without the BTFs that nothing made refers to: they were tried out. Of an object that has nothing else, its own comes
/// last.
fn without_probes(mut attempts: Vec<&Call>) -> Vec<&Call> {
    let is_btf = |call: &Call| call.cmd == Cmd::BTF_LOAD;
    let used: HashSet<_> = attempts.iter().filter(|call| !is_btf(call)).flat_map(|call| call.fds()).collect();
    let last = attempts.iter().rposition(|call| is_btf(call));
    let any = attempts.iter().any(|call| is_btf(call) && call.identity.iter().any(|fd| used.contains(fd)));
    let mut at = 0;
    attempts.retain(|call| {
        at += 1;
        let keep = if any { call.identity.iter().any(|fd| used.contains(fd)) } else { last == Some(at - 1) };
        !is_btf(call) || keep
    });
    attempts
}

struct Builder<'a> {
    made: Made,
    /// What the things with an id are called.
    ids: HashMap<(&'static str, u32), Name>,
    /// Where pinned maps are.
    pins: &'a Path,
}

impl Builder<'_> {
    /// Gives what a call makes its name.
    fn name(&mut self, call: &Call) {
        let mut name = Name { kind: kind(call), name: raw_name(call), number: 0 };
        while self.made.things.contains_key(&name) {
            name.number += 1;
        }
        if let Some(id) = call.identity.as_ref().and_then(id) {
            self.ids.insert(id, name.clone());
        }
        self.made.things.insert(name, Thing::new());
    }

    /// What a descriptor of a call is called.
    fn label(&self, call: &Call, fd: u32) -> String {
        let Some(fd) = call.fd(fd.cast_signed()) else { return "none".to_owned() };
        let named = id(fd).and_then(|id| self.ids.get(&id));
        match (named, fd) {
            (Some(name), _) => name.to_string(),
            (None, Fd::Map(_, name)) => format!("another map, {name}"),
            (None, Fd::Program(_, name)) => format!("another program, {name}"),
            (None, Fd::Btf(_, name)) => format!("BTF of {name}"),
            (None, Fd::Other(link)) => link.clone(),
        }
    }

    fn thing(&mut self, name: &Name) -> &mut Thing {
        self.made.things.entry(name.clone()).or_default()
    }

    /// Fills in the fields of what a call makes: of the first of its name that has none yet.
    fn add(&mut self, call: &Call) {
        let fields = match call.cmd {
            Cmd::MAP_CREATE => self.map_fields(call),
            Cmd::PROG_LOAD => self.program_fields(call),
            _ => fields::of_btf(call),
        };
        let (kind, raw) = (kind(call), raw_name(call));
        let mut things = self.made.things.iter_mut();
        let next = things.find(|(name, thing)| thing.is_empty() && name.kind == kind && name.name == raw);
        *next.expect("each was named").1 = fields;
    }

    /// What later calls do to the things made.
    fn follow(&mut self, call: &Call) {
        let (fd, field, value) = match call.cmd {
            Cmd::MAP_FREEZE => (call.view::<MapElemAttr>().map_fd, "frozen", Field::Number(1)),
            Cmd::OBJ_PIN => {
                let path = String::from_utf8_lossy(call.bytes("pathname")).into_owned();
                let path = path.replace(&*self.pins.to_string_lossy(), "PINS");
                (call.view::<ObjAttr>().bpf_fd, "pinned", Field::Text(path))
            }
            // Registers what struct_ops are.
            Cmd::MAP_UPDATE_ELEM => {
                let fd = call.view::<MapElemAttr>().map_fd;
                let value = self.struct_ops_value(call);
                if value.is_empty() {
                    return;
                }
                (fd, "struct_ops", Field::Bytes(value))
            }
            _ => return,
        };
        let Some(id) = call.fd(fd.cast_signed()).and_then(id) else { return };
        if let Some(name) = self.ids.get(&id).cloned() {
            self.thing(&name).insert(field, value);
        }
    }

    /// What the maps hold in the end, and which of them the programs have.
    fn contents(&mut self, attempts: &[&Call]) {
        for call in attempts {
            let (Some(made), Some(identity)) = (&call.made, &call.identity) else { continue };
            let Some(name) = id(identity).and_then(|id| self.ids.get(&id)).cloned() else { continue };
            match identity {
                Fd::Map(..) => {
                    let mut elements = contents_of(made);
                    self.name_values(call, &mut elements);
                    self.thing(&name).insert("elements", Field::Elements(elements));
                }
                Fd::Program(..) => {
                    let ids = maps_of_program(made);
                    let label = |id| self.ids.get(&("map", id)).map_or("another".to_owned(), Name::to_string);
                    let mut maps: Vec<String> = ids.into_iter().map(label).collect();
                    maps.sort();
                    self.thing(&name).insert("maps", Field::Text(maps.join(", ")));
                }
                _ => {}
            }
        }
    }
}

/// Kind and id of what a descriptor stands for.
fn id(fd: &Fd) -> Option<(&'static str, u32)> {
    match fd {
        Fd::Map(id, _) => Some(("map", *id)),
        Fd::Program(id, _) => Some(("program", *id)),
        Fd::Btf(id, _) => Some(("BTF", *id)),
        Fd::Other(_) => None,
    }
}
