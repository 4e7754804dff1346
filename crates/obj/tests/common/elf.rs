//! ELF files made by hand, right or wrong as a test needs them.

use oxbpf_obj::insn::{Regs, opcode};
use oxbpf_obj::{Endian, Insn};

pub const PROGBITS: u32 = 1;
pub const SYMTAB: u32 = 2;
pub const STRTAB: u32 = 3;
pub const RELA: u32 = 4;
pub const NOBITS: u32 = 8;
pub const REL: u32 = 9;
pub const EXEC: u64 = 4;

pub const LOCAL: u8 = 0;
pub const GLOBAL: u8 = 1;
pub const WEAK: u8 = 2;
pub const NOTYPE: u8 = 0;
pub const OBJECT: u8 = 1;
pub const FUNC: u8 = 2;
pub const SECTION: u8 = 3;

/// A section; `offset` and `size` are what the data says, unless set.
#[derive(Clone, Default)]
pub struct Sec {
    pub name: &'static str,
    pub kind: u32,
    pub flags: u64,
    pub data: Vec<u8>,
    pub link: u32,
    pub info: u32,
    pub entsize: u64,
    pub offset: Option<u64>,
    pub size: Option<u64>,
    pub name_offset: Option<u32>,
}

#[derive(Clone, Default)]
pub struct Sym {
    pub name: &'static str,
    pub bind: u8,
    pub kind: u8,
    pub other: u8,
    pub section: u16,
    pub value: u64,
    pub size: u64,
    pub name_offset: Option<u32>,
}

/// A file: its own sections begin at index 1; names, symbols and their names follow.
#[derive(Clone)]
pub struct File {
    pub endian: Endian,
    pub sections: Vec<Sec>,
    pub symbols: Vec<Sym>,
    pub class: u8,
    pub kind: u16,
    pub machine: u16,
    pub sym_entsize: u64,
    pub shoff: Option<u64>,
    pub shnum: Option<u16>,
    pub shstrndx: Option<u16>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            endian: Endian::Little,
            sections: Vec::new(),
            symbols: Vec::new(),
            class: 2,
            kind: 1,
            machine: 247,
            sym_entsize: 24,
            shoff: None,
            shnum: None,
            shstrndx: None,
        }
    }
}

impl File {
    /// Adds a section; its index.
    pub fn section(&mut self, sec: Sec) -> u16 {
        self.sections.push(sec);
        self.sections.len() as u16
    }

    /// Adds a section of data.
    pub fn data(&mut self, name: &'static str, data: impl Into<Vec<u8>>) -> u16 {
        self.section(Sec { name, kind: PROGBITS, data: data.into(), ..Sec::default() })
    }

    /// Adds a section of instructions.
    pub fn code(&mut self, name: &'static str, insns: &[Insn]) -> u16 {
        let data = Insn::encode_all(insns, self.endian);
        self.section(Sec { name, kind: PROGBITS, flags: EXEC, data, ..Sec::default() })
    }

    /// Adds a symbol; its index.
    pub fn symbol(&mut self, sym: Sym) -> u32 {
        self.symbols.push(sym);
        self.symbols.len() as u32
    }

    /// Adds a global function of so many instructions.
    pub fn func(&mut self, name: &'static str, section: u16, insn: u64, insns: u64) -> u32 {
        let (value, size) = (insn * 8, insns * 8);
        self.symbol(Sym { name, bind: GLOBAL, kind: FUNC, section, value, size, ..Sym::default() })
    }

    /// Adds a section of relocations: offset, symbol, type.
    pub fn relocs(&mut self, name: &'static str, target: u16, relocs: &[(u64, u32, u32)]) -> u16 {
        let mut data = Vec::new();
        for &(offset, symbol, kind) in relocs {
            self.u64(&mut data, offset);
            self.u64(&mut data, u64::from(symbol) << 32 | u64::from(kind));
        }
        self.section(Sec { name, kind: REL, data, info: target.into(), entsize: 16, ..Sec::default() })
    }

    /// A program `prog` in section `xdp` that returns 0, and nothing else.
    pub fn minimal() -> Self {
        let mut file = Self::default();
        let xdp = file.code("xdp", &[Insn::mov64_imm(0, 0), Insn::exit()]);
        file.func("prog", xdp, 0, 2);
        file
    }

    /// Programs `other`, and `prog` with a table of two indirect jumps, which calls a function `sub` that has one, too:
    /// bytes in the sections `xdp` and `.text`, where they go to the instructions 6 and 7, 5 and 6.
    pub fn jump_tables(endian: Endian, entries: [u64; 4]) -> Self {
        const IMM64: u32 = 1;
        const CALL: u32 = 10;
        let mut file = Self { endian, ..Self::default() };
        let end = [Insn::mov64_imm(0, 0), Insn::exit()];
        let (r1, call) = (Regs::new(1, 0), Regs::new(0, opcode::PSEUDO_CALL));
        let call = Insn { code: opcode::CLASS_JMP | opcode::CALL, regs: call, imm: -1, ..Insn::default() };
        let load = Insn { code: opcode::LD_IMM64, regs: r1, ..Insn::default() };
        let gotox = Insn { code: opcode::CLASS_JMP | opcode::JA | opcode::X, regs: r1, ..Insn::default() };
        let jump = [load, Insn::default(), gotox];
        let text = file.code(".text", &[&end[..], &jump, &end].concat());
        let xdp = file.code("xdp", &[&end[..], &[call], &jump, &end].concat());
        file.func("other", xdp, 0, 2);
        file.func("prog", xdp, 2, 6);
        file.symbol(Sym {
            name: "unused",
            kind: FUNC,
            bind: LOCAL,
            section: text,
            size: 16,
            ..Sym::default()
        });
        let sub = file.func("sub", text, 2, 5);
        let mut bytes = Vec::new();
        for entry in entries {
            file.u64(&mut bytes, entry);
        }
        let section = file.data(".jumptables", bytes);
        let mut table = |name, value| {
            file.symbol(Sym { name, bind: LOCAL, kind: OBJECT, section, value, size: 16, ..Sym::default() })
        };
        let (first, second) = (table("BPF.JT.0.0", 0), table("BPF.JT.1.0", 16));
        file.relocs(".rel.text", text, &[(2 * 8, second, IMM64)]);
        file.relocs(".relxdp", xdp, &[(2 * 8, sub, CALL), (3 * 8, first, IMM64)]);
        file.data("license", *b"GPL\0");
        file
    }

    fn u16(&self, out: &mut Vec<u8>, v: u16) {
        out.extend(if self.endian == Endian::Little { v.to_le_bytes() } else { v.to_be_bytes() });
    }

    fn u32(&self, out: &mut Vec<u8>, v: u32) {
        out.extend(if self.endian == Endian::Little { v.to_le_bytes() } else { v.to_be_bytes() });
    }

    fn u64(&self, out: &mut Vec<u8>, v: u64) {
        out.extend(if self.endian == Endian::Little { v.to_le_bytes() } else { v.to_be_bytes() });
    }

    /// The bytes of the file.
    pub fn build(&self) -> Vec<u8> {
        let mut strings = vec![0];
        let mut name = |name: &str| {
            let at = strings.len() as u32;
            strings.extend(name.bytes());
            strings.push(0);
            at
        };
        let count = self.sections.len() as u16;
        let (symtab, strtab) = (count + 1, count + 2);
        let mut symbols = vec![0; 24];
        for sym in &self.symbols {
            let at = name(sym.name);
            self.u32(&mut symbols, sym.name_offset.unwrap_or(at));
            symbols.extend([sym.bind << 4 | sym.kind, sym.other]);
            self.u16(&mut symbols, sym.section);
            self.u64(&mut symbols, sym.value);
            self.u64(&mut symbols, sym.size);
        }
        let mut all = vec![Sec::default()];
        all.extend(self.sections.iter().cloned());
        all.push(Sec {
            name: ".symtab",
            kind: SYMTAB,
            data: symbols,
            link: strtab.into(),
            entsize: self.sym_entsize,
            ..Sec::default()
        });
        for sec in &mut all {
            if sec.kind == REL || sec.kind == RELA {
                sec.link = symtab.into();
            }
        }
        all.push(Sec { name: ".strtab", kind: STRTAB, ..Sec::default() });
        let names: Vec<u32> = all.iter().map(|s| name(s.name)).collect();
        all[usize::from(strtab)].data = strings;

        let mut body = Vec::new();
        let mut headers = Vec::new();
        for (sec, at) in all.iter().zip(names) {
            let offset = sec.offset.unwrap_or(64 + body.len() as u64);
            let size = sec.size.unwrap_or(sec.data.len() as u64);
            body.extend(&sec.data);
            body.resize(body.len().next_multiple_of(8), 0);
            self.u32(&mut headers, sec.name_offset.unwrap_or(at));
            self.u32(&mut headers, sec.kind);
            for v in [sec.flags, 0, offset, size] {
                self.u64(&mut headers, v);
            }
            self.u32(&mut headers, sec.link);
            self.u32(&mut headers, sec.info);
            self.u64(&mut headers, 8);
            self.u64(&mut headers, sec.entsize);
        }
        let order = if self.endian == Endian::Little { 1 } else { 2 };
        let mut out = vec![0x7f, b'E', b'L', b'F', self.class, order, 1, 0];
        out.extend([0; 8]);
        self.u16(&mut out, self.kind);
        self.u16(&mut out, self.machine);
        self.u32(&mut out, 1);
        self.u64(&mut out, 0);
        self.u64(&mut out, 0);
        self.u64(&mut out, self.shoff.unwrap_or(64 + body.len() as u64));
        self.u32(&mut out, 0);
        for v in [64, 0, 0, 64, self.shnum.unwrap_or(all.len() as u16), self.shstrndx.unwrap_or(strtab)] {
            self.u16(&mut out, v);
        }
        out.extend(body);
        out.extend(headers);
        out
    }
}
