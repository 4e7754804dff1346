//! Whether two types are the same with all that they refer to. Each step supposes that one type corresponds to
//! another and goes on; a contradiction says that they are not.

use super::{
    Dedup,
    graph::{fwd_kind, kind_of},
    identical, shape,
};
use crate::{Error, Kind, error::TypeProblem};

const NONE: u32 = u32::MAX;

/// What corresponds to what, for the time of one comparison.
pub(super) struct Supposed {
    /// Of types that stay: the one that is compared with it.
    map: Vec<u32>,
    /// The types that stay for which there is one, in the order in which they were come upon.
    pub(super) list: Vec<u32>,
    /// A forward declaration of the base would have to become something of its own BTF. The base cannot be
    /// changed, so the two are not the same after all.
    pub(super) changes_base: bool,
    /// References still to be compared.
    rest: Vec<Rest>,
}

/// References of two types that are still to be compared: where they are in the words, how many, and how far apart.
#[derive(Clone, Copy)]
struct Rest {
    new: u32,
    old: u32,
    count: u32,
    step: u32,
}

impl Supposed {
    pub(super) fn new(end: u32) -> Supposed {
        Supposed { map: vec![NONE; end as usize], list: Vec::new(), changes_base: false, rest: Vec::new() }
    }

    #[inline]
    pub(super) fn get(&self, old: u32) -> u32 {
        self.map.get(old as usize).copied().unwrap_or(NONE)
    }

    fn add(&mut self, old: u32, new: u32) {
        if let Some(entry) = self.map.get_mut(old as usize) {
            *entry = new;
            self.list.push(old);
        }
    }

    pub(super) fn clear(&mut self) {
        for old in self.list.drain(..) {
            if let Some(entry) = self.map.get_mut(old as usize) {
                *entry = NONE;
            }
        }
        self.changes_base = false;
        self.rest.clear();
    }
}

/// What a pair of types says by itself.
enum Step {
    Same,
    Different,
    /// It depends on this pair.
    On(u32, u32),
}

impl Dedup<'_, '_> {
    /// Whether `new` is the same as `old`, which stays. What was supposed is in [`Supposed`] afterwards.
    pub(super) fn equivalent(&mut self, new: u32, old: u32) -> Result<bool, Error> {
        self.supposed.clear();
        let (mut new, mut old) = (new, old);
        loop {
            match self.pair(new, old)? {
                Step::Different => return Ok(false),
                Step::On(n, o) => (new, old) = (n, o),
                Step::Same => {
                    let Some(rest) = self.supposed.rest.last_mut() else { return Ok(true) };
                    let Rest { new: n, old: o, count, step } = *rest;
                    if count > 1 {
                        *rest = Rest {
                            new: n.wrapping_add(step),
                            old: o.wrapping_add(step),
                            count: count.wrapping_sub(1),
                            step,
                        };
                    } else {
                        self.supposed.rest.pop();
                    }
                    (new, old) = (self.graph.word(n), self.graph.word(o));
                }
            }
        }
    }

    fn pair(&mut self, new: u32, old: u32) -> Result<Step, Error> {
        if self.canon.resolve(new) == self.canon.resolve(old) {
            return Ok(Step::Same);
        }
        self.work.spend(1)?;
        let old = self.resolve_fwd(old);
        let supposed = self.supposed.get(old);
        if supposed != NONE {
            let same = supposed == new || self.identical(supposed, new, identical::DEPTH)?;
            return Ok(if same { Step::Same } else { Step::Different });
        }
        self.supposed.add(old, new);

        let (t, u) = (self.graph.ty(new), self.graph.ty(old));
        let &[name, info, target] = t.first_chunk::<3>().unwrap_or(&[0; 3]);
        let &[old_name, old_info, old_target] = u.first_chunk::<3>().unwrap_or(&[0; 3]);
        if name != old_name {
            return Ok(Step::Different);
        }
        let (kind, old_kind) = (kind_of(info), kind_of(old_info));
        if kind != old_kind {
            let fits = if kind == Kind::Fwd {
                fwd_kind(info) == old_kind
            } else if old_kind == Kind::Fwd {
                let fits = fwd_kind(old_info) == kind;
                self.supposed.changes_base |= fits && old < self.graph.first_own();
                fits
            } else {
                false
            };
            return Ok(if fits { Step::Same } else { Step::Different });
        }
        let same = match kind {
            Kind::Int | Kind::Fwd | Kind::Float => t == u,
            Kind::Enum | Kind::Enum64 => shape::compatible_enums(t, u),
            Kind::Ptr
            | Kind::Const
            | Kind::Volatile
            | Kind::Restrict
            | Kind::Typedef
            | Kind::Func
            | Kind::TypeTag
                if info == old_info =>
            {
                return Ok(Step::On(target, old_target));
            }
            Kind::Array if shape::same_array(t, u) => {
                let on = Step::On(part(t, 4), part(u, 4));
                self.later(new, old, 3, 1, 1);
                return Ok(on);
            }
            Kind::Struct | Kind::Union if shape::same_members(t, u) => {
                let members = (t.len() as u32).wrapping_sub(3) / 3;
                self.later(new, old, 4, members, 3);
                true
            }
            Kind::FuncProto if shape::same_params(t, u) => {
                let params = (t.len() as u32).wrapping_sub(3) / 2;
                self.later(new, old, 4, params, 2);
                return Ok(Step::On(target, old_target));
            }
            Kind::Void | Kind::Var | Kind::Datasec | Kind::DeclTag => {
                return Err(self.error(new, TypeProblem::NotAPart));
            }
            _ => false,
        };
        Ok(if same { Step::Same } else { Step::Different })
    }

    /// Has references compared when all that is begun is done.
    fn later(&mut self, new: u32, old: u32, first: u32, count: u32, step: u32) {
        if count != 0 {
            let (new, old) = (self.graph.at(new).wrapping_add(first), self.graph.at(old).wrapping_add(first));
            self.supposed.rest.push(Rest { new, old, count, step });
        }
    }

    /// The struct or union that a forward declaration was resolved to, if it was.
    fn resolve_fwd(&self, id: u32) -> u32 {
        if self.graph.kind(id) != Kind::Fwd {
            return id;
        }
        let to = self.canon.resolve(id);
        if self.graph.kind(to) == Kind::Fwd { id } else { to }
    }
}

#[inline]
fn part(ty: &[u32], at: usize) -> u32 {
    ty.get(at).copied().unwrap_or(0)
}
