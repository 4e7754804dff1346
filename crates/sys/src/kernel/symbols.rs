//! The kernel's symbols, of `/proc/kallsyms`.

use super::Kernel;
use crate::Result;

/// A symbol of the kernel or of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Symbol<'t> {
    /// Its address; 0 where the kernel does not tell (`kptr_restrict`, or no `CAP_SYSLOG`).
    pub address: u64,
    /// Its kind, as nm(1) has it: `T` and `t` functions, `D` and `d` data, `R` constants, …
    pub kind: char,
    /// Its name.
    pub name: &'t str,
    /// The module that has it.
    pub module: Option<&'t str>,
}

impl<'t> Symbol<'t> {
    /// A line: `ffffffff81000000 T _text`, or with `[module]` behind it.
    fn read(line: &'t str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let address = u64::from_str_radix(fields.next()?, 16).ok()?;
        let kind = fields.next()?.chars().next()?;
        let name = fields.next()?;
        let module = fields.next().and_then(|m| m.strip_prefix('[')?.strip_suffix(']'));
        Some(Self { address, kind, name, module })
    }

    /// Whether it is a function, weak ones included.
    pub fn is_function(&self) -> bool {
        matches!(self.kind, 't' | 'T' | 'w' | 'W')
    }
}

/// The kernel's symbols as the kernel lists them, read once.
#[derive(Debug, Default)]
pub struct Symbols(String);

impl Symbols {
    /// All of them, in the order of the file. What is no symbol is left out.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'_>> {
        self.0.lines().filter_map(Symbol::read)
    }
}

impl Kernel {
    /// The symbols of the kernel and its modules as they are now (`/proc/kallsyms`): some 200,000 of them, read anew
    /// with each call.
    ///
    /// # Errors
    /// `ENOENT` for a kernel without `CONFIG_KALLSYMS`.
    #[doc(alias = "libbpf_kallsyms_parse")]
    pub fn symbols(&self) -> Result<Symbols> {
        self.read_text("/proc/kallsyms").map(Symbols)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::doors::Fake;

    #[test]
    fn lines() {
        let text = b"ffffffff81000000 T _text\n0000000000000000 d hidden\n\nnonsense\n\
                     ffffffffc0000010 t nf_hook\t[nf_tables]\n";
        let kernel = Kernel::with_door(Arc::new(Fake::new().with_file("/proc/kallsyms", text)));
        let symbols = kernel.symbols().unwrap();
        let all: Vec<_> = symbols.iter().map(|s| (s.address, s.kind, s.name, s.module)).collect();
        assert_eq!(
            all,
            [
                (0xffff_ffff_8100_0000, 'T', "_text", None),
                (0, 'd', "hidden", None),
                (0xffff_ffff_c000_0010, 't', "nf_hook", Some("nf_tables")),
            ]
        );
        assert!(symbols.iter().filter(Symbol::is_function).count() == 2);
    }
}
