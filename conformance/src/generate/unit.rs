//! A compilation unit: the declarations that it uses, as a compiler would describe them: each type once, and
//! that not always; what it need not know only declared; some of it not as the other units have it.

use std::collections::HashMap;

use oxbpf_btf::Kind;

use super::model::{Graph, Ty, Word};
use super::universe::{Composite, Decl, Expr, INTS, Universe};
use crate::random::Random;

pub(crate) struct Unit<'a> {
    universe: &'a Universe,
    random: &'a mut Random,
    graph: &'a mut Graph,
    /// Declarations that are there, and types that refer to others by what they are.
    named: HashMap<u32, u32>,
    known: HashMap<Ty, u32>,
    /// What this unit only declares.
    opaque: Vec<bool>,
    /// In how many of a hundred cases a type is described once more.
    again: u32,
}

const MODIFIERS: [Kind; 3] = [Kind::Const, Kind::Volatile, Kind::Restrict];

impl<'a> Unit<'a> {
    /// Adds a unit to the graph.
    pub(crate) fn add(universe: &'a Universe, random: &'a mut Random, graph: &'a mut Graph) {
        let opaque = universe.decls.iter().map(|_| random.percent(25)).collect();
        let again = *random.pick(&[0, 0, 5, 20]);
        let mut unit =
            Unit { universe, random, graph, named: HashMap::new(), known: HashMap::new(), opaque, again };
        let roots = unit.random.from(1..=6);
        for _ in 0..roots {
            let decl = unit.random.below(universe.decls.len() as u32);
            let root = unit.expr(&Expr::Named(decl));
            match unit.random.below(8) {
                0 => drop(unit.reference(Kind::Ptr, root)),
                1 => unit.tag(root),
                _ => {}
            }
        }
        for (name, linkage, proto) in &universe.funcs {
            if unit.random.percent(60) {
                let proto = unit.expr(proto);
                let func = Ty { vlen: *linkage, ..Ty::new(Kind::Func, name, vec![Word::Id(proto)]) };
                let func = unit.graph.add(func);
                if unit.random.percent(30) {
                    unit.tag(func);
                }
            }
        }
        if unit.random.percent(30) {
            unit.section();
        }
    }

    fn expr(&mut self, expr: &Expr) -> u32 {
        match expr {
            Expr::Void => 0,
            Expr::Named(decl) => self.decl(*decl),
            Expr::Ptr(to) => {
                let to = self.expr(to);
                self.reference(Kind::Ptr, to)
            }
            Expr::Array(of, len) => {
                let of = self.expr(of);
                let index = self.int();
                self.shared(Ty::new(
                    Kind::Array,
                    "",
                    vec![Word::Num(0), Word::Id(of), Word::Id(index), Word::Num(*len)],
                ))
            }
            Expr::Modified(which, of) => {
                let of = self.expr(of);
                self.reference(MODIFIERS[*which as usize], of)
            }
            Expr::Tagged(value, attribute, of) => {
                let of = self.expr(of);
                self.shared(Ty::new(Kind::TypeTag, value, vec![Word::Id(of)]).flagged(*attribute))
            }
            Expr::Proto(result, params) => {
                let result = self.expr(result);
                let params = params
                    .iter()
                    .map(|(name, of)| [Word::Str(name.clone()), Word::Id(self.expr(of))])
                    .collect();
                self.shared(Ty::of_entries(Kind::FuncProto, "", Word::Id(result), params))
            }
            Expr::Inline(of) => self.composite("", of, None),
        }
    }

    fn decl(&mut self, number: u32) -> u32 {
        if let Some(&id) = self.named.get(&number)
            && !self.once_more()
        {
            return id;
        }
        let opaque = self.opaque[number as usize];
        match &self.universe.decls[number as usize] {
            Decl::Int { name, size, encoding } => {
                let id = self.shared(Ty::new(
                    Kind::Int,
                    name,
                    vec![Word::Num(*size), Word::Num((encoding << 24) | (size * 8))],
                ));
                self.remember(number, id)
            }
            Decl::Float { name, size } => {
                let id = self.shared(Ty::new(Kind::Float, name, vec![Word::Num(*size)]));
                self.remember(number, id)
            }
            Decl::Composite { name, of } if opaque => {
                let id = self.graph.add(Ty::new(Kind::Fwd, name, vec![Word::Num(0)]).flagged(of.union));
                self.remember(number, id)
            }
            Decl::Composite { name, of } => {
                let mut of = of.clone();
                // Not what the other units have under this name.
                if self.random.percent(5) {
                    of.size += 8;
                }
                if self.random.percent(5)
                    && let Some(member) = of.members.last_mut()
                {
                    member.0.push('x');
                }
                self.composite(name, &of, Some(number))
            }
            Decl::Typedef { name, of } => {
                // Reserved first: typedefs can be part of a loop.
                let id = self.graph.add(Ty::new(Kind::Typedef, name, vec![Word::Id(0)]));
                self.remember(number, id);
                let of = self.expr(of);
                self.set_target(id, of)
            }
            Decl::Enum { name, size, signed, values } => {
                let values = if opaque { &[][..] } else { values };
                let size = if opaque { *self.random.pick(&[*size, 4]) } else { *size };
                let values = values.iter().map(|(n, v)| [Word::Str(n.clone()), Word::Num(*v)]).collect();
                let ty = Ty::of_entries(Kind::Enum, name, Word::Num(size), values);
                let id = self.graph.add(ty.flagged(*signed));
                self.remember(number, id)
            }
            Decl::Enum64 { name, signed, values } => {
                let values = if opaque { &[][..] } else { values };
                let values = values
                    .iter()
                    .map(|(n, v)| [Word::Str(n.clone()), Word::Num(*v as u32), Word::Num((v >> 32) as u32)])
                    .collect();
                let ty = Ty::of_entries(Kind::Enum64, name, Word::Num(8), values);
                let id = self.graph.add(ty.flagged(*signed));
                self.remember(number, id)
            }
        }
    }

    /// Sets what a typedef stands for, unless it would be a loop of nothing but references, which C has not.
    fn set_target(&mut self, id: u32, of: u32) -> u32 {
        let mut at = of;
        loop {
            if at == id {
                return id;
            }
            let Some(own) = at.checked_sub(self.graph.first).filter(|_| at != 0) else { break };
            let ty = &self.graph.types[own as usize];
            let refers = matches!(ty.kind, Kind::Ptr | Kind::Typedef | Kind::TypeTag | Kind::Array)
                || MODIFIERS.contains(&ty.kind);
            let next = ty.words.iter().find_map(|w| if let Word::Id(id) = w { Some(*id) } else { None });
            match next {
                Some(next) if refers => at = next,
                // A prototype can close a loop too; cut it here as well.
                _ if ty.kind == Kind::FuncProto => return id,
                _ => break,
            }
        }
        let own = (id - self.graph.first) as usize;
        self.graph.types[own].words[0] = Word::Id(of);
        id
    }

    fn composite(&mut self, name: &str, of: &Composite, number: Option<u32>) -> u32 {
        let kind = if of.union { Kind::Union } else { Kind::Struct };
        let id = self.graph.add(Ty::new(kind, name, vec![]));
        if let Some(number) = number {
            self.remember(number, id);
        }
        let members = of
            .members
            .iter()
            .map(|(name, ty, place)| [Word::Str(name.clone()), Word::Id(self.expr(ty)), Word::Num(*place)])
            .collect();
        let ty = Ty::of_entries(kind, name, Word::Num(of.size), members).flagged(of.kflag);
        let own = (id - self.graph.first) as usize;
        self.graph.types[own] = ty;
        id
    }

    /// Whether to describe something again. Each time more can come of it, so that has an end.
    fn once_more(&mut self) -> bool {
        self.graph.types.len() < 200 && self.random.percent(self.again)
    }

    fn remember(&mut self, number: u32, id: u32) -> u32 {
        self.named.insert(number, id);
        id
    }

    fn reference(&mut self, kind: Kind, to: u32) -> u32 {
        self.shared(Ty::reference(kind, to))
    }

    /// A type that is described once in a unit, if the compiler is careful.
    fn shared(&mut self, ty: Ty) -> u32 {
        if let Some(&id) = self.known.get(&ty)
            && !self.once_more()
        {
            return id;
        }
        let id = self.graph.add(ty.clone());
        self.known.insert(ty, id);
        id
    }

    fn int(&mut self) -> u32 {
        let (name, size, encoding) = INTS[0];
        self.shared(Ty::new(Kind::Int, name, vec![Word::Num(size), Word::Num((encoding << 24) | (size * 8))]))
    }

    fn tag(&mut self, on: u32) {
        let on_what = on.checked_sub(self.graph.first).map(|own| &self.graph.types[own as usize]);
        let component = match on_what {
            Some(ty) if ty.kind == Kind::Struct && ty.vlen > 0 => self.random.below(ty.vlen),
            _ => u32::MAX,
        };
        let value = format!("tag{}", self.random.below(3));
        let flag = self.random.percent(20);
        self.shared(Ty::new(Kind::DeclTag, &value, vec![Word::Id(on), Word::Num(component)]).flagged(flag));
    }

    fn section(&mut self) {
        let vars: Vec<[Word; 3]> = (0..self.random.from(1..=3))
            .map(|n| {
                let of = self.random.below(self.universe.decls.len() as u32);
                let ty = self.decl(of);
                let linkage = self.random.below(2);
                let name = format!("v{}", self.random.below(5));
                let var = Ty::new(Kind::Var, &name, vec![Word::Id(ty), Word::Num(linkage)]);
                [Word::Id(self.graph.add(var)), Word::Num(n * 8), Word::Num(8)]
            })
            .collect();
        let name = *self.random.pick(&[".data", ".bss"]);
        self.graph.add(Ty::of_entries(Kind::Datasec, name, Word::Num(24), vars));
    }
}
