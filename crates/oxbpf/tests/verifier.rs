//! The verifier's logs of several kernels, and what is read from them.
//!
//! The logs under `verifier_logs` are what `cargo run --example verifier_logs` printed for the objects of
//! `testdata/rejected` on each kernel; those called verbose with `--level 2`. They are about instructions by number, so
//! they are to be made again when those programs change.
#![allow(clippy::unwrap_used, reason = "tests panic; the lint's own exception knows test functions only")]

use std::collections::HashMap;
use std::fmt::Write as _;

use oxbpf::verifier::VerifierError;
use oxbpf::{Errno, ObjectSpec};
use oxbpf_obj::{CoreTarget, LinkOptions, ProgramImage};

/// The programs of `testdata/rejected` by name, relocated against types that have none of what they need.
struct Programs(HashMap<String, (ObjectSpec, ProgramImage)>);

impl Programs {
    fn new() -> Self {
        let kernel = oxbpf::open(oxbpf_testing::testdata("xdp_counter.bpf.o")).unwrap().btf.unwrap();
        let targets = [CoreTarget { name: "vmlinux", btf: &kernel }];
        let mut programs = HashMap::new();
        for object in ["verifier", "verifier_license", "in_subprog"] {
            let path = oxbpf_testing::testdata(format!("rejected/{object}.bpf.o"));
            let mut spec = oxbpf::open(path).unwrap();
            for program in &mut spec.programs {
                program.autoload = true;
            }
            for image in spec.link(&LinkOptions::with_targets(&targets)).unwrap() {
                programs.insert(spec.programs[image.program].name.clone(), (spec.clone(), image));
            }
        }
        Self(programs)
    }

    fn parse(&self, name: &str, errno: i32, log: &str) -> VerifierError {
        let (spec, image) = self.0.get(name).unwrap_or_else(|| panic!("no program {name}"));
        let section = &spec.programs[image.program].section;
        VerifierError::parse(name, section, image, spec.btf.as_ref(), Errno(errno), log.to_owned())
    }
}

/// Name, error number and log of each program.
fn split(logs: &str) -> impl Iterator<Item = (&str, i32, &str)> {
    logs.split("=== ").filter(|log| !log.is_empty()).map(|log| {
        let (head, log) = log.split_once('\n').unwrap();
        let mut words = head.split(' ');
        let name = words.next().unwrap();
        (name, words.next_back().unwrap().parse().unwrap(), log)
    })
}

/// What is read, without the log that it is read from.
fn summary(logs: &str) -> String {
    let programs = Programs::new();
    let mut out = String::new();
    for (name, errno, log) in split(logs) {
        let error = programs.parse(name, errno, log);
        assert_eq!(error.log, log);
        let whole = format!("{error:#}");
        let (read, shown) = whole.split_once("\nthe verifier's log:\n").unwrap();
        assert_eq!(shown, log.trim_end());
        writeln!(out, "{read}\n").unwrap();
    }
    out
}

macro_rules! kernels {
    ($($test:ident: $file:literal),* $(,)?) => {$(
        #[test]
        fn $test() {
            insta::assert_snapshot!(summary(include_str!(concat!("verifier_logs/", $file, ".txt"))));
        }
    )*};
}

kernels! {
    linux_5_10: "5.10",
    linux_5_10_verbose: "5.10-verbose",
    linux_6_1: "6.1",
    linux_6_1_verbose: "6.1-verbose",
    linux_6_12: "6.12",
    linux_6_12_verbose: "6.12-verbose",
    linux_6_18: "6.18",
    linux_6_18_verbose: "6.18-verbose",
}

mod forms {
    //! Single forms of lines, older ones among them, and what no kernel writes.

    use super::{Errno, Programs, VerifierError};

    /// Reads a log of `no_null_check`, without line info so that only the log speaks.
    fn read(log: &str) -> VerifierError {
        let programs = Programs::new();
        let (_, image) = &programs.0["no_null_check"];
        VerifierError::parse("p", "xdp", image, None, Errno::EINVAL, log.to_owned())
    }

    fn registers(error: &VerifierError) -> Vec<(&str, &str)> {
        error.registers.iter().map(|r| (r.name.as_str(), r.state.as_str())).collect()
    }

    #[test]
    fn reasons() {
        for (log, reason, insn) in [
            ("back-edge from insn 2 to 0\n", "back-edge from insn 2 to 0", Some(2)),
            ("jump out of range from insn 7 to 100", "jump out of range from insn 7 to 100", Some(7)),
            (
                "unreachable insn 3\nprocessed 0 insns (limit 131072), stack depth 0\n",
                "unreachable insn 3",
                Some(3),
            ),
            ("fd 5 is not pointing to valid bpf_map\n", "fd 5 is not pointing to valid bpf_map", None),
            ("0: (95) exit\nR0 !read_ok\n", "R0 !read_ok", Some(0)),
            // Several lines make one reason, and only those behind the last instruction.
            ("1: (95) exit\nold remark\n2: (95) exit\na\nb\n", "a; b", Some(2)),
            ("1: (95) exit\na\nb\nc\nd\n", "b; c; d", Some(1)),
            // What is no reason, unless there is no other.
            ("arg#0 type is not a struct\n0: (95) exit\nR0 !read_ok\n", "R0 !read_ok", Some(0)),
            ("arg#0 type is not a struct\n", "arg#0 type is not a struct", None),
            ("arg#0 expected pointer to map value\n", "arg#0 expected pointer to map value", None),
            (
                "4: (95) exit\nverification time 12 usec\nstack depth 0+8\n",
                "the log ends before the reason",
                Some(4),
            ),
            ("from 3 to 5 (speculative execution): safe\nBAD", "BAD", None),
            ("from here to there", "from here to there", None),
            ("processed food", "processed food", None),
            ("\n \n\r\n", "the kernel gave no reason", None),
        ] {
            let error = read(log);
            assert_eq!((error.reason.as_str(), error.insn.map(|i| i.index)), (reason, insn), "{log:?}");
        }
    }

    #[test]
    fn advice() {
        for (log, help) in [
            ("0: (95) exit\nR0 !read_ok\n", "set the variable on every path"),
            ("perf_event programs can only use preallocated hash map\n", "without BPF_F_NO_PREALLOC"),
        ] {
            assert!(read(log).advice.unwrap().contains(help), "{log}");
        }
        assert_eq!(read("0: (95) exit\nnever heard of\n").advice, None);
    }

    #[test]
    fn sources() {
        for (line, text, file, number) in [
            ("; if (x)", "if (x)", None, None),
            ("; if (x) @ a.c:12", "if (x)", Some("a.c"), Some(12)),
            ("; a @ b", "a @ b", None, None),
            ("; a @ b:c", "a @ b:c", None, None),
            ("; a @ b:1 @ dir/d.c:7", "a @ b:1", Some("dir/d.c"), Some(7)),
            ("; @ d.c:7", "", Some("d.c"), Some(7)),
            (";", "", None, None),
        ] {
            let source = read(&format!("{line}\n0: (95) exit\nR0 !read_ok")).source.unwrap();
            assert_eq!((source.text.as_str(), source.file.as_deref(), source.line), (text, file, number));
        }
    }

    #[test]
    fn stats() {
        let stats = |log| read(log).stats;
        assert_eq!(stats("x"), None);
        let old = stats("processed 10 insns (limit 131072), stack depth 0\n").unwrap();
        assert_eq!((old.processed, old.limit, old.total_states), (10, Some(131_072), None));
        let new = "processed 21 insns (limit 1000000) max_states_per_insn 1 total_states 3 peak_states 2 mark_read 1";
        let new = stats(new).unwrap();
        assert_eq!((new.max_states_per_insn, new.total_states, new.peak_states), (Some(1), Some(3), Some(2)));
        assert_eq!(stats("processed 99999999999999999999999 insns"), None);
    }

    #[test]
    fn registers_follow_the_instructions() {
        // Behind each instruction those that it changed; calls leave their arguments undefined.
        let error = read(
            "0: R1=ctx(off=0,imm=0) R10=fp0\n\
             0: (bf) r6 = r1                       ; R1=ctx(off=0,imm=0) R6_w=ctx(off=0,imm=0)\n\
             1: (b7) r2 = 0                        ; R2_w=0\n\
             2: (85) call bpf_foo#1                ; R0_w=scalar(umax=15,var_off=(0x0; 0xf)) refs=3\n\
             3: (7b) *(u64 *)(r10 -8) = r0         ; R0_w=scalar(umax=15,var_off=(0x0; 0xf)) R10=fp0 fp-8_w=mmmmmmmm\n\
             4: (79) r1 = *(u64 *)(r0 +0)\n\
             R0 invalid mem access 'scalar'\n",
        );
        assert_eq!(
            registers(&error),
            [("R0", "scalar(umax=15,var_off=(0x0; 0xf))"), ("R6", "ctx(off=0,imm=0)"), ("fp-8", "mmmmmmmm")]
        );
        // On lines of their own, and nothing of what was changed since.
        let error = read(
            "0: (b7) r1 = 0\n R1_w=inv0 R2=ctx(id=0,off=0,imm=0) R6=inv1 R10=fp0\n1: (b7) r1 = 1\n\
             2: (15) if r2 == 0x0 goto pc+1\n3: (85) call bpf_foo#1\n4: (79) r0 = *(u64 *)(r6 +0)\nbad\n",
        );
        assert_eq!(registers(&error), [("R6", "inv1")]);
        // While the verifier looks back, states are of earlier points.
        let error = read(
            "0: (b7) r1 = 0\n R1_w=inv0 R10=fp0\n1: (0f) r2 += r3\nlast_idx 1 first_idx 0\n\
             regs=8 stack=0 before 0: (b7) r1 = 0\n R1=invP7 R3=inv9 R10=fp0\nparent didn't have regs=8 marks\nbad\n",
        );
        assert_eq!(registers(&error), [("R1", "inv0")]);
        // Another path begins with all of them.
        let error = read(
            "0: (b7) r1 = 0                        ; R1_w=0\n\
             from 5 to 7: R0=1 R8=scalar() R10=fp0\n7: (95) exit\nbad\n",
        );
        assert_eq!(registers(&error), [("R0", "1"), ("R8", "scalar()")]);
        assert_eq!(error.insn.unwrap().text, "exit");
    }

    #[test]
    fn calls_lead_to_the_instruction() {
        let error = read(
            "0: R1=ctx() R10=fp0\n0: (85) call pc+5\ncaller:\n R10=fp0\ncallee:\n frame1: R1=ctx() R10=fp0\n\
             6: frame1: R1=ctx() R10=fp0\n6: (85) call pc+2\ncaller:\n frame1: R10=fp0\ncallee:\n frame2: R10=fp0\n\
             9: frame2: R10=fp0\n9: (95) exit\nR0 !read_ok\n",
        );
        assert_eq!(error.calls.iter().map(|call| call.insn).collect::<Vec<_>>(), [0, 6]);
        // Back in the first function, and on.
        let error = read(
            "0: R1=ctx() R10=fp0\n0: (85) call pc+5\ncaller:\n R10=fp0\ncallee:\n frame1: R1=ctx() R10=fp0\n\
             6: frame1: R1=ctx() R10=fp0\n6: (95) exit\nreturning from callee:\n frame1: R0=1 R10=fp0\n\
             to caller at 1:\n R0=1 R10=fp0\n1: R0=1 R10=fp0\n1: (79) r1 = *(u64 *)(r0 +0)\nbad\n",
        );
        assert_eq!((error.calls.len(), registers(&error)), (0, vec![("R0", "1")]));
    }

    #[test]
    fn any_text_will_do() {
        let logs =
            concat!(include_str!("verifier_logs/5.10-verbose.txt"), include_str!("verifier_logs/6.18.txt"));
        // Cut anywhere: a log that the buffer was too small for, its beginning or its end.
        for at in (0..logs.len()).step_by(37).filter(|at| logs.is_char_boundary(*at)) {
            let from = at.saturating_sub(3000);
            let error = read(&logs[from..at]);
            assert!(!error.to_string().is_empty() && !error.to_string().contains('\n'), "{at}");
            assert!(!error.reason.is_empty());
        }
        for log in [
            "",
            "\0",
            "\u{fffd}\u{fffd}: (85)",
            ": (85) x",
            "1: (8",
            "1: (85)",
            "1: (85) ",
            "99999999999999999999: (85) x",
            "R",
            "R1",
            "R1=",
            "frame1:",
            "frame: R1=",
            " frame99999999999999999999: R1=1",
            "; @ :",
            ";;;;",
            "from  to : R1=",
            "1: (85) x ;",
            "1: (85) x 4: R",
            "1: (85) 4: R1=1",
            "1: (85) é 4: R1=é ; é",
            "cur state: ",
            "Validating ",
            "0: R1=((((((((((",
            "0: R1=))))))))) R2=1",
            "processed ",
            "processed 1",
        ] {
            let error = read(log);
            assert!(!format!("{error:#}").is_empty());
        }
    }

    #[test]
    fn time_is_in_proportion_to_the_length() {
        use std::time::{Duration, Instant};

        let mut one = include_str!("verifier_logs/6.18-verbose.txt").to_owned();
        // More registers and slots than there are, and lines without end.
        one.push_str("0: ");
        for n in 0..2000 {
            one.push_str(&format!("R{n}=scalar() fp-{n}=((( "));
        }
        one.push_str("\n5: (85) call bpf_foo#1 ; R0=1\n");
        let time = |log: String| {
            let start = Instant::now();
            let error = read(&log);
            assert_eq!(error.log.len(), log.len());
            start.elapsed()
        };
        let (short, long) = (time(one.repeat(10)), time(one.repeat(160)));
        assert!(long < (short + Duration::from_millis(20)) * 64, "{short:?} {long:?}");
    }
}
