//! `oxbpf feature`, as people use it.

use std::process::{Command, ExitCode};

use oxbpf::{Kernel, ProgramType, features};
use oxbpf_testing::{Need, Suite, TestResult};

fn main() -> ExitCode {
    let mut suite = Suite::new();
    let bpf = &[Need::Bpf, Need::NetAdmin];
    suite.test("feature::tables", bpf, tables);
    suite.test("feature::json", bpf, json);
    suite.test("feature::missing", bpf, missing);
    suite.run()
}

fn feature(args: &[&str]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let output = Command::new(env!("CARGO_BIN_EXE_oxbpf")).arg("feature").args(args).output()?;
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The line about something, in words.
fn line<'t>(out: &'t str, name: &str) -> Vec<&'t str> {
    let line = out.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.unwrap_or_default().split_whitespace().collect()
}

fn tables() -> TestResult {
    let out = feature(&[])?;
    assert_eq!(out, feature(&["probe"])?);
    assert!(out.starts_with(&format!("Linux {}, ", Kernel::host().kernel_version()?)), "{out}");
    assert_eq!(line(&out, "xdp"), ["xdp", "4.8", "yes"]);
    assert_eq!(line(&out, "hash"), ["hash", "3.19", "yes"]);
    assert_eq!(line(&out, "bpf_map_lookup_elem"), ["bpf_map_lookup_elem", "3.19", "yes"]);
    assert!(out.contains("\nFEATURE ") && !out.contains("\nKERNEL FUNCTION "), "{out}");
    let here =
        if features::loads_programs_of(&Kernel::host(), ProgramType::NETFILTER)? { "yes" } else { "no" };
    assert_eq!(line(&out, "netfilter")[..3], ["netfilter", "6.4", here]);
    Ok(())
}

fn json() -> TestResult {
    let out: serde_json::Value = serde_json::from_str(&feature(&["--json", "--full"])?)?;
    let row = |table: &str, name: &str| {
        let rows = out[table].as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["name"] == name).unwrap_or_default()
    };
    assert_eq!(out["kernel"], Kernel::host().kernel_version()?.to_string());
    assert_eq!(row("program_types", "xdp")["available"], true);
    assert_eq!(row("map_types", "rhash")["since"], "7.2");
    let adjust = row("helpers", "bpf_xdp_adjust_head");
    assert_eq!((&adjust["available"], &adjust["program_types"]), (&true.into(), &serde_json::json!(["xdp"])));
    assert_eq!(row("kfuncs", "bpf_throw")["since"], "6.7");
    Ok(())
}

fn missing() -> TestResult {
    let out = feature(&["probe", "--missing"])?;
    assert!(!out.contains(" yes"), "{out}");
    assert!(line(&out, "hash").is_empty(), "{out}");
    if Kernel::host().kernel_version()?.at_least(7, 2) {
        return Ok(());
    }
    assert_eq!(line(&out, "rhash"), ["rhash", "7.2", "no", "this", "kernel", "is", "older"]);
    Ok(())
}
