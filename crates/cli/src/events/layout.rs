//! The columns of a type: its fields, nested structs opened up.

use oxbpf_btf::{Btf, Kind, Type, TypeId, Value};

use crate::output::columns::{Align, Column};
use crate::output::value::{MISSING, cell};

/// Structs in structs are opened this far; below, one cell holds the rest.
const DEPTH: usize = 3;

/// More columns than this are of use to nobody, and of a hostile type there could be millions.
const COLUMNS: usize = 64;

/// Where the cells of a row are in a decoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    paths: Vec<Vec<String>>,
    columns: Vec<Column>,
}

impl Layout {
    /// The layout of a struct, or of anything else as one column named `title`.
    pub(crate) fn of(btf: &Btf, ty: TypeId, title: &str) -> Self {
        let mut layout = Self { paths: Vec::new(), columns: Vec::new() };
        match btf.resolve(ty) {
            Ok(resolved) if resolved.kind().is_composite() => layout.open(btf, resolved, &mut Vec::new(), 0),
            Ok(resolved) => layout.push(btf, resolved, &[], title),
            Err(_) => layout.columns.push(Column::new(title.to_uppercase(), Align::Left, 8)),
        }
        if layout.paths.is_empty() {
            layout.paths.push(Vec::new());
        }
        if layout.columns.is_empty() {
            layout.columns.push(Column::new(title.to_uppercase(), Align::Left, 8));
        }
        layout
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The cells of a row.
    pub(crate) fn cells(&self, value: &Value<'_>) -> Vec<String> {
        self.paths.iter().map(|path| at(value, path).map_or_else(|| MISSING.to_owned(), cell)).collect()
    }

    fn open(&mut self, btf: &Btf, ty: Type<'_>, path: &mut Vec<String>, depth: usize) {
        for member in ty.members() {
            if self.columns.len() >= COLUMNS {
                return;
            }
            let Ok(of) = btf.resolve(member.ty) else { continue };
            if member.name.is_empty() {
                // Its fields are the outer struct's: so C sees it, and so it is decoded.
                if of.kind().is_composite() && depth < DEPTH {
                    self.open(btf, of, path, depth + 1);
                }
                continue;
            }
            path.push(member.name.to_owned());
            if of.kind() == Kind::Struct && depth < DEPTH && of.members().next().is_some() {
                self.open(btf, of, path, depth + 1);
            } else {
                let title = path.join(".");
                self.push(btf, of, path, &title);
            }
            path.pop();
        }
    }

    fn push(&mut self, btf: &Btf, ty: Type<'_>, path: &[String], title: &str) {
        let (align, width) = shape(btf, ty);
        self.paths.push(path.to_vec());
        self.columns.push(Column::new(title.to_uppercase(), align, width));
    }
}

fn at<'v, 'b>(value: &'v Value<'b>, path: &[String]) -> Option<&'v Value<'b>> {
    path.iter().try_fold(value, |value, name| match value {
        Value::Struct(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, value)| value),
        _ => None,
    })
}

/// How wide a column starts. Most values are far from their type's largest: a pid fits in seven digits. A
/// larger one widens its column when it comes.
fn shape(btf: &Btf, ty: Type<'_>) -> (Align, usize) {
    let number = |size| match size {
        1 => 3,
        2 => 5,
        3..=4 => 7,
        _ => 12,
    };
    match ty.kind() {
        Kind::Int if ty.int().is_some_and(|int| int.bool) => (Align::Left, "false".len()),
        Kind::Int => (Align::Right, number(ty.size().unwrap_or(8))),
        Kind::Float => (Align::Right, 10),
        Kind::Ptr => (Align::Right, "0xffffffffffffffff".len()),
        Kind::Enum | Kind::Enum64 => {
            let longest = ty.enumerators().map(|e| e.name.chars().count()).max().unwrap_or(0);
            (Align::Left, longest.min(16))
        }
        Kind::Array => {
            let array = ty.array();
            let of_chars = array.is_some_and(|a| {
                btf.resolve(a.elem).is_ok_and(|elem| elem.kind() == Kind::Int && elem.size() == Some(1))
            });
            // Room for the whole string where it is short, without its NUL.
            let len = array.map_or(0, |a| usize::try_from(a.len).unwrap_or(usize::MAX));
            (Align::Left, if of_chars { len.saturating_sub(1).min(24) } else { 8 })
        }
        _ => (Align::Left, 8),
    }
}

#[cfg(test)]
mod tests {
    use oxbpf_btf::{BtfBuilder, Endian, Field, IntEncoding};

    use super::*;
    use crate::output::columns::Columns;

    /// `struct event { u32 pid; char comm[16]; struct { s64 x, y; } at; union { u32 a; u32 b; }; void *p; }`
    fn event() -> (Btf, TypeId) {
        let mut b = BtfBuilder::new();
        let u32 = b.add_int("unsigned int", 4, IntEncoding::default()).unwrap();
        let s64 = b.add_int("long", 8, IntEncoding::SIGNED).unwrap();
        let char = b.add_int("char", 1, IntEncoding::SIGNED).unwrap();
        let comm = b.add_array(char, u32, 16).unwrap();
        let point = b.add_struct("point", 16, [Field::new("x", s64, 0), Field::new("y", s64, 64)]).unwrap();
        let either = b.add_union("", 4, [Field::new("a", u32, 0), Field::new("b", u32, 0)]).unwrap();
        let ptr = b.add_ptr(TypeId::VOID).unwrap();
        let fields = [
            Field::new("pid", u32, 0),
            Field::new("comm", comm, 32),
            Field::new("at", point, 192),
            Field::new("", either, 320),
            Field::new("p", ptr, 384),
        ];
        let event = b.add_struct("event", 56, fields).unwrap();
        (Btf::parse(b.to_vec(Endian::NATIVE).unwrap()).unwrap(), event)
    }

    #[test]
    fn structs_are_opened_into_columns() {
        let (btf, event) = event();
        let layout = Layout::of(&btf, event, "event");
        let titles: Vec<_> = layout.columns().iter().map(|column| column.title.as_str()).collect();
        assert_eq!(titles, ["PID", "COMM", "AT.X", "AT.Y", "A", "B", "P"]);
    }

    #[test]
    fn cells_are_found_by_their_path() {
        let (btf, event) = event();
        let layout = Layout::of(&btf, event, "event");
        let value = Value::Struct(vec![
            ("pid", Value::Int(7)),
            ("comm", Value::Str("sh".into())),
            ("at", Value::Struct(vec![("x", Value::Int(1)), ("y", Value::Truncated)])),
            ("a", Value::Int(5)),
            ("b", Value::Int(5)),
        ]);
        assert_eq!(layout.cells(&value), ["7", "sh", "1", "?", "5", "5", "?"]);
    }

    #[test]
    fn widths_fit_the_usual() {
        let (btf, event) = event();
        let header = Columns::new(Layout::of(&btf, event, "event").columns().to_vec()).header();
        assert!(header.starts_with("    PID  COMM             "), "{header}");
    }

    #[test]
    fn a_scalar_is_one_column() {
        let (btf, _) = event();
        let u32 = btf.find("unsigned int", Kind::Int).unwrap();
        let layout = Layout::of(&btf, u32, "key");
        assert_eq!(layout.columns().len(), 1);
        assert_eq!(layout.columns()[0].title, "KEY");
        assert_eq!(layout.cells(&Value::Int(3)), ["3"]);
    }

    #[test]
    fn types_that_do_not_exist_give_a_column_all_the_same() {
        let (btf, _) = event();
        let layout = Layout::of(&btf, TypeId(9999), "value");
        assert_eq!(layout.columns().len(), 1);
        assert_eq!(layout.cells(&Value::Bytes(vec![1])), ["01"]);
    }
}
