//! Events: what the bytes in a ring buffer mean, and how they are counted.

mod choose;
mod layout;

use oxbpf_btf::{Btf, TypeId, Value};

pub(crate) use choose::EventType;
pub(crate) use layout::Layout;

/// A ring buffer whose events are shown.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) map: String,
    /// The object's types; without any, events are bytes.
    pub(crate) types: Option<(Btf, EventType)>,
}

/// An event with its meaning.
#[derive(Debug, PartialEq)]
pub(crate) struct Event<'a> {
    /// Its type, where one is known.
    pub(crate) ty: Option<TypeId>,
    /// The type's name; empty if there is no type or it has none.
    pub(crate) type_name: &'a str,
    pub(crate) value: Value<'a>,
    /// What comes behind the type's last byte.
    pub(crate) rest: &'a [u8],
}

impl Source {
    /// Reads an event. Bytes that no type fits stay bytes.
    pub(crate) fn read<'a>(&'a self, data: &'a [u8]) -> Event<'a> {
        let plain = || Event { ty: None, type_name: "", value: Value::Bytes(data.to_vec()), rest: &[] };
        let Some((btf, chosen)) = &self.types else { return plain() };
        let Some(ty) = chosen.of_event(data.len()) else { return plain() };
        let (Ok(view), Ok(size), Ok(value)) = (btf.get(ty), btf.size_of(ty), btf.decode(ty, data)) else {
            return plain();
        };
        let rest = usize::try_from(size).ok().and_then(|size| data.get(size..)).unwrap_or_default();
        Event { ty: Some(ty), type_name: view.name(), value, rest }
    }

    /// The columns of its events of type `ty`.
    pub(crate) fn layout(&self, ty: Option<TypeId>) -> Option<Layout> {
        let (btf, _) = self.types.as_ref()?;
        Some(Layout::of(btf, ty?, &self.map))
    }
}
