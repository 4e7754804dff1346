//! What holds for the repository as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type TestResult = Result<(), Box<dyn Error>>;

/// The published crates: a crate may stand on those before it and on no other.
const FLOORS: [&str; 5] = ["oxbpf-btf", "oxbpf-obj", "oxbpf-sys", "oxbpf", "oxbpf-cli"];

/// The only crates that may contain unsafe code.
const UNSAFE: [&str; 2] = ["oxbpf-sys", "oxbpf"];

/// Packages that build, find or bind C code.
const BUILDS_C: [&str; 7] = ["cc", "cmake", "pkg-config", "autotools", "bindgen", "vcpkg", "system-deps"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

type ById = BTreeMap<String, Value>;

/// The packages of the build for Linux, and what each depends on.
fn packages() -> Result<(ById, ById), Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--filter-platform=x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let by_id = |list: &Value| -> ById {
        let items = list.as_array().into_iter().flatten();
        items.filter_map(|item| Some((item["id"].as_str()?.to_string(), item.clone()))).collect()
    };
    Ok((by_id(&metadata["packages"]), by_id(&metadata["resolve"]["nodes"])))
}

/// All that a package is built from: its dependencies and theirs, but for those of tests.
fn built_from(id: &str, nodes: &ById, found: &mut BTreeSet<String>) {
    if !found.insert(id.to_string()) {
        return;
    }
    for dep in nodes[id]["deps"].as_array().into_iter().flatten() {
        let mut kinds = dep["dep_kinds"].as_array().into_iter().flatten();
        let only_tests = kinds.all(|kind| kind["kind"] == "dev");
        if let (false, Some(dep)) = (only_tests, dep["pkg"].as_str()) {
            built_from(dep, nodes, found);
        }
    }
}

#[test]
fn the_objects_match_their_sources() -> TestResult {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["testdata", "--check"]).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

#[test]
fn no_crate_is_built_with_c() -> TestResult {
    let (packages, nodes) = packages()?;
    for product in FLOORS {
        let package = packages.values().find(|p| p["name"] == product).ok_or(product)?;
        let mut tree = BTreeSet::new();
        built_from(package["id"].as_str().ok_or(product)?, &nodes, &mut tree);
        for id in &tree {
            let package = &packages[id];
            let name = package["name"].as_str().ok_or("a package without a name")?;
            assert!(!BUILDS_C.contains(&name), "{product} is built with {name}");
            // A `links` of this kind only makes sure that there is one of it.
            let links = package["links"].as_str().filter(|links| !["rayon-core"].contains(links));
            assert_eq!(links, None, "{product}: {name} links a native library");
        }
    }
    Ok(())
}

#[test]
fn a_crate_stands_on_the_floors_below_it() -> TestResult {
    let (packages, nodes) = packages()?;
    for (floor, product) in FLOORS.iter().enumerate() {
        let package = packages.values().find(|p| p["name"] == *product).ok_or(*product)?;
        let mut tree = BTreeSet::new();
        built_from(package["id"].as_str().ok_or(*product)?, &nodes, &mut tree);
        let ours: BTreeSet<&str> = tree
            .iter()
            .filter(|id| packages[*id]["source"].is_null())
            .filter_map(|id| packages[id]["name"].as_str())
            .collect();
        for name in ours {
            assert!(FLOORS[..=floor].contains(&name), "{product} may not stand on {name}");
        }
    }
    Ok(())
}

#[test]
fn unsafe_code_is_forbidden_but_in_two_crates() -> TestResult {
    let (packages, _) = packages()?;
    for package in packages.values().filter(|p| p["source"].is_null()) {
        let name = package["name"].as_str().ok_or("a package without a name")?;
        if UNSAFE.contains(&name) {
            continue;
        }
        for target in package["targets"].as_array().into_iter().flatten() {
            let kind = target["kind"][0].as_str().unwrap_or_default();
            let path = target["src_path"].as_str().ok_or("a target without a path")?;
            if ["lib", "bin"].contains(&kind) {
                let text = fs::read_to_string(path)?;
                assert!(text.contains("#![forbid(unsafe_code)]"), "{path} does not forbid unsafe code");
            }
        }
    }
    Ok(())
}
