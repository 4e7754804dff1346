//! Of commands on programs and links.

use crate::Errno;

/// What the errno of a command on programs or links means.
pub(super) fn of_programs(op: &str, errno: Errno) -> Option<&'static str> {
    match op {
        "BPF_PROG_LOAD" => load(errno),
        "BPF_PROG_ATTACH" | "BPF_PROG_DETACH" | "BPF_LINK_CREATE" | "BPF_PROG_QUERY" => {
            attach(op, errno).or_else(|| placed(errno))
        }
        "BPF_LINK_UPDATE" | "BPF_LINK_DETACH" => link(op, errno),
        "BPF_RAW_TRACEPOINT_OPEN" => raw_tracepoint(errno),
        "BPF_PROG_TEST_RUN" => test_run(errno),
        _ => others(op, errno),
    }
}

fn load(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::E2BIG => {
            "no instructions, too many of them or of paths through them, or a field that this kernel does not know"
        }
        Errno::ENOSPC => "it was checked, but its log did not fit: ask with more room, or for none",
        Errno::EBADF => "one of the descriptors (map, BTF, program, token) is none",
        Errno::EAGAIN => "a signal came in each attempt",
        Errno::ENOKEY => "the keyring has no key that fits the signature",
        Errno::EKEYREJECTED => "the signature is not of these instructions, or not by that key",
        Errno::ENOTSUPP => "this kernel has no JIT, or no trampolines, for programs of this type",
        _ => return None,
    })
}

/// What it means of attaching in general.
fn attach(op: &str, errno: Errno) -> Option<&'static str> {
    Some(match (op, errno) {
        ("BPF_PROG_QUERY", Errno::EINVAL) => "this attach point cannot be asked about, or not in this way",
        ("BPF_PROG_QUERY", Errno::EPERM) => "asking needs CAP_NET_ADMIN",
        ("BPF_PROG_ATTACH", Errno::EPERM) => {
            "a privilege is missing, or the programs of that cgroup or of one above allow no other"
        }
        ("BPF_PROG_DETACH", Errno::ENOENT) => "it is not attached there, or not any more",
        ("BPF_PROG_DETACH", Errno::EBUSY) => "it is attached by a link: detach that",
        ("BPF_PROG_ATTACH", Errno::EINVAL) => {
            "the program, the target, the flags or a program that is there do not fit the attach type"
        }
        ("BPF_LINK_CREATE", Errno::EINVAL) => {
            "the program, the target or the options do not fit the attach type"
        }
        ("BPF_LINK_CREATE", Errno::EAFNOSUPPORT) => {
            "netfilter has no hooks of this protocol family for programs"
        }
        ("BPF_LINK_CREATE", Errno::EPROTO) => "netfilter has no such hook",
        (_, Errno::EBADF) => "a descriptor is none, or none of what the attach type is for",
        (_, Errno::ENODEV) => "no such interface or device in this network namespace",
        (_, Errno::E2BIG) => "too many are attached there, or a field that this kernel does not know",
        _ => return None,
    })
}

/// What it means of a place among others.
fn placed(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::EEXIST => "it is attached there already, or another where one fits",
        Errno::EBUSY => "the place is taken by a program, or by one that belongs to a link",
        Errno::ENOENT => "the program or link to replace, or to stand before or after, is not there",
        Errno::ESTALE => "the list has changed: another revision than the expected one",
        Errno::ERANGE => "the list is full, or has no such place",
        Errno::EDOM => "no place is at once before, after and instead of those",
        Errno::EOPNOTSUPP => "the map, the driver or the event takes no such program",
        _ => return None,
    })
}

fn link(op: &str, errno: Errno) -> Option<&'static str> {
    Some(match (op, errno) {
        ("BPF_LINK_UPDATE", Errno::EPERM) => "the program to replace is not the one there",
        ("BPF_LINK_UPDATE", Errno::EINVAL) => "no link that can be changed, or not to a program of this type",
        ("BPF_LINK_DETACH", Errno::EOPNOTSUPP) => {
            "links of this kind detach when their last descriptor is closed"
        }
        ("BPF_LINK_DETACH", Errno::EINVAL) => "no descriptor of a link, or a kernel before Linux 5.9",
        (_, Errno::ENOLINK) => "it was detached, or what it was on is gone",
        (_, Errno::EBADF) => "not a descriptor",
        _ => return None,
    })
}

fn raw_tracepoint(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::ENOENT => "there is no such tracepoint",
        Errno::EEXIST => "the program is on that tracepoint already",
        Errno::EINVAL => "a program of another type, or one that was loaded for another way of attaching",
        Errno::EBUSY => "the program is attached already, or what is on that function lets nobody else",
        Errno::EBADF => "not a descriptor",
        _ => return None,
    })
}

fn test_run(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::ENOTSUPP | Errno::EOPNOTSUPP => "programs of this type cannot be run by hand",
        Errno::EINVAL => "the data, the context or an option is not for programs of this type",
        Errno::E2BIG => "the context, or the batch, is larger than that of programs of this type",
        Errno::ENODEV => "no such interface in this network namespace",
        Errno::ENXIO => "no such CPU, or it is offline",
        Errno::ERANGE => "a port of more than 16 bits",
        Errno::EAFNOSUPPORT => "another address family than AF_INET and AF_INET6",
        Errno::EINTR => "a signal came between two runs",
        Errno::EBADF => "not a descriptor",
        _ => return None,
    })
}

fn others(op: &str, errno: Errno) -> Option<&'static str> {
    Some(match (op, errno) {
        ("BPF_ITER_CREATE", Errno::EINVAL) => "no descriptor of an iterator's link",
        ("BPF_PROG_BIND_MAP", Errno::EINVAL) => "no descriptors of a program and of a map",
        ("BPF_PROG_ASSOC_STRUCT_OPS", Errno::EINVAL) => {
            "no program that is free to be associated, no struct_ops map, or a kernel before Linux 6.19"
        }
        ("BPF_PROG_ASSOC_STRUCT_OPS", Errno::EBUSY) => "it is associated with another map already",
        ("BPF_PROG_STREAM_READ_BY_FD", Errno::ENOENT) => "programs have the streams 1 and 2",
        ("BPF_PROG_STREAM_READ_BY_FD", Errno::EINVAL) => {
            "no descriptor of a program, or a kernel before Linux 6.17"
        }
        ("BPF_TASK_FD_QUERY", Errno::ENOENT) => "no such process, or no program on that descriptor",
        ("BPF_TASK_FD_QUERY", Errno::EBADF) => "the process has no such descriptor",
        ("BPF_TASK_FD_QUERY", Errno::EOPNOTSUPP | Errno::ENOTSUPP) => {
            "the descriptor is of no perf event, raw tracepoint or link that can tell"
        }
        ("BPF_TASK_FD_QUERY", Errno::EPERM) => "looking at other processes needs CAP_SYS_ADMIN",
        (
            "BPF_ITER_CREATE"
            | "BPF_PROG_BIND_MAP"
            | "BPF_PROG_ASSOC_STRUCT_OPS"
            | "BPF_PROG_STREAM_READ_BY_FD",
            Errno::EBADF,
        ) => "not a descriptor",
        _ => return None,
    })
}
