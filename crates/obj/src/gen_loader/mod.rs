//! The loader generator: an object as one program that loads it in the kernel.
//!
//! - `loader`: what comes out, `context`: what it is run with;
//! - `plan`: what has to be made, and where its descriptor is kept meanwhile;
//! - `blob`: the data, `emit`: the instructions;
//! - `maps`, `symbols`, `programs`: what they do, in this order.

mod blob;
mod context;
mod emit;
mod loader;
mod maps;
mod plan;
mod programs;
mod symbols;

pub use loader::{LightLoader, LightMap, LightProgram, LightStep};

use blob::Blob;
use context::Context;
use emit::Emitter;
use plan::Plan;
use symbols::Symbols;

use crate::{Error, LinkOptions, ObjectSpec};

/// How a loader is generated.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LightOptions<'a> {
    /// The value of the map `.kconfig` ([`KconfigValues::bytes`](crate::KconfigValues)), for objects that have one.
    pub kconfig: Option<&'a [u8]>,
    /// Has the loader compare the SHA-256 of its map with what it is here (6.18): with the program's instructions its
    /// data, too, is then what a signature is about. Whoever runs it has to freeze the map and ask for its hash first.
    #[doc(alias = "gen_hash")]
    pub check_hash: bool,
}

impl ObjectSpec {
    /// Makes a loader of the object: a program of type `syscall` that, run once in a kernel, creates the maps, loads
    /// the programs and returns their descriptors. It needs no ELF file, no BTF of the kernel in user space and no
    /// library: CO-RE relocations and symbols are left to the kernel (Linux 5.17, where there are any; 5.14 without).
    ///
    /// It is for the byte order of the object, whatever this machine's is. The same spec gives the same loader on every
    /// machine.
    ///
    /// ```
    /// use oxbpf_obj::{LightOptions, ObjectSpec};
    ///
    /// let spec = ObjectSpec::parse_named("execsnoop", &std::fs::read("../../testdata/execsnoop.bpf.o")?)?;
    /// let loader = spec.light_loader(&LightOptions::default())?;
    /// println!("{} instructions and {} bytes of data", loader.insns.len(), loader.data.len());
    /// assert_eq!(loader.programs[0].name, spec.programs[0].name);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Light`] with all that a loader cannot do for this object: struct_ops maps, pinned maps, programs that
    /// replace functions of others; and errors of linking.
    #[doc(alias = "bpf_object__gen_loader")]
    pub fn light_loader(&self, options: &LightOptions<'_>) -> Result<LightLoader, Error> {
        let linker = self.linker(&LinkOptions::core_by_kernel())?;
        let plan = Plan::new(self, &linker, options)?;
        let context = Context::new(plan.maps.len(), plan.programs.len());
        let mut out = Emitter::new(Blob::new(self.endian), context, plan.descriptors());
        if options.check_hash {
            out.check_hash();
        }
        let btf = programs::emit_btf(&mut out, &plan);
        let maps = maps::emit(&mut out, &plan, options.kconfig.unwrap_or_default());
        let symbols = Symbols::emit(&mut out, &plan);
        let programs = programs::emit(&mut out, &plan, &symbols, |program| linker.image(program))?;
        maps::fill_program_arrays(&mut out, &plan);
        for map in 0..maps.len() {
            out.hand_over(plan.map_slot(map), context.map(map));
        }
        for program in 0..programs.len() {
            out.hand_over(plan.program_slot(program), context.program(program));
        }
        let (insns, data, steps) = out.finish().map_err(|problem| plan.fail(vec![problem]))?;
        Ok(LightLoader {
            name: self.name.clone(),
            endian: self.endian,
            insns,
            data: data.into_bytes(),
            maps,
            programs,
            steps,
            btf,
            checks_hash: options.check_hash,
        })
    }
}
