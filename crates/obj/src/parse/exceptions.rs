//! Exception callbacks: functions that run when a program throws.

use oxbpf_btf::{Kind, TypeId};

use super::Parser;
use crate::code::ExceptionTag;
use crate::{Btf, Error};

/// What the tag of a program begins with; the callback's name follows.
const TAG: &str = "exception_callback:";

/// Linkage of a function that is global.
const GLOBAL: u32 = 1;

impl Parser<'_> {
    /// The tags of the object's functions that name exception callbacks, in the order of the file.
    pub(super) fn exception_tags(&mut self, btf: &Btf) -> Result<Vec<ExceptionTag>, Error> {
        let mut tags = Vec::new();
        for tag in btf.types().filter(|ty| ty.kind() == Kind::DeclTag && ty.component() == Some(-1)) {
            let Some(callback) = tag.name().strip_prefix(TAG) else { continue };
            let tagged = btf.get(tag.target().unwrap_or(TypeId(0))).map_err(Error::btf)?;
            let is_global = tagged.kind() == Kind::Func && tagged.linkage() == Some(GLOBAL);
            tags.push(ExceptionTag {
                program: if is_global { Some(self.names.copy(tagged.name())?) } else { None },
                callback: self.names.copy(callback)?,
            });
        }
        Ok(tags)
    }
}
