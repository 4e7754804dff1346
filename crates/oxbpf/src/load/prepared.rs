//! Objects that are loaded in two steps.

use oxbpf_obj::{ObjectSpec, ProgramImage, ProgramSpec};

use super::images::Images;
use super::parts::Parts;
use super::{LoadOptions, programs};
use crate::error::{Error, Result};
use crate::map::Map;
use crate::object::{Object, find_map};
use crate::program::Program;

/// An object of which everything is there but its programs: they are relocated, its types are loaded, its maps are
/// created, filled and pinned. Nothing was verified.
///
/// In between, its programs can be looked at as the verifier will see them, and changed. Dropping it takes everything
/// back, the pins it made included.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/xdp_counter.bpf.o");
/// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
/// use oxbpf::{LoadOptions, Object};
///
/// let spec = oxbpf::open(file)?;
/// // On this machine: LoadOptions::default().
/// let prepared = Object::prepare(&spec, &LoadOptions { kernel, ..LoadOptions::default() })?;
/// for image in prepared.images() {
///     println!("{} instructions", image.insns.len());
/// }
/// let object = prepared.load()?;
/// # assert_eq!(object.programs().len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Prepared {
    spec: ObjectSpec,
    options: LoadOptions,
    parts: Parts,
    images: Vec<ProgramImage>,
}

impl Object {
    /// The first step of [`load`](Self::load): everything but to have the programs verified.
    ///
    /// # Errors
    /// As [`load`](Self::load), but for those about programs. Everything that was made before the error is gone again.
    #[doc(alias = "bpf_object__prepare")]
    pub fn prepare(spec: &ObjectSpec, options: &LoadOptions) -> Result<Prepared> {
        let (parts, images) = Parts::prepare(spec, options)?;
        let images = images.into_made(&parts.maps)?;
        Ok(Prepared { spec: spec.clone(), options: options.clone(), parts, images })
    }
}

impl Prepared {
    /// What it is made from.
    pub fn spec(&self) -> &ObjectSpec {
        &self.spec
    }

    /// A program, to change how it is loaded: its type, attach type, target, flags, level of the log. With
    /// [`autoload`](ProgramSpec::autoload) off it is not; one that was off is not relocated and stays off.
    pub fn program_mut(&mut self, name: &str) -> Option<&mut ProgramSpec> {
        self.spec.program_mut(name)
    }

    /// The programs to load, in the order of the spec: their instructions as the verifier will see them, with the
    /// functions they call, and where these and the source lines begin.
    #[doc(alias = "bpf_program__insns")]
    #[doc(alias = "bpf_program__func_info")]
    #[doc(alias = "bpf_program__line_info")]
    pub fn images(&self) -> &[ProgramImage] {
        &self.images
    }

    /// The image of a program, to change it. Function and source line info that no longer fits is to be changed, too,
    /// or emptied. One that has maps of its own ([`MapSpec::exclusive`](oxbpf_obj::MapSpec::exclusive)) is to stay as it
    /// is: the maps know it by its instructions.
    ///
    /// # Errors
    /// [`Error::NoSuchProgram`], with the names of those that are to be loaded.
    #[doc(alias = "bpf_program__set_insns")]
    pub fn image_mut(&mut self, program: &str) -> Result<&mut ProgramImage> {
        let at = self.position(program)?;
        Ok(&mut self.images[at])
    }

    /// The place of a program's image.
    fn position(&self, program: &str) -> Result<usize> {
        let Self { spec, images, .. } = self;
        let name = |image: &ProgramImage| spec.programs.get(image.program).map(|program| &*program.name);
        let at = images.iter().position(|image| name(image) == Some(program));
        at.ok_or_else(|| Error::NoSuchProgram {
            object: spec.name.clone(),
            name: program.to_owned(),
            have: images.iter().filter_map(name).map(str::to_owned).collect(),
        })
    }

    /// The program whose function an `freplace`, `fentry` or `fexit` program is for, by the name of the latter.
    #[doc(alias = "bpf_program__set_attach_target")]
    pub fn set_target(&mut self, program: &str, target: Program) {
        self.options.targets.insert(program.to_owned(), target);
    }

    /// Loads one program by itself, as a program more: after `change` had its say, which gets a copy of its spec (another
    /// name, target, attach type, flags). What is prepared stays as it is, so that there can be as many as are wanted, one
    /// for each of many functions, say. They share the maps; constants that they do not use are not bound to them.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/xdp_counter.bpf.o");
    /// # let kernel = oxbpf::Kernel::with_door(std::sync::Arc::new(oxbpf::sys::doors::Fake::new()));
    /// # let options = oxbpf::LoadOptions { kernel, ..Default::default() };
    /// let prepared = oxbpf::Object::prepare(&oxbpf::open(file)?, &options)?;
    /// let copy = prepared.load_copy("count", |program| program.name = "count_too".into())?;
    /// assert_eq!(copy.name(), "count_too");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchProgram`]; otherwise as [`Object::load`], of programs.
    #[doc(alias = "bpf_program__clone")]
    pub fn load_copy(&self, program: &str, change: impl FnOnce(&mut ProgramSpec)) -> Result<Program> {
        let at = self.position(program)?;
        let image = &self.images[at];
        let mut copy = self.spec.programs[image.program].clone();
        change(&mut copy);
        let load = |options: &_| programs::load_copy(&self.spec, options, &self.parts, &copy, image);
        self.parts.access(&self.options).with(load)
    }

    /// The maps that were created, in the order of the spec.
    pub fn maps(&self) -> impl Iterator<Item = &Map> {
        self.parts.maps.iter()
    }

    /// The map with this name, or that of the global variables of a section (`.rodata`).
    ///
    /// # Errors
    /// [`Error::NoSuchMap`], with the names there are.
    pub fn map(&self, name: &str) -> Result<&Map> {
        find_map(&self.spec.name, || self.maps(), name)
    }

    /// The second step: has the programs verified.
    ///
    /// # Errors
    /// As [`Object::load`]. Everything that was prepared is gone.
    #[doc(alias = "bpf_object__load")]
    pub fn load(mut self) -> Result<Object> {
        let mut wanted = vec![false; self.spec.programs.len()];
        for (index, _) in self.spec.loaded_programs() {
            wanted[index] = true;
        }
        self.images.retain(|image| wanted.get(image.program).is_some_and(|wanted| *wanted));
        self.parts.load(&self.spec, &self.options, &Images::Made(self.images))
    }
}
