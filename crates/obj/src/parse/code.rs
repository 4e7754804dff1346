use super::Parser;
use super::sections::Role;
use crate::Error;
use crate::code::{Code, CodeSection, Function};
use crate::elf::Symbol;
use crate::error::{ElfProblem, FunctionProblem};
use crate::insn::{Insn, Insns};
use crate::order::by_place;
use crate::records::Infos;

impl Parser<'_> {
    /// Reads the sections of code and the functions in them.
    pub(super) fn code(&mut self) -> Result<Code, Error> {
        let mut code = Code::default();
        let mut symbols = std::mem::take(&mut self.symbols.functions);
        by_place(&mut symbols, |s| (s.section as u64, s.value));
        code.functions.reserve_exact(symbols.len());
        let mut symbols = symbols.into_iter().peekable();
        let sections: Vec<_> = self.sections.with(|role| role == Role::Code).collect();
        for (index, _) in sections {
            let bytes = self.elf.keep(index)?;
            if u32::try_from(bytes.len()).is_err() {
                return Err(ElfProblem::TooLarge.into());
            }
            let name = self.elf.section_name(index);
            let first = code.functions.len();
            let mut end = 0;
            while let Some(symbol) = symbols.next_if(|s| s.section == index) {
                let section = code.sections.len();
                let function = self.function(&symbol, section, bytes.len(), &mut code.names)?;
                let before = code.functions.get(first..).and_then(|f| f.last());
                let is_alias = before.is_some_and(|b| b.start == function.start && b.end == function.end);
                if function.start < end && !is_alias {
                    let problem = FunctionProblem::Overlap;
                    let function = code.name(&function).into();
                    return Err(Error::Function { section: name.into(), function, problem });
                }
                end = function.end;
                code.functions.push(function);
            }
            code.sections.push(CodeSection {
                name: self.names.copy(name)?,
                elf_index: index,
                insns: Insns::of(bytes, self.elf.endian()),
                relocs: Vec::new(),
                functions: first..code.functions.len(),
                func_info: Infos::default(),
                line_info: Infos::default(),
            });
        }
        Ok(code)
    }

    /// Reads a function, and puts its name behind those of the others.
    fn function(
        &mut self,
        symbol: &Symbol,
        section: usize,
        section_len: usize,
        names: &mut String,
    ) -> Result<Function, Error> {
        let fail = |problem| {
            let section = self.elf.section_name(symbol.section).into();
            Error::Function { section, function: self.elf.describe(symbol).into(), problem }
        };
        let Symbol { value: offset, size, .. } = *symbol;
        let end = offset.checked_add(size).filter(|end| *end <= section_len as u64);
        let Some(end) = end else {
            let section = section_len as u64;
            return Err(fail(FunctionProblem::OutOfSection { offset, size, section }));
        };
        if size == 0 {
            return Err(fail(FunctionProblem::Empty));
        }
        const SLOT: u64 = Insn::SIZE as u64;
        if !offset.is_multiple_of(SLOT) || !size.is_multiple_of(SLOT) {
            return Err(fail(FunctionProblem::NotWhole { offset, size }));
        }
        let name = self.elf.symbol_name(symbol)?;
        if name.is_empty() {
            return Err(fail(FunctionProblem::NoName));
        }
        self.names.take(name.len())?;
        let start_of_name = names.len();
        names.push_str(name);
        // Static functions are never programs, wherever they are.
        let is_text = Some(symbol.section) == self.sections.text;
        // Both are within the section, whose size is a usize.
        let [start, end] = [offset, end].map(|at| (at / SLOT) as usize);
        Ok(Function {
            name: start_of_name..names.len(),
            section,
            start,
            end,
            global: symbol.is_global(),
            hidden: symbol.hidden,
            subprogram: is_text || !symbol.is_global(),
        })
    }
}
