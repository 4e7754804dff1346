//! How an object is loaded.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use oxbpf_obj::Btf;
use oxbpf_sys::Kernel;

use super::{LogSink, Token};
use crate::map::Map;
use crate::program::Program;

/// How [`Object::load`](crate::Object::load) goes about it. The defaults suit an ordinary program.
///
/// ```
/// let options = oxbpf::LoadOptions { log_level: 1, ..Default::default() };
/// ```
#[doc(alias = "bpf_object_open_opts")]
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The kernel to load into; that of this machine by default.
    pub kernel: Kernel,
    /// The types to relocate against (CO-RE) in place of those the kernel tells, for kernels that tell none.
    #[doc(alias = "btf_custom_path")]
    pub btf: Option<Btf>,
    /// Text in the form of a kernel configuration, for `__kconfig` externs: what it has (`CONFIG_HZ=250` a line) comes
    /// before what this kernel's configuration says.
    #[doc(alias = "bpf_object_open_opts::kconfig")]
    pub kconfig: Option<String>,
    /// How many threads load programs at the same time; by default as many as there are CPUs for this process, but
    /// no more than are worth it. The programs, and the error if one fails, are the same with any number.
    pub threads: Option<NonZeroUsize>,
    /// What of the verifier's log to keep for programs that load: 0 nothing (failures are explained all the same),
    /// 1 instructions and registers, 2 more of it, 4 only statistics; see [`Program::log`]. A program's own
    /// [`log_level`](oxbpf_obj::ProgramSpec::log_level) is added.
    #[doc(alias = "kernel_log_level")]
    pub log_level: u32,
    /// Room for the verifier's log of a program, in bytes, if it is not to be as long as it comes; a program's own
    /// [`log_size`](oxbpf_obj::ProgramSpec::log_size) comes first. Of a log that is cut the end is kept (before 6.4 the
    /// beginning), and a program of which a log was asked for does not load (`ENOSPC`).
    #[doc(alias = "kernel_log_size")]
    pub log_size: Option<NonZeroU32>,
    /// What gets the logs as they come, those of programs that load as well as those of programs that do not.
    pub on_log: Option<LogSink>,
    /// The directory of bpffs where maps that ask for it are pinned by their name; `/sys/fs/bpf` by default.
    #[doc(alias = "pin_root_path")]
    pub pin_root: PathBuf,
    /// Maps to use in place of creating those with these names, which the object has to have.
    #[doc(alias = "bpf_map__reuse_fd")]
    pub maps: BTreeMap<String, Map>,
    /// Maps that say what the inner maps of these maps of maps are like, in place of what the object says.
    #[doc(alias = "bpf_map__set_inner_map_fd")]
    pub inner_maps: BTreeMap<String, Map>,
    /// The programs that `freplace` programs replace a function of, and that `fentry` and `fexit` programs trace when
    /// it is not the kernel, by the name of the program that does so.
    #[doc(alias = "bpf_program__set_attach_target")]
    pub targets: BTreeMap<String, Program>,
    /// Where to get a token that stands in for privileges.
    #[doc(alias = "bpf_token_path")]
    pub token: Token,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            kernel: Kernel::default(),
            btf: None,
            kconfig: None,
            threads: None,
            log_level: 0,
            log_size: None,
            on_log: None,
            pin_root: PathBuf::from("/sys/fs/bpf"),
            maps: BTreeMap::new(),
            inner_maps: BTreeMap::new(),
            targets: BTreeMap::new(),
            token: Token::default(),
        }
    }
}
