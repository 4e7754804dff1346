//! Objects loaded by a program in the kernel: a loader made from them before, run.
//!
//! - `run`: one run of a loader, from its map to what its context says in the end;
//! - `buffers`: the memory that the loader reads and writes in this process;
//! - `explain`: what it means that a loader failed.

mod buffers;
mod explain;
mod run;

use std::collections::BTreeMap;

use oxbpf_obj::{Endian, LightLoader, LightOptions, ObjectSpec};
use oxbpf_sys::{Errno, Kernel, LogBuf};

use crate::error::{Error, Result};
use crate::load::{LoadOptions, externs};
use crate::object::Object;

use run::{Failure, Run};

/// Room for the log of what is refused.
const LOG_SIZE: usize = 1 << 20;
/// No log is longer.
const LOG_MOST: usize = LogBuf::MAX_SIZE;

/// How a loader is run. The defaults suit an ordinary one.
#[derive(Debug, Clone, Default)]
pub struct LightLoad {
    /// The kernel to load into; that of this machine by default.
    pub kernel: Kernel,
    /// Initial values of maps of global data by the map's name, in place of those the object has.
    pub values: BTreeMap<String, Vec<u8>>,
    /// How many entries maps are to have, by their name, in place of what the object says.
    pub max_entries: BTreeMap<String, u32>,
    /// The signature of the loader's instructions.
    pub signature: Option<Signature>,
}

/// A signature, and where the kernel finds the key to check it with (6.18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// PKCS#7, DER encoded, detached: a signature over the instructions of the loader, as bytes.
    pub pkcs7: Vec<u8>,
    /// The keyring: the serial number of one of keyrings(7), or a negative number for a special one, such as -3 for the
    /// session's; 0, 1 and 2 are the kernel's own (builtin, secondary, platform).
    pub keyring: i32,
}

impl Object {
    /// Makes a loader of an object ([`ObjectSpec::light_loader`]), with the values of the kernel's configuration that
    /// it asks for: those of the text that `options` have, or of this kernel.
    ///
    /// # Errors
    /// [`Error::Externs`] for configuration that is missing, [`Error::Link`] for objects that cannot be loaded so.
    #[doc(alias = "bpf_object__gen_loader")]
    pub fn light_loader(spec: &ObjectSpec, options: &LoadOptions, check_hash: bool) -> Result<LightLoader> {
        let kconfig = externs::kconfig(spec, options)?;
        let mut light = LightOptions::default();
        light.kconfig = kconfig.as_deref();
        light.check_hash = check_hash;
        spec.light_loader(&light).map_err(|source| Error::Link { object: spec.name.clone(), source })
    }

    /// Loads an object by running its loader: a few system calls, whatever the object's size, and nothing of this
    /// kernel is asked. The loader is code that is run in the kernel with the privileges of this process: take it from
    /// whom you would take a program.
    ///
    /// A loader that checks its hash gets a map that only it may use, frozen (6.18).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use oxbpf::{LightLoad, LoadOptions, Object};
    ///
    /// // Long before, perhaps on another machine:
    /// let spec = oxbpf::open("execsnoop.bpf.o")?;
    /// let loader = Object::light_loader(&spec, &LoadOptions::default(), false)?;
    /// // Now:
    /// let object = Object::load_light(&loader, &LightLoad::default())?;
    /// let links = object.attach()?;
    /// # drop(links);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Of the step where the loader stopped, as [`load`](Self::load) has them: [`Error::MapCreate`], [`Error::Externs`]
    /// for symbols that this kernel has not, [`Error::Rejected`] with the verifier's log, and so on. Of the loader
    /// itself, as a program called `loader of NAME`; before Linux 5.14 there are no such programs. Everything that was
    /// made before the error is gone again.
    #[doc(alias = "bpf_load_and_run")]
    pub fn load_light(loader: &LightLoader, options: &LightLoad) -> Result<Self> {
        if loader.endian != Endian::NATIVE {
            return Err(Error::Endian { object: loader.name.clone(), endian: loader.endian });
        }
        let run = Run::new(loader, options)?;
        let mut failure = match run.go(None) {
            Ok(loaded) => return run.object(loaded),
            Err(failure) => failure,
        };
        // Again, with a log that says why.
        let mut room = LOG_SIZE;
        while let Some(step) = failure.logged_step(loader) {
            let mut log = vec![0; room];
            failure = match run.go(Some((step, &mut log))) {
                Ok(loaded) => return run.object(loaded),
                Err(again) => again,
            };
            let full = matches!(failure, Failure::Step { errno: Errno::ENOSPC, .. });
            if full && room < LOG_MOST {
                room = room.saturating_mul(4).min(LOG_MOST);
                continue;
            }
            let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
            let log = String::from_utf8_lossy(&log[..end]);
            return Err(explain::failure(loader, options, failure, &log));
        }
        Err(explain::failure(loader, options, failure, ""))
    }
}
