//! Two descriptions of the same types: the one that was written, and the one that a compiler made of the text.

use oxbpf_btf::{Btf, Kind, Type, TypeId};

use crate::{Differences, compilers, source::source};

pub(crate) fn through_gcc(btf: &Btf) -> Differences {
    let said = compilers::gcc(&source(btf).with_assertions(btf))?;
    Ok(said.err().into_iter().collect())
}

/// clang takes four times as long for twice as many types.
const AT_ONCE: usize = 1000;

pub(crate) fn through_clang(btf: &Btf) -> Differences {
    let source = source(btf);
    let mut found = Vec::new();
    for named in source.named.chunks(AT_ONCE) {
        match compilers::clang(&source.with_variables(named), btf.endian())? {
            Ok(raw) => found.extend(differences(btf, &Btf::parse(raw).unwrap(), named)),
            Err(said) => return Ok(vec![said]),
        }
    }
    Ok(found)
}

/// Which of the types are others than they were, and why.
fn differences(before: &Btf, after: &Btf, named: &[(TypeId, String)]) -> Vec<String> {
    let pair = Pair { before, after };
    let compare = |id: TypeId| {
        let variable = after.find(&format!("v{}", id.0), Kind::Var).ok_or("there is no variable of it")?;
        let became = after.get(variable).unwrap().target().unwrap();
        pair.compare(before.resolve(id).unwrap(), after.resolve(became).unwrap())
    };
    let mut found = Vec::new();
    for (id, name) in named {
        let Err(why) = compare(*id) else { continue };
        if holds_va_list(before, before.get(*id).unwrap()) {
            println!("{name} holds a va_list: {why}");
        } else {
            found.push(format!("{name}: {why}"));
        }
    }
    found
}

struct Pair<'a> {
    before: &'a Btf,
    after: &'a Btf,
}

impl Pair<'_> {
    /// Whether the last member is there to make the type larger.
    fn is_filler(&self, ty: Type<'_>) -> bool {
        let last = ty.members().last().filter(|m| m.name.is_empty());
        last.is_some_and(|m| self.after.get(m.ty).unwrap().vlen() == 0)
    }

    fn compare(&self, a: Type<'_>, b: Type<'_>) -> Result<(), String> {
        if a.kind().is_enum() {
            return values(a, b);
        }
        if (a.kind(), a.size()) != (b.kind(), b.size()) {
            return Err(format!("{:?} became {:?}", (a.kind(), a.size()), (b.kind(), b.size())));
        }
        let filler = a.kind() == Kind::Union && b.vlen() == a.vlen() + 1 && self.is_filler(b);
        if a.vlen() != b.vlen() && !filler {
            return Err(format!("{} members became {}", a.vlen(), b.vlen()));
        }
        for (m, n) in a.members().zip(b.members()) {
            let (p, q) = ((m.name, m.bit_offset, m.bitfield_size), (n.name, n.bit_offset, n.bitfield_size));
            if p != q {
                return Err(format!("member {p:?} became {q:?}"));
            }
            let (p, q) = (self.before.size_of(m.ty), self.after.size_of(n.ty));
            if p.as_ref().ok() != q.as_ref().ok() {
                return Err(format!("member {} has size {q:?}, not {p:?}", m.name));
            }
            let (p, q) = (self.before.resolve(m.ty).unwrap(), self.after.resolve(n.ty).unwrap());
            let same_kind = p.kind() == q.kind() || p.kind().is_enum() && q.kind().is_enum();
            let no_number = p.int().is_some() && q.array().is_some() && !p.size().unwrap().is_power_of_two();
            if !same_kind && !no_number {
                return Err(format!("member {} is of kind {}, not {}", m.name, q.kind(), p.kind()));
            }
            // Others have a variable of their own.
            if (p.kind().is_composite() || p.kind().is_enum()) && p.name_off() == 0 {
                self.compare(p, q).map_err(|why| format!("in {:?}: {why}", m.name))?;
            }
        }
        Ok(())
    }
}

/// Whether a variable of this type holds a list of variable arguments.
fn holds_va_list(btf: &Btf, ty: Type<'_>) -> bool {
    let holds = |id| btf.get(id).is_ok_and(|ty| holds_va_list(btf, ty));
    match ty.kind() {
        Kind::Typedef if ty.name() == "__builtin_va_list" => true,
        Kind::Typedef | Kind::Const | Kind::Volatile => holds(ty.target().unwrap()),
        Kind::Array => holds(ty.array().unwrap().elem),
        _ => ty.members().any(|m| holds(m.ty)),
    }
}

/// Enumerators can be renamed: they are compared by order.
fn values(a: Type<'_>, b: Type<'_>) -> Result<(), String> {
    if a.size() != b.size() || a.vlen() != b.vlen() {
        return Err(format!(
            "size and number of values {:?} became {:?}",
            (a.size(), a.vlen()),
            (b.size(), b.vlen())
        ));
    }
    for (x, y) in a.enumerators().zip(b.enumerators()) {
        let renamed =
            y.name.strip_prefix(x.name).is_some_and(|rest| rest.is_empty() || rest.starts_with("___"));
        if !renamed || x.value != y.value {
            return Err(format!("{x:?} became {y:?}"));
        }
    }
    Ok(())
}
