//! BTF.

use oxbpf::{Kernel, LoadOptions, LoadedBtf, Object};
use oxbpf_testing::{Need, Suite, TestResult, testdata};
use serde_json::Value;

use crate::tool::{BPFTOOL, bpftool, show};

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::SysAdmin, BPFTOOL, Need::KernelBtf, Need::Kernel(5, 11)];
    suite.test("btf::fields", &needs, fields);
}

/// That of the kernel, of its modules and of an object, whose programs and maps bpftool finds by its id.
fn fields() -> TestResult {
    let kernel = Kernel::host();
    let object = Object::load(&oxbpf::open(testdata("tests/maps.bpf.o"))?, &LoadOptions::default())?;
    let mut seen = 0;
    for loaded in LoadedBtf::iter_loaded(&kernel) {
        let loaded = loaded?;
        let info = loaded.info()?;
        // What another test loaded may be gone when bpftool asks.
        let Ok(told) = show("btf", info.id) else { continue };
        told.has("id", info.id);
        told.has("size", info.size);
        told.has("kernel", info.kernel_btf);
        told.same("name", info.name.clone(), String::new());
        assert_eq!(info.id, loaded.id());
        seen += 1;
    }
    assert!(seen >= 2, "{seen}");
    let program = object.programs().first().ok_or("a program")?.info()?;
    let told = show("btf", program.btf_id)?;
    let ids = |field: &str| -> Vec<u64> {
        told.value[field].as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
    };
    assert!(ids("prog_ids").contains(&program.id.into()), "{told:?}");
    let own: Vec<_> = object.maps().iter().map(oxbpf::Map::info).collect::<Result<_, _>>()?;
    for map in own.iter().filter(|m| m.btf_id == program.btf_id) {
        assert!(ids("map_ids").contains(&map.id.into()), "{told:?}");
    }
    // As many types as bpftool prints.
    let id = program.btf_id.to_string();
    let dump = bpftool(&["btf", "dump", "id", &id])?;
    let types = LoadedBtf::from_id(&kernel, program.btf_id)?.btf()?;
    assert_eq!(dump["types"].as_array().map(Vec::len), Some(types.types().count()));
    Ok(())
}
