//! A plan as text.

use crate::common::spec;

#[test]
fn report() {
    let plan = spec("xdp_counter.bpf.o").plan(&[]);
    let text = plan.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "xdp_counter (Dual MIT/GPL)");
    assert!(lines[1].starts_with("needs Linux 5.1: 32-bit jump: program "), "{text}");
    assert!(text.contains("\nloading takes CAP_NET_ADMIN: programs of type xdp\n"), "{text}");
    for title in ["\nPrograms\n", "\nMaps\n", "\nNeeds\n"] {
        assert!(text.contains(title), "{text}");
    }
    assert!(!text.contains("Externs"), "{text}");
    let all = format!("{plan:#}");
    assert!(all.len() > text.len() && all.contains("depends on CONFIG_NET"), "{all}");
}
