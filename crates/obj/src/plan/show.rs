//! A plan as text.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use super::{ExternPlan, KernelPlan, MapPlan, Memory, Need, Plan, Privilege, ProgramPlan, When};
use crate::Pinning;
use crate::spec::ExternKind;

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let license = if self.license.is_empty() { "no license" } else { &self.license };
        writeln!(f, "{} ({license})", self.object)?;
        self.oldest_kernels(f)?;
        self.capabilities_taken(f)?;
        section(f, "Programs", &self.programs)?;
        section(f, "Maps", &self.maps)?;
        section(f, "Externs", &self.externs)?;
        self.all_needs(f)?;
        section(f, "CO-RE", &self.kernels)
    }
}

fn section<T: Display>(f: &mut Formatter<'_>, title: &str, rows: &[T]) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    rows.iter().try_for_each(|row| if f.alternate() { write!(f, "{row:#}") } else { write!(f, "{row}") })
}

impl Plan {
    fn oldest_kernels(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut told = None;
        let lines = [
            ("needs", self.oldest()),
            ("if all of it is reached,", self.oldest_if_reached()),
            ("to be attached,", self.oldest_to_attach()),
        ];
        for (how, need) in lines {
            // Each line only if it says more than the one before.
            let Some(need) = need.filter(|need| Some(need.since) > told) else { continue };
            told = told.max(Some(need.since));
            writeln!(f, "{how} Linux {}: {}: {}", need.since, need.what, need.whose)?;
        }
        Ok(())
    }

    fn capabilities_taken(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (how, attach) in [("loading takes", false), ("attaching takes", true)] {
            let mut all = self.privileges.iter().filter(|privilege| privilege.attach == attach).peekable();
            while let Some(Privilege { capability, what, .. }) = all.next() {
                write!(f, "{how} {capability}: {what}")?;
                while let Some(also) = all.next_if(|also| also.capability == *capability) {
                    write!(f, ", {}", also.what)?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }

    /// Each thing once; all of them, those that older kernels do without too, if asked for more.
    fn all_needs(&self, f: &mut Formatter<'_>) -> fmt::Result {
        /// How many are told unless asked for more.
        const YOUNGEST: usize = 10;
        let mut told = BTreeSet::new();
        let shown = self.needs.iter().filter(|need| f.alternate() || need.when != When::Spared);
        let shown: Vec<&Need> = shown.filter(|need| told.insert(&need.what)).collect();
        let count = if f.alternate() { shown.len() } else { shown.len().min(YOUNGEST) };
        if count == 0 {
            return Ok(());
        }
        writeln!(f, "\nNeeds")?;
        shown.iter().take(count).try_for_each(|need| writeln!(f, "  {need}"))?;
        match shown.len().saturating_sub(count) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} older things"),
        }
    }
}

/// `label: a, b, c` if there are any.
fn list(f: &mut Formatter<'_>, label: &str, names: &[String]) -> fmt::Result {
    if names.is_empty() { Ok(()) } else { writeln!(f, "    {label}: {}", names.join(", ")) }
}

impl Display for ProgramPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "  {}: {}", self.name, self.prog_type)?;
        if let Some(attach) = self.attach_type {
            write!(f, " ({attach})")?;
        }
        let many = if self.insns == 1 { "" } else { "s" };
        write!(f, ", {}, {} instruction{many}", self.section, self.insns)?;
        if self.sleepable {
            f.write_str(", may sleep")?;
        }
        if !self.loaded {
            f.write_str(", not loaded")?;
        }
        match (&self.problem, &self.oldest) {
            (Some(problem), _) => writeln!(f, "\n    {problem}")?,
            (None, Some(oldest)) => writeln!(f, ", Linux {}", oldest.since)?,
            (None, None) => writeln!(f)?,
        }
        list(f, "functions", self.functions.get(1..).unwrap_or_default())?;
        list(f, "helpers", &self.helpers)?;
        list(f, "kernel functions", &self.kfuncs)?;
        list(f, "maps", &self.maps)?;
        self.config.filter(|_| f.alternate()).map_or(Ok(()), |option| writeln!(f, "    depends on {option}"))
    }
}

impl Display for MapPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "  {}: {}", self.name, self.map_type)?;
        if self.key_size != 0 || self.value_size != 0 {
            write!(f, ", key {} value {}", self.key_size, self.value_size)?;
        }
        if self.max_entries != 0 {
            write!(f, ", max_entries {}", self.max_entries)?;
        }
        if !self.flags.is_empty() {
            f.write_str(", ")?;
            for (n, (name, _)) in self.flags.iter_names().enumerate() {
                write!(f, "{}{name}", if n == 0 { "" } else { "|" })?;
            }
        }
        if self.pinning != Pinning::None {
            f.write_str(", pinned")?;
        }
        if !self.created {
            f.write_str(", not created")?;
        }
        if let Some(memory) = &self.memory {
            write!(f, ", {memory}")?;
        }
        if let Some(oldest) = self.oldest {
            write!(f, ", Linux {oldest}")?;
        }
        writeln!(f)?;
        self.inner.as_ref().map_or(Ok(()), |inner| write!(f, "    of {}", inner.to_string().trim_start()))
    }
}

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { created, full, per_cpu } = *self;
        write!(f, "about {}", Bytes(full))?;
        if per_cpu != 0 {
            write!(f, " and {} a CPU", Bytes(per_cpu))?;
        }
        if created < full { write!(f, " when full") } else { Ok(()) }
    }
}

/// A size in the unit that suits it.
struct Bytes(u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            n @ 0..0x2800 => write!(f, "{n} bytes"),
            n @ 0x2800..0xa0_0000 => write!(f, "{} KiB", n >> 10),
            n => write!(f, "{} MiB", n >> 20),
        }
    }
}

impl Display for ExternPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ExternKind::Kconfig { .. } => "value of the kernel's configuration",
            ExternKind::KsymFunc => "kernel function",
            ExternKind::KsymVar if self.typed => "kernel variable",
            ExternKind::KsymVar => "kernel symbol",
            ExternKind::Unknown => "of no known kind",
        };
        let weak = if self.weak { ", may be missing" } else { "" };
        writeln!(f, "  {}: {what}{weak}", self.name)
    }
}

impl Display for KernelPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, all) = (&self.name, self.check.relos.len());
        let lacking: Vec<_> = self.unresolved().collect();
        let used = self.check.relos.iter().filter(|relo| relo.used).count();
        write!(f, "  {name}: {} of {used} relocations resolve", used.saturating_sub(lacking.len()))?;
        if used < all {
            write!(f, "; {} are in programs that are not loaded", all.saturating_sub(used))?;
        }
        writeln!(f)?;
        for (relo, guarded) in &lacking {
            let guarded = if *guarded { "; the function asks what is there" } else { "" };
            writeln!(f, "    {relo}{guarded}")?;
        }
        if f.alternate() {
            let resolved = self.check.relos.iter().filter(|relo| relo.outcome.is_resolved());
            resolved.into_iter().try_for_each(|relo| writeln!(f, "    {relo}"))?;
        }
        Ok(())
    }
}
