//! The declarations of a program that does not exist: what its compilation units have in common.

use crate::random::Random;

/// A type as C would write it.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Void,
    /// A declaration by its number.
    Named(u32),
    Ptr(Box<Expr>),
    Array(Box<Expr>, u32),
    /// const, volatile, restrict.
    Modified(u32, Box<Expr>),
    Tagged(String, bool, Box<Expr>),
    Proto(Box<Expr>, Vec<(String, Expr)>),
    /// A struct or union without a name.
    Inline(Box<Composite>),
}

#[derive(Clone, Debug)]
pub(crate) struct Composite {
    pub(crate) union: bool,
    pub(crate) kflag: bool,
    pub(crate) size: u32,
    /// Name, type, and the word with the place.
    pub(crate) members: Vec<(String, Expr, u32)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Decl {
    Int { name: String, size: u32, encoding: u32 },
    Float { name: String, size: u32 },
    Composite { name: String, of: Composite },
    Typedef { name: String, of: Expr },
    Enum { name: String, size: u32, signed: bool, values: Vec<(String, u32)> },
    Enum64 { name: String, signed: bool, values: Vec<(String, u64)> },
}

#[derive(Clone, Debug)]
pub(crate) struct Universe {
    pub(crate) decls: Vec<Decl>,
    /// Functions: name, linkage, prototype.
    pub(crate) funcs: Vec<(String, u32, Expr)>,
}

pub(crate) const INTS: [(&str, u32, u32); 6] = [
    ("int", 4, 1),
    ("char", 1, 1),
    ("unsigned int", 4, 0),
    ("long", 8, 1),
    ("_Bool", 1, 4),
    ("__int128", 16, 1),
];

impl Universe {
    pub(crate) fn new(random: &mut Random) -> Universe {
        let count = if random.percent(10) { random.from(15..=80) } else { random.from(3..=14) };
        let mut decls: Vec<Decl> = INTS[..random.from(1..=6) as usize]
            .iter()
            .map(|&(name, size, encoding)| Decl::Int { name: name.into(), size, encoding })
            .collect();
        if random.percent(30) {
            decls.push(Decl::Float { name: "double".into(), size: 8 });
        }
        let total = decls.len() as u32 + count;
        for _ in 0..count {
            let decl = decl(random, total);
            decls.push(decl);
        }
        let funcs = (0..random.below(4))
            .map(|_| (format!("f{}", random.below(4)), random.below(3), proto(random, total, 2)))
            .collect();
        Universe { decls, funcs }
    }
}

impl Universe {
    /// Leaves out what C cannot say, and what tools therefore take in ways of their own: members of unions that do not
    /// start where the union does, bit-fields of what is no number, members without a name that are no struct or union,
    /// and members of those that have the name of another member.
    pub(crate) fn only_c(mut self) -> Universe {
        let number = |decl: &Decl| matches!(decl, Decl::Int { .. } | Decl::Enum { .. } | Decl::Enum64 { .. });
        let numbers: Vec<bool> = self.decls.iter().map(number).collect();
        let mut names = 0;
        for decl in &mut self.decls {
            match decl {
                Decl::Composite { of, .. } => members_of_c(of, &numbers, &mut names, false),
                Decl::Typedef { of, .. } => expr_of_c(of, &numbers, &mut names, false),
                _ => {}
            }
        }
        for (.., proto) in &mut self.funcs {
            expr_of_c(proto, &numbers, &mut names, false);
        }
        self
    }
}

fn members_of_c(composite: &mut Composite, numbers: &[bool], names: &mut u32, unnamed: bool) {
    for (name, of, place) in &mut composite.members {
        if !matches!(of, Expr::Named(decl) if numbers[*decl as usize]) {
            *place &= 0xff_ffff;
        }
        if composite.union {
            *place &= 0xff00_0000;
        }
        let part = matches!(of, Expr::Inline(_)) && name.is_empty();
        if !part && (name.is_empty() || unnamed) {
            *names += 1;
            *name = format!("n{names}");
        }
        expr_of_c(of, numbers, names, part);
    }
}

fn expr_of_c(expr: &mut Expr, numbers: &[bool], names: &mut u32, unnamed: bool) {
    match expr {
        Expr::Ptr(of) | Expr::Array(of, _) | Expr::Modified(_, of) | Expr::Tagged(_, _, of) => {
            expr_of_c(of, numbers, names, false);
        }
        Expr::Proto(result, params) => {
            let params = params.iter_mut().map(|(_, param)| param);
            std::iter::once(&mut **result).chain(params).for_each(|of| expr_of_c(of, numbers, names, false));
        }
        Expr::Inline(of) => members_of_c(of, numbers, names, unnamed),
        Expr::Void | Expr::Named(_) => {}
    }
}

/// Few names, so that different things have the same.
fn name(random: &mut Random, prefix: &str) -> String {
    format!("{prefix}{}", random.below(9))
}

fn decl(random: &mut Random, total: u32) -> Decl {
    match random.below(10) {
        0..6 => Decl::Composite { name: name(random, "s"), of: composite(random, total, 3) },
        6 | 7 => Decl::Typedef { name: name(random, "t"), of: expr(random, total, 3) },
        8 => Decl::Enum {
            name: name(random, "e"),
            size: *random.pick(&[1, 4, 4, 8]),
            signed: random.percent(30),
            values: (0..random.below(4)).map(|n| (format!("V{n}"), random.below(3))).collect(),
        },
        _ => Decl::Enum64 {
            name: name(random, "e"),
            signed: random.percent(30),
            values: (0..random.below(4))
                .map(|n| (format!("W{n}"), random.next() >> random.below(64)))
                .collect(),
        },
    }
}

fn composite(random: &mut Random, total: u32, depth: u32) -> Composite {
    let kflag = random.percent(20);
    let members = (0..random.below(6))
        .map(|n| {
            let bits = if kflag && random.percent(50) { random.from(1..=31) } else { 0 };
            let name = if random.percent(10) { String::new() } else { format!("m{n}") };
            (name, expr(random, total, depth), (bits << 24) | (n * 32))
        })
        .collect();
    Composite { union: random.percent(20), kflag, size: *random.pick(&[24, 32, 64]), members }
}

fn proto(random: &mut Random, total: u32, depth: u32) -> Expr {
    let result = expr(random, total, depth);
    let mut params: Vec<(String, Expr)> = (0..random.below(4))
        .map(|n| {
            let name = if random.percent(70) { format!("a{n}") } else { String::new() };
            (name, expr(random, total, depth))
        })
        .collect();
    if random.percent(10) {
        params.push((String::new(), Expr::Void));
    }
    Expr::Proto(Box::new(result), params)
}

fn expr(random: &mut Random, total: u32, depth: u32) -> Expr {
    let inner = |random: &mut Random| Box::new(expr(random, total, depth.saturating_sub(1)));
    if depth == 0 {
        return Expr::Named(random.below(total));
    }
    match random.below(20) {
        0..6 => Expr::Named(random.below(total)),
        6..13 => Expr::Ptr(inner(random)),
        13 | 14 => Expr::Array(inner(random), random.below(4)),
        15 | 16 => Expr::Modified(random.below(3), inner(random)),
        17 => Expr::Tagged(name(random, "tag"), random.percent(20), inner(random)),
        18 => Expr::Ptr(Box::new(proto(random, total, depth - 1))),
        _ if random.percent(30) => Expr::Ptr(Box::new(Expr::Void)),
        _ => Expr::Inline(Box::new(composite(random, total, depth - 1))),
    }
}
