//! Text that people write, and what is wrong with it.

use oxbpf_obj::insn::{Assembler, Insn, Reg::*, Size, assemble};

#[test]
fn what_surrounds_instructions_does_not_count() {
    let text = "
        ; int count(void *ctx)
        0: (79) r6 = *(u64 *)(r1 +104)         ; R6_w=scalar() R1=ctx()
        r6=*(u64 *)( r1+104 )

        2: r0 = 1
        (95) exit";
    let expected = Assembler::new()
        .load(Size::Dw, R6, R1, 104)
        .load(Size::Dw, R6, R1, 104)
        .mov64_imm(R0, 1)
        .exit()
        .finish();
    assert_eq!(assemble(text).ok(), expected.ok());
    assert_eq!(assemble(""), Ok(vec![]));
}

#[test]
fn immediates_have_two_spellings() {
    assert_eq!(assemble("if w0 == 0xffffffff goto pc+1"), assemble("if w0 == -1 goto pc+1"));
    assert_eq!(assemble("r1 += 0x10"), assemble("r1 += 16"));
    // But a move in hexadecimal is the wide one, as the disassembler has it.
    assert_eq!(assemble("r1 = 16").map(|p| p.len()), Ok(1));
    assert_eq!(assemble("r1 = 0x10").map(|p| p.len()), Ok(2));
}

#[test]
fn helpers_by_name() {
    assert_eq!(assemble("call bpf_map_lookup_elem"), Ok(vec![Insn::call_helper(1)]));
    assert_eq!(assemble("call bpf_map_lookup_elem#203904"), Ok(vec![Insn::call_helper(203_904)]));
}

#[track_caller]
fn refused(text: &str, why: &str) {
    let error = assemble(text).expect_err("it is wrong");
    assert_eq!(error.to_string(), why);
}

#[test]
fn errors_name_the_place() {
    refused("r0 = 1\nr1 == 2", "line 2, `r1 == 2`: expected a number at `= 2`");
    refused("nonsense", "line 1, `nonsense`: expected an instruction at `nonsense`");
    refused("r16 = 1", "line 1, `r16 = 1`: expected an instruction at `r16 = 1`");
    refused(
        "r1 = 99999999999",
        "line 1, `r1 = 99999999999`: 99999999999 does not fit into an immediate of 32 bits",
    );
    refused("goto pc+40000", "line 1, `goto pc+40000`: 40000 does not fit into an offset of 16 bits");
    refused("(b4) r0 = 1", "line 1, `(b4) r0 = 1`: it says code b4, but the instruction has code b7");
    refused("(zz) r0 = 1", "line 1, `(zz) r0 = 1`: expected a code of two digits at `zz) r0 = 1`");
    refused("call bpf_no_such#3", "line 1, `call bpf_no_such#3`: no helper is called `bpf_no_such`");
    refused("r1 = w2", "line 1, `r1 = w2`: expected a register, r0 to r15 at `w2`");
    refused("r1 = -r2", "line 1, `r1 = -r2`: expected the register that is assigned to at `r2`");
    refused("exit now", "line 1, `exit now`: expected the end of the line at `now`");
    refused(
        "r1 = *(u12 *)(r2 +0)",
        "line 1, `r1 = *(u12 *)(r2 +0)`: expected a type, u8 to u64 at `u12 *)(r2 +0)`",
    );
    refused("*(u8 *)(r10 +0) = w1", "line 1, `*(u8 *)(r10 +0) = w1`: expected a register, r0 to r15 at `w1`");
    refused("r1 =", "line 1, `r1 =`: expected a number at the end");
    refused("if r1 ~ 2 goto pc+1", "line 1, `if r1 ~ 2 goto pc+1`: expected a comparison at `~ 2 goto pc+1`");
    for bad in [
        "w1 = *(u32 *)(r2 +0)",
        "r1 = atomic_fetch_add((u64 *)(r2 +0), r1)",
        "r1 = *(u8 *)skb[3]",
        "lock *(u8 *)(r1 +0) += r2",
        "r1 = *(s64 *)(r2 +0)",
        "(b7)",
    ] {
        assert!(assemble(bad).is_err(), "{bad}");
    }
}
