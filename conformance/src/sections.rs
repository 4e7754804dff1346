//! What names of sections mean: `oxbpf_obj::SectionDef` and `libbpf_prog_type_by_name`.

use oxbpf_obj::SectionDef;

use crate::libbpf;

/// What libbpf 1.8 has and the reference at hand, 1.7, has not.
fn is_newer(prefix: &str) -> bool {
    let sleepable = ["tracepoint.s", "tp.s", "raw_tracepoint.s", "raw_tp.s", "tp_btf.s"];
    let multi = ["fentry.multi", "fexit.multi", "fsession.multi"];
    sleepable.contains(&prefix) || multi.iter().any(|name| prefix.trim_end_matches(".s") == *name)
}

/// Compares every row and what only looks like one; prints what differs and returns whether nothing does.
pub(crate) fn run() -> bool {
    let (mut compared, mut different) = (0, 0);
    for def in SectionDef::table() {
        let prefix = def.prefix();
        let names = [
            prefix.to_owned(),
            format!("{prefix}/"),
            format!("{prefix}/a/b"),
            format!("{prefix}x"),
            format!("{prefix}x/a"),
            format!("x{prefix}"),
            prefix[..prefix.len() - 1].to_owned(),
        ];
        for name in names {
            let ours = SectionDef::find(&name).map(|(def, _)| def);
            if ours.is_some_and(|def| is_newer(def.prefix())) {
                continue;
            }
            let ours = ours.map(|def| (def.prog_type.0, def.attach_type.map_or(0, |attach| attach.0)));
            let theirs = libbpf::section(&name);
            compared += 1;
            if ours != theirs {
                different += 1;
                println!("{name}: {ours:?}, libbpf: {theirs:?}");
            }
        }
        let attachable = def.prog_attach.then(|| def.attach_type.map_or(0, |attach| attach.0));
        if !is_newer(prefix) && libbpf::attach_type(prefix) != attachable {
            different += 1;
            println!(
                "{prefix}: for BPF_PROG_ATTACH {attachable:?}, libbpf: {:?}",
                libbpf::attach_type(prefix)
            );
        }
    }
    println!("{compared} names of sections, {different} differ");
    different == 0
}
