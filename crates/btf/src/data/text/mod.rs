//! Values as text: C initializers with a cast for each value.

mod told;

use std::{collections::HashMap, fmt::Write};

use super::{
    value::until_nul,
    visitor::{Cut, Place, Visitor},
};
use crate::{Btf, CDump, Error, Kind, TypeDecl, TypeId};

/// How [`TypedData::to_text`](crate::TypedData::to_text) writes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "btf_dump_type_data_opts")]
pub struct TextOptions {
    /// All on one line.
    pub compact: bool,
    /// Neither names of members nor casts.
    pub skip_names: bool,
    /// Members that are zero, too. Without this they are left out, except at the top and in arrays.
    #[doc(alias = "emit_zeroes")]
    pub zeroes: bool,
    /// Arrays of one-byte integers as strings where nothing is lost.
    #[doc(alias = "emit_strings")]
    pub strings: bool,
    /// How far everything is indented.
    pub indent_level: usize,
    /// What one level of indentation is.
    #[doc(alias = "indent_str")]
    pub indent: String,
}

impl Default for TextOptions {
    /// Several lines, indented by tabs; names, but neither zeroes nor strings.
    fn default() -> Self {
        TextOptions {
            compact: false,
            skip_names: false,
            zeroes: false,
            strings: false,
            indent_level: 0,
            indent: "\t".to_owned(),
        }
    }
}

/// Longer casts tell nothing more.
const LONGEST_CAST: usize = 1 << 10;

/// In place of what is not there.
const TRUNCATED: &str = "<truncated>";

pub(super) struct TextWriter<'a, 'o> {
    btf: &'a Btf,
    options: &'o TextOptions,
    out: String,
    limit: usize,
    open: Vec<Open>,
    /// Of the value that comes next.
    place: Option<Place<'a>>,
    name: &'a str,
    /// The variable whose value comes next, as it is declared.
    variable: Option<String>,
    /// Types as they stand in casts.
    casts: HashMap<TypeId, String>,
    dump: Option<CDump<'a>>,
}

/// A struct, array or section that has begun.
struct Open {
    kind: Kind,
    /// Where in the text it starts.
    start: usize,
    /// Whether anything in it is not zero.
    nonzero: bool,
    /// Whether what was written last is that the rest is missing.
    cut: bool,
    /// Whether it is an array, or in one.
    in_array: bool,
}

impl<'a, 'o> TextWriter<'a, 'o> {
    pub(super) fn new(btf: &'a Btf, options: &'o TextOptions, limit: usize) -> Self {
        TextWriter {
            btf,
            options,
            out: String::new(),
            limit,
            open: Vec::new(),
            place: None,
            name: "",
            variable: None,
            casts: HashMap::new(),
            dump: None,
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Structs and arrays around what comes next; sections do not indent.
    fn depth(&self) -> usize {
        self.open.iter().filter(|o| o.kind != Kind::Datasec).count()
    }

    fn in_array(&self) -> bool {
        self.open.last().is_some_and(|o| o.in_array)
    }

    /// Whether a value that is zero is shown here.
    fn shows_zero(&self) -> bool {
        self.options.zeroes || self.depth() == 0 || self.in_array()
    }

    fn indent(&mut self) {
        if !self.options.compact {
            let levels = self.options.indent_level.saturating_add(self.depth());
            self.out.extend(std::iter::repeat_n(self.options.indent.as_str(), levels));
        }
    }

    /// What stands behind a value.
    fn delimit(&mut self) {
        if self.depth() > 0 {
            self.out.push(',');
        }
        self.newline();
        if matches!(self.open.last(), Some(o) if o.kind == Kind::Datasec) {
            self.out.push(';');
        }
    }

    fn newline(&mut self) {
        if self.depth() > 0 && !self.options.compact {
            self.out.push('\n');
        }
    }

    /// What stands before a value: indentation, its name, and its type unless that is left out.
    fn head(&mut self, with_type: bool) {
        self.indent();
        let name = std::mem::take(&mut self.name);
        if let Some(variable) = self.variable.take() {
            self.out.push_str(&variable);
        } else if !self.options.skip_names && !name.is_empty() {
            self.out.extend([".", name, " = "]);
        }
        let place = self.place.take();
        if with_type
            && !self.options.skip_names
            && !self.in_array()
            && let Some(place) = place.filter(|p| p.ty.kind() != Kind::Datasec)
        {
            self.out.push('(');
            self.push_cast(place.declared);
            self.out.push(')');
        }
    }

    /// Appends a type without what qualifies it, and without what is in it where it has no name.
    fn push_cast(&mut self, id: TypeId) {
        if !self.casts.contains_key(&id) {
            let decl = TypeDecl { strip_mods: true, skip_anonymous: true, ..TypeDecl::default() };
            let mut text = String::new();
            let dump = self.dump.get_or_insert_with(|| CDump::new(self.btf));
            if dump.type_decl(id, &decl, &mut text).is_err() {
                // Its value is worth more than a type that C does not have.
                "?".clone_into(&mut text);
            }
            let end = (0..=LONGEST_CAST).rev().find(|&i| text.is_char_boundary(i));
            text.truncate(end.unwrap_or(0));
            self.casts.insert(id, text);
        }
        self.out.push_str(self.casts.get(&id).map(String::as_str).unwrap_or_default());
    }

    fn scalar(&mut self, zero: bool, text: std::fmt::Arguments<'_>) -> Result<(), Error> {
        if !self.note(zero) {
            return Ok(());
        }
        self.head(true);
        // Writing to a String does not fail.
        let _ = self.out.write_fmt(text);
        self.delimit();
        Ok(())
    }

    /// Takes note of a value; false if it is not shown.
    fn note(&mut self, zero: bool) -> bool {
        let shown = !zero || self.shows_zero();
        if let Some(open) = self.open.last_mut() {
            open.nonzero |= !zero;
            open.cut = false;
        }
        if !shown {
            (self.name, self.place) = ("", None);
        }
        shown
    }

    fn begin(&mut self, kind: Kind, bracket: &str) {
        let start = self.out.len();
        self.head(true);
        let in_array = kind == Kind::Array || self.in_array();
        self.open.push(Open { kind, start, nonzero: false, cut: false, in_array });
        self.out.push_str(bracket);
        self.newline();
    }

    fn end(&mut self, bracket: &str) -> Result<(), Error> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        if open.kind == Kind::Datasec {
            return Ok(());
        }
        if !open.nonzero && !self.shows_zero() {
            self.out.truncate(open.start);
            return Ok(());
        }
        self.indent();
        self.out.push_str(bracket);
        self.delimit();
        self.note(!open.nonzero);
        Ok(())
    }

    /// An array of one-byte integers. Those named `char` end at the first NUL.
    fn bytes(&mut self, bytes: &[u8], chars: bool, cut: Option<Cut>) -> Result<(), Error> {
        let end = bytes.iter().position(|&b| b == 0);
        let zero = match chars {
            true => end == Some(0),
            false => bytes.iter().all(|&b| b == 0),
        } || bytes.is_empty();
        if !self.note(zero && cut.is_none()) {
            return Ok(());
        }
        let text = until_nul(bytes);
        let whole = chars || bytes.get(text.len()..).unwrap_or_default().iter().all(|&b| b == 0);
        if self.options.strings && end.is_some() && whole {
            self.head(true);
            self.out.push('"');
            for &b in text {
                match b {
                    b' '..=b'~' => self.out.push(char::from(b)),
                    b => {
                        let _ = write!(self.out, "\\x{b:02x}");
                    }
                }
            }
            self.out.push('"');
            if cut.is_some() {
                self.out.push_str(TRUNCATED);
            }
            self.delimit();
            return Ok(());
        }
        let elem = self.place.and_then(|p| p.ty.array()).and_then(|a| self.btf.resolve(a.elem).ok());
        let signed = elem.and_then(|ty| ty.int()).is_some_and(|int| int.signed);
        self.begin(Kind::Array, "[");
        for &b in if chars { text } else { bytes } {
            if self.is_full() {
                self.truncated(Cut::TooMuch)?;
                break;
            }
            match b {
                b' '..=b'~' => self.scalar(false, format_args!("'{}'", char::from(b)))?,
                // The same bits, read as signed.
                b if signed => self.scalar(b == 0, format_args!("{}", b as i8))?,
                b => self.scalar(b == 0, format_args!("{b}"))?,
            }
        }
        if let Some(cut) = cut {
            self.truncated(cut)?;
        } else if chars && end.is_some() && self.options.zeroes {
            self.scalar(true, format_args!("'\\0'"))?;
        }
        self.end("]")
    }
}
