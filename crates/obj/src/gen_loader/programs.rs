//! Programs, and the object's types, which they are loaded with.

use std::ops::Range;

use super::Plan;
use super::blob::Attr;
use super::emit::{Cmd, Emitter};
use super::loader::{LightProgram, LightStep};
use super::symbols::Symbols;
use crate::insn::{Insn, opcode};
use crate::link::{FixupKind, ProgramImage};
use crate::{AttachKind, AttachType, Endian, Error, ProgramSpec};

/// `union bpf_attr` of `BPF_PROG_LOAD`, as far as this needs it.
mod load {
    pub(super) const PROG_TYPE: u32 = 0;
    pub(super) const INSN_CNT: u32 = 4;
    pub(super) const INSNS: u32 = 8;
    pub(super) const LICENSE: u32 = 16;
    pub(super) const LOG_LEVEL: u32 = 24;
    pub(super) const LOG_SIZE: u32 = 28;
    pub(super) const LOG_BUF: u32 = 32;
    pub(super) const PROG_FLAGS: u32 = 44;
    pub(super) const PROG_NAME: u32 = 48;
    pub(super) const PROG_IFINDEX: u32 = 64;
    pub(super) const EXPECTED_ATTACH_TYPE: u32 = 68;
    pub(super) const PROG_BTF_FD: u32 = 72;
    pub(super) const FUNC_INFO_REC_SIZE: u32 = 76;
    pub(super) const FUNC_INFO: u32 = 80;
    pub(super) const FUNC_INFO_CNT: u32 = 88;
    pub(super) const LINE_INFO_REC_SIZE: u32 = 92;
    pub(super) const LINE_INFO: u32 = 96;
    pub(super) const LINE_INFO_CNT: u32 = 104;
    pub(super) const ATTACH_BTF_ID: u32 = 108;
    pub(super) const ATTACH_BTF_OBJ_FD: u32 = 112;
    pub(super) const CORE_RELO_CNT: u32 = 116;
    pub(super) const FD_ARRAY: u32 = 120;
    pub(super) const CORE_RELOS: u32 = 128;
    pub(super) const CORE_RELO_REC_SIZE: u32 = 136;
    pub(super) const SIZE: usize = 140;
}

/// Of `BPF_BTF_LOAD`.
mod btf {
    pub(super) const BTF: u32 = 0;
    pub(super) const LOG_BUF: u32 = 8;
    pub(super) const BTF_SIZE: u32 = 16;
    pub(super) const LOG_SIZE: u32 = 20;
    pub(super) const LOG_LEVEL: u32 = 24;
    pub(super) const SIZE: usize = 28;
}

/// Loads the object's types; where they are in the data.
pub(super) fn emit_btf(out: &mut Emitter, plan: &Plan<'_>) -> Option<Range<u32>> {
    let types = out.blob.add(plan.btf()?.as_bytes());
    out.step(LightStep::Btf);
    let size = types.end.saturating_sub(types.start);
    let attr = out.blob.attr(Attr::new(btf::SIZE, plan.endian()).u32(btf::BTF_SIZE, size));
    let at = |field: u32| attr.saturating_add(field);
    out.point(at(btf::BTF), types.start);
    out.log(at(btf::LOG_LEVEL), at(btf::LOG_SIZE), at(btf::LOG_BUF));
    out.bpf(Cmd::BtfLoad, attr, btf::SIZE);
    out.keep(plan.btf_slot());
    Some(types)
}

/// Loads all programs.
pub(super) fn emit(
    out: &mut Emitter,
    plan: &Plan<'_>,
    symbols: &Symbols,
    mut image: impl FnMut(usize) -> Result<ProgramImage, Error>,
) -> Result<Vec<LightProgram>, Error> {
    let license = out.blob.string(&plan.spec.license).start;
    let mut made = Vec::with_capacity(plan.programs.len());
    for (index, place) in plan.programs.iter().enumerate() {
        let Some(spec) = plan.spec.programs.get(*place) else { continue };
        made.push(program(out, plan, symbols, license, index, spec, image(*place)?));
    }
    Ok(made)
}

fn program(
    out: &mut Emitter,
    plan: &Plan<'_>,
    symbols: &Symbols,
    license: u32,
    index: usize,
    spec: &ProgramSpec,
    mut image: ProgramImage,
) -> LightProgram {
    // Probes of USDT are attached many at a time; kernels that cannot do not look at it.
    let is_usdt = spec.def.is_some_and(|def| def.attach == AttachKind::Usdt);
    let attach_type = if is_usdt { Some(AttachType::TRACE_UPROBE_MULTI) } else { spec.attach_type };
    refer_to_maps(plan, &mut image);
    symbols.prepare(&mut image);
    let endian = plan.endian();
    let insns = out.blob.add(&Insn::encode_all(&image.insns, endian));
    let (functions, lines, relos) = match plan.btf() {
        None => Default::default(),
        Some(_) => (
            out.blob.words(image.func_info.iter().flat_map(|info| [info.insn_off, info.ty.0])),
            out.blob.words(
                (image.line_info.iter())
                    .flat_map(|info| [info.insn_off, info.file_name_off, info.line_off, info.line_col]),
            ),
            // The kernel counts bytes.
            out.blob.words(image.core_relos.iter().flat_map(|relo| {
                [relo.insn_off.saturating_mul(8), relo.ty.0, relo.access_str_off, relo.kind as u32]
            })),
        ),
    };
    let records =
        |range: &Range<u32>, size: u32| range.end.saturating_sub(range.start).checked_div(size).unwrap_or(0);
    let size_of = |range: &Range<u32>, size: u32| if range.is_empty() { 0 } else { size };
    let attr = Attr::new(load::SIZE, endian)
        .u32(load::PROG_TYPE, spec.prog_type.0)
        .u32(load::INSN_CNT, records(&insns, 8))
        .u32(load::PROG_FLAGS, spec.flags.bits())
        .name(load::PROG_NAME, &crate::parse::kernel_name(&spec.name))
        .u32(load::PROG_IFINDEX, spec.ifindex)
        .u32(load::EXPECTED_ATTACH_TYPE, attach_type.map_or(0, |attach| attach.0))
        .u32(load::FUNC_INFO_REC_SIZE, size_of(&functions, 8))
        .u32(load::FUNC_INFO_CNT, records(&functions, 8))
        .u32(load::LINE_INFO_REC_SIZE, size_of(&lines, 16))
        .u32(load::LINE_INFO_CNT, records(&lines, 16))
        .u32(load::CORE_RELO_REC_SIZE, size_of(&relos, 16))
        .u32(load::CORE_RELO_CNT, records(&relos, 16));
    let attr = out.blob.attr(attr);
    let at = |field: u32| attr.saturating_add(field);
    symbols.write(out, plan, &image, insns.start);
    out.step(LightStep::Program { program: index });
    out.point(at(load::LICENSE), license);
    out.point(at(load::INSNS), insns.start);
    for (field, range) in
        [(load::FUNC_INFO, &functions), (load::LINE_INFO, &lines), (load::CORE_RELOS, &relos)]
    {
        if !range.is_empty() {
            out.point(at(field), range.start);
        }
    }
    out.point(at(load::FD_ARRAY), plan.table());
    out.log(at(load::LOG_LEVEL), at(load::LOG_SIZE), at(load::LOG_BUF));
    if plan.btf().is_some() {
        out.copy(at(load::PROG_BTF_FD), plan.btf_slot());
    }
    symbols.target(out, index, at(load::ATTACH_BTF_ID), at(load::ATTACH_BTF_OBJ_FD));
    out.bpf(Cmd::ProgLoad, attr, load::SIZE);
    out.keep(plan.program_slot(index));
    LightProgram {
        name: spec.name.clone(),
        section: spec.section.to_string(),
        prog_type: spec.prog_type,
        attach_type,
        attach_to: spec.attach_to.as_deref().map(str::to_owned),
        flags: spec.flags,
        autoattach: spec.autoattach,
        ifindex: spec.ifindex,
        insns,
        func_info: functions,
        line_info: lines,
    }
}

/// Makes references to maps say their place in the table of descriptors.
fn refer_to_maps(plan: &Plan<'_>, image: &mut ProgramImage) {
    for fixup in &image.fixups {
        let (map, src) = match fixup.kind {
            FixupKind::MapFd { map } => (map, opcode::PSEUDO_MAP_IDX),
            FixupKind::MapValue { map, .. } => (map, opcode::PSEUDO_MAP_IDX_VALUE),
            _ => continue,
        };
        if let (Some(insn), Some(place)) = (image.insns.get_mut(fixup.insn), plan.place_of_map(map)) {
            insn.set_src(src);
            insn.imm = place;
        }
    }
}

/// The byte of an instruction that says its registers, with none as the source.
pub(super) fn registers(insn: Insn, endian: Endian) -> u8 {
    let [_, registers, ..] = insn.with_src(0).encode(endian);
    registers
}
