//! A line, read from left to right. Spaces count as little as they do in C.

use super::TextProblem;
use crate::insn::operand::Size;

type Result<T> = std::result::Result<T, TextProblem>;

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

/// A register: its number, and whether it is the lower half.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Register {
    pub(super) number: u8,
    pub(super) half: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { rest: line.trim() }
    }

    /// `12: `.
    pub(super) fn skip_index(&mut self) {
        let digits = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if digits.len() < self.rest.len()
            && let Some(rest) = digits.strip_prefix(':')
        {
            self.rest = rest.trim_start();
        }
    }

    /// `(b7) `. No instruction begins with a parenthesis.
    pub(super) fn code(&mut self) -> Result<Option<u8>> {
        if !self.eat("(") {
            return Ok(None);
        }
        let (hex, rest) = self.rest.split_once(')').unwrap_or((self.rest, ""));
        let code = u8::from_str_radix(hex, 16).map_err(|_| self.expected("a code of two digits"))?;
        self.rest = rest.trim_start();
        Ok(Some(code))
    }

    pub(super) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    pub(super) fn expected(&self, what: &'static str) -> TextProblem {
        TextProblem::Expected { what, at: self.rest.chars().take(40).collect() }
    }

    /// Whether `token` comes next; then it is gone, and so are the spaces behind it.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }

    pub(super) fn expect(&mut self, token: &'static str) -> Result<()> {
        if self.eat(token) { Ok(()) } else { Err(self.expected(token)) }
    }

    /// Letters, digits and what else stands in names.
    pub(super) fn word(&mut self) -> &'a str {
        let end = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-';
        let (word, rest) = self.rest.split_at(self.rest.find(end).unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        word
    }

    /// Any register, if one comes next.
    pub(super) fn register(&mut self) -> Option<Register> {
        let half = self.rest.starts_with('w');
        let digits = self.rest.strip_prefix(['r', 'w'])?;
        let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = digits.get(..digits.len().checked_sub(rest.len())?)?.parse().ok().filter(|n| *n < 16)?;
        self.rest = rest.trim_start();
        Some(Register { number, half })
    }

    pub(super) fn at_register(&self) -> bool {
        let mut ahead = *self;
        ahead.register().is_some()
    }

    /// A whole register.
    pub(super) fn reg(&mut self) -> Result<u8> {
        self.like(false)
    }

    /// A register that is whole if `half` is not set, or its lower half if it is.
    pub(super) fn like(&mut self, half: bool) -> Result<u8> {
        let before = *self;
        match self.register() {
            Some(found) if found.half == half => Ok(found.number),
            _ => Err(before.expected(if half {
                "a half register, w0 to w15"
            } else {
                "a register, r0 to r15"
            })),
        }
    }

    /// The register `number`, whole or half.
    pub(super) fn same(&mut self, Register { number, half }: Register) -> Result<()> {
        let before = *self;
        if self.like(half)? == number {
            Ok(())
        } else {
            Err(before.expected("the register that is assigned to"))
        }
    }

    /// Whether a hexadecimal number comes next.
    pub(super) fn at_hex(&self) -> bool {
        self.rest.starts_with("0x")
    }

    /// A number with or without a sign, decimal or hexadecimal.
    fn number(&mut self) -> Result<i128> {
        let unsigned = self.rest.strip_prefix(['+', '-']).unwrap_or(self.rest);
        let (digits, radix) = unsigned.strip_prefix("0x").map_or((unsigned, 10), |hex| (hex, 16));
        let rest = digits.trim_start_matches(|c: char| c.is_digit(radix));
        let digits = digits.get(..digits.len().saturating_sub(rest.len())).unwrap_or_default();
        // No field has more than 64 bits, so what does not fit here fits nowhere.
        let number = i128::from_str_radix(digits, radix).map_err(|_| self.expected("a number"))?;
        let negative = self.rest.starts_with('-');
        self.rest = rest.trim_start();
        Ok(if negative { number.saturating_neg() } else { number })
    }

    fn fit<T: TryFrom<i128>>(&mut self, what: &'static str) -> Result<T> {
        let number = self.number()?;
        T::try_from(number).map_err(|_| TextProblem::TooLarge { number, what })
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        self.fit("16 bits")
    }

    pub(super) fn i16(&mut self) -> Result<i16> {
        self.fit("an offset of 16 bits")
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.fit("64 bits")
    }

    /// An immediate, which may be written with or without its sign: `-1` and `0xffffffff` are the same.
    pub(super) fn imm(&mut self) -> Result<i32> {
        let number = self.number()?;
        let signed = i32::try_from(number).ok();
        signed
            .or_else(|| u32::try_from(number).ok().map(u32::cast_signed))
            .ok_or(TextProblem::TooLarge { number, what: "an immediate of 32 bits" })
    }

    /// `pc+3` with an offset.
    pub(super) fn near(&mut self) -> Result<i16> {
        self.expect("pc")?;
        self.i16()
    }

    /// `pc+3` with an immediate.
    pub(super) fn far(&mut self) -> Result<i32> {
        self.expect("pc")?;
        self.fit("32 bits")
    }

    /// `u8 *)`, and whether the type is signed.
    pub(super) fn pointer_type(&mut self) -> Result<(Size, bool)> {
        let types = Size::ALL.into_iter().flat_map(|size| [(size, false), (size, true)]);
        for (size, signed) in types {
            if self.eat(size.type_name(signed)) {
                self.expect("*)")?;
                return Ok((size, signed));
            }
        }
        Err(self.expected("a type, u8 to u64"))
    }

    /// `u8 *)` of the sizes that `fits` lets through.
    pub(super) fn unsigned(&mut self, what: &'static str, fits: fn(Size) -> bool) -> Result<Size> {
        let before = *self;
        match self.pointer_type()? {
            (size, false) if fits(size) => Ok(size),
            _ => Err(before.expected(what)),
        }
    }

    pub(super) fn any_unsigned(&mut self) -> Result<Size> {
        self.unsigned("a type, u8 to u64", |_| true)
    }

    /// Of other sizes there are no atomic operations.
    pub(super) fn atomic_type(&mut self) -> Result<Size> {
        self.unsigned("u32 or u64", |size| matches!(size, Size::W | Size::Dw))
    }

    /// `(r10 -8)`, as register and offset.
    pub(super) fn place(&mut self) -> Result<(u8, i16)> {
        self.expect("(")?;
        let reg = self.reg()?;
        let off = self.i16()?;
        self.expect(")")?;
        Ok((reg, off))
    }
}
