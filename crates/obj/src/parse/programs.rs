use std::sync::Arc;

use super::Parser;
use crate::Error;
use crate::code::Code;
use crate::sections::SectionDef;
use crate::spec::ProgramSpec;
use crate::uapi::{ProgramFlags, ProgramType};

impl Parser<'_> {
    /// Makes programs of the functions that are to be loaded.
    pub(super) fn programs(&mut self, code: &Arc<Code>) -> Result<Vec<ProgramSpec>, Error> {
        let mut programs = Vec::with_capacity(code.functions.iter().filter(|f| !f.subprogram).count());
        for section in &code.sections {
            let (name, autoload) = match section.name.strip_prefix('?') {
                Some(name) => (name, false),
                None => (section.name.as_str(), true),
            };
            let (def, target) = match SectionDef::find(name) {
                Some((def, target)) => (Some(def), target),
                None => (None, None),
            };
            self.names.take(name.len().saturating_add(target.map_or(0, str::len)))?;
            let (section_name, attach_to) = (Arc::from(name), target.map(Arc::from));
            let flags = def.map_or(ProgramFlags::empty(), SectionDef::flags);
            for index in section.functions.clone() {
                let Some(function) = code.functions.get(index).filter(|f| !f.subprogram) else { continue };
                programs.push(ProgramSpec {
                    name: self.names.copy(code.name(function))?,
                    section: Arc::clone(&section_name),
                    def,
                    prog_type: def.map_or(ProgramType::UNSPEC, |d| d.prog_type),
                    attach_type: def.and_then(|d| d.attach_type),
                    attach_to: attach_to.clone(),
                    flags,
                    autoload,
                    autoattach: true,
                    ifindex: 0,
                    log_level: 0,
                    log_size: None,
                    extra: None,
                    code: code.clone(),
                    function: index,
                });
            }
        }
        Ok(programs)
    }
}
