use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Fixup, FixupKind, JumpTable, Linker, Poisoned, ProgramImage, core, reference};
use crate::code::{Function, Reloc, Target};
use crate::error::LinkProblem;
use crate::insn::opcode;
use crate::order::by_place;
use crate::records::Infos;
use crate::{CoreRelo, Error, FuncInfo, LineInfo, ProgramSpec};

/// Instructions of a program that kernels take at most, whatever the privileges (since 5.2).
const MAX_INSNS: usize = 1_000_000;

/// Puts a program together: its own instructions, then each function it reaches, once.
///
/// Functions are appended when a call of them is first met, and their own calls are followed before going on:
/// the order that libbpf uses.
pub(super) fn assemble(
    linker: &Linker<'_>,
    index: usize,
    program: &ProgramSpec,
) -> Result<ProgramImage, Error> {
    let mut all = Assembler {
        linker,
        program: &program.name,
        placed: HashMap::default(),
        tables: HashMap::default(),
        has_func_info: true,
        has_line_info: true,
        image: ProgramImage {
            program: index,
            insns: Vec::with_capacity(program.insns().len()),
            ..ProgramImage::default()
        },
    };
    all.run(program.function)?;
    let callback = linker.callbacks.of_program(&linker.spec.code, &program.name);
    let callback = callback.map_err(|problem| Error::Link {
        program: program.name.as_str().into(),
        function: program.name.as_str().into(),
        insn: 0,
        problem,
    })?;
    if let Some(callback) = callback {
        // No instruction refers to it.
        all.run(callback)?;
    }
    let mut image = all.image;
    // Functions were walked through in the order of calls, not of places.
    by_place(&mut image.fixups, |f| (0, f.insn as u64));
    by_place(&mut image.poisoned, |p| (0, p.insn as u64));
    Ok(image)
}

struct Assembler<'l> {
    linker: &'l Linker<'l>,
    program: &'l str,
    image: ProgramImage,
    /// Where functions begin in the image.
    placed: HashMap<usize, usize, FixedState>,
    /// Jump tables in the image, by index in the code and where the function that has them begins.
    tables: HashMap<(usize, usize), usize, FixedState>,
    has_func_info: bool,
    has_line_info: bool,
}

/// A function that is being walked through.
struct Frame<'l> {
    function: &'l Function,
    /// Where it begins in the image.
    at: usize,
    /// Next instruction to look at, of its section.
    next: usize,
    relocs: &'l [Reloc],
}

impl<'l> Assembler<'l> {
    /// Appends a function with all that it reaches.
    fn run(&mut self, function: usize) -> Result<(), Error> {
        let mut stack = Vec::new();
        let (first, _) = self.place(function, None)?;
        stack.extend(first);
        // Not by recursion: a file may make chains of calls as long as it likes.
        while let Some(frame) = stack.last_mut() {
            match self.advance(frame)? {
                Some(callee) => stack.push(callee),
                None => drop(stack.pop()),
            }
        }
        Ok(())
    }

    fn fail(&self, frame: &Frame<'_>, insn: usize, problem: LinkProblem) -> Error {
        Error::Link {
            program: self.program.into(),
            function: self.name(frame.function).into(),
            insn: insn.saturating_sub(frame.function.start),
            problem,
        }
    }

    /// Walks on to the next call of a function that was not placed yet: places it and returns it.
    fn advance(&mut self, frame: &mut Frame<'l>) -> Result<Option<Frame<'l>>, Error> {
        let Frame { function, at, .. } = *frame;
        while frame.next < function.end {
            let index = frame.next;
            frame.next = index.saturating_add(1);
            let here = at.saturating_add(index.saturating_sub(function.start));
            let reloc = match frame.relocs {
                [first, rest @ ..] if first.insn == index => {
                    frame.relocs = rest;
                    Some(first.target)
                }
                _ => None,
            };
            let Some((insn, rest)) = self.image.insns.get_mut(here..).and_then(|i| i.split_first_mut())
            else {
                break;
            };
            let target = match reloc {
                None if insn.is_pseudo_call() && insn.dst() == 0 && insn.off == 0 => {
                    let next = (index as i64).saturating_add(1);
                    (function.section, next.saturating_add(insn.imm.into()))
                }
                None if insn.is_pseudo_func() => {
                    return Err(self.fail(frame, index, LinkProblem::NoRelocation));
                }
                None => continue,
                Some(Target::Call { section, insn: base }) => {
                    if !insn.is_pseudo_call() {
                        return Err(self.fail(frame, index, LinkProblem::Mismatch));
                    }
                    (section, i64::from(base).saturating_add(insn.imm.into()).saturating_add(1))
                }
                Some(Target::Func { section, offset }) => {
                    if !insn.is_ldimm64() {
                        return Err(self.fail(frame, index, LinkProblem::Mismatch));
                    }
                    insn.set_src(opcode::PSEUDO_FUNC);
                    (section, i64::from(offset).saturating_add(insn.imm.into()) / 8)
                }
                Some(Target::Map(_) | Target::Data { .. } | Target::Extern(_))
                    if !insn.is_ldimm64() && !insn.is_call() =>
                {
                    return Err(self.fail(frame, index, LinkProblem::Mismatch));
                }
                Some(Target::JumpTable(table)) => {
                    if !insn.is_ldimm64() {
                        return Err(self.fail(frame, index, LinkProblem::Mismatch));
                    }
                    insn.set_src(opcode::PSEUDO_MAP_VALUE);
                    self.jump_table(frame, index, table, here)?;
                    continue;
                }
                Some(target) => {
                    let made = reference::refer(self.linker, target, insn, rest.first_mut());
                    let made = made.map_err(|problem| self.fail(frame, index, problem))?;
                    self.image.fixups.extend(made.fixup(here));
                    self.image.poisoned.extend(made.poisoned(here));
                    continue;
                }
            };
            let callee = self.find(frame, index, target)?;
            let (new, callee_at) = self.place(callee, Some((frame, index)))?;
            if let Some(insn) = self.image.insns.get_mut(here) {
                // Both are places in an image of a million instructions.
                let distance = (callee_at as i64).saturating_sub(here as i64).saturating_sub(1);
                insn.imm = i32::try_from(distance).unwrap_or(i32::MAX);
            }
            if new.is_some() {
                return Ok(new);
            }
        }
        Ok(None)
    }

    /// Notes that an instruction needs a table of indirect jumps, which is moved with the function.
    fn jump_table(&mut self, frame: &Frame<'_>, insn: usize, table: usize, here: usize) -> Result<(), Error> {
        let code = &self.linker.spec.code;
        let function = frame.function;
        let Some(def) = code.jump_tables.get(table) else { return Ok(()) };
        let is_inside = |target: u32| (function.start..function.end).contains(&(target as usize));
        if let Some(target) = [def.range.0, def.range.1].into_iter().find(|target| !is_inside(*target)) {
            let section = code.sections.get(function.section).map_or("?", |s| s.name.as_str()).to_owned();
            return Err(self.fail(frame, insn, LinkProblem::JumpTable { section, target }));
        }
        let Some(Moved { start, at, .. }) = Moved::of(function, frame.at) else { return Ok(()) };
        let tables = &mut self.image.jump_tables;
        let table = *self.tables.entry((table, frame.at)).or_insert_with(|| {
            tables.push(JumpTable { targets: def.targets.clone(), start, at });
            tables.len().saturating_sub(1)
        });
        self.image.fixups.push(Fixup { insn: here, kind: FixupKind::JumpTable { table } });
        Ok(())
    }

    /// The function that begins at an instruction of a section.
    fn find(&self, frame: &Frame<'_>, insn: usize, (section, target): (usize, i64)) -> Result<usize, Error> {
        let code = &self.linker.spec.code;
        let found = usize::try_from(target).ok().and_then(|at| Some((at, code.function_at(section, at)?)));
        let found = found.and_then(|(at, index)| Some((at, index, code.functions.get(index)?)));
        match found {
            Some((at, index, function)) if function.start == at => Ok(index),
            Some((.., function)) => {
                let function = self.name(function).to_owned();
                Err(self.fail(frame, insn, LinkProblem::MiddleOfFunction { function }))
            }
            None => {
                let section = code.sections.get(section).map_or("?", |s| s.name.as_str()).to_owned();
                Err(self.fail(frame, insn, LinkProblem::NoFunction { section, target }))
            }
        }
    }

    /// Appends a function if it is not there yet; where it begins, and a frame for it if it is new.
    fn place(
        &mut self,
        index: usize,
        caller: Option<(&Frame<'_>, usize)>,
    ) -> Result<(Option<Frame<'l>>, usize), Error> {
        if let Some(at) = self.placed.get(&index) {
            return Ok((None, *at));
        }
        let code = &self.linker.spec.code;
        let at = self.image.insns.len();
        let Some(function) = code.functions.get(index) else { return Ok((None, at)) };
        let Some(section) = code.sections.get(function.section) else { return Ok((None, at)) };
        let &Function { section: section_index, start, end, .. } = function;
        if at.saturating_add(function.len()) > MAX_INSNS {
            let problem = LinkProblem::TooLarge { max: MAX_INSNS };
            let name: &str = caller.map_or(self.program, |(frame, _)| self.name(frame.function));
            let insn = caller.map_or(0, |(frame, at)| at.saturating_sub(frame.function.start));
            return Err(Error::Link { program: self.program.into(), function: name.into(), insn, problem });
        }
        self.placed.insert(index, at);
        self.image.functions.push((code.name(function).to_owned(), at));
        self.linker.relocated.append(section_index, start, end, &mut self.image.insns);
        for (insn, description) in self.linker.relocated.poisoned(section_index, start, end) {
            let insn = at.saturating_add(insn.saturating_sub(start));
            let Some(imm) = self.image.insns.get(insn).and_then(|i| core::poison_of(*i)) else { continue };
            self.image.poisoned.push(Poisoned { insn, imm, description: description.to_owned() });
        }
        if let Some(moved) = Moved::of(function, at) {
            let left = self.linker.relocated.left(section_index, start, end);
            let left = left.map(|relo| CoreRelo { insn_off: moved.insn(relo.insn_off), ..*relo });
            self.image.core_relos.extend(left);
        }
        self.func_info(&section.func_info, function, at);
        self.line_info(&section.line_info, function, at);
        let relocs = section.relocs_of(function);
        Ok((Some(Frame { function, at, next: start, relocs }), at))
    }

    fn name(&self, function: &Function) -> &'l str {
        self.linker.spec.code.name(function)
    }

    /// Kernels want a record for each function or none at all.
    fn func_info(&mut self, records: &Infos<FuncInfo>, function: &Function, at: usize) {
        let Some(moved) = Moved::of(function, at).filter(|_| self.has_func_info) else { return };
        let mut own = records.range(moved.start, moved.end).peekable();
        if own.peek().is_none() {
            self.has_func_info = false;
            self.image.func_info.clear();
            tracing::debug!(program = self.program, function = self.name(function), "no func_info: left out");
        }
        let own = own.map(|r| FuncInfo { insn_off: moved.insn(r.insn_off), ..r });
        self.image.func_info.extend(own);
    }

    /// Kernels want a record for the first instruction of each function, or none at all.
    fn line_info(&mut self, records: &Infos<LineInfo>, function: &Function, at: usize) {
        let Some(moved) = Moved::of(function, at).filter(|_| self.has_line_info) else { return };
        let mut own = records.range(moved.start, moved.end).peekable();
        if own.peek().is_none_or(|r| r.insn_off != moved.start) {
            self.has_line_info = false;
            self.image.line_info.clear();
            tracing::debug!(program = self.program, function = self.name(function), "no line_info: left out");
            return;
        }
        let own = own.map(|r| LineInfo { insn_off: moved.insn(r.insn_off), ..r });
        self.image.line_info.extend(own);
    }
}

/// How instructions of a function move from its section to the image.
struct Moved {
    start: u32,
    end: u32,
    at: u32,
}

impl Moved {
    fn of(function: &Function, at: usize) -> Option<Self> {
        let [start, end, at] = [function.start, function.end, at].map(u32::try_from);
        Some(Self { start: start.ok()?, end: end.ok()?, at: at.ok()? })
    }

    fn insn(&self, in_section: u32) -> u32 {
        in_section.saturating_sub(self.start).saturating_add(self.at)
    }
}
