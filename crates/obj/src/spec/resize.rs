//! Maps of global variables made larger or smaller.

use oxbpf_btf::{BtfBuilder, Kind, SecVar};

use super::{Contents, ObjectSpec};
use crate::error::{MapProblem, ResizeProblem};
use crate::{Error, TypeId};

impl ObjectSpec {
    /// Changes the size of a map's values, in bytes; that of a map of global variables too: then the array that is the
    /// last of them grows or shrinks with it.
    ///
    /// `None` if the types fit the new size. They do not if the last variable is no array, or the size is not one of
    /// whole elements: the map has its size all the same, but its variables are no longer known by name, which the
    /// answer gives the reason for.
    ///
    /// ```
    /// # use oxbpf_obj::ObjectSpec;
    /// let bytes = std::fs::read("../../testdata/tests/resized.bpf.o").unwrap();
    /// let mut spec = ObjectSpec::parse(&bytes)?;
    /// let samples = spec.global("samples").unwrap();
    /// assert_eq!(samples.size, 4);
    /// // Room for 1000 numbers.
    /// assert!(spec.set_value_size(".data.samples", samples.offset + 4000)?.is_none());
    /// assert_eq!(spec.global("samples").unwrap().size, 4000);
    /// # Ok::<(), oxbpf_obj::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such map, or it is an arena with variables.
    #[doc(alias = "bpf_map__set_value_size")]
    pub fn set_value_size(&mut self, map: &str, size: u32) -> Result<Option<ResizeProblem>, Error> {
        let found = self.map(map).ok_or_else(|| Error::map(map, MapProblem::NotFound))?;
        if !found.is_global_data() {
            if found.data().is_some() {
                return Err(Error::map(map, MapProblem::ArenaSize));
            }
        } else if found.value_type != TypeId(0)
            && let Err(problem) = self.resize_section(found.value_type, size)
        {
            tracing::warn!(map, %problem, "map resized, its types are left out");
            if let Some(spec) = self.map_mut(map) {
                resize(spec, size);
                spec.value_type = TypeId(0);
                spec.key_type = TypeId(0);
            }
            return Ok(Some(problem));
        }
        if let Some(spec) = self.map_mut(map) {
            resize(spec, size);
        }
        Ok(None)
    }

    /// Gives the array that is the last variable of a section what is left of so many bytes.
    fn resize_section(&mut self, section: TypeId, size: u32) -> Result<(), ResizeProblem> {
        let btf = self.btf.as_ref().ok_or(ResizeProblem::NoVariables)?;
        let broken = |source| ResizeProblem::Type(Box::new(source));
        let sec = btf.get(section).map_err(broken)?;
        let last = sec.variables().enumerate().last().filter(|_| sec.kind() == Kind::Datasec);
        let (index, last) = last.ok_or(ResizeProblem::NoVariables)?;
        let var = btf.get(last.ty).map_err(broken)?;
        let array = btf.resolve(var.target().unwrap_or_default()).map_err(broken)?;
        let Some(def) = array.array() else {
            return Err(ResizeProblem::NoArray { variable: var.name().to_owned(), kind: array.kind() });
        };
        let element = btf.size_of(def.elem).map_err(broken)?;
        let room = size.checked_sub(last.offset);
        let fits = room.filter(|room| element != 0 && u64::from(*room).is_multiple_of(element));
        let Some(room) = fits else {
            let variable = var.name().to_owned();
            return Err(ResizeProblem::Elements { variable, offset: last.offset, element, size });
        };
        // No more than the room, as an element has a byte at least.
        let count = u64::from(room).checked_div(element).unwrap_or_default() as u32;
        let mut builder = BtfBuilder::from(btf);
        let array = builder.add_array(def.elem, def.index, count).map_err(broken)?;
        builder.set_target(var.id(), array).map_err(broken)?;
        builder.set_datasec_var(section, index, SecVar { size: room, ..last }).map_err(broken)?;
        builder.set_datasec_size(section, size).map_err(broken)?;
        self.btf = Some(builder.build_as(btf.endian()).map_err(broken)?);
        Ok(())
    }
}

fn resize(spec: &mut super::MapSpec, size: u32) {
    spec.value_size = size;
    if let Contents::Data(data) = &mut spec.contents {
        data.resize(size);
    }
}
