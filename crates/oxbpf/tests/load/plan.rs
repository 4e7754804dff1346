//! What a plan says of the kernel that an object needs is held against what loads here.
//!
//! Claimed is: what loads needs no younger kernel; what needs no younger one is not refused for something that came
//! later. Not claimed is that a verifier is content, nor that this kernel has all that was built into others.

use std::path::{Path, PathBuf};

use oxbpf::obj::insn::helper_name;
use oxbpf::obj::{Need as Needed, Release};
use oxbpf::{Error, Hint, Kernel, LoadOptions, Object, ObjectSpec};
use oxbpf_testing::{Need, Suite, TestResult, objects, testdata};

pub(crate) fn tests(suite: &mut Suite) {
    for folder in ["", "tests"] {
        for path in objects(folder) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            suite.test(format!("plan::holds::{folder}/{name}"), &[Need::Bpf, Need::NetAdmin], move || {
                let spec = oxbpf::open(&path)?;
                let wrong = contradictions(&spec)?;
                assert!(wrong.is_empty(), "{wrong:#?}");
                Ok(())
            });
        }
    }
    suite.test("plan::memory", &[Need::Bpf, Need::NetAdmin, Need::Kernel(6, 4)], memory);
    // More objects to try it on, such as those of the kernel's selftests.
    if let Some(folder) = std::env::var_os("OXBPF_PLAN_OBJECTS") {
        suite.test("plan::holds_for_folder", &[Need::Bpf, Need::NetAdmin], move || {
            of_folder(Path::new(&folder))
        });
    }
}

/// The estimate of what maps take, beside what the kernel says (truly since 6.4).
fn memory() -> TestResult {
    let mut spec = oxbpf::open(testdata("tests/maps.bpf.o"))?;
    spec.programs.clear();
    // So many that what every map has beside them does not matter.
    spec.maps.iter_mut().filter(|map| !map.is_global_data()).for_each(|map| map.max_entries = 1 << 13);
    let cpus = u64::from(Kernel::host().possible_cpus()?);
    let object = Object::load(&spec, &LoadOptions::default())?;
    let mut compared = 0;
    for planned in spec.plan(&[]).maps {
        let Some(memory) = planned.memory else { continue };
        let told = object.map(&planned.name)?.info()?.memlock.ok_or("fdinfo has it")?;
        let estimate = memory.created + memory.per_cpu * cpus;
        // A page more or less is the allocator's affair.
        let most = told.max(estimate);
        let near = most <= told.min(estimate) * 2 + 8192;
        assert!(near, "{} ({}): {estimate} estimated, {told} told", planned.name, planned.map_type);
        compared += 1;
    }
    assert!(compared >= 15, "{compared} maps");
    Ok(())
}

fn of_folder(folder: &Path) -> TestResult {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "o")) {
        let Ok(spec) = oxbpf::open(path) else { continue };
        count += 1;
        wrong.extend(contradictions(&spec)?);
    }
    assert!(wrong.is_empty() && count > 0, "of {count} objects: {wrong:#?}");
    Ok(())
}

/// Where the plans of an object and of each of its programs alone disagree with what this kernel does.
fn contradictions(spec: &ObjectSpec) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let mut wrong: Vec<String> = contradiction(spec)?.into_iter().collect();
    let loaded: Vec<usize> = spec.loaded_programs().map(|(index, _)| index).collect();
    for &only in loaded.iter().filter(|_| loaded.len() > 1) {
        let mut alone = spec.clone();
        for (index, program) in alone.programs.iter_mut().enumerate() {
            program.autoload = index == only;
        }
        wrong.extend(contradiction(&alone)?);
    }
    Ok(wrong)
}

fn contradiction(spec: &ObjectSpec) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
    let running = Kernel::host().kernel_version()?;
    let plan = spec.plan(&[]);
    let needs_more = |need: Option<&Needed>| {
        need.is_some_and(|Needed { since: Release { major, minor }, .. }| {
            !running.at_least((*major).into(), (*minor).into())
        })
    };
    // Pins of one object must not be found by the next.
    let pins = pins_of(spec);
    let options = LoadOptions { pin_root: pins.clone(), ..LoadOptions::default() };
    let loaded = Object::load(spec, &options);
    let told = |what: &str| {
        let programs: Vec<_> = spec.loaded_programs().map(|(_, program)| program.name.as_str()).collect();
        format!("{} ({}): {what}", spec.name, programs.join(", "))
    };
    let wrong = match &loaded {
        Ok(_) if needs_more(plan.oldest()) => Some(told(&format!("loads, but {}", plan.oldest().unwrap()))),
        Err(error) if !needs_more(plan.oldest_if_reached()) && came_later(error) => {
            Some(told(&format!("no need is younger than {running}, but {error}")))
        }
        _ => None,
    };
    drop(loaded);
    let _ = std::fs::remove_dir_all(pins);
    Ok(wrong)
}

fn pins_of(spec: &ObjectSpec) -> PathBuf {
    let mine = format!("oxbpf-plan-{}-{:?}-{}", std::process::id(), std::thread::current().id(), spec.name);
    Path::new("/sys/fs/bpf").join(mine)
}

/// Whether the kernel refused because it does not know something that others do.
fn came_later(error: &Error) -> bool {
    let text = format!("{error:#}");
    // A number that no helper has stands for something else that is missing.
    let helper = text.split("invalid func unknown#").nth(1).and_then(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        helper_name(rest.get(..digits)?.parse().ok()?)
    });
    let words = ["unknown opcode ", "uses reserved fields", "back-edge from", "invalid BPF_ATOMIC op"];
    helper.is_some()
        || matches!(error.hint(), Some(Hint::KernelTooOld(_)))
        || words.iter().any(|words| text.contains(words))
}
