//! What the verifier's reasons mean.

/// The instruction that a reason names. Only of reasons that are found before or between the instructions are
/// walked through: others are about the last one in the log.
pub(super) fn insn_of(message: &str) -> Option<usize> {
    const STARTS: &[&str] = &[
        "unreachable insn ",
        "infinite loop detected at insn ",
        "back-edge from insn ",
        "jump out of range from insn ",
        "jump into the middle of ldimm64 insn ",
        "invalid insn idx ",
    ];
    let rest = STARTS.iter().find_map(|start| message.strip_prefix(start))?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Whether a reason is about the program as a whole.
pub(super) fn is_about_all(message: &str) -> bool {
    const STARTS: &[&str] = &[
        "combined stack size of ",
        "the call stack of ",
        "tail_calls are ",
        "last insn is not an exit or jmp",
        "number of funcs in func_info",
    ];
    STARTS.iter().any(|start| message.starts_with(start))
}

/// What to do about it, where there is one thing that mostly helps.
pub(super) fn advice(reason: &str) -> Option<&'static str> {
    const KNOWN: &[(&str, &str)] = &[
        ("_or_null'", "compare the pointer with NULL before you use it"),
        (
            "invalid mem access 'scalar'",
            "this is a number for the verifier: read kernel memory with bpf_probe_read_kernel() or BPF_CORE_READ()",
        ),
        (
            "invalid mem access 'inv'",
            "this is a number for the verifier: read kernel memory with bpf_probe_read_kernel() or BPF_CORE_READ()",
        ),
        (
            "unbounded memory access, use 'var &= const'",
            "bound the size first: `if (size > MAX) return 0;`, or `size &= MAX` for a power of two less one",
        ),
        ("unbounded memory access", "bound the index first: `if (i >= N) return 0;`"),
        ("min value is negative", "make the variable unsigned, or check that it is not negative"),
        (
            "with unbounded min value",
            "bound the index from below too: make it unsigned, or check that it is not negative",
        ),
        ("outside of the allowed memory range", "check the index against the size before the access"),
        (
            "outside of the packet",
            "compare with data_end before you read: `if (data + size > data_end) return ...;`",
        ),
        (
            "would lead to reference leak",
            "release it on every path: bpf_ringbuf_submit() or bpf_ringbuf_discard(), bpf_sk_release(), and so on",
        ),
        (
            "Unreleased reference",
            "release it on every path: bpf_ringbuf_submit() or bpf_ringbuf_discard(), bpf_sk_release(), and so on",
        ),
        (
            "from non-GPL compatible program",
            "declare a licence that is compatible: `char _license[] SEC(\"license\") = \"GPL\";`",
        ),
        (
            "program is too large",
            "bound loops, or use bpf_loop() (Linux 5.17) or bpf_for() (Linux 6.4), whose bodies are verified once",
        ),
        (
            "jumps is too complex",
            "branch less inside of loops, or use bpf_loop() (Linux 5.17) or bpf_for() (Linux 6.4)",
        ),
        (
            "infinite loop detected",
            "the verifier sees nothing change from one round to the next: bound the loop by a counter",
        ),
        (
            "write into map forbidden",
            "constants cannot be written: set them before loading, or use a variable in .data",
        ),
        (
            "cannot resolve CO-RE relocation",
            "where a kernel may lack it, ask bpf_core_field_exists(), bpf_core_type_exists() or \
             bpf_core_enum_value_exists() first",
        ),
        (
            "can only use preallocated hash map",
            "make the map without BPF_F_NO_PREALLOC: before Linux 6.1 programs that interrupt others take no such maps",
        ),
        ("!read_ok", "it has no value here: set the variable on every path, and return a value"),
        ("cannot use helper", "programs of this type have no such helper on this kernel"),
        ("unknown func bpf_", "programs of this type have no such helper on this kernel"),
        (
            "combined stack size",
            "a program and the functions it calls have 512 bytes of stack: use a per-CPU array map for what is large",
        ),
    ];
    KNOWN.iter().find(|(part, _)| reason.contains(part)).map(|(_, advice)| *advice)
}
