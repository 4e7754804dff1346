//! Sections of one's own: what programs in them are, and what is done with them.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use oxbpf_obj::{AttachType, ObjectSpec, ProgramFlags, ProgramSpec, ProgramType};

use super::LoadRequest;
use crate::error::{Error, Result};
use crate::link::Link;
use crate::program::Program;

/// Any error.
type BoxError = Box<dyn StdError + Send + Sync>;

/// What is done with programs of a section of one's own, see [`SectionHandlers`]. Each step may be left out.
#[doc(alias = "libbpf_prog_handler_opts")]
pub trait SectionHandler: Send + Sync {
    /// When the object is opened: what the program is, as far as type and attach type do not say it.
    ///
    /// # Errors
    /// Anything that is wrong with the section's name; then the object is not opened.
    #[doc(alias = "libbpf_prog_setup_fn_t")]
    fn setup(&self, program: &mut ProgramSpec) -> Result<(), BoxError> {
        let _ = program;
        Ok(())
    }

    /// Before the program is loaded: what the kernel will be asked for.
    ///
    /// # Errors
    /// Anything; then the object is not loaded.
    #[doc(alias = "libbpf_prog_prepare_load_fn_t")]
    fn prepare_load(&self, program: &ProgramSpec, request: &mut LoadRequest<'_>) -> Result<(), BoxError> {
        let _ = (program, request);
        Ok(())
    }

    /// When the program is attached without being told to what. `None`: it is not, and waits for one of
    /// [`Program`]'s `attach_` methods.
    ///
    /// # Errors
    /// Anything; then it is not attached.
    #[doc(alias = "libbpf_prog_attach_fn_t")]
    fn attach(&self, program: &Program) -> Result<Option<Link>, BoxError> {
        let _ = program;
        Ok(None)
    }
}

/// Sections of one's own. They come before those of the table: one that is in it means what the handler makes of it.
///
/// A value, given when an object is opened ([`OpenOptions`](crate::OpenOptions)), and kept by the programs that it
/// concerns: they remember it when they are loaded and attached.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/xdp_counter.bpf.o");
/// use oxbpf::{AttachType, Link, OpenOptions, Program, ProgramType, SectionHandler, SectionHandlers};
///
/// /// Attaches XDP programs to the loopback interface.
/// struct ToLoopback;
///
/// impl SectionHandler for ToLoopback {
///     fn attach(&self, program: &Program) -> Result<Option<Link>, Box<dyn std::error::Error + Send + Sync>> {
///         Ok(Some(program.attach_xdp(1, oxbpf::XdpFlags::empty())?))
///     }
/// }
///
/// let handlers = SectionHandlers::new().on("xdp+", ProgramType::XDP, Some(AttachType::XDP), ToLoopback);
/// let spec = OpenOptions { handlers, ..OpenOptions::default() }.open(file)?;
/// assert!(spec.programs[0].def.is_none(), "what the table says of it does not count");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct SectionHandlers {
    by_section: Vec<(String, Registered)>,
    otherwise: Option<Registered>,
}

#[derive(Clone)]
struct Registered {
    prog_type: ProgramType,
    attach_type: Option<AttachType>,
    handler: Arc<dyn SectionHandler>,
}

impl SectionHandlers {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler for programs of sections called `section`; of `section/anything` only if it ends with `/`; of either
    /// if it ends with `+`. The first that fits a section is the one that counts.
    #[doc(alias = "libbpf_register_prog_handler")]
    #[must_use]
    pub fn on(
        mut self,
        section: impl Into<String>,
        prog_type: ProgramType,
        attach_type: Option<AttachType>,
        handler: impl SectionHandler + 'static,
    ) -> Self {
        let registered = Registered { prog_type, attach_type, handler: Arc::new(handler) };
        self.by_section.push((section.into(), registered));
        self
    }

    /// Sets the handler for programs of sections that nothing else fits, not even the table.
    #[doc(alias = "libbpf_register_prog_handler")]
    #[must_use]
    pub fn otherwise(
        mut self,
        prog_type: ProgramType,
        attach_type: Option<AttachType>,
        handler: impl SectionHandler + 'static,
    ) -> Self {
        self.otherwise = Some(Registered { prog_type, attach_type, handler: Arc::new(handler) });
        self
    }

    /// Makes the programs of `spec` what the handlers say, and has them set up. Opening with
    /// [`OpenOptions`](crate::OpenOptions) does it.
    ///
    /// # Errors
    /// [`Error::Handler`] of the first that fails.
    pub fn apply(&self, spec: &mut ObjectSpec) -> Result<()> {
        for program in &mut spec.programs {
            let fits = self.by_section.iter().find(|(section, _)| matches(section, &program.section));
            let any_type = fits.is_none();
            let found = match fits {
                Some((_, found)) => Some(found),
                None => self.otherwise.as_ref().filter(|_| program.def.is_none()),
            };
            let Some(Registered { prog_type, attach_type, handler }) = found else { continue };
            program.def = None;
            program.prog_type = *prog_type;
            program.attach_type = *attach_type;
            program.attach_to = program.section.split_once('/').map(|(_, target)| target.into());
            program.flags = ProgramFlags::empty();
            let bound = Bound { prog_type: (!any_type).then_some(*prog_type), handler: Arc::clone(handler) };
            program.extra = Some(Arc::new(bound.clone()));
            let outcome = handler.setup(program);
            bound.done(program, "set it up", outcome)?;
        }
        Ok(())
    }
}

/// Whether a section is one that a handler is for.
fn matches(pattern: &str, section: &str) -> bool {
    match (pattern.strip_suffix('+'), pattern.ends_with('/')) {
        (Some(prefix), _) => {
            section.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        (None, true) => section.starts_with(pattern),
        (None, false) => section == pattern,
    }
}

impl fmt::Debug for SectionHandlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections: Vec<_> = self.by_section.iter().map(|(section, _)| section).collect();
        f.debug_struct("SectionHandlers")
            .field("sections", &sections)
            .field("otherwise", &self.otherwise.is_some())
            .finish()
    }
}

/// The handler of a program.
#[derive(Clone)]
pub(crate) struct Bound {
    /// The type that it is for; `None` if it is for any.
    prog_type: Option<ProgramType>,
    handler: Arc<dyn SectionHandler>,
}

/// The handler of a program, unless that was made one of another type meanwhile.
pub(super) fn of(program: &ProgramSpec) -> Option<&Bound> {
    let extra: &(dyn Any + Send + Sync) = &**program.extra.as_ref()?;
    let bound = extra.downcast_ref::<Bound>()?;
    bound.prog_type.is_none_or(|prog_type| prog_type == program.prog_type).then_some(bound)
}

impl Bound {
    pub(super) fn prepare_load(&self, program: &ProgramSpec, request: &mut LoadRequest<'_>) -> Result<()> {
        self.done(program, "prepare its load", self.handler.prepare_load(program, request))
    }

    pub(crate) fn attach(&self, program: &Program) -> Result<Option<Link>, BoxError> {
        self.handler.attach(program)
    }

    fn done(&self, program: &ProgramSpec, step: &'static str, outcome: Result<(), BoxError>) -> Result<()> {
        outcome.map_err(|source| Error::Handler {
            program: program.name.clone(),
            section: program.section.to_string(),
            step,
            source,
        })
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("prog_type", &self.prog_type).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let fits = |pattern, sections: [&str; 4]| sections.map(|section| matches(pattern, section));
        let sections = ["abc", "abc/", "abc/x", "abcd/x"];
        assert_eq!(fits("abc", sections), [true, false, false, false]);
        assert_eq!(fits("abc/", sections), [false, true, true, false]);
        assert_eq!(fits("abc+", sections), [true, true, true, false]);
    }
}
