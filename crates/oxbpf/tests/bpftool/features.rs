//! What a kernel has, beside what bpftool's probes find.

use std::collections::BTreeSet;

use oxbpf::features::{loads_programs_of, makes_maps_of, may_call_helper};
use oxbpf::obj::insn::{helper_id, helpers};
use oxbpf::{Kernel, MapType, ProgramType};
use oxbpf_testing::{Need, Skip, Suite, TestResult};
use serde_json::Value;

use crate::tool::{BPFTOOL, Result, bpftool};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = &[Need::Bpf, Need::NetAdmin, Need::SysAdmin, BPFTOOL];
    suite.test("features::types_of_programs", needs, program_types);
    suite.test("features::types_of_maps", needs, map_types);
    suite.test("features::helpers", needs, called_helpers);
}

fn probed() -> Result<Value> {
    // Without "full" it leaves out helpers whose probe the kernel logs.
    bpftool(&["feature", "probe", "kernel", "full"])
}

fn program_types() -> TestResult {
    let (kernel, told) = (Kernel::host(), probed()?);
    let mut compared = 0;
    for kind in ProgramType::ALL {
        // Those that came after it are not in its list; what cannot be told is nothing to compare.
        let Some(theirs) = told["program_types"][format!("have_{kind}_prog_type")].as_bool() else {
            continue;
        };
        let Ok(ours) = loads_programs_of(&kernel, *kind) else { continue };
        // It asks with a function, which takes a trampoline.
        if *kind == ProgramType::TRACING && Need::Trampolines.missing().is_some() {
            continue;
        }
        assert_eq!(ours, theirs, "{kind}");
        compared += 1;
    }
    assert!(compared > 25, "{compared}");
    Ok(())
}

fn map_types() -> TestResult {
    let (kernel, told) = (Kernel::host(), probed()?);
    let mut compared = 0;
    for kind in MapType::ALL {
        let Some(theirs) = told["map_types"][format!("have_{kind}_map_type")].as_bool() else { continue };
        assert_eq!(makes_maps_of(&kernel, *kind)?, theirs, "{kind}");
        compared += 1;
    }
    assert!(compared > 25, "{compared}");
    Ok(())
}

/// Which types of programs may call which helpers.
fn called_helpers() -> TestResult {
    let kernel = Kernel::host();
    let told = probed()?;
    let lists = told["helpers"].as_object().ok_or("lists of helpers")?;
    let named = |list: &Value| -> BTreeSet<u32> {
        let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.filter_map(helper_id).collect()
    };
    // It tells denials by their words, and not every bpftool knows those of newer kernels.
    let known = |name: &str| lists.get(name).map(named).unwrap_or_default();
    let stackid = helper_id("bpf_get_stackid").ok_or("a helper")?;
    if known("socket_filter_available_helpers").contains(&stackid) {
        return Err(Skip::because("needs a bpftool that understands this kernel's verifier").into());
    }
    let last = lists.values().flat_map(named).max().unwrap_or_default();
    let mut compared = 0;
    for kind in ProgramType::ALL {
        let theirs = known(&format!("{kind}_available_helpers"));
        // It does not ask with programs that have a target.
        if theirs.is_empty() {
            continue;
        }
        for (id, name) in helpers().filter(|(id, _)| *id <= last) {
            let ours = may_call_helper(&kernel, *kind, id)?;
            assert_eq!(ours, theirs.contains(&id), "{kind}: {name}");
            compared += 1;
        }
    }
    assert!(compared > 3000, "{compared}");
    Ok(())
}
