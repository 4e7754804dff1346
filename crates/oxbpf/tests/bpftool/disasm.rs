//! Instructions as text.

use std::os::fd::AsFd;

use oxbpf::btf::Endian;
use oxbpf::obj::insn::{
    Alu, Assembler, Atomic, Cond, Insn, Reg::*, Size, Swap, assemble, disassemble, opcode,
};
use oxbpf::sys::ProgLoad;
use oxbpf::{Kernel, Object, ProgramParts, ProgramType};
use oxbpf_testing::{Need, Suite, TestResult};

use crate::programs::loaded;
use crate::tool::{BPFTOOL, Result, bpftool};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::SysAdmin, BPFTOOL, Need::Kernel(5, 12)];
    suite.test("disasm::of_objects", &needs, of_objects);
    suite.test("disasm::of_every_form", &needs, of_every_form);
}

/// `w0 = w0`.
const ZERO_EXTENSION: u8 = opcode::CLASS_ALU | opcode::MOV | opcode::X;

/// Compares and gives how many instructions were the same.
fn same_text(id: u32, xlated: &[u8]) -> Result<usize> {
    let mut ours = Insn::decode_all(xlated, Endian::NATIVE);
    for call in ours.iter_mut().filter(|insn| insn.is_pseudo_call() && insn.off != 0) {
        // Of functions that are translated each on their own, the immediate is a number and the distance here.
        call.imm = std::mem::take(&mut call.off).into();
    }
    let lines: Vec<String> = disassemble(&ours).collect();
    let theirs = bpftool(&["prog", "dump", "xlated", "id", &id.to_string()])?;
    let theirs = theirs.as_array().ok_or("a list")?;
    let texts: Vec<&str> = theirs.iter().filter_map(|insn| insn["disasm"].as_str()).collect();
    assert_eq!(lines.len(), texts.len());
    for (line, theirs) in lines.iter().zip(&texts) {
        let ours = line.split_once(": ").ok_or("an index")?.1;
        assert_eq!(without_names(ours), without_names(theirs), "{line}");
    }
    // What it prints reads as what it was, but for marks of the verifier that no text shows.
    let mut plain = ours;
    for at in 0..plain.len() {
        match plain[at] {
            Insn { code: ZERO_EXTENSION, imm: 1, .. } => plain[at].imm = 0,
            Insn { code: opcode::LD_IMM64, .. }
                if matches!(plain[at].src(), opcode::PSEUDO_MAP_FD | opcode::PSEUDO_FUNC) =>
            {
                plain[at + 1].imm = 0;
            }
            _ => {}
        }
    }
    assert_eq!(assemble(&lines.join("\n"))?, plain);
    Ok(lines.len())
}

/// In what runs, maps are ids, and helpers are addresses whose names bpftool looks up.
fn without_names(text: &str) -> String {
    // Newer than bpftool 7.1: the address of this CPU's value.
    let text = match text.split_once("&(void __percpu *)(") {
        Some((before, reg)) => format!("{before}{}", reg.trim_end_matches(')')),
        None => text.replace("map[id:", "map[fd:"),
    };
    match text.split_once("call ").and_then(|(before, call)| Some((before, call.split_once('#')?))) {
        // A function's name follows its distance, a number the name of a helper.
        Some((before, (distance, _))) if distance.starts_with("pc") => format!("{before}call {distance}"),
        Some((before, (_, number))) => format!("{before}call #{number}"),
        None => text,
    }
}

fn of_objects() -> TestResult {
    let mut compared = 0;
    for program in loaded()?.iter().flat_map(Object::programs) {
        let info = program.info()?;
        compared += same_text(info.id, &program.dump(ProgramParts::XLATED)?.xlated)?;
    }
    assert!(compared > 300, "{compared} instructions compared");
    Ok(())
}

/// All that the verifier lets through of what bpftool 7.1, which is older than the fourth instruction set, knows.
fn of_every_form() -> TestResult {
    let old = |alu: &Alu| !matches!(alu, Alu::SDiv | Alu::SMod);
    let mut program = Assembler::new().mov64_imm(R0, 7).mov64_imm(R2, 3).store_imm(Size::Dw, R10, -8, 7);
    for alu in Alu::ALL.into_iter().filter(old) {
        program = program.alu64_imm(alu, R0, 5).alu32_imm(alu, R0, 5);
        program = program.mov64_imm(R2, 3).alu64_reg(alu, R0, R2).alu32_reg(alu, R0, R2);
    }
    program = program.neg64(R0).neg32(R0).alu64_imm(Alu::Add, R0, i32::MIN).ld_imm64(R3, u64::MAX - 5);
    for bits in [16, 32, 64] {
        program = program.swap(Swap::Le, R0, bits).swap(Swap::Be, R0, bits);
    }
    for size in Size::ALL {
        program = program.store(size, R10, -8, R2).store_imm(size, R10, -8, -3).load(size, R4, R10, -8);
    }
    for atomic in Atomic::ALL {
        for size in [Size::W, Size::Dw] {
            program = program.store_imm(Size::Dw, R10, -8, 7).atomic(atomic, size, R10, -8, R2);
        }
    }
    program = program.mov64_reg(R0, R2);
    for (n, cond) in Cond::ALL.into_iter().enumerate() {
        let next = format!("next {n}");
        program = program
            .call(7)
            .mov64_imm(R2, 3)
            .if64_imm(cond, R0, -1, &next)
            .if32_imm(cond, R0, 0x7fff_ffff, &next)
            .if64_reg(cond, R0, R2, &next)
            .if32_reg(cond, R0, R2, &next)
            .label(&next);
    }
    let program = program.jump("end").label("end").mov64_imm(R0, 0).exit();
    let insns = program.encode(Endian::NATIVE)?;
    let kernel = Kernel::host();
    let load = ProgLoad {
        prog_type: ProgramType::SOCKET_FILTER,
        insns: &insns,
        license: "GPL",
        ..Default::default()
    };
    let mut log = oxbpf::sys::LogBuf::new(oxbpf::sys::LogBuf::ERRORS, 1 << 20);
    let fd = kernel.prog_load(&load, Some(&mut log)).map_err(|e| format!("{e}: {}", log.text()))?;
    let xlated = kernel.prog_dump(fd.as_fd(), ProgramParts::XLATED)?.xlated;
    let compared = same_text(kernel.prog_info(fd.as_fd())?.id, &xlated)?;
    assert!(compared > 180, "{compared} instructions compared");
    Ok(())
}
