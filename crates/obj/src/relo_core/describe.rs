//! Relocations in words.

use std::fmt::Write as _;

use oxbpf_btf::{Btf, CoreRelo, Kind};

use super::{
    spec::{Spec, is_enum_based, is_type_based},
    view::{Budget, View},
};

/// Names of longer access paths than this are not worth a line of a message.
const STEPS: u64 = 100_000;

/// The relocation in words: `byte_off of struct task_struct___old.state (0:12)`.
///
/// Works for what cannot be relocated as well, then with less detail. What would be longer than a message is cut.
#[doc(alias = "bpf_core_format_spec")]
pub fn describe(local: &Btf, relo: &CoreRelo) -> String {
    let mut out = format!("{} of ", relo.kind);
    match local.get(relo.ty) {
        Ok(root) if root.name().is_empty() => {
            let _ = write!(out, "anonymous {} {}", kind_word(root.kind()), root.id());
        }
        Ok(root) => {
            let _ = write!(out, "{} {}", kind_word(root.kind()), shortened(root.name()));
        }
        Err(_) => {
            let _ = write!(out, "type {}", relo.ty);
        }
    }
    if is_type_based(relo.kind) {
        return out;
    }
    let budget = Budget::new(STEPS);
    if let Ok(spec) = Spec::local(View::local(local, &budget), relo) {
        for (i, turn) in spec.accessors.iter().enumerate() {
            let _ = match turn.name {
                Some(name) if is_enum_based(relo.kind) => write!(out, "::{}", shortened(name)),
                Some(name) => write!(out, ".{}", shortened(name)),
                None if i == 0 && turn.index == 0 => Ok(()),
                None => write!(out, "[{}]", super::access::distance(turn.index)),
            };
        }
    }
    let _ = match local.str_at(relo.access_str_off) {
        Ok(text) => write!(out, " ({})", shortened(text)),
        Err(_) => write!(out, " (access string at {:#x})", relo.access_str_off),
    };
    shortened(&out)
}

/// A text with no more of it than a message needs: a file may have names of megabytes.
pub(crate) fn shortened(text: &str) -> String {
    const MAX: usize = 512;
    let end = (0..=MAX).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    match text.get(..end) {
        Some(start) if text.len() > MAX => format!("{start}..."),
        _ => text.to_owned(),
    }
}

/// The word C has for a kind of type.
pub(super) const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Struct => "struct",
        Kind::Union => "union",
        Kind::Enum | Kind::Enum64 => "enum",
        Kind::Typedef => "typedef",
        Kind::Fwd => "forward declaration",
        Kind::Func | Kind::FuncProto => "function",
        Kind::Ptr => "pointer",
        Kind::Array => "array",
        _ => "type",
    }
}
