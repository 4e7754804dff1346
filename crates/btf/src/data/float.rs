//! Floating-point numbers of every size that compilers have.

use std::fmt;

/// A floating-point number: of 2, 4 or 8 bytes as IEEE 754 says, or a `long double` of 12 or 16 bytes.
///
/// BTF does not say which `long double` it means. Twelve bytes are x86's, whose ten count; so are sixteen on a
/// little-endian machine of which the last six are zero; any other sixteen are IEEE 754's quadruple precision.
///
/// It displays as C's `%f`: six digits behind the point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Float {
    size: u32,
    negative: bool,
    class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    /// One that Rust has.
    Double(f64),
    /// `mantissa * 2^exponent`, without the sign.
    Long {
        mantissa: u128,
        exponent: i32,
    },
    Infinite,
    Nan,
}

/// What a format's bits mean.
struct Format {
    exponent: u32,
    mantissa: u32,
    /// x86 writes the bit that others leave out.
    explicit: bool,
}

const HALF: Format = Format { exponent: 5, mantissa: 10, explicit: false };
const X87: Format = Format { exponent: 15, mantissa: 64, explicit: true };
const QUAD: Format = Format { exponent: 15, mantissa: 112, explicit: false };

impl Float {
    /// The number in `bits`, read from `size` bytes. None for a size that no compiler has.
    pub(super) fn from_bits(size: u32, bits: u128, big: bool) -> Option<Float> {
        let class = match size {
            // Cut to the number of bits that were read.
            4 => Class::Double(f64::from(f32::from_bits(bits as u32))),
            8 => Class::Double(f64::from_bits(bits as u64)),
            2 => return Some(HALF.read(size, bits)),
            12 => return Some(X87.read(size, bits)),
            16 if !big && bits >> 80 == 0 => return Some(X87.read(size, bits)),
            16 => return Some(QUAD.read(size, bits)),
            _ => return None,
        };
        let negative = matches!(class, Class::Double(x) if x.is_sign_negative());
        Some(Float { size, negative, class })
    }

    /// The number as Rust has it: exact for up to 8 bytes, otherwise the nearest.
    pub fn to_f64(self) -> f64 {
        let x = match self.class {
            Class::Double(x) => return x,
            Class::Infinite => f64::INFINITY,
            Class::Nan => f64::NAN,
            Class::Long { mantissa, exponent } => scale(mantissa as f64, exponent),
        };
        if self.negative { -x } else { x }
    }

    /// Its size in bytes.
    pub fn size(self) -> u32 {
        self.size
    }

    /// Whether all its bits are zero.
    pub(super) fn is_zero(self) -> bool {
        !self.negative
            && match self.class {
                Class::Double(x) => x == 0.0,
                Class::Long { mantissa, .. } => mantissa == 0,
                _ => false,
            }
    }
}

impl From<f64> for Float {
    fn from(x: f64) -> Float {
        Float { size: 8, negative: x.is_sign_negative(), class: Class::Double(x) }
    }
}

impl Format {
    fn read(&self, size: u32, bits: u128) -> Float {
        let field = |at: u32, n: u32| {
            // Both are below 128.
            bits.checked_shr(at).unwrap_or(0) & 1u128.wrapping_shl(n).wrapping_sub(1)
        };
        let fraction = field(0, self.mantissa);
        // At most 15 bits.
        let exponent = field(self.mantissa, self.exponent) as i32;
        let negative = field(self.mantissa.saturating_add(self.exponent), 1) != 0;
        let largest = 1i32.wrapping_shl(self.exponent).wrapping_sub(1);
        // Where the point is: behind the first bit of the mantissa.
        let digits = if self.explicit { self.mantissa.saturating_sub(1) } else { self.mantissa };
        let implied = if self.explicit { 0 } else { 1u128.wrapping_shl(self.mantissa) };
        let below_point = if self.explicit { field(0, digits) } else { fraction };
        let class = if exponent == largest {
            if below_point == 0 { Class::Infinite } else { Class::Nan }
        } else {
            let (mantissa, power) = match exponent {
                0 => (fraction, 1),
                e => (fraction | implied, e),
            };
            let lowest = (largest / 2).saturating_add(digits as i32);
            Class::Long { mantissa, exponent: power.saturating_sub(lowest) }
        };
        Float { size, negative, class }
    }
}

/// `x * 2^power`, in steps that a `f64` can take.
fn scale(mut x: f64, mut power: i32) -> f64 {
    while power != 0 && x != 0.0 && x.is_finite() {
        let step = power.clamp(-512, 512);
        x *= 2f64.powi(step);
        power = power.saturating_sub(step);
    }
    x
}

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        match self.class {
            Class::Double(x) if x.is_nan() => f.write_str("nan"),
            Class::Double(x) => write!(f, "{:.6}", x.abs()),
            Class::Infinite => f.write_str("inf"),
            Class::Nan => f.write_str("nan"),
            Class::Long { mantissa, exponent } => fixed(f, mantissa, exponent),
        }
    }
}

/// `mantissa * 2^exponent` with six digits behind the point, all of them right.
fn fixed(f: &mut fmt::Formatter<'_>, mantissa: u128, exponent: i32) -> fmt::Result {
    // In millionths, rounded to an even one.
    let mut n = Big::from(mantissa);
    n.multiply(1_000_000);
    match u32::try_from(exponent) {
        Ok(up) => n.shift_up(up),
        Err(_) => n.shift_down(exponent.unsigned_abs()),
    }
    let digits = n.into_decimal();
    let digits = format!("{digits:0>7}");
    let (whole, behind) = digits.split_at(digits.len().saturating_sub(6));
    write!(f, "{whole}.{behind}")
}

/// A natural number of any size, in 32-bit digits from the lowest.
struct Big(Vec<u32>);

impl From<u128> for Big {
    fn from(v: u128) -> Self {
        Big((0..4u32).map(|i| (v >> i.wrapping_mul(32)) as u32).collect())
    }
}

impl Big {
    fn multiply(&mut self, by: u32) {
        let mut carry = 0u64;
        for digit in &mut self.0 {
            // At most (2^32 - 1)^2 + 2^32 - 1.
            carry = u64::from(*digit).wrapping_mul(u64::from(by)).wrapping_add(carry);
            *digit = carry as u32;
            carry >>= 32;
        }
        self.0.push(carry as u32);
    }

    fn shift_up(&mut self, bits: u32) {
        self.multiply(1u32.wrapping_shl(bits % 32));
        let zeros = (bits / 32) as usize;
        self.0.splice(0..0, std::iter::repeat_n(0, zeros));
    }

    /// Divides by a power of two and rounds half to even.
    fn shift_down(&mut self, bits: u32) {
        let bit = |n: &Big, i: u32| n.0.get((i / 32) as usize).is_some_and(|d| d >> (i % 32) & 1 == 1);
        let Some(below) = bits.checked_sub(1) else { return };
        let half = bit(self, below);
        let rest = (0..below.min(self.0.len().saturating_mul(32) as u32)).any(|i| bit(self, i));
        let (gone, by) = ((bits / 32) as usize, bits % 32);
        self.0.drain(..gone.min(self.0.len()));
        let mut high = 0u32;
        for digit in self.0.iter_mut().rev() {
            let low = *digit;
            *digit = low >> by | high.checked_shl(32u32.wrapping_sub(by)).unwrap_or(0);
            high = low;
        }
        let odd = self.0.first().is_some_and(|d| d & 1 == 1);
        if half && (rest || odd) {
            self.increment();
        }
    }

    fn increment(&mut self) {
        for digit in &mut self.0 {
            let (sum, carry) = digit.overflowing_add(1);
            *digit = sum;
            if !carry {
                return;
            }
        }
        self.0.push(1);
    }

    fn into_decimal(mut self) -> String {
        const BASE: u64 = 1_000_000_000;
        let mut parts = Vec::new();
        loop {
            while self.0.last() == Some(&0) {
                self.0.pop();
            }
            if self.0.is_empty() {
                break;
            }
            let mut rest = 0u64;
            for digit in self.0.iter_mut().rev() {
                let v = rest << 32 | u64::from(*digit);
                // Below 2^32, as the rest is below the base.
                *digit = (v / BASE) as u32;
                rest = v % BASE;
            }
            parts.push(rest);
        }
        let mut parts = parts.into_iter().rev();
        let mut out = parts.next().unwrap_or(0).to_string();
        for part in parts {
            out.push_str(&format!("{part:09}"));
        }
        out
    }
}
