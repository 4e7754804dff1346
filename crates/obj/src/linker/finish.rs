//! What is left to do when all objects are there.

use oxbpf_btf::{BtfExtBuilder, CoreRelo, DedupOptions, FuncInfo, TypeId};

use super::StaticLinker;
use crate::Endian;
use crate::error::{LinkerError, LinkerProblem};

/// The sections of types of the object that comes out.
pub(super) struct OutTypes {
    pub(super) btf: Vec<u8>,
    pub(super) ext: Option<Vec<u8>>,
}

impl StaticLinker {
    /// The object that all objects have become. The same objects in the same order give the same bytes.
    ///
    /// Externs that no object defines stay externs: of the kernel, or of objects that it will be linked with.
    ///
    /// # Errors
    /// If no object was added, or one could not be; if the whole is too large.
    #[doc(alias = "bpf_linker__finalize")]
    pub fn finish(mut self) -> Result<Vec<u8>, LinkerError> {
        let fail = |problem| LinkerError { file: "linked object".into(), problem: Box::new(problem) };
        if self.broken {
            return Err(fail(LinkerProblem::Broken));
        }
        let endian = self.endian.ok_or_else(|| fail(LinkerProblem::Nothing))?;
        let types = self.finish_types(endian).map_err(|error| fail(LinkerProblem::Types(error)))?;
        self.write(types).map_err(fail)
    }

    fn finish_types(&mut self, endian: Endian) -> Result<Option<OutTypes>, oxbpf_btf::Error> {
        if self.btf.end_id() == TypeId(1) {
            return Ok(None);
        }
        for section in self.sections.iter().filter(|section| section.has_types) {
            let vars = section.vars.iter().copied();
            // Larger ones were refused.
            self.btf.add_datasec(&section.name, section.size as u32, vars)?;
        }
        // Dedup keeps all strings, as each is there once.
        let new_ids = self.btf.dedup(DedupOptions::default())?.ids;
        let new_id = |id: TypeId| new_ids.get(id.0 as usize).copied().unwrap_or(id);

        let mut ext = BtfExtBuilder::default();
        let btf = &mut self.btf;
        for section in self.sections.iter().filter(|section| !section.func_info.is_empty()) {
            let records = section.func_info.iter().map(|info| FuncInfo { ty: new_id(info.ty), ..*info });
            ext.func_info(btf.add_str(&section.name)?, &records.collect::<Vec<_>>());
        }
        for section in self.sections.iter().filter(|section| !section.line_info.is_empty()) {
            ext.line_info(btf.add_str(&section.name)?, &section.line_info);
        }
        for section in self.sections.iter().filter(|section| !section.core_relos.is_empty()) {
            let records = section.core_relos.iter().map(|relo| CoreRelo { ty: new_id(relo.ty), ..*relo });
            ext.core_relos(btf.add_str(&section.name)?, &records.collect::<Vec<_>>());
        }
        let ext = if ext.is_empty() { None } else { Some(ext.to_vec(endian)?) };
        Ok(Some(OutTypes { btf: self.btf.to_vec(endian)?, ext }))
    }
}
