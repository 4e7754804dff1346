//! `oxbpf btf …`. Its words are those of bpftool, where bpftool has them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  oxbpf btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h
  oxbpf btf dump map name execs
  oxbpf btf check execsnoop.bpf.o --btf debian-6.1.btf --btf fedora-6.8.btf
  oxbpf btf min --target debian-6.1.btf execsnoop.bpf.o -o small.btf";

/// The arguments of `oxbpf btf`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct BtfArgs {
    #[command(subcommand)]
    pub(crate) command: BtfCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BtfCommand {
    /// Print types: of a file, of BTF in the kernel, of a map or a program
    Dump(DumpArgs),

    /// Say which CO-RE relocations of an object resolve on which kernels' types, and why others do not
    ///
    /// Needs no kernel and no privileges. The exit code is 1 if a relocation that is used does not resolve.
    Check(CheckArgs),

    /// Cut from a kernel's types what the CO-RE relocations of objects need
    ///
    /// For kernels that have no BTF of their own: what is cut takes kilobytes, not megabytes.
    Min(MinArgs),

    /// Put the types of several files into one, each once
    Merge(MergeArgs),

    /// Leave each type once
    Dedup(DedupArgs),
}

/// Arguments that say what the types of a split BTF continue.
#[derive(Debug, Args)]
pub(crate) struct BaseArg {
    /// The base of split BTF, such as a module's. Those in /sys/kernel/btf are on the kernel's without being told
    #[arg(long, short = 'B', alias = "base", value_name = "FILE", global = true)]
    pub(crate) base_btf: Option<PathBuf>,
}

const DUMP_HELP: &str = "\
Behind the source come, in any order:
  format c     as C: a vmlinux.h
  format raw   a line for each type, member, enumerator and parameter (unless told otherwise)
  format json  the same as JSON
  root_id N    only type N, and with `format c` what it needs (may be repeated)
  unsorted     with `format c`: in the order of the types' ids";

/// The arguments of `oxbpf btf dump`.
#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    #[command(subcommand)]
    pub(crate) source: DumpSource,

    #[command(flatten)]
    pub(crate) base: BaseArg,

    /// Short for `format json`
    #[arg(long, short = 'j', global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DumpSource {
    /// The types in FILE: raw BTF, or ELF with a section .BTF (an object, vmlinux, a module)
    #[command(after_help = DUMP_HELP)]
    File {
        /// The file
        #[arg(value_name = "FILE")]
        path: PathBuf,

        /// How to print
        #[arg(value_name = "format c|raw|json")]
        words: Vec<String>,
    },

    /// The BTF in the kernel with this id
    #[command(after_help = DUMP_HELP)]
    Id {
        /// The id, as `bpftool btf` lists them
        #[arg(value_name = "ID")]
        id: u32,

        /// How to print
        #[arg(value_name = "format c|raw|json")]
        words: Vec<String>,
    },

    /// The types of a map's keys and values
    #[command(after_help = DUMP_HELP, override_usage = "oxbpf btf dump map (id N|name NAME|pinned PATH) [key|value|kv|all] [format c|raw|json]")]
    Map {
        /// Which map, which of its types, and how to print
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
    },

    /// The types of a program
    #[command(after_help = DUMP_HELP, override_usage = "oxbpf btf dump prog (id N|tag TAG|name NAME|pinned PATH) [format c|raw|json]")]
    Prog {
        /// Which program, and how to print
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
    },
}

/// A map or program in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObjectRef {
    Id(u32),
    Name(String),
    /// Of programs only.
    Tag(String),
    Pinned(PathBuf),
}

/// Which of a map's types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum MapTypes {
    Key,
    Value,
    #[default]
    Both,
    /// All of the BTF that the map came with.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DumpForm {
    #[default]
    Raw,
    Json,
    C,
}

/// How types are to be printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DumpFormat {
    pub(crate) form: DumpForm,
    /// Only these types; all if there are none.
    pub(crate) roots: Vec<u32>,
    pub(crate) unsorted: bool,
}

impl DumpFormat {
    /// Reads the words behind a source.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut format = Self::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = |what: &str| words.next().ok_or_else(|| format!("`{word}` needs {what}"));
            match word {
                "format" => {
                    format.form = match value("c, raw or json")? {
                        "c" => DumpForm::C,
                        "raw" => DumpForm::Raw,
                        "json" => DumpForm::Json,
                        other => return Err(format!("there is no format `{other}`: it is c, raw or json")),
                    }
                }
                "root_id" => format.roots.push(number(value("the number of a type")?)?),
                "unsorted" => format.unsorted = true,
                other => return Err(format!("`{other}` is none of `format`, `root_id`, `unsorted`")),
            }
        }
        Ok(format)
    }
}

impl ObjectRef {
    /// Reads the words that name a map or program; the rest follows.
    pub(crate) fn parse(words: &[String], tags: bool) -> Result<(Self, &[String]), String> {
        let kinds = if tags { "`id`, `tag`, `name` or `pinned`" } else { "`id`, `name` or `pinned`" };
        let [kind, value, rest @ ..] = words else {
            return Err(format!("{kinds} and its value are missing"));
        };
        let found = match kind.as_str() {
            "id" => Self::Id(number(value)?),
            "name" => Self::Name(value.clone()),
            "tag" if tags => Self::Tag(value.to_ascii_lowercase()),
            "pinned" => Self::Pinned(value.into()),
            other => return Err(format!("`{other}` is none of {kinds}")),
        };
        Ok((found, rest))
    }
}

impl MapTypes {
    /// Reads the word that chooses types, if there is one; the rest follows.
    pub(crate) fn parse(words: &[String]) -> (Self, &[String]) {
        let chosen = words.split_first().and_then(|(word, rest)| {
            let types = match word.as_str() {
                "key" => Self::Key,
                "value" => Self::Value,
                "kv" => Self::Both,
                "all" => Self::All,
                _ => return None,
            };
            Some((types, rest))
        });
        chosen.unwrap_or((Self::default(), words))
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number of an id"))
}

/// The arguments of `oxbpf btf check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The BPF object file
    #[arg(value_name = "OBJECT")]
    pub(crate) object: PathBuf,

    /// Types to check against (may be repeated); the running kernel's unless told otherwise
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) btf: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) base: BaseArg,

    /// Tell of every relocation, of those that resolve too
    #[arg(long, short = 'v')]
    pub(crate) verbose: bool,

    /// Print JSON: an array with an object for each of the types checked against
    #[arg(long, short = 'j')]
    pub(crate) json: bool,
}

/// The arguments of `oxbpf btf min`.
#[derive(Debug, Args)]
pub(crate) struct MinArgs {
    /// The types to cut from
    #[arg(long, value_name = "FILE")]
    pub(crate) target: PathBuf,

    /// The BPF object files that are to be loaded there
    #[arg(value_name = "OBJECT", required = true)]
    pub(crate) objects: Vec<PathBuf>,

    /// Where the cut types go, as raw BTF
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) base: BaseArg,
}

/// The arguments of `oxbpf btf merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Files with types: raw BTF, or ELF with a section .BTF
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Where the result goes, as raw BTF
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) base: BaseArg,
}

/// The arguments of `oxbpf btf dedup`.
#[derive(Debug, Args)]
pub(crate) struct DedupArgs {
    /// A file with types: raw BTF, or ELF with a section .BTF
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Where the result goes, as raw BTF
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) base: BaseArg,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_words_of_a_dump() {
        let format = |text| DumpFormat::parse(&words(text));
        assert_eq!(format(""), Ok(DumpFormat::default()));
        let all = DumpFormat { form: DumpForm::C, roots: vec![7, 9], unsorted: true };
        assert_eq!(format("root_id 7 format c unsorted root_id 9"), Ok(all));
        assert_eq!(format("format d").unwrap_err(), "there is no format `d`: it is c, raw or json");
        assert_eq!(format("format").unwrap_err(), "`format` needs c, raw or json");
        assert_eq!(format("root_id x").unwrap_err(), "`x` is not a number of an id");
        assert!(format("key").is_err());
    }

    #[test]
    fn maps_and_programs() {
        let all = words("id 7 key format c");
        let (map, rest) = ObjectRef::parse(&all, false).unwrap();
        assert_eq!(map, ObjectRef::Id(7));
        assert_eq!(MapTypes::parse(rest), (MapTypes::Key, &all[3..]));
        assert_eq!(MapTypes::parse(&all[3..]), (MapTypes::Both, &all[3..]));
        assert_eq!(ObjectRef::parse(&words("tag A0"), true).unwrap().0, ObjectRef::Tag("a0".into()));
        assert!(ObjectRef::parse(&words("tag a0"), false).is_err());
        assert!(ObjectRef::parse(&words("pinned"), true).is_err());
    }
}
