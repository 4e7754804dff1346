//! The fields of what calls make.

use std::collections::BTreeMap;

use oxbpf_obj::{MapType, insn::opcode};
use oxbpf_sys::uapi::{MapCreateAttr, MapElemAttr, ProgLoadAttr};

use super::{Builder, Field, Name, Thing};
use crate::calls::Call;

/// How a call ended.
fn result(call: &Call) -> Field {
    Field::Text(match call.result {
        Ok(_) => "made".to_owned(),
        Err(errno) => format!("refused: {}", std::io::Error::from_raw_os_error(errno)),
    })
}

pub(super) fn of_btf(call: &Call) -> Thing {
    BTreeMap::from([("btf", Field::Bytes(call.bytes("btf").to_vec())), ("result", result(call))])
}

fn number(value: impl Into<u64>) -> Field {
    Field::Number(value.into())
}

impl Builder<'_> {
    fn fd(&self, call: &Call, fd: u32) -> Field {
        Field::Text(self.label(call, fd))
    }

    pub(super) fn map_fields(&self, call: &Call) -> Thing {
        let map: MapCreateAttr = call.view();
        // Without one of the types the kernel does not look at the BTF.
        let typed = map.btf_key_type_id | map.btf_value_type_id | map.btf_vmlinux_value_type_id != 0;
        BTreeMap::from([
            ("map_type", number(map.map_type)),
            ("key_size", number(map.key_size)),
            ("value_size", number(map.value_size)),
            ("max_entries", number(map.max_entries)),
            ("map_flags", number(map.map_flags)),
            ("inner_map_fd", self.fd(call, map.inner_map_fd)),
            ("numa_node", number(map.numa_node)),
            ("map_ifindex", number(map.map_ifindex)),
            ("btf_fd", if typed { self.fd(call, map.btf_fd) } else { number(0_u32) }),
            ("btf_key_type_id", number(map.btf_key_type_id)),
            ("btf_value_type_id", number(map.btf_value_type_id)),
            ("btf_vmlinux_value_type_id", number(map.btf_vmlinux_value_type_id)),
            ("map_extra", number(map.map_extra)),
            ("value_type_btf_obj_fd", self.fd(call, map.value_type_btf_obj_fd)),
            ("map_token_fd", number(map.map_token_fd)),
            ("excl_prog_hash", Field::Bytes(call.bytes("excl_prog_hash").to_vec())),
            ("result", result(call)),
        ])
    }

    /// Without `kern_version`: libbpf gives that of the running kernel to all programs, oxbpf to those of kprobes on
    /// kernels before 5.0, which are the only ones that look.
    pub(super) fn program_fields(&self, call: &Call) -> Thing {
        let prog: ProgLoadAttr = call.view();
        BTreeMap::from([
            ("prog_type", number(prog.prog_type)),
            ("insns", self.insns(call)),
            ("license", Field::Text(String::from_utf8_lossy(call.bytes("license")).into_owned())),
            ("prog_flags", number(prog.prog_flags)),
            ("prog_ifindex", number(prog.prog_ifindex)),
            ("expected_attach_type", number(prog.expected_attach_type)),
            ("prog_btf_fd", self.fd(call, prog.prog_btf_fd)),
            ("func_info_rec_size", number(prog.func_info_rec_size)),
            ("func_info", Field::Bytes(call.bytes("func_info").to_vec())),
            ("line_info_rec_size", number(prog.line_info_rec_size)),
            ("line_info", Field::Bytes(call.bytes("line_info").to_vec())),
            ("attach_btf_id", number(prog.attach_btf_id)),
            ("attach_prog_fd", self.fd(call, prog.attach_prog_fd)),
            ("core_relos", Field::Bytes(call.bytes("core_relos").to_vec())),
            ("prog_token_fd", number(prog.prog_token_fd)),
            ("fd_array_cnt", number(prog.fd_array_cnt)),
            ("signature_size", number(prog.signature_size)),
            ("result", result(call)),
        ])
    }

    /// The instructions, with 0 in place of each descriptor, and what it stood for.
    fn insns(&self, call: &Call) -> Field {
        let mut insns = call.insns();
        let mut notes = BTreeMap::new();
        let array = call.fd_array();
        let of_array = |at: usize| array.get(at).map_or(u32::MAX, |fd| fd.cast_unsigned());
        for at in 0..insns.len() {
            let insn = insns[at];
            if insn.is_kfunc_call() && insn.off > 0 {
                notes.insert(at, self.label(call, of_array(insn.off as usize)));
                insns[at].off = 1;
            }
            if !insn.is_ldimm64() {
                continue;
            }
            match insn.src() {
                opcode::PSEUDO_MAP_FD | opcode::PSEUDO_MAP_VALUE => {
                    notes.insert(at, self.label(call, insn.imm.cast_unsigned()));
                    insns[at].imm = 0;
                }
                opcode::PSEUDO_MAP_IDX | opcode::PSEUDO_MAP_IDX_VALUE => {
                    notes.insert(at, self.label(call, of_array(insn.imm as usize)));
                    insns[at].imm = 0;
                }
                opcode::PSEUDO_BTF_ID => {
                    if let Some(high) = insns.get_mut(at + 1) {
                        notes.insert(at, self.label(call, high.imm.cast_unsigned()));
                        high.imm = 0;
                    }
                }
                _ => {}
            }
        }
        Field::Insns(insns, notes)
    }

    /// The value that an update of a struct_ops map has, with 0 in place of the descriptors of programs, and which these
    /// are. Empty for other maps.
    pub(super) fn struct_ops_value(&self, call: &Call) -> Vec<u8> {
        let update: MapElemAttr = call.view();
        let mut value = call.bytes("value").to_vec();
        let mut programs = Vec::new();
        for word in value.as_chunks_mut::<8>().0 {
            let Ok(fd) = u32::try_from(u64::from_ne_bytes(*word)) else { continue };
            if fd != update.map_fd && call.fd(fd.cast_signed()).is_some() {
                programs.push(self.label(call, fd));
                *word = [0xff; 8];
            }
        }
        if programs.is_empty() {
            return Vec::new();
        }
        value.extend(programs.join(", ").into_bytes());
        value
    }

    /// Puts names in place of the ids that maps of maps and of programs hold.
    pub(super) fn name_values(&self, call: &Call, elements: &mut [(Vec<u8>, Vec<u8>)]) {
        let kind = match MapType(call.view::<MapCreateAttr>().map_type) {
            MapType::ARRAY_OF_MAPS | MapType::HASH_OF_MAPS => "map",
            MapType::PROG_ARRAY => "program",
            _ => return,
        };
        for (_, value) in elements {
            let id = value.first_chunk().map_or(0, |id| u32::from_ne_bytes(*id));
            let name = self.ids.get(&(kind, id)).map_or("another".to_owned(), Name::to_string);
            *value = name.into_bytes();
        }
    }
}
