//! Tags of functions that say how programs are put together: exception callbacks, which run when a program throws, and
//! arguments that are the program's context.

use oxbpf_btf::{Kind, TypeId};

use super::Parser;
use crate::code::{CONTEXT_TAG, Code, ExceptionTag};
use crate::{Btf, Error};

/// What the tag of a program begins with; the callback's name follows.
const TAG: &str = "exception_callback:";

/// Linkage of a function that is global.
const GLOBAL: u32 = 1;

impl Parser<'_> {
    /// Reads the tags of the object's functions, in the order of the file.
    pub(super) fn function_tags(&mut self, btf: &Btf, code: &mut Code) -> Result<(), Error> {
        for tag in btf.types_of(Kind::DeclTag) {
            code.has_context_tags |= tag.name() == CONTEXT_TAG;
            let callback = tag.name().strip_prefix(TAG).filter(|_| tag.component() == Some(-1));
            let Some(callback) = callback else { continue };
            let tagged = btf.get(tag.target().unwrap_or(TypeId(0))).map_err(Error::btf)?;
            let is_global = tagged.kind() == Kind::Func && tagged.linkage() == Some(GLOBAL);
            code.exception_tags.push(ExceptionTag {
                program: if is_global { Some(self.names.copy(tagged.name())?) } else { None },
                callback: self.names.copy(callback)?,
            });
        }
        Ok(())
    }
}
