//! Objects that are loaded.

use std::path::{Path, PathBuf};

use oxbpf_obj::{Btf, GlobalVar, ObjectSpec};
use oxbpf_sys::{Errno, Kernel};

use crate::error::{Error, Result};
use crate::load::{self, LoadOptions};
use crate::map::Map;
use crate::map::pin::{self, Pins};
use crate::program::Program;

/// An object in the kernel: its maps created, its programs loaded, nothing attached yet.
///
/// It owns what it holds and borrows from nothing. Dropping it closes the descriptors; clones of its programs and maps,
/// and links made from them, live on.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/xdp_counter.bpf.o");
/// use std::sync::Arc;
/// use oxbpf::{Kernel, LoadOptions, Object, sys::doors::Fake};
///
/// let spec = oxbpf::open(file)?;
/// // Here into no kernel at all, which takes no privileges; the default is the kernel of this machine.
/// let kernel = Kernel::with_door(Arc::new(Fake::new()));
/// let object = Object::load(&spec, &LoadOptions { kernel, ..LoadOptions::default() })?;
/// for program in object.programs() {
///     println!("{} is of type {}", program.name(), program.prog_type());
/// }
/// # assert_eq!(object.programs().len(), 1);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "bpf_object")]
#[derive(Debug, Clone)]
pub struct Object {
    pub(crate) name: String,
    pub(crate) kernel: Kernel,
    pub(crate) btf: Option<Btf>,
    pub(crate) programs: Vec<Program>,
    pub(crate) maps: Vec<Map>,
    /// The variables, each with its map.
    pub(crate) globals: Vec<(GlobalVar, Map)>,
}

impl Object {
    /// Loads an object: relocates its programs for this kernel, creates its maps and has its programs verified.
    ///
    /// `spec` stays as it is and can be loaded again. To look at the programs, or change them, before they are verified,
    /// do it in two steps: [`prepare`](Self::prepare) and [`Prepared::load`](crate::Prepared::load).
    ///
    /// # Errors
    /// Everything that was made before the error is gone again. [`Error::Rejected`] holds the verifier's log, read;
    /// of several programs that fail it is about the first in the order of `spec`.
    #[doc(alias = "bpf_object__load")]
    pub fn load(spec: &ObjectSpec, options: &LoadOptions) -> Result<Self> {
        load::object(spec, options)
    }

    /// Its name.
    #[doc(alias = "bpf_object__name")]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The programs that were loaded, in the order of the spec.
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// The program with this name.
    ///
    /// # Errors
    /// [`Error::NoSuchProgram`], with the names there are.
    #[doc(alias = "bpf_object__find_program_by_name")]
    pub fn program(&self, name: &str) -> Result<&Program> {
        self.programs.iter().find(|program| program.name() == name).ok_or_else(|| Error::NoSuchProgram {
            object: self.name.clone(),
            name: name.to_owned(),
            have: self.programs.iter().map(|program| program.name().to_owned()).collect(),
        })
    }

    /// The maps that were created, in the order of the spec.
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The map with this name, or that of the global variables of a section (`.rodata`).
    ///
    /// # Errors
    /// [`Error::NoSuchMap`], with the names there are.
    #[doc(alias = "bpf_object__find_map_by_name")]
    pub fn map(&self, name: &str) -> Result<&Map> {
        find_map(&self.name, || self.maps.iter(), name)
    }

    /// Pins its maps and programs in a directory of bpffs, which is made if it is missing, each by its name with `_` for
    /// the characters that are not allowed there (`execsnoo_rodata`). All of them, or none if one cannot be.
    ///
    /// # Errors
    /// [`Error::Pin`]: `EEXIST` if something of such a name is there already, `EPERM` if `dir` is not on bpffs.
    #[doc(alias = "bpf_object__pin")]
    #[doc(alias = "bpf_object__pin_maps")]
    #[doc(alias = "bpf_object__pin_programs")]
    pub fn pin(&self, dir: impl AsRef<Path>) -> Result<()> {
        let mut pins = Pins::new(&self.kernel);
        for map in &self.maps {
            pins.add(&pin::place(dir.as_ref(), map.name()), |path| map.pin(path))?;
        }
        for program in &self.programs {
            pins.add(&pin::place(dir.as_ref(), program.name()), |path| program.pin(path))?;
        }
        pins.keep();
        Ok(())
    }

    /// Removes the files that [`pin`](Self::pin) makes in `dir`, whoever made them; the directory stays. What is missing
    /// is passed over.
    ///
    /// # Errors
    /// [`Error::Kernel`] of the first that cannot be removed; the others are.
    #[doc(alias = "bpf_object__unpin")]
    #[doc(alias = "bpf_object__unpin_maps")]
    #[doc(alias = "bpf_object__unpin_programs")]
    pub fn unpin(&self, dir: impl AsRef<Path>) -> Result<()> {
        let names = self.maps.iter().map(Map::name).chain(self.programs.iter().map(Program::name));
        let paths: Vec<PathBuf> = names.map(|name| pin::place(dir.as_ref(), name)).collect();
        let mut all = Ok(());
        for path in paths {
            match self.kernel.unpin(&path) {
                Err(error) if error.errno != Errno::ENOENT => all = all.and(Err(Error::Kernel(error))),
                _ => {}
            }
        }
        all
    }

    /// Its types, as the file has them.
    #[doc(alias = "bpf_object__btf")]
    pub fn btf(&self) -> Option<&Btf> {
        self.btf.as_ref()
    }

    /// The kernel it is loaded into.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }
}

/// The map of this name among those of an object, or that of the variables of a section.
pub(crate) fn find_map<'m, I: Iterator<Item = &'m Map>>(
    object: &str,
    maps: impl Fn() -> I,
    name: &str,
) -> Result<&'m Map> {
    let by_section = |map: &&Map| map.shape().section.as_deref() == Some(name);
    let found = maps().find(|map| map.name() == name);
    found.or_else(|| maps().find(by_section)).ok_or_else(|| Error::NoSuchMap {
        object: object.to_owned(),
        name: name.to_owned(),
        have: maps().map(|map| map.name().to_owned()).collect(),
    })
}
