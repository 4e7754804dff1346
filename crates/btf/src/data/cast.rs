//! The type of a value as C writes it in a cast.

use crate::{Btf, Kind, TypeId};

/// Longer casts tell nothing more.
const MAX: usize = 1 << 10;

/// Pointers, arrays and parameters nested deeper are left out.
const MAX_DEPTH: u32 = 32;

/// The type without `const`, `volatile`, `restrict` and type tags, anonymous ones without what is in them:
/// `struct file *`, `char[16]`, `int (*)(void)`, `union`.
pub(super) fn cast(btf: &Btf, id: TypeId) -> String {
    let mut out = String::new();
    write(btf, id, MAX_DEPTH, &mut out);
    out
}

fn write(btf: &Btf, mut id: TypeId, depth: u32, out: &mut String) {
    // What stands behind the name of the innermost type: it is made from the outside in.
    let mut declarator = String::new();
    for _ in 0..depth {
        let Ok(ty) = btf.get(id) else { break };
        let next = match ty.kind() {
            Kind::Ptr => {
                declarator.insert(0, '*');
                ty.target()
            }
            Kind::Array => {
                let array = ty.array();
                if declarator.starts_with('*') {
                    declarator = format!("({declarator})");
                }
                declarator.push_str(&format!("[{}]", array.map_or(0, |a| a.len)));
                array.map(|a| a.elem)
            }
            Kind::FuncProto => {
                if !declarator.is_empty() {
                    declarator = format!(" ({declarator})");
                }
                declarator.push('(');
                parameters(btf, id, depth, &mut declarator);
                declarator.push(')');
                ty.target()
            }
            kind if kind.is_modifier() => ty.target(),
            kind => {
                let word = match kind {
                    Kind::Struct => "struct",
                    Kind::Union => "union",
                    Kind::Enum | Kind::Enum64 => "enum",
                    Kind::Fwd if ty.kind_flag() => "union",
                    Kind::Fwd => "struct",
                    Kind::Void => "void",
                    _ => "",
                };
                let name = ty.name();
                let between = if word.is_empty() || name.is_empty() { "" } else { " " };
                for part in [word, between, name] {
                    push(out, part);
                }
                break;
            }
        };
        if declarator.len() > MAX {
            break;
        }
        id = next.unwrap_or_default();
    }
    if declarator.starts_with('*') {
        out.push(' ');
    }
    push(out, &declarator);
}

fn parameters(btf: &Btf, proto: TypeId, depth: u32, out: &mut String) {
    let Ok(proto) = btf.get(proto) else { return };
    let params = proto.params();
    let count = params.len();
    for (i, param) in params.enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        match param.ty {
            // `f(void)`, however compilers write it.
            TypeId::VOID if count == 1 => break,
            TypeId::VOID if i.saturating_add(1) == count => return out.push_str("..."),
            ty if depth > 1 && out.len() < MAX => {
                write(btf, ty, depth.saturating_sub(1) / 2, out);
                if !param.name.is_empty() {
                    if !out.ends_with('*') {
                        out.push(' ');
                    }
                    push(out, param.name);
                }
            }
            _ => return out.push_str("..."),
        }
    }
    if out.ends_with('(') {
        out.push_str("void");
    }
}

/// Appends `text` as far as there is room for it.
fn push(out: &mut String, text: &str) {
    let room = MAX.saturating_sub(out.len());
    let end = (0..=room.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    out.push_str(text.get(..end).unwrap_or_default());
}
