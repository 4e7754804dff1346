//! What the text writer makes of what it is told.

use super::{Open, TRUNCATED, TextWriter};
use crate::{
    Error, Kind,
    data::{
        bits::low_bits,
        float::Float,
        visitor::{Cut, Place, Visitor},
    },
};

impl<'a> Visitor<'a> for TextWriter<'a, '_> {
    type Error = Error;

    fn place(&mut self, place: &Place<'a>) -> Result<(), Error> {
        if place.ty.kind() == Kind::Var {
            let storage = match place.ty.linkage() {
                Some(0) => "static ",
                Some(2) => "extern ",
                _ => "",
            };
            // Made where the text goes, and taken from there.
            let start = self.out.len();
            self.out.push_str(storage);
            self.push_cast(place.ty.target().unwrap_or_default());
            self.out.extend([" ", place.ty.name(), " = "]);
            self.variable = Some(self.out.split_off(start));
        }
        self.place = Some(*place);
        Ok(())
    }

    fn int(&mut self, value: i128) -> Result<(), Error> {
        let (size, bitfield) = self.place.map_or((None, 0), |p| (p.ty.size(), p.bitfield_size));
        let zero = value == 0;
        let in_bytes = size == Some(1) && self.open.last().is_some_and(|o| o.kind == Kind::Array);
        match u8::try_from(value) {
            _ if bitfield != 0 => self.scalar(zero, format_args!("{:#x}", low_bits(value, bitfield))),
            _ if size == Some(16) => self.scalar(zero, format_args!("{:#x}", low_bits(value, 128))),
            Ok(b @ b' '..=b'~') if in_bytes => self.scalar(zero, format_args!("'{}'", char::from(b))),
            _ => self.scalar(zero, format_args!("{value}")),
        }
    }

    fn uint(&mut self, value: u128) -> Result<(), Error> {
        self.scalar(false, format_args!("{value:#x}"))
    }

    fn bool(&mut self, value: bool) -> Result<(), Error> {
        self.int(value.into())
    }

    fn char(&mut self, value: u8) -> Result<(), Error> {
        let signed = self.place.and_then(|p| p.ty.int()).is_some_and(|int| int.signed);
        // The same bits, read as signed.
        self.int(if signed { (value as i8).into() } else { value.into() })
    }

    fn enumerator(&mut self, name: Option<&'a str>, value: i128) -> Result<(), Error> {
        let ty = self.place.map(|p| p.ty);
        let suffix = match ty.filter(|ty| ty.kind() == Kind::Enum64) {
            Some(ty) if ty.is_signed_enum() => "LL",
            Some(_) => "ULL",
            None => "",
        };
        match name {
            Some(name) => self.scalar(value == 0, format_args!("{name}")),
            None => self.scalar(value == 0, format_args!("{value}{suffix}")),
        }
    }

    fn float(&mut self, value: Float) -> Result<(), Error> {
        self.scalar(value.is_zero(), format_args!("{value}"))
    }

    fn pointer(&mut self, address: u64) -> Result<(), Error> {
        self.scalar(address == 0, format_args!("{address:#x}"))
    }

    fn chars(&mut self, chars: &[u8], cut: Option<Cut>) -> Result<(), Error> {
        self.bytes(chars, true, cut)
    }

    fn bytes(&mut self, bytes: &[u8], cut: Option<Cut>) -> Result<(), Error> {
        self.bytes(bytes, false, cut)
    }

    fn begin_struct(&mut self) -> Result<(), Error> {
        let ty = self.place.map(|p| p.ty).filter(|ty| ty.kind() == Kind::Datasec);
        let Some(section) = ty else {
            self.begin(Kind::Struct, "{");
            return Ok(());
        };
        let start = self.out.len();
        self.indent();
        self.out.extend(["SEC(\"", section.name(), "\") "]);
        self.open.push(Open { kind: Kind::Datasec, start, nonzero: true, cut: false, in_array: false });
        Ok(())
    }

    fn field(&mut self, name: &'a str) -> Result<(), Error> {
        self.name = name;
        Ok(())
    }

    fn end_struct(&mut self) -> Result<(), Error> {
        self.end("}")
    }

    fn begin_array(&mut self) -> Result<(), Error> {
        self.begin(Kind::Array, "[");
        Ok(())
    }

    fn end_array(&mut self) -> Result<(), Error> {
        self.end("]")
    }

    fn truncated(&mut self, _: Cut) -> Result<(), Error> {
        if self.open.last().is_some_and(|o| o.cut) {
            // All that follows is missing, too, and one mark says so.
            (self.name, self.place, self.variable) = ("", None, None);
            return Ok(());
        }
        self.head(false);
        self.out.push_str(TRUNCATED);
        self.delimit();
        if let Some(open) = self.open.last_mut() {
            (open.nonzero, open.cut) = (true, true);
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.out.len() >= self.limit
    }
}
