use oxbpf_btf::Kind;

use super::{Contents, MapSpec, ObjectSpec};
use crate::error::GlobalProblem;
use crate::{Btf, Error, TypeId};

const VAR_STATIC: u32 = 0;

/// The variables of a section, which the map with this index holds.
pub(crate) fn variables(
    btf: &Btf,
    map: usize,
    section: TypeId,
    read_only: bool,
) -> impl Iterator<Item = GlobalVar> + '_ {
    btf.get(section).into_iter().flat_map(|section| section.variables()).filter_map(move |var| {
        let ty = btf.get(var.ty).ok().filter(|ty| ty.kind() == Kind::Var)?;
        Some(GlobalVar {
            name: ty.name().to_owned(),
            map,
            offset: var.offset,
            size: var.size,
            ty: ty.target()?,
            read_only,
            is_static: ty.linkage() == Some(VAR_STATIC),
        })
    })
}

/// A global variable of an object: where it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GlobalVar {
    /// Name.
    pub name: String,
    /// Index of its map in [`ObjectSpec::maps`](crate::ObjectSpec::maps).
    pub map: usize,
    /// Offset in the map's value, in bytes. Of an arena's variables, among these: the loader gives them a place.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// Type in the object's BTF; void if unknown.
    pub ty: TypeId,
    /// Whether programs may only read it, so that it is fixed once the object is loaded.
    pub read_only: bool,
    /// Whether it is static in its source: others may have the same name.
    pub is_static: bool,
}

impl ObjectSpec {
    /// The global variables of the object, map by map.
    pub fn globals(&self) -> impl Iterator<Item = GlobalVar> + '_ {
        self.maps.iter().enumerate().flat_map(|(index, map)| self.globals_of(index, map))
    }

    fn globals_of<'a>(&'a self, index: usize, map: &'a MapSpec) -> impl Iterator<Item = GlobalVar> + 'a {
        let read_only = map.is_frozen();
        let btf = self.btf.as_ref().filter(|_| map.is_global_data() || map.data().is_some());
        let typed = btf.into_iter().flat_map(move |btf| variables(btf, index, map.value_type, read_only));
        let all = &self.symbol_globals;
        let start = all.partition_point(|g| Some(g.map) < map.id);
        let end = all.partition_point(|g| Some(g.map) <= map.id);
        let untyped = all.get(start..end).unwrap_or_default();
        typed.chain(untyped.iter().map(move |g| GlobalVar {
            name: g.name.clone(),
            map: index,
            offset: g.offset,
            size: g.size,
            ty: TypeId(0),
            read_only,
            is_static: false,
        }))
    }

    /// Where a global variable lives. Of several with that name, one that is not static is taken.
    pub fn global(&self, name: &str) -> Option<GlobalVar> {
        let mut named = self.globals().filter(|g| g.name == name).peekable();
        let first = named.peek().cloned();
        named.find(|g| !g.is_static).or(first)
    }

    /// Sets a global variable before the object is loaded: the value's bytes, which must be as many as the
    /// variable has.
    ///
    /// ```
    /// # use oxbpf_obj::ObjectSpec;
    /// # let bytes = std::fs::read("../../testdata/tests/globals.bpf.o").unwrap();
    /// let mut spec = ObjectSpec::parse(&bytes)?;
    /// spec.set_global("limit", &77_u32)?;
    /// assert!(spec.set_global("limit", &77_u64).is_err(), "it has 4 bytes");
    /// # Ok::<(), oxbpf_obj::Error>(())
    /// ```
    ///
    /// # Errors
    /// No such variable, several static ones, or another size.
    pub fn set_global<T: zerocopy::IntoBytes + zerocopy::Immutable>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), Error> {
        self.set_global_bytes(name, value.as_bytes())
    }

    /// Sets a global variable before the object is loaded: its bytes, in the object's byte order.
    ///
    /// # Errors
    /// No such variable, several static ones, or another size.
    #[doc(alias = "bpf_map__set_initial_value")]
    pub fn set_global_bytes(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        let fail = |problem| Error::Global { name: name.to_owned(), problem };
        let var = self.global(name).ok_or_else(|| fail(GlobalProblem::NotFound))?;
        if var.is_static && self.globals().filter(|g| g.name == name).count() > 1 {
            return Err(fail(GlobalProblem::Ambiguous));
        }
        if var.size as usize != value.len() {
            return Err(fail(GlobalProblem::Size { size: var.size, given: value.len() }));
        }
        let written = match self.maps.get_mut(var.map).map(|map| &mut map.contents) {
            Some(Contents::Data(data)) => data.write(var.offset, value),
            _ => false,
        };
        if written { Ok(()) } else { Err(fail(GlobalProblem::OutOfMap)) }
    }
}
