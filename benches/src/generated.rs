//! The BPF objects that are measured: C made from the names of this kernel's own types, compiled by clang
//! and kept beside the build's other products.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oxbpf_btf::{Btf, Kind, Type};

use crate::pair::Outcome;

/// Programs of a generated object.
pub(crate) const PROGRAMS: usize = 200;
/// CO-RE accesses of each program.
const ACCESSES: usize = 20;

/// What every generated source starts with. It includes nothing, so that it is the same everywhere.
const PRELUDE: &str = "\
#define SEC(name) __attribute__((section(name), used))
typedef unsigned long long u64;
static long (*probe_read_kernel)(void *dst, unsigned int size, const void *src) = (void *)113;
static u64 (*get_current_task)(void) = (void *)35;
char _license[] SEC(\"license\") = \"Dual MIT/GPL\";
";

/// 200 programs that do nothing.
pub(crate) fn trivial() -> Outcome<Vec<u8>> {
    Ok(fs::read(trivial_file()?)?)
}

/// The file of [`trivial`].
pub(crate) fn trivial_file() -> Outcome<PathBuf> {
    let mut source = PRELUDE.to_owned();
    for program in 0..PROGRAMS {
        writeln!(source, "SEC(\"raw_tp/sys_enter\") int p{program}(void *ctx) {{ return 0; }}")?;
    }
    compile("trivial", &source)
}

/// 200 programs that keep the verifier busy: each walks a loop of which no two rounds look alike to it.
pub(crate) fn heavy() -> Outcome<Vec<u8>> {
    let mut source = PRELUDE.to_owned();
    for program in 0..PROGRAMS {
        writeln!(
            source,
            "SEC(\"raw_tp/sys_enter\") int p{program}(u64 *ctx)\n{{\n\
             \tu64 sum = {program};\n\
             \tfor (volatile u64 n = 0; n < 100; n++)\n\
             \t\tsum += get_current_task() & 1;\n\
             \treturn sum;\n}}"
        )?;
    }
    Ok(fs::read(compile("heavy", &source)?)?)
}

/// 200 programs with 20 CO-RE accesses each, over `structs` of the kernel's structs by turns.
pub(crate) fn core(btf: &Btf, structs: usize) -> Outcome<Vec<u8>> {
    Ok(fs::read(core_file(btf, structs)?)?)
}

/// The file of [`core`].
pub(crate) fn core_file(btf: &Btf, structs: usize) -> Outcome<PathBuf> {
    let chosen = choose(btf, structs)?;
    let mut source = PRELUDE.to_owned();
    let accesses = accesses(&chosen);
    for (n, target) in chosen.iter().enumerate() {
        declare(&mut source, target, accesses.iter().filter(|access| access.0 == n).map(|access| access.1))?;
    }
    source.push_str("#define READ(type, field) ({ u64 v = 0; \\\n");
    source.push_str("\tstruct type *p = task; probe_read_kernel(&v, sizeof(p->field), &p->field); v; })\n");
    for (program, accesses) in accesses.chunks(ACCESSES).enumerate() {
        writeln!(source, "SEC(\"raw_tp/sys_enter\") int p{program}(void *ctx)\n{{")?;
        writeln!(source, "\tvoid *task = (void *)get_current_task();\n\tu64 sum = 0;")?;
        for &(target, field) in accesses {
            let target = &chosen[target];
            writeln!(source, "\tsum += READ({}, {});", target.name, target.fields[field].0)?;
        }
        source.push_str("\treturn sum;\n}\n");
    }
    compile(&format!("core{structs}"), &source)
}

/// Objects that are linked to one.
const UNITS: usize = 50;

/// 50 objects of one tool: each with some programs and functions of its own, CO-RE accesses to some of 200 structs, a
/// variable for the others, and one of the object before it.
pub(crate) fn units(btf: &Btf) -> Outcome<Vec<PathBuf>> {
    let chosen = choose(btf, 200)?;
    let accesses = accesses(&chosen);
    let mut units = Vec::new();
    for unit in 0..UNITS {
        let mut source = PRELUDE.to_owned();
        let own = &accesses[unit * PROGRAMS * ACCESSES / UNITS..][..PROGRAMS * ACCESSES / UNITS];
        for (n, target) in chosen.iter().enumerate() {
            let mut fields = own.iter().filter(|access| access.0 == n).map(|access| access.1).peekable();
            if fields.peek().is_some() {
                declare(&mut source, target, 0..target.fields.len().min(40))?;
            }
        }
        source.push_str("#define READ(type, field) ({ u64 v = 0; \\\n");
        source
            .push_str("\tstruct type *p = task; probe_read_kernel(&v, sizeof(p->field), &p->field); v; })\n");
        let before = (unit + UNITS - 1) % UNITS;
        writeln!(source, "u64 total{unit};\nextern u64 total{before};")?;
        writeln!(source, "static __attribute__((noinline)) u64 add(u64 n) {{ return total{before} += n; }}")?;
        for (program, accesses) in own.chunks(ACCESSES).enumerate() {
            writeln!(source, "SEC(\"raw_tp/sys_enter\") int u{unit}_{program}(void *ctx)\n{{")?;
            writeln!(source, "\tvoid *task = (void *)get_current_task();\n\tu64 sum = 0;")?;
            for &(target, field) in accesses {
                let target = &chosen[target];
                let field = field % target.fields.len().min(40);
                writeln!(source, "\tsum += READ({}, {});", target.name, target.fields[field].0)?;
            }
            source.push_str("\treturn add(sum);\n}\n");
        }
        units.push(compile(&format!("unit{unit}"), &source)?);
    }
    Ok(units)
}

/// One program with a counter, as in everybody's first example.
///
/// It goes to a raw tracepoint: from a perf event's it would be detached only after the kernel has waited for
/// some 50 ms, beside which neither side's own time can be seen.
pub(crate) fn hello() -> Outcome<PathBuf> {
    let source = PRELUDE.to_owned()
        + "u64 calls;\n\
           SEC(\"raw_tp/sys_enter\") int hello(void *ctx) { calls++; return 0; }\n";
    compile("hello", &source)
}

/// The same with one CO-RE access, for which the kernel's BTF has to be found and read.
pub(crate) fn hello_core() -> Outcome<PathBuf> {
    let source = PRELUDE.to_owned()
        + "struct task_struct { int tgid; } __attribute__((preserve_access_index));\n\
           int last;\n\
           SEC(\"raw_tp/sys_enter\") int hello(void *ctx)\n\
           {\n\
           \tstruct task_struct *task = (void *)get_current_task();\n\
           \tprobe_read_kernel(&last, sizeof(last), &task->tgid);\n\
           \treturn 0;\n\
           }\n";
    compile("hello_core", &source)
}

/// Events that a run of the ring buffer's producer makes.
pub(crate) const EVENTS: u64 = 4096;

/// A program that fills a ring buffer each time it is run.
pub(crate) fn ring() -> Outcome<Vec<u8>> {
    let source = format!(
        "{PRELUDE}\
         struct event {{ u64 n; u64 rest[7]; }};\n\
         struct {{ int (*type)[27]; int (*max_entries)[1024 * 1024]; }} events SEC(\".maps\");\n\
         static void *(*reserve)(void *ring, u64 size, u64 flags) = (void *)131;\n\
         static void (*submit)(void *event, u64 flags) = (void *)132;\n\
         SEC(\"raw_tp/sys_enter\") int produce(void *ctx)\n\
         {{\n\
         \tfor (int n = 0; n < {EVENTS}; n++) {{\n\
         \t\tstruct event *event = reserve(&events, sizeof(*event), 0);\n\
         \t\tif (!event)\n\
         \t\t\treturn 1;\n\
         \t\tevent->n = n;\n\
         \t\tsubmit(event, 1 /* no wake-up */);\n\
         \t}}\n\
         \treturn 0;\n\
         }}\n"
    );
    Ok(fs::read(compile("ring", &source)?)?)
}

/// A struct of the kernel and those of its fields that are numbers or pointers, with a C type as wide.
struct Target {
    name: String,
    fields: Vec<(String, &'static str)>,
}

/// The structs with the most to read, of those whose name stands for one type alone.
fn choose(btf: &Btf, count: usize) -> Outcome<Vec<Target>> {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    for ty in btf.types().filter(|ty| matches!(ty.kind(), Kind::Struct | Kind::Union | Kind::Fwd)) {
        *seen.entry(ty.name()).or_default() += 1;
    }
    let mut found: Vec<Target> = btf
        .types()
        .filter(|ty| ty.kind() == Kind::Struct && !ty.name().is_empty() && seen.get(ty.name()) == Some(&1))
        .map(|ty| Target { name: ty.name().to_owned(), fields: fields(btf, ty) })
        .filter(|target| !target.fields.is_empty())
        .collect();
    found.sort_by(|a, b| b.fields.len().cmp(&a.fields.len()).then_with(|| a.name.cmp(&b.name)));
    if found.len() < count {
        return Err(
            format!("the kernel's BTF has {} structs to choose from, not {count}", found.len()).into()
        );
    }
    found.truncate(count);
    Ok(found)
}

fn fields(btf: &Btf, ty: Type<'_>) -> Vec<(String, &'static str)> {
    let mut fields: Vec<(String, &'static str)> = Vec::new();
    for member in ty.members() {
        let Ok(of) = btf.resolve(member.ty) else { continue };
        let c_type = match (of.kind(), of.size()) {
            (Kind::Ptr, _) => "void *",
            (Kind::Int, Some(1)) => "unsigned char",
            (Kind::Int, Some(2)) => "unsigned short",
            (Kind::Int, Some(4)) => "unsigned int",
            (Kind::Int, Some(8)) => "u64",
            _ => continue,
        };
        let name = member.name;
        let usable = !name.is_empty() && member.bitfield_size == 0 && !RESERVED.contains(&name);
        if usable && !fields.iter().any(|field| field.0 == name) {
            fields.push((name.to_owned(), c_type));
        }
    }
    fields
}

/// Names that the kernel may use for fields and clang or the prelude does not leave alone.
const RESERVED: [&str; 4] = ["asm", "linux", "unix", "typeof"];

/// Which field of which struct each access reads: structs by turns, and of each its fields by turns.
fn accesses(targets: &[Target]) -> Vec<(usize, usize)> {
    (0..PROGRAMS * ACCESSES)
        .map(|n| {
            let target = n % targets.len();
            (target, (n / targets.len()) % targets[target].fields.len())
        })
        .collect()
}

fn declare(source: &mut String, target: &Target, used: impl Iterator<Item = usize>) -> Outcome<()> {
    let mut used: Vec<usize> = used.collect();
    used.sort_unstable();
    used.dedup();
    writeln!(source, "struct {} {{", target.name)?;
    for field in used {
        let (name, c_type) = &target.fields[field];
        writeln!(source, "\t{c_type} {name};")?;
    }
    source.push_str("} __attribute__((preserve_access_index));\n");
    Ok(())
}

/// Compiles unless the same source was compiled before.
fn compile(name: &str, source: &str) -> Outcome<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bpf");
    fs::create_dir_all(&folder)?;
    let (c_file, object) = (folder.join(format!("{name}.bpf.c")), folder.join(format!("{name}.bpf.o")));
    if object.exists() && fs::read_to_string(&c_file).is_ok_and(|old| old == source) {
        return Ok(object);
    }
    // The source is what tells that the object is current: it must not be there if clang fails.
    let fresh = folder.join(format!("{name}.new.c"));
    fs::write(&fresh, source)?;
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang-19".to_owned());
    let status = Command::new(&clang)
        .args(["-target", "bpf", "-mcpu=v3", "-g", "-O2", "-w", "-c"])
        .arg(&fresh)
        .arg("-o")
        .arg(&object)
        .status()
        .map_err(|error| format!("{clang}: {error}; the generated objects need clang (or set CLANG)"))?;
    if !status.success() {
        return Err(format!("{clang} {}: {status}", fresh.display()).into());
    }
    fs::rename(&fresh, &c_file)?;
    Ok(object)
}
