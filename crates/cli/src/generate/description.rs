//! The file that describes a loader: all of [`LightLoader`] but its instructions and data.

use std::ops::Range;

use oxbpf::btf::Kind;
use oxbpf::obj::{Endian, Insn, LightLoader, LightMap, LightProgram, LightStep, TypeId};
use oxbpf::{AttachType, MapFlags, MapType, ProgramFlags, ProgramType};
use serde::{Deserialize, Serialize};

/// The number goes up when a reader of before would go wrong.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Description {
    format: u32,
    name: String,
    big_endian: bool,
    checks_hash: bool,
    pub(super) signed: bool,
    /// Bytes of the context, and where it says how far the loader came and which step the log is for.
    context_size: u32,
    step_at: u32,
    log_step_at: u32,
    /// Where in the data the object's types are.
    types: Option<Range<u32>>,
    maps: Vec<Map>,
    programs: Vec<Program>,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Map {
    name: String,
    section: Option<String>,
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    map_extra: u64,
    key_type: u32,
    value_type: u32,
    frozen: bool,
    /// Where its part of the context begins.
    context_at: u32,
    /// Where in the data its initial value is.
    initial: Option<Range<u32>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Program {
    name: String,
    section: String,
    prog_type: u32,
    attach_type: Option<u32>,
    attach_to: Option<String>,
    flags: u32,
    autoattach: bool,
    ifindex: u32,
    /// Where its descriptor is in the context.
    context_at: u32,
    /// Where in the data these are.
    insns: Range<u32>,
    func_info: Range<u32>,
    line_info: Range<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "snake_case")]
enum Step {
    Types,
    InnerMap { map: usize },
    Map { map: usize },
    Value { map: usize },
    Freeze { map: usize },
    Slot { map: usize, index: u32 },
    Symbol { name: String, kind: Option<u32>, weak: bool },
    Program { program: usize },
}

impl Description {
    pub(super) fn of(loader: &LightLoader, signed: bool) -> Self {
        let maps = loader.maps.iter().enumerate();
        let programs = loader.programs.iter().enumerate();
        Self {
            format: FORMAT,
            name: loader.name.clone(),
            big_endian: loader.endian == Endian::Big,
            checks_hash: loader.checks_hash,
            signed,
            context_size: loader.context_size(),
            step_at: loader.step_slot(),
            log_step_at: loader.log_step_slot(),
            types: loader.btf.clone(),
            maps: maps.map(|(index, map)| Map::of(map, loader.map_slot(index))).collect(),
            programs: programs
                .map(|(index, program)| Program::of(program, loader.program_slot(index)))
                .collect(),
            steps: loader.steps.iter().map(Step::of).collect(),
        }
    }

    /// The loader with these instructions and data; `None` if it is described in another format.
    pub(super) fn loader(self, insns: &[u8], data: Vec<u8>) -> Option<LightLoader> {
        let endian = if self.big_endian { Endian::Big } else { Endian::Little };
        (self.format == FORMAT).then(|| LightLoader {
            name: self.name,
            endian,
            insns: Insn::decode_all(insns, endian),
            data,
            maps: self.maps.into_iter().map(Map::light).collect(),
            programs: self.programs.into_iter().map(Program::light).collect(),
            steps: self.steps.into_iter().map(Step::light).collect(),
            btf: self.types,
            checks_hash: self.checks_hash,
        })
    }
}

impl Map {
    fn of(map: &LightMap, context_at: u32) -> Self {
        Self {
            name: map.name.clone(),
            section: map.section.clone(),
            map_type: map.map_type.0,
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: map.max_entries,
            flags: map.flags.bits(),
            map_extra: map.map_extra,
            key_type: map.key_type.0,
            value_type: map.value_type.0,
            frozen: map.frozen,
            context_at,
            initial: map.initial.clone(),
        }
    }

    fn light(self) -> LightMap {
        LightMap {
            name: self.name,
            section: self.section,
            map_type: MapType(self.map_type),
            key_size: self.key_size,
            value_size: self.value_size,
            max_entries: self.max_entries,
            flags: MapFlags::from_bits_retain(self.flags),
            map_extra: self.map_extra,
            key_type: TypeId(self.key_type),
            value_type: TypeId(self.value_type),
            frozen: self.frozen,
            initial: self.initial,
        }
    }
}

impl Program {
    fn of(program: &LightProgram, context_at: u32) -> Self {
        Self {
            name: program.name.clone(),
            section: program.section.clone(),
            prog_type: program.prog_type.0,
            attach_type: program.attach_type.map(|attach| attach.0),
            attach_to: program.attach_to.clone(),
            flags: program.flags.bits(),
            autoattach: program.autoattach,
            ifindex: program.ifindex,
            context_at,
            insns: program.insns.clone(),
            func_info: program.func_info.clone(),
            line_info: program.line_info.clone(),
        }
    }

    fn light(self) -> LightProgram {
        LightProgram {
            name: self.name,
            section: self.section,
            prog_type: ProgramType(self.prog_type),
            attach_type: self.attach_type.map(AttachType),
            attach_to: self.attach_to,
            flags: ProgramFlags::from_bits_retain(self.flags),
            autoattach: self.autoattach,
            ifindex: self.ifindex,
            insns: self.insns,
            func_info: self.func_info,
            line_info: self.line_info,
        }
    }
}

impl Step {
    fn of(step: &LightStep) -> Self {
        match step.clone() {
            LightStep::Btf => Self::Types,
            LightStep::InnerMap { map } => Self::InnerMap { map },
            LightStep::Map { map } => Self::Map { map },
            LightStep::Value { map } => Self::Value { map },
            LightStep::Freeze { map } => Self::Freeze { map },
            LightStep::Slot { map, index } => Self::Slot { map, index },
            LightStep::Symbol { name, kind, weak } => {
                Self::Symbol { name, kind: kind.map(|kind| kind as u32), weak }
            }
            LightStep::Program { program } => Self::Program { program },
        }
    }

    fn light(self) -> LightStep {
        match self {
            Self::Types => LightStep::Btf,
            Self::InnerMap { map } => LightStep::InnerMap { map },
            Self::Map { map } => LightStep::Map { map },
            Self::Value { map } => LightStep::Value { map },
            Self::Freeze { map } => LightStep::Freeze { map },
            Self::Slot { map, index } => LightStep::Slot { map, index },
            Self::Symbol { name, kind, weak } => {
                let kind = kind.and_then(|number| Kind::ALL.into_iter().find(|kind| *kind as u32 == number));
                LightStep::Symbol { name, kind, weak }
            }
            Self::Program { program } => LightStep::Program { program },
        }
    }
}
