//! Loading an object: from a spec to maps and programs in a kernel.
//!
//! The modern way is tried first; only where the kernel refuses it is asked what it lacks. Loading a plain object on a
//! recent kernel so takes no more calls than there are things to make.

mod arena;
mod btf;
mod contents;
pub(crate) mod externs;
pub(crate) mod handlers;
pub(crate) mod hints;
mod images;
mod jump_tables;
mod kernel_types;
mod log;
mod maps;
pub(crate) mod memlock;
mod names;
mod options;
mod parallel;
mod parts;
mod pinned;
mod prepared;
mod programs;
mod relocate;
mod request;
mod struct_ops;
mod target;
mod token;

use oxbpf_obj::ObjectSpec;

use crate::error::Result;
use crate::object::Object;

pub use externs::MissingExtern;
pub use handlers::{SectionHandler, SectionHandlers};
pub use log::LogSink;
pub use options::LoadOptions;
pub use prepared::Prepared;
pub use request::LoadRequest;
pub use token::Token;

pub(crate) use kernel_types::Declared;
pub(crate) use target::{find_function, find_functions};

use parts::Parts;

/// Loads `spec`; what [`Object::load`] does.
pub(crate) fn object(spec: &ObjectSpec, options: &LoadOptions) -> Result<Object> {
    let (parts, images) = Parts::prepare(spec, options)?;
    parts.load(spec, options, &images)
}
