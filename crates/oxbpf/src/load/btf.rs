//! The object's types, handed to the kernel.

use std::os::fd::OwnedFd;

use oxbpf_obj::{Btf, MapType, ObjectSpec};
use oxbpf_sys::{BtfLoad, Errno, Kernel, LogBuf, SysError};

use super::{hints, memlock};
use crate::btf::{Kind, KindSupport};
use crate::error::{Error, Result};
use crate::features::{Feature, lacks};

/// Room for the log of types that are refused: its end, or before 6.4 its beginning.
const LOG_SIZE: usize = 16 << 10;

/// The types of an object in the kernel.
#[derive(Debug)]
pub(super) struct LoadedBtf {
    pub(super) fd: OwnedFd,
    /// Whether programs can have function and line info: the kernel knows functions as such.
    pub(super) functions: bool,
}

/// Loads the types of `spec` as `btf` has them, if it has any.
pub(super) fn load(kernel: &Kernel, spec: &ObjectSpec, btf: Option<&Btf>) -> Result<Option<LoadedBtf>> {
    let Some(btf) = btf else { return Ok(None) };
    match try_load(kernel, btf) {
        Ok(loaded) => Ok(Some(loaded)),
        Err(mut error) if has_struct_ops(spec) => {
            let hint = hints::map(kernel, hints::needs_of_object(spec), MapType::STRUCT_OPS, &mut error);
            Err(Error::ObjectBtf { object: spec.name.clone(), source: error, hint })
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether maps are to be created that cannot be without types.
fn has_struct_ops(spec: &ObjectSpec) -> bool {
    spec.maps.iter().any(|map| map.autocreate && map.struct_ops().is_some())
}

/// Types serve those who look at maps and programs, so an object whose types this kernel does not take is loaded without;
/// what does need them fails later and says so, but for struct_ops maps, of which the kernel would not.
pub(super) fn or_without(spec: &ObjectSpec, loaded: Result<Option<LoadedBtf>>) -> Result<Option<LoadedBtf>> {
    match loaded {
        Ok(_) | Err(Error::ObjectBtf { .. }) => loaded,
        // Without privileges nothing else will load either, and that error says what to do.
        Err(error) if error.errno() == Some(Errno::EPERM) => {
            tracing::debug!(object = spec.name, %error, "BTF not loaded; going on without it");
            Ok(None)
        }
        Err(error) => {
            tracing::warn!(object = spec.name, %error, "BTF not loaded; going on without it");
            Ok(None)
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
    let Some(plain) = btf.sanitize(&support) else {
        let fd = explain(kernel, btf.as_bytes(), refused)?;
        return Ok(LoadedBtf { fd, functions: true });
    };
    tracing::debug!(?support, "BTF rewritten for this kernel");
    let fd = send(&plain).or_else(|refused| explain(kernel, &plain, refused))?;
    Ok(LoadedBtf { fd, functions: support.func })
}

/// Tries once more with a log, to learn why types were refused.
fn explain(kernel: &Kernel, btf: &[u8], refused: SysError) -> Result<OwnedFd, SysError> {
    if refused.errno != Errno::EINVAL {
        return Err(refused);
    }
    let mut log = LogBuf::new(LogBuf::ERRORS, LOG_SIZE);
    kernel.btf_load(&BtfLoad { btf, ..BtfLoad::default() }, Some(&mut log)).map_err(|_| {
        let text = log.text();
        match text.lines().rfind(|line| !line.trim().is_empty()) {
            Some(last) => refused.because(last.trim()),
            None => refused,
        }
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_what_is_wrong() {
        let kernel = Kernel::with_door(std::sync::Arc::new(oxbpf_sys::doors::Fake::new()));
        let why =
            |errno| explain(&kernel, &[0; 24], SysError::new("BPF_BTF_LOAD", errno)).unwrap_err().to_string();
        assert_eq!(why(Errno::EPERM), "BPF_BTF_LOAD failed: EPERM (Operation not permitted)");
        let text = why(Errno::EINVAL);
        assert!(text.starts_with("BPF_BTF_LOAD failed: EINVAL (Invalid argument): "), "{text}");
    }
}
