use object::elf;

use crate::Error;
use crate::error::ElfProblem;

/// Refuses what is no 64-bit relocatable BPF file, saying what it is instead.
pub(super) fn check(bytes: &[u8]) -> Result<(), Error> {
    if !bytes.starts_with(&elf::ELFMAG) {
        return Err(Error::NotElf { what: guess(bytes) });
    }
    let (Some(class), Some(order)) = (bytes.get(4), bytes.get(5)) else {
        return Err(ElfProblem::Header.into());
    };
    let half = |at: usize| {
        let raw = bytes.get(at..)?.first_chunk::<2>()?;
        match *order {
            1 => Some(u16::from_le_bytes(*raw)),
            2 => Some(u16::from_be_bytes(*raw)),
            _ => None,
        }
    };
    let (Some(kind), Some(machine)) = (half(16), half(18)) else {
        return Err(ElfProblem::Header.into());
    };
    let is_bpf = machine == elf::EM_BPF.0 || machine == elf::EM_NONE.0;
    if !is_bpf || elf::FileType(kind) != elf::ET_REL {
        return Err(Error::NotBpf { what: format!("{} {}", machine_name(machine), kind_name(kind)) });
    }
    if *class != elf::ELFCLASS64.0 {
        return Err(Error::NotBpf { what: "32-bit ELF file".into() });
    }
    Ok(())
}

fn kind_name(kind: u16) -> &'static str {
    match elf::FileType(kind) {
        elf::ET_REL => "object file",
        elf::ET_EXEC => "executable",
        elf::ET_DYN => "executable or shared library",
        elf::ET_CORE => "core dump",
        _ => "file",
    }
}

fn machine_name(machine: u16) -> String {
    let known = match elf::Machine(machine) {
        elf::EM_386 => "x86",
        elf::EM_X86_64 => "x86-64",
        elf::EM_ARM => "Arm",
        elf::EM_AARCH64 => "AArch64",
        elf::EM_RISCV => "RISC-V",
        elf::EM_PPC64 => "PowerPC64",
        elf::EM_S390 => "s390",
        elf::EM_MIPS => "MIPS",
        elf::EM_LOONGARCH => "LoongArch",
        elf::EM_SPARCV9 => "SPARC64",
        elf::EM_BPF => "BPF",
        elf::EM_NONE => "machine-less",
        _ => return format!("machine {machine}"),
    };
    known.to_owned()
}

/// What else the bytes may be, from their beginning.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "an empty file",
        [b'B', b'C', 0xc0, 0xde, ..] => "LLVM bitcode (compile it on, with llc or bpf-linker)",
        [0xeb, 0x9f, ..] | [0x9f, 0xeb, ..] => "raw BTF, which holds types only",
        [0x1f, 0x8b, ..] => "gzip data",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "an archive",
        [b'#', ..] | [b'/', b'*', ..] | [b'/', b'/', ..] => "text, perhaps C source",
        _ => "something else",
    }
}
