//! Values of the kernel's configuration, for `__kconfig` externs.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use oxbpf_btf::{Btf, Kind, TypeId};

use crate::error::KconfigProblem;
use crate::spec::ExternKind;
use crate::{Endian, Error, ExternProblem, ExternSpec, ObjectSpec};

/// The values that an object's map of configuration values begins with, and what has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KconfigValues {
    /// The value of the map `.kconfig`; zeros where nothing is known.
    pub bytes: Vec<u8>,
    /// Indexes in [`ObjectSpec::externs`] of those that no text gives a value to, weak ones included.
    pub unset: Vec<usize>,
}

impl ObjectSpec {
    /// Gives the object's `__kconfig` externs their values: those of `numbers` by name (`LINUX_KERNEL_VERSION` and the
    /// like, which are in no file), the others from the texts, each a kernel configuration (`CONFIG_HZ=250` a line),
    /// the first that has it. [`add_kconfig`](Self::add_kconfig) reads another text.
    ///
    /// ```
    /// # use oxbpf_obj::ObjectSpec;
    /// let spec = ObjectSpec::parse(&std::fs::read("../../testdata/tests/externs.bpf.o")?)?;
    /// let values = spec.kconfig_values(&["CONFIG_HZ=250\nCONFIG_BPF=y\n"], &|_| None)?;
    /// assert!(!values.unset.is_empty(), "it asks for more than that");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Extern`] if a value does not fit the type that the object gives it.
    #[doc(alias = "bpf_object_open_opts::kconfig")]
    pub fn kconfig_values(
        &self,
        texts: &[&str],
        numbers: &dyn Fn(&str) -> Option<u64>,
    ) -> Result<KconfigValues, Error> {
        let mut all = KconfigValues::default();
        let mut end = 0_usize;
        for (index, spec) in self.externs.iter().enumerate() {
            if let ExternKind::Kconfig { offset, size } = spec.kind {
                all.unset.push(index);
                end = end.max((offset as usize).saturating_add(size as usize));
            }
        }
        all.bytes.resize(end, 0);
        let mut unset = Vec::new();
        for index in std::mem::take(&mut all.unset) {
            let Some(spec) = self.externs.get(index) else { continue };
            match numbers(&spec.name) {
                Some(number) => self.set(spec, Raw::Number(number), &mut all.bytes)?,
                None => unset.push(index),
            }
        }
        all.unset = unset;
        for text in texts {
            self.add_kconfig(&mut all, text)?;
        }
        Ok(all)
    }

    /// Gives those that have no value yet the ones that another text has.
    ///
    /// # Errors
    /// As [`kconfig_values`](Self::kconfig_values).
    pub fn add_kconfig(&self, values: &mut KconfigValues, text: &str) -> Result<(), Error> {
        let mut wanted: HashMap<&str, Vec<usize>, RandomState> = HashMap::default();
        for &index in &values.unset {
            if let Some(spec) = self.externs.get(index) {
                wanted.entry(spec.name.as_str()).or_default().push(index);
            }
        }
        for line in text.lines() {
            if wanted.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once('=').filter(|(name, _)| name.starts_with("CONFIG_"))
            else {
                continue;
            };
            for index in wanted.remove(name).unwrap_or_default() {
                if let Some(spec) = self.externs.get(index) {
                    self.set(spec, Raw::Text(value.trim_end()), &mut values.bytes)?;
                }
            }
        }
        values.unset = wanted.into_values().flatten().collect();
        values.unset.sort_unstable();
        Ok(())
    }

    fn set(&self, spec: &ExternSpec, raw: Raw<'_>, bytes: &mut [u8]) -> Result<(), Error> {
        self.put(spec, raw, bytes).map_err(|problem| Error::Extern {
            name: spec.name.clone(),
            problem: ExternProblem::Kconfig(problem),
        })
    }

    /// Writes a value to its place.
    fn put(&self, spec: &ExternSpec, raw: Raw<'_>, bytes: &mut [u8]) -> Result<(), KconfigProblem> {
        let ExternKind::Kconfig { offset, size } = spec.kind else { return Ok(()) };
        let place = bytes.get_mut(offset as usize..).and_then(|rest| rest.get_mut(..size as usize));
        let Some(place) = place else { return Ok(()) };
        let shape = self.btf.as_ref().and_then(|btf| Shape::of(btf, spec.value_type));
        let shape = shape.ok_or(KconfigProblem::Type)?;
        let number = match raw {
            Raw::Number(number) => shape.number(number, size)?,
            Raw::Text(text) => match shape.read(text, size)? {
                Read::Number(number) => number,
                Read::Text(text) => {
                    // The last byte stays NUL.
                    let room = place.len().saturating_sub(1);
                    for (to, from) in place.iter_mut().zip(text.bytes().take(room)) {
                        *to = from;
                    }
                    return Ok(());
                }
            },
        };
        match self.endian {
            Endian::Little => place.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from),
            Endian::Big => place.iter_mut().rev().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from),
        }
        Ok(())
    }
}

/// A value as it was found.
#[derive(Clone, Copy)]
enum Raw<'t> {
    Number(u64),
    Text(&'t str),
}

enum Read<'t> {
    Number(u64),
    Text(&'t str),
}

/// What the object takes a value for.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Bool,
    Char { signed: bool },
    Tristate,
    Int { signed: bool },
    Chars,
}

impl Shape {
    fn of(btf: &Btf, ty: TypeId) -> Option<Self> {
        let ty = btf.resolve(ty).ok()?;
        match ty.kind() {
            Kind::Int => {
                let int = ty.int()?;
                Some(match ty.size() {
                    _ if int.bool => Self::Bool,
                    Some(1) => Self::Char { signed: int.signed },
                    _ => Self::Int { signed: int.signed },
                })
            }
            Kind::Enum | Kind::Enum64 => Some(Self::Tristate),
            Kind::Array => Some(Self::Chars),
            _ => None,
        }
    }

    fn read<'t>(self, text: &'t str, size: u32) -> Result<Read<'t>, KconfigProblem> {
        let misfit =
            || KconfigProblem::Misfit { value: text.chars().take(64).collect(), expected: self.name() };
        match (self, text) {
            (Self::Bool, "y") | (Self::Tristate, "y") => Ok(Read::Number(1)),
            (Self::Bool | Self::Tristate, "n") => Ok(Read::Number(0)),
            (Self::Tristate, "m") => Ok(Read::Number(2)),
            (Self::Char { .. }, "y" | "n" | "m") => {
                Ok(Read::Number(text.bytes().next().map_or(0, u64::from)))
            }
            (Self::Chars, _) => {
                let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                inner.map(Read::Text).ok_or_else(misfit)
            }
            (Self::Int { .. } | Self::Char { .. }, _) => {
                let number = parse_number(text).ok_or_else(misfit)?;
                self.number(number, size).map(Read::Number)
            }
            _ => Err(misfit()),
        }
    }

    /// Checks that a number fits.
    fn number(self, number: u64, size: u32) -> Result<u64, KconfigProblem> {
        let range = KconfigProblem::Range { value: number, size };
        let bits = size.saturating_mul(8).min(64);
        let max = u64::MAX.checked_shr(64_u32.saturating_sub(bits)).unwrap_or(0);
        let fits = match self {
            Self::Bool => number <= 1,
            Self::Tristate => number <= 2,
            Self::Int { signed: true } | Self::Char { signed: true } if bits < 64 => {
                // As libbpf: a signed value that went through 64 bits unsigned.
                let half = 1_i64.checked_shl(bits.saturating_sub(1)).unwrap_or(i64::MAX);
                let signed = number.cast_signed();
                signed >= half.saturating_neg() && signed < half
            }
            Self::Int { .. } | Self::Char { .. } => number <= max,
            Self::Chars => false,
        };
        if fits { Ok(number) } else { Err(range) }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bool => "y or n",
            Self::Char { .. } => "y, n, m or a number",
            Self::Tristate => "y, n or m",
            Self::Int { .. } => "a number",
            Self::Chars => "a string in quotes",
        }
    }
}

/// A number as Kconfig has them: decimal, `0x` hexadecimal, octal, negative.
fn parse_number(text: &str) -> Option<u64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => u64::from_str_radix(digits, 8),
        None => digits.parse(),
    };
    // `from_str_radix` takes a sign of its own.
    let plain = !digits.contains(['+', '-']);
    let number = number.ok().filter(|_| plain)?;
    Some(if negative { number.wrapping_neg() } else { number })
}
