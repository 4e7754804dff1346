//! Floating-point numbers of all sizes.

use oxbpf_btf::{Btf, BtfBuilder, Endian, Value};

use super::types::{COMPACT, compact};

fn float(endian: Endian, size: u32) -> Btf {
    let mut b = BtfBuilder::new();
    b.add_float("f", size).unwrap();
    b.build_as(endian).unwrap()
}

fn text(size: u32, data: &[u8]) -> String {
    compact(&float(Endian::Little, size), 1.into(), data)
}

#[test]
fn ieee_of_up_to_eight_bytes() {
    assert_eq!(text(4, &1.234_567f32.to_le_bytes()), "(f)1.234567");
    assert_eq!(text(8, &(-5.678_912f64).to_le_bytes()), "(f)-5.678912");
    assert_eq!(text(8, &f64::NAN.to_le_bytes()), "(f)nan");
    assert_eq!(text(8, &(-f64::NAN).to_le_bytes()), "(f)-nan");
    assert_eq!(text(8, &f64::NEG_INFINITY.to_le_bytes()), "(f)-inf");
    assert_eq!(text(8, &0.5e-6f64.to_le_bytes()), "(f)0.000000", "rounded to even");
    // 1.5, 65504 (the largest), 2^-24 (the smallest), infinity.
    let half = |bits: u16| text(2, &bits.to_le_bytes());
    assert_eq!(half(0x3e00), "(f)1.500000");
    assert_eq!(half(0xfbff), "(f)-65504.000000");
    assert_eq!(half(0x0001), "(f)0.000000");
    assert_eq!(half(0x7c00), "(f)inf");
    assert_eq!(half(0x7e01), "(f)nan");
}

/// Sign and exponent, and the mantissa with its first bit.
fn x87(top: u16, mantissa: u64) -> Vec<u8> {
    [mantissa.to_le_bytes().as_slice(), &top.to_le_bytes(), &[0; 6]].concat()
}

#[test]
fn long_doubles_of_x86() {
    // 9.876543L as x86 writes it.
    assert_eq!(text(16, &x87(0x4002, 0x9e06_51f3_e89a_88ad)), "(f)9.876543");
    assert_eq!(text(16, &x87(0xbfff, 1 << 63)), "(f)-1.000000");
    assert_eq!(text(12, &x87(0x3fff, 3 << 62)[..12]), "(f)1.500000");
    assert_eq!(text(16, &x87(0, 0)), "(f)0.000000");
    assert_eq!(text(16, &x87(0x7fff, 1 << 63)), "(f)inf");
    assert_eq!(text(16, &x87(0xffff, 3 << 62)), "(f)-nan");
    // 2^100 has more digits than a double would print right.
    assert_eq!(text(16, &x87(0x3fff + 100, 1 << 63)), "(f)1267650600228229401496703205376.000000");
    let largest = text(16, &x87(0x7ffe, u64::MAX));
    assert_eq!(largest.len(), "(f)".len() + 4933 + ".000000".len());
    assert!(largest.starts_with("(f)11897314953572317650212638530309702051690633222946"), "{largest:.60}");
    // A half of a millionth, and a bit more than that.
    assert_eq!(text(16, &x87(0x3fff - 21, 0x8637_bd05_af6c_69b5)), "(f)0.000000");
    assert_eq!(text(16, &x87(0x3fff - 21, 0x8637_bd05_af6c_69b6)), "(f)0.000001");
}

#[test]
fn quadruple_precision() {
    let quad = |sign_exponent: u128, fraction: u128| (sign_exponent << 112 | fraction).to_be_bytes();
    let b = float(Endian::Big, 16);
    let text = |data: [u8; 16]| compact(&b, 1.into(), &data);
    assert_eq!(text(quad(0x3fff, 1 << 111)), "(f)1.500000");
    assert_eq!(text(quad(0xc001, 1 << 110)), "(f)-5.000000");
    assert_eq!(text(quad(0x7fff, 0)), "(f)inf");
    assert_eq!(text(quad(0, 1)), "(f)0.000000");
    let little: Vec<u8> = quad(0x4000, 0).iter().rev().copied().collect();
    assert_eq!(float(Endian::Little, 16).data(1.into(), &little).to_text(&COMPACT).unwrap(), "(f)2.000000");
}

#[test]
fn values_are_the_nearest_double() {
    let value = |size, data: &[u8]| match float(Endian::Little, size).decode(1.into(), data) {
        Ok(Value::Float(x)) => x,
        other => panic!("{other:?}"),
    };
    assert_eq!(value(4, &2.5f32.to_le_bytes()), 2.5);
    assert_eq!(value(2, &0x3e00u16.to_le_bytes()), 1.5);
    assert_eq!(value(16, &x87(0x4002, 0x9e06_51f3_e89a_88ad)), 9.876_543);
    assert_eq!(value(16, &x87(0x7ffe, u64::MAX)), f64::INFINITY);
    assert_eq!(value(16, &x87(0x8001, 1 << 63)), -0.0);
}
