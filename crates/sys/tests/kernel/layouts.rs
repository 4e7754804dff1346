//! The layouts of this crate's structures, held against the types of the running kernel.

use std::collections::BTreeMap;
use std::mem::offset_of;

use oxbpf_btf::{Btf, Kind, Type};
use oxbpf_sys::Kernel;
use oxbpf_sys::uapi::{
    BtfLoadAttr, IdAttr, InfoAttr, LinkUpdateAttr, MapBatchAttr, MapCreateAttr, MapElemAttr, ObjAttr,
    ProgAttachAttr, ProgLoadAttr, ProgQueryAttr, ProgTestRunAttr, RawBtfInfo, RawLinkInfo, RawMapInfo,
    RawPerfEventAttr, RawProgInfo, RawTracepointAttr, TaskFdQueryAttr,
};
use oxbpf_testing::{Need, Suite, TestResult};

pub(crate) fn add(suite: &mut Suite) {
    suite.test("layouts::are_those_of_the_kernels_types", &[Need::KernelBtf], held_against_types);
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A structure here: its name, the kernel's, and of `union bpf_attr` which part of it, by a member; its fields.
struct Layout {
    name: &'static str,
    root: (&'static str, Kind),
    part: &'static str,
    fields: &'static [(&'static str, usize)],
}

macro_rules! layout {
    ($name:ident, $root:expr, $part:literal: $($field:ident),* $(; $($own:ident is $theirs:literal),*)?) => {
        Layout {
            name: stringify!($name),
            root: $root,
            part: $part,
            fields: &[
                $((stringify!($field), offset_of!($name, $field)),)*
                $($(($theirs, offset_of!($name, $own)),)*)?
            ],
        }
    };
}

const ATTR: (&str, Kind) = ("bpf_attr", Kind::Union);

const fn of(name: &'static str) -> (&'static str, Kind) {
    (name, Kind::Struct)
}

static LAYOUTS: &[Layout] = &[
    layout!(MapCreateAttr, ATTR, "map_type": map_type, key_size, value_size, max_entries, map_flags, inner_map_fd,
        numa_node, map_name, map_ifindex, btf_fd, btf_key_type_id, btf_value_type_id, btf_vmlinux_value_type_id,
        map_extra, value_type_btf_obj_fd, map_token_fd, excl_prog_hash, excl_prog_hash_size),
    layout!(MapElemAttr, ATTR, "next_key": map_fd, key, value, flags),
    layout!(MapBatchAttr, ATTR, "in_batch": in_batch, out_batch, keys, values, count, map_fd, elem_flags, flags),
    layout!(ProgLoadAttr, ATTR, "prog_type": prog_type, insn_cnt, insns, license, log_level, log_size, log_buf,
        kern_version, prog_flags, prog_name, prog_ifindex, expected_attach_type, prog_btf_fd, func_info_rec_size,
        func_info, func_info_cnt, line_info_rec_size, line_info, line_info_cnt, attach_btf_id, attach_prog_fd,
        core_relo_cnt, fd_array, core_relos, core_relo_rec_size, log_true_size, prog_token_fd, fd_array_cnt,
        signature, signature_size, keyring_id; attach_prog_fd is "attach_btf_obj_fd"),
    layout!(ObjAttr, ATTR, "pathname": pathname, bpf_fd, file_flags, path_fd),
    layout!(ProgAttachAttr, ATTR, "attach_bpf_fd": target_fd, attach_bpf_fd, attach_type, attach_flags,
        replace_bpf_fd, relative_fd, expected_revision; target_fd is "target_ifindex", relative_fd is "relative_id"),
    layout!(ProgTestRunAttr, ATTR, "data_size_in": prog_fd, retval, data_size_in, data_size_out, data_in, data_out,
        repeat, duration, ctx_size_in, ctx_size_out, ctx_in, ctx_out, flags, cpu, batch_size),
    layout!(IdAttr, ATTR, "start_id": next_id, open_flags; id is "start_id", id is "map_id",
        token_fd is "fd_by_id_token_fd"),
    layout!(InfoAttr, ATTR, "info_len": bpf_fd, info_len, info),
    layout!(ProgQueryAttr, ATTR, "query_flags": target_fd, attach_type, query_flags, attach_flags, prog_ids,
        prog_attach_flags, link_ids, link_attach_flags, revision; count is "prog_cnt"),
    layout!(RawTracepointAttr, ATTR, "raw_tracepoint": name, prog_fd, cookie),
    layout!(BtfLoadAttr, ATTR, "btf_log_buf": btf, btf_log_buf, btf_size, btf_log_size, btf_log_level,
        btf_log_true_size, btf_flags, btf_token_fd),
    layout!(TaskFdQueryAttr, ATTR, "probe_offset": pid, fd, flags, buf_len, buf, prog_id, fd_type, probe_offset,
        probe_addr),
    layout!(LinkUpdateAttr, ATTR, "new_prog_fd": link_fd, new_prog_fd, flags, old_prog_fd;
        new_prog_fd is "new_map_fd", old_prog_fd is "old_map_fd"),
    layout!(RawProgInfo, of("bpf_prog_info"), "": id, tag, jited_prog_len, xlated_prog_len, jited_prog_insns,
        xlated_prog_insns, load_time, created_by_uid, nr_map_ids, map_ids, name, ifindex, netns_dev, netns_ino,
        nr_jited_ksyms, nr_jited_func_lens, jited_ksyms, jited_func_lens, btf_id, func_info_rec_size, func_info,
        nr_func_info, nr_line_info, line_info, jited_line_info, nr_jited_line_info, line_info_rec_size,
        jited_line_info_rec_size, nr_prog_tags, prog_tags, run_time_ns, run_cnt, recursion_misses, verified_insns,
        attach_btf_obj_id, attach_btf_id; prog_type is "type", bits is "gpl_compatible"),
    layout!(RawMapInfo, of("bpf_map_info"), "": id, key_size, value_size, max_entries, map_flags, name, ifindex,
        btf_vmlinux_value_type_id, netns_dev, netns_ino, btf_id, btf_key_type_id, btf_value_type_id, btf_vmlinux_id,
        map_extra, hash, hash_size; map_type is "type"),
    layout!(RawBtfInfo, of("bpf_btf_info"), "": btf, btf_size, id, name, name_len, kernel_btf),
    layout!(RawLinkInfo, of("bpf_link_info"), "": id, prog_id; link_type is "type", extra is "raw_tracepoint"),
    layout!(RawPerfEventAttr, of("perf_event_attr"), "": size, config, sample_period, sample_type, read_format, bp_type,
        config1, config2, branch_sample_type, sample_regs_user, sample_stack_user, clockid, sample_regs_intr,
        aux_watermark, sample_max_stack, aux_sample_size, sig_data, config3; event_type is "type",
        bits is "disabled", wakeup is "wakeup_watermark", sample_period is "sample_freq"),
];

/// The members of a structure by name, those of its anonymous members among them: at which byte each begins.
fn members(btf: &Btf, ty: Type<'_>, base: u32, into: &mut BTreeMap<String, usize>) -> TestResult {
    for member in ty.members() {
        let bit = base + member.bit_offset;
        if member.name.is_empty() {
            members(btf, btf.resolve(member.ty)?, bit, into)?;
        } else {
            into.insert(member.name.to_owned(), bit as usize / 8);
        }
    }
    Ok(())
}

/// The members of the kernel's structure, or of the part of `bpf_attr`; none in a kernel without that.
fn of_kernel(btf: &Btf, layout: &Layout) -> Result<BTreeMap<String, usize>, Error> {
    let (name, kind) = layout.root;
    let root = btf.get(btf.find(name, kind).ok_or_else(|| format!("no {name}"))?)?;
    let mut found = BTreeMap::new();
    if layout.part.is_empty() {
        members(btf, root, 0, &mut found)?;
        return Ok(found);
    }
    for part in root.members() {
        found.clear();
        members(btf, btf.resolve(part.ty)?, 0, &mut found)?;
        if layout.part == part.name || found.contains_key(layout.part) {
            return Ok(found);
        }
    }
    Ok(BTreeMap::new())
}

fn held_against_types() -> TestResult {
    let btf = Kernel::host().btf()?;
    let mut held = 0;
    for layout in LAYOUTS {
        let theirs = of_kernel(&btf, layout)?;
        for (field, at) in layout.fields {
            match theirs.get(*field) {
                Some(there) => assert_eq!(at, there, "{}.{field}", layout.name),
                // Came later, where there was nothing or what we know by another name, too.
                None => {
                    let mut there = theirs.iter().filter(|(_, there)| *there == at);
                    let known = there.all(|(name, at)| layout.fields.contains(&(name.as_str(), *at)));
                    assert!(known, "{}.{field}: at {at}", layout.name);
                }
            }
            held += usize::from(theirs.contains_key(*field));
        }
    }
    assert!(held > 150, "{held} fields held against the kernel's");
    Ok(())
}
