//! Small files that ask for much.

use std::time::{Duration, Instant};

use oxbpf_obj::insn::{Assembler, Reg::*};
use oxbpf_obj::{Insn, ObjectSpec};

use crate::common::elf::File;

/// Thousands of programs that all reach the same long function: 90 million instructions, if each were looked at.
#[test]
fn what_is_shared_is_not_multiplied() {
    const PROGRAMS: u64 = 3000;
    const LONG: u64 = 30_000;
    let mut file = File::minimal();
    // Each program calls the function behind all of them.
    let mut insns = Vec::new();
    for n in 0..PROGRAMS {
        let distance = (PROGRAMS - n) * 2 - 1;
        let call = Assembler::new().call_label("f").label("f").exit().finish().unwrap()[0];
        insns.extend([Insn { imm: i32::try_from(distance).unwrap(), ..call }, Insn::exit()]);
    }
    let helpers = (1..=200).fold(Assembler::new(), Assembler::call);
    let long = (200..LONG - 1).fold(helpers, |program, _| program.mov64_imm(R0, 0));
    insns.extend(long.exit().finish().unwrap());
    let code = file.code("socket", &insns);
    for n in 0..PROGRAMS {
        file.func(format!("p{n}").leak(), code, n * 2, 2);
    }
    file.func("shared", code, PROGRAMS * 2, LONG);
    let bytes = file.build();
    let spec = ObjectSpec::parse(&bytes).unwrap();
    let start = Instant::now();
    let plan = spec.plan(&[]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let whole = plan.programs.iter().filter(|program| program.insns > LONG as usize).count();
    assert!(whole > 10, "{whole}");
    let last = plan.programs.last().unwrap();
    assert!(plan.programs.len() > PROGRAMS as usize && last.problem.is_some(), "{last:?}");
    assert!(plan.needs.len() < 1000, "{}", plan.needs.len());
    assert!(plan.to_string().len() < bytes.len() * 4);
}
