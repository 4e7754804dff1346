//! Which type the events of a ring buffer have.

use oxbpf_btf::{Btf, Kind, TypeId};

/// What is known about the type before the first event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EventType {
    /// Named by the user or by the map.
    Known(TypeId),
    /// The structs that the object's global pointers point to, with their sizes: an event is the one whose
    /// size it has.
    BySize(Vec<(u64, TypeId)>),
}

impl EventType {
    /// The type that the map's name or the global pointers tell. The object's author keeps an event's struct
    /// in BTF, where nothing else would need it, by a global pointer to it that nobody uses.
    pub(crate) fn of_map(btf: &Btf, map: &str) -> Self {
        let singular = map.strip_suffix('s').filter(|name| !name.is_empty());
        let names = [Some(map), singular, Some("event")];
        match names.into_iter().flatten().find_map(|name| btf.find(name, Kind::Struct)) {
            Some(id) => Self::Known(id),
            None => Self::BySize(pointed_at(btf)),
        }
    }

    /// The type the user named: a struct, or a typedef of one.
    pub(crate) fn named(btf: &Btf, name: &str) -> Option<Self> {
        if let Some(id) = btf.find(name, Kind::Struct).or_else(|| btf.find(name, Kind::Union)) {
            return Some(Self::Known(id));
        }
        let typedef = btf.find(name, Kind::Typedef)?;
        let resolved = btf.resolve(typedef).ok()?;
        matches!(resolved.kind(), Kind::Struct | Kind::Union).then(|| Self::Known(resolved.id()))
    }

    /// The type of an event with this many bytes; none if no type or several fit.
    pub(crate) fn of_event(&self, len: usize) -> Option<TypeId> {
        match self {
            Self::Known(id) => Some(*id),
            Self::BySize(structs) => {
                let mut fit = structs.iter().filter(|(size, _)| usize::try_from(*size) == Ok(len));
                let first = fit.next().map(|(_, id)| *id);
                first.filter(|_| fit.next().is_none())
            }
        }
    }
}

/// The structs that global variables point to.
fn pointed_at(btf: &Btf) -> Vec<(u64, TypeId)> {
    let mut found: Vec<(u64, TypeId)> = Vec::new();
    for var in btf.types_of(Kind::Var) {
        let target = var.target().and_then(|id| btf.resolve(id).ok());
        let pointee = target.filter(|ty| ty.kind() == Kind::Ptr).and_then(|ptr| ptr.target());
        let Some(pointee) = pointee.and_then(|id| btf.resolve(id).ok()) else { continue };
        if pointee.kind() != Kind::Struct || found.iter().any(|(_, id)| *id == pointee.id()) {
            continue;
        }
        if let Ok(size) = btf.size_of(pointee.id()) {
            found.push((size, pointee.id()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use oxbpf_btf::{BtfBuilder, Endian, Field, IntEncoding};

    use super::*;

    /// BTF with structs of these names and sizes, and global pointers to those marked.
    fn btf(structs: &[(&str, u32, bool)]) -> Btf {
        let mut b = BtfBuilder::new();
        let byte = b.add_int("unsigned char", 1, IntEncoding::default()).unwrap();
        for &(name, size, pointed_at) in structs {
            let id = b.add_struct(name, size, [Field::new("first", byte, 0)]).unwrap();
            if pointed_at {
                // `const struct event *unused`
                let constant = b.add_const(id).unwrap();
                let pointer = b.add_ptr(constant).unwrap();
                b.add_var(&format!("unused_{name}"), pointer, 1).unwrap();
            }
        }
        b.add_typedef("alias", b.end_id().0.checked_sub(1).map(TypeId).unwrap()).unwrap();
        Btf::parse(b.to_vec(Endian::NATIVE).unwrap()).unwrap()
    }

    fn name(btf: &Btf, chosen: Option<TypeId>) -> Option<&str> {
        chosen.map(|id| btf.get(id).unwrap().name())
    }

    #[test]
    fn the_maps_own_name_comes_first() {
        let btf = btf(&[("event", 8, false), ("opens", 8, false), ("open", 8, false)]);
        let of = |map| name(&btf, EventType::of_map(&btf, map).of_event(1));
        assert_eq!(of("opens"), Some("opens"));
        assert_eq!(of("open"), Some("open"));
        assert_eq!(of("events"), Some("event"));
        assert_eq!(of("whatever"), Some("event"));
        assert_eq!(of("s"), Some("event"));
    }

    #[test]
    fn without_a_name_the_size_decides() {
        let btf = btf(&[("a", 8, true), ("b", 16, true), ("hidden", 24, false)]);
        let chosen = EventType::of_map(&btf, "rb");
        assert_eq!(name(&btf, chosen.of_event(8)), Some("a"));
        assert_eq!(name(&btf, chosen.of_event(16)), Some("b"));
        assert_eq!(chosen.of_event(24), None, "no global pointer keeps it");
        assert_eq!(chosen.of_event(9), None);
    }

    #[test]
    fn two_of_one_size_are_not_guessed_between() {
        let btf = btf(&[("a", 8, true), ("b", 8, true)]);
        assert_eq!(EventType::of_map(&btf, "rb").of_event(8), None);
    }

    #[test]
    fn a_named_type_is_a_struct_or_a_typedef_of_one() {
        let btf = btf(&[("event", 8, false)]);
        assert_eq!(name(&btf, EventType::named(&btf, "event").and_then(|t| t.of_event(3))), Some("event"));
        assert_eq!(name(&btf, EventType::named(&btf, "alias").and_then(|t| t.of_event(3))), Some("event"));
        assert_eq!(EventType::named(&btf, "unsigned char"), None);
        assert_eq!(EventType::named(&btf, "missing"), None);
    }
}
