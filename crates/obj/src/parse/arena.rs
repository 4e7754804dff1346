//! Variables of programs in an arena (`__arena`): those of section `.addr_space.1`.

use super::Parser;
use super::datasec::Datasecs;
use super::maps::Maps;
use super::sections::Role;
use crate::Error;
use crate::error::MapProblem;
use crate::spec::{Contents, Data};
use crate::uapi::MapType;

impl Parser<'_> {
    /// Gives the variables to the object's only arena.
    pub(super) fn arena_data(&mut self, datasecs: &mut Datasecs<'_>, maps: &mut Maps) -> Result<(), Error> {
        let first = self.sections.with(|role| role == Role::Arena).next();
        let Some((index, _)) = first else { return Ok(()) };
        let section = self.elf.section_name(index);
        let mut arenas = maps.specs.iter_mut().filter(|map| map.map_type == MapType::ARENA);
        let arena = arenas.next().ok_or_else(|| Error::map(section, MapProblem::NoArena))?;
        if arenas.next().is_some() {
            return Err(Error::map(section, MapProblem::SeveralArenas(arena.name.clone())));
        }
        let bytes = self.elf.keep(index)?;
        let len = u32::try_from(bytes.len());
        let len = len.map_err(|_| Error::map(section, MapProblem::TooLarge { size: bytes.len() as u64 }))?;
        arena.contents = Contents::Data(Data::from_bytes(bytes, len));
        arena.value_type = datasecs.take(section).unwrap_or_default();
        if let Some(id) = arena.id {
            maps.hold_section(index, id);
        }
        Ok(())
    }
}
