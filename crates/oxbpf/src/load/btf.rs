//! The object's types, handed to the kernel.

use std::os::fd::OwnedFd;

use oxbpf_obj::{Btf, ObjectSpec};
use oxbpf_sys::{BtfLoad, Errno, Kernel, SysError};

use super::memlock;
use crate::btf::{Kind, KindSupport};
use crate::error::Result;
use crate::features::{Feature, lacks};

/// The types of an object in the kernel.
#[derive(Debug)]
pub(super) struct LoadedBtf {
    pub(super) fd: OwnedFd,
    /// Whether programs can have function and line info: the kernel knows functions as such.
    pub(super) functions: bool,
}

/// Loads the types of `spec`, if it has any.
pub(super) fn load(kernel: &Kernel, spec: &ObjectSpec) -> Result<Option<LoadedBtf>> {
    let Some(btf) = &spec.btf else { return Ok(None) };
    Ok(Some(try_load(kernel, btf)?))
}

/// Types serve those who look at maps and programs, so an object whose types this kernel does not take is loaded without;
/// what does need them fails later and says so.
pub(super) fn or_without(spec: &ObjectSpec, loaded: Result<Option<LoadedBtf>>) -> Option<LoadedBtf> {
    match loaded {
        Ok(loaded) => loaded,
        // Without privileges nothing else will load either, and that error says what to do.
        Err(error) if error.errno() == Some(Errno::EPERM) => {
            tracing::debug!(object = spec.name, %error, "BTF not loaded; going on without it");
            None
        }
        Err(error) => {
            tracing::warn!(object = spec.name, %error, "BTF not loaded; going on without it");
            None
        }
    }
}

fn try_load(kernel: &Kernel, btf: &Btf) -> Result<LoadedBtf, SysError> {
    let send = |btf: &[u8]| {
        memlock::retried(kernel, || kernel.btf_load(&BtfLoad { btf, ..BtfLoad::default() }, None))
    };
    let refused = match send(btf.as_bytes()) {
        Ok(fd) => return Ok(LoadedBtf { fd, functions: true }),
        Err(error) => error,
    };
    let support = support(kernel, btf);
    let Some(plain) = btf.sanitize(&support) else { return Err(refused) };
    tracing::debug!(?support, "BTF rewritten for this kernel");
    Ok(LoadedBtf { fd: send(&plain)?, functions: support.func })
}

/// What this kernel takes; asked only for kinds of types that `btf` has.
fn support(kernel: &Kernel, btf: &Btf) -> KindSupport {
    let has = |wanted: &[Kind]| btf.types().any(|ty| wanted.contains(&ty.kind()));
    let takes = |kinds: &[Kind], feature| !has(kinds) || !lacks(kernel, feature);
    KindSupport {
        func: takes(&[Kind::Func, Kind::FuncProto], Feature::BtfFunc),
        datasec: takes(&[Kind::Var, Kind::Datasec], Feature::BtfDatasec),
        func_global: takes(&[Kind::Func], Feature::BtfFuncGlobal),
        float: takes(&[Kind::Float], Feature::BtfFloat),
        decl_tag: takes(&[Kind::DeclTag], Feature::BtfDeclTag),
        type_tag: takes(&[Kind::TypeTag], Feature::BtfTypeTag),
        enum64: takes(&[Kind::Enum, Kind::Enum64], Feature::BtfEnum64),
        qmark_datasec: takes(&[Kind::Datasec], Feature::BtfQmarkDatasec),
        tag_kflag: takes(&[Kind::DeclTag, Kind::TypeTag], Feature::BtfTagKflag),
    }
}
