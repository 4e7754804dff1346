//! Definitions of structs and unions.

use crate::{
    Error, Kind, MemberEntry, Type,
    dump::{
        CDump,
        decl::Name,
        layout::{Layout, Shape},
        pad::{self, Pad},
        text::Line,
    },
};

impl<'a> CDump<'a> {
    /// A struct or union with its members.
    pub(super) fn define_record(&mut self, ty: Type<'a>, level: u32) -> Result<(), Error> {
        self.keyword_and_tag(ty);
        self.members_of(ty, level)
    }

    /// The members of a struct or union in braces, and its attributes.
    fn members_of(&mut self, ty: Type<'a>, level: u32) -> Result<(), Error> {
        self.nest(ty)?;
        let inner = level.saturating_add(1);
        let size = u64::from(ty.size().unwrap_or(0));
        let layout = match self.plain_layout_of(ty)? {
            Some(layout) => {
                self.text.put(b" {");
                let line = self.text.line_of(inner);
                for m in ty.member_entries() {
                    self.member(&m, 0, &line)?;
                }
                layout
            }
            None => self.placed_members(ty, inner)?,
        };
        if ty.vlen() > 0 || size > 0 {
            self.text.line(level);
        }
        self.text.put(b"}");
        if layout.shape().is_packed() {
            self.text.put(b" __attribute__((packed))");
        }
        if layout.shape() == Shape::Aligned {
            self.text.put(b" __attribute__((aligned(");
            self.text.number(layout.align().into());
            self.text.put(b")))");
        }
        self.unnest();
        Ok(())
    }

    /// The layout of a struct or union of which only members have to be written.
    fn plain_layout_of(&mut self, ty: Type<'a>) -> Result<Option<Layout>, Error> {
        let known = self.memos.layout(ty.id().0);
        if known.shape() == Shape::Plain {
            return Ok(Some(known));
        }
        let found = self.plain_layout(ty)?;
        if let Some(layout) = found {
            self.memos.set_layout(ty.id().0, layout);
        }
        Ok(found)
    }

    /// The members of one that takes more: padding, bit-fields.
    fn placed_members(&mut self, ty: Type<'a>, level: u32) -> Result<Layout, Error> {
        let start = self.places.len();
        self.place_members(ty)?;
        let layout = self.layout_of_places(ty, start);
        self.memos.set_layout(ty.id().0, layout);
        let size = u64::from(ty.size().unwrap_or(0));
        self.text.put(b" {");
        if ty.kind() == Kind::Struct {
            let end = self.struct_members(ty, start, layout.shape(), level)?;
            let align = u64::from(layout.align()).saturating_mul(8);
            self.gap((end, size.saturating_mul(8)), layout.shape(), align, false, level)?;
        } else {
            let line = self.text.line_of(level);
            for (m, i) in ty.member_entries().zip(start..) {
                let Some(&place) = self.places.get(i) else { break };
                self.member(&m, place.bits, &line)?;
            }
            if layout.shape() == Shape::Filled {
                self.filler(size, level)?;
            }
        }
        self.places.truncate(start);
        Ok(layout)
    }

    /// The members of a struct, whose places start at `start` of the stack. Gives the first bit behind the last.
    fn struct_members(&mut self, ty: Type<'a>, start: usize, shape: Shape, level: u32) -> Result<u64, Error> {
        let line = self.text.line_of(level);
        let (mut end, mut after_bits) = (0, false);
        for (m, i) in ty.member_entries().zip(start..) {
            let Some(&place) = self.places.get(i) else { break };
            let align = place.align_in(shape.is_packed());
            if place.at > end && (shape == Shape::Exact || !place.follows(end, align)) {
                let between = after_bits && place.bits > 0;
                self.gap((end, place.at), shape, align, between, level)?;
            }
            self.member(&m, place.bits, &line)?;
            (end, after_bits) = (place.end, place.bits > 0);
        }
        Ok(end)
    }

    /// A member without a name that makes a union so many bytes long.
    fn filler(&mut self, size: u64, level: u32) -> Result<(), Error> {
        let bits = (0, size.saturating_mul(8));
        if size <= u64::from(self.pointer_size) && size.is_power_of_two() {
            return self.gap(bits, Shape::Exact, 8, false, level);
        }
        // No bit-field is as large: a struct of several.
        self.text.line(level);
        self.text.put(b"struct {");
        self.gap(bits, Shape::Exact, 8, false, level.saturating_add(1))?;
        self.text.line(level);
        self.text.put(b"};");
        Ok(())
    }

    /// A member, which is a bit-field of so many bits if it is one.
    #[inline(always)]
    fn member(&mut self, m: &MemberEntry<'a>, bits: u32, line: &Line) -> Result<(), Error> {
        self.text.put_line(line);
        if m.name_off == 0
            && bits == 0
            && let Some(ty) = self.unnamed_record(m)?
        {
            // C11 takes a struct without a name as a part of the one around it, but not one whose tag has one.
            self.text.put(if ty.kind() == Kind::Union { b"union" } else { b"struct" });
            self.members_of(ty, line.level())?;
        } else {
            self.decl(m.ty.0, Name::At(m.name_off), line.level())?;
        }
        if bits > 0 {
            self.text.put(b": ");
            self.text.number(bits.into());
        }
        self.text.put(b";");
        Ok(())
    }

    /// The struct or union that is a member without a name although it has a tag, as `-fms-extensions` allow.
    fn unnamed_record(&mut self, m: &MemberEntry<'a>) -> Result<Option<Type<'a>>, Error> {
        let ty = self.btf.resolve(m.ty)?;
        let tagged = ty.name_off() != 0 || self.ty(m.ty.0)?.kind() == Kind::Typedef;
        Ok((ty.kind().is_composite() && tagged).then_some(ty))
    }

    /// Padding between two members.
    fn gap(
        &mut self,
        bits: (u64, u64),
        shape: Shape,
        align: u64,
        between_bitfields: bool,
        level: u32,
    ) -> Result<(), Error> {
        if bits.0 >= bits.1 {
            return Ok(());
        }
        let units = pad::units(self.pointer_size);
        // At most five: a part of a unit, whole units, a part of one.
        let mut pads = Vec::new();
        if shape == Shape::Exact {
            pad::fill_packed(&units, bits, |pad| pads.push(pad));
        } else {
            pad::fill(&units, bits, align, between_bitfields, |pad| pads.push(pad));
        }
        for Pad { unit, width, times } in pads {
            for _ in 0..times {
                self.text.line(level);
                self.text.put(unit.name.as_bytes());
                self.text.put(b": ");
                self.text.number(width);
                self.text.put(b";");
                self.text.check()?;
            }
        }
        Ok(())
    }
}
