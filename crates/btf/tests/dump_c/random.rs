//! Random types that C can say: all that matters is where members are, so they are put wherever there is room.

use oxbpf_btf::{Btf, BtfBuilder, Error, Field, IntEncoding, TypeId};

use crate::Inputs;

/// How many BTFs, of some hundred types each.
const GRAPHS: u64 = 24;

pub(crate) fn graphs() -> Inputs {
    Ok((1..=GRAPHS).map(|seed| (format!("seed {seed}"), Graph::build(seed).unwrap())).collect())
}

/// Something that a member can be.
#[derive(Clone, Copy)]
struct Item {
    id: TypeId,
    /// In bytes.
    size: u32,
    /// In bytes, as C aligns it when nothing else is said.
    align: u32,
    /// Whether it can have a width in bits.
    bits: bool,
}

struct Graph {
    b: BtfBuilder,
    random: u64,
    items: Vec<Item>,
    /// Pointers whose target comes later.
    open: Vec<TypeId>,
    names: u32,
}

impl Graph {
    fn build(seed: u64) -> Result<Btf, Error> {
        let mut g = Graph {
            b: BtfBuilder::new(),
            random: seed.wrapping_mul(0xd134_2543_de82_ef95),
            items: Vec::new(),
            open: Vec::new(),
            names: 0,
        };
        g.numbers()?;
        for _ in 0..30 {
            let open = g.b.add_ptr(TypeId::VOID)?;
            g.open.push(open);
            g.item(open, 8, 8);
        }
        for _ in 0..200 {
            g.any()?;
        }
        g.b.build()
    }

    fn below(&mut self, n: u64) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % n
    }

    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick(&mut self) -> Item {
        let n = self.below(self.items.len() as u64);
        self.items[n as usize]
    }

    fn item(&mut self, id: TypeId, size: u32, align: u32) {
        self.items.push(Item { id, size, align, bits: false });
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// Of a type: sometimes one that others have, or that C does not take.
    fn type_name(&mut self, prefix: &str) -> String {
        match self.below(12) {
            0 | 1 => "same".to_owned(),
            2 => "same___2".to_owned(),
            3 => ["int", "a b", "7up", "Vec<u8>", "restrict", "übung"][self.below(6) as usize].to_owned(),
            _ => self.name(prefix),
        }
    }

    fn numbers(&mut self) -> Result<(), Error> {
        let (s, u) = (IntEncoding::SIGNED, IntEncoding::UNSIGNED);
        let ints = [
            ("char", 1, s),
            ("unsigned char", 1, u),
            ("short int", 2, s),
            ("short unsigned int", 2, u),
            ("int", 4, s),
            ("unsigned int", 4, u),
            ("long int", 8, s),
            ("long long unsigned int", 8, u),
            ("u24", 3, u),
            ("i32", 4, s),
            ("__int128 unsigned", 16, u),
            ("_Bool", 1, IntEncoding::BOOL),
        ];
        for (name, size, encoding) in ints {
            let name_in_c = if size == 16 { "unsigned __int128" } else { name };
            let id = self.b.add_int_bits(name_in_c, size, encoding, 0, size * 8)?;
            let bits = matches!(size, 2 | 4 | 8) || name == "unsigned char";
            let align = if size == 3 { 1 } else { size };
            self.items.push(Item { id, size, align, bits });
        }
        for (name, size) in [("float", 4), ("double", 8)] {
            let id = self.b.add_float(name, size)?;
            self.item(id, size, size);
        }
        Ok(())
    }

    fn any(&mut self) -> Result<(), Error> {
        let of = self.pick();
        match self.below(14) {
            0 => {
                let target = if self.once_in(3) { TypeId::VOID } else { of.id };
                let id = self.b.add_ptr(target)?;
                self.item(id, 8, 8);
            }
            1 => {
                let len = self.below(4) as u32;
                let id = self.b.add_array(of.id, self.items[4].id, len)?;
                self.item(id, of.size * len, of.align);
            }
            2 => {
                let name = self.type_name("t");
                let id = self.b.add_typedef(&name, of.id)?;
                self.items.push(Item { id, ..of });
            }
            3 => {
                let id = match self.below(4) {
                    0 => self.b.add_volatile(of.id)?,
                    1 => self.b.add_type_tag("user", of.id, false)?,
                    _ => self.b.add_const(of.id)?,
                };
                let pointer = self.b.add_ptr(id)?;
                self.item(pointer, 8, 8);
                // What is const or volatile can be a member too.
                self.items.push(Item { id, ..of });
            }
            4 => {
                let id = self.function()?;
                self.item(id, 8, 8);
            }
            5 | 6 => self.enumeration()?,
            7 => {
                let name = self.name("fwd");
                let union = self.once_in(2);
                let fwd = self.b.add_fwd(&name, union)?;
                let id = self.b.add_ptr(fwd)?;
                self.item(id, 8, 8);
            }
            _ => {
                let name = self.type_name("s");
                let item = self.record(&name, 0)?;
                if !self.open.is_empty() && self.once_in(2) {
                    let pointer = self.open.remove(0);
                    self.b.set_target(pointer, item.id)?;
                }
                self.items.push(item);
            }
        }
        Ok(())
    }

    /// A pointer to a function, with and without names of parameters.
    fn function(&mut self) -> Result<TypeId, Error> {
        let result = if self.once_in(2) { TypeId::VOID } else { self.scalar() };
        let mut params = Vec::new();
        for _ in 0..self.below(4) {
            let name = if self.once_in(2) { self.name("p") } else { String::new() };
            params.push((name, self.scalar()));
        }
        if !params.is_empty() && self.once_in(4) {
            params.push((String::new(), TypeId::VOID));
        }
        let proto = self.b.add_func_proto(result, params.iter().map(|(n, t)| (&**n, *t)))?;
        let pointer = self.b.add_ptr(proto)?;
        // An array of them, or a pointer to one, now and then.
        match self.below(3) {
            0 => {
                let array = self.b.add_array(pointer, self.items[4].id, 3)?;
                self.b.add_ptr(array)
            }
            _ => Ok(pointer),
        }
    }

    /// A number or pointer, which functions take and give.
    fn scalar(&mut self) -> TypeId {
        let n = self.below(40) as usize;
        self.items.iter().filter(|i| i.size != 3).nth(n).unwrap().id
    }

    fn enumeration(&mut self) -> Result<(), Error> {
        let size = [1, 2, 4, 4, 8, 8][self.below(6) as usize];
        let signed = self.once_in(2);
        let largest = if size == 8 { u64::MAX } else { (1 << (size * 8)) - 1 };
        let mut values = Vec::new();
        for n in 0..=self.below(4) {
            let value = match (self.below(3), signed) {
                (0, false) => largest,
                (0, true) => largest >> 1,
                (1, true) => (largest >> 1).wrapping_neg().wrapping_sub(1),
                _ => n,
            };
            let name = if self.once_in(8) { "SAME".to_owned() } else { self.name("E") };
            values.push((name, value));
        }
        let name = self.type_name("e");
        let id = if size == 8 {
            self.b.add_enum64(&name, size, signed, values.iter().map(|(n, v)| (&**n, *v)))?
        } else {
            self.b.add_enum(&name, size, signed, values.iter().map(|(n, v)| (&**n, *v as i64)))?
        };
        self.item(id, size, size);
        Ok(())
    }

    /// A struct or union, some of whose members are others without a name.
    fn record(&mut self, name: &str, depth: u32) -> Result<Item, Error> {
        let union = self.once_in(4);
        let mode = self.below(5);
        let (mut fields, mut at, mut align) = (Vec::new(), 0u32, 1);
        let mut end = 0;
        for _ in 0..self.below(7) {
            let nested = depth < 3 && self.once_in(4);
            let item = if nested { self.nested(depth)? } else { self.pick() };
            if item.size > 4096 {
                continue;
            }
            let field = if nested && self.once_in(2) { String::new() } else { self.name("m") };
            let width = if item.bits && self.once_in(2) {
                1 + self.below(u64::from(item.size) * 8) as u32
            } else {
                0
            };
            align = item.align.max(align);
            let natural = item.align * 8;
            at = match mode {
                _ if union => 0,
                // As C does it.
                0..=2 if width == 0 => at.next_multiple_of(natural),
                0..=2 if at % natural + width > item.size * 8 => at.next_multiple_of(natural),
                0..=2 => at,
                // With gaps that alignment does not explain.
                3 if width == 0 => at.next_multiple_of(natural) + natural * self.below(3) as u32,
                3 => at + self.below(40) as u32,
                // As if packed.
                _ if width == 0 => at.next_multiple_of(8) + 8 * self.below(2) as u32,
                _ => at,
            };
            fields.push((field, item.id, at, width));
            at += if width > 0 { width } else { item.size * 8 };
            end = end.max(at);
        }
        let bytes = end.div_ceil(8);
        let size = match mode {
            0..=3 => {
                bytes.next_multiple_of(align) + if self.once_in(6) { align * self.below(4) as u32 } else { 0 }
            }
            _ => bytes + self.below(3) as u32,
        };
        let fields = fields.iter().map(|(name, ty, at, width)| Field {
            name,
            ty: *ty,
            bit_offset: *at,
            bitfield_size: *width,
        });
        let id = if union {
            self.b.add_union(name, size, fields)?
        } else {
            self.b.add_struct(name, size, fields)?
        };
        // How C aligns it may be less; it is asked of nothing but places.
        Ok(Item { id, size, align: if mode < 3 { align } else { 1 }, bits: false })
    }

    fn nested(&mut self, depth: u32) -> Result<Item, Error> {
        // One with a tag as a member without a name is what -fms-extensions allow.
        let name = if self.once_in(6) { self.name("tagged") } else { String::new() };
        let item = self.record(&name, depth + 1)?;
        match self.below(8) {
            0 => Ok(Item { id: self.b.add_const(item.id)?, ..item }),
            _ => Ok(item),
        }
    }
}
