//! The commands that ask.

use zerocopy::IntoBytes;

use super::State;
use super::objects::Kind;
use super::values::reopen;
use crate::uapi::{IdAttr, InfoAttr, RawBtfInfo, RawLinkInfo, RawMapInfo, RawProgInfo};
use crate::{Attr, Cmd, Errno, Reply};

impl State {
    pub(super) fn info(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: InfoAttr = attr.view();
        let object = self.objects.find_raw(a.bpf_fd)?;
        let id = object.id;
        let mut btf = Vec::new();
        let bytes = match &object.kind {
            Kind::Map(m) => {
                let info = RawMapInfo {
                    map_type: m.attr.map_type,
                    id,
                    key_size: m.attr.key_size,
                    value_size: m.attr.value_size,
                    max_entries: m.attr.max_entries,
                    map_flags: m.attr.map_flags,
                    name: m.attr.map_name,
                    ifindex: m.attr.map_ifindex,
                    btf_id: m.btf_id,
                    btf_key_type_id: m.attr.btf_key_type_id,
                    btf_value_type_id: m.attr.btf_value_type_id,
                    map_extra: m.attr.map_extra,
                    ..Default::default()
                };
                info.as_bytes().to_vec()
            }
            Kind::Prog(p) => {
                let info = RawProgInfo {
                    prog_type: p.attr.prog_type,
                    id,
                    name: p.attr.prog_name,
                    xlated_prog_len: p.insns.len() as u32,
                    btf_id: p.btf_id,
                    nr_func_info: p.attr.func_info_cnt,
                    nr_line_info: p.attr.line_info_cnt,
                    func_info_rec_size: 8,
                    line_info_rec_size: 16,
                    jited_line_info_rec_size: 8,
                    ..Default::default()
                };
                info.as_bytes().to_vec()
            }
            Kind::Btf(data) => {
                btf.clone_from(data);
                RawBtfInfo { btf_size: data.len() as u32, id, ..Default::default() }.as_bytes().to_vec()
            }
            Kind::Link(l) => {
                let mut info =
                    RawLinkInfo { link_type: l.link_type, id, prog_id: l.prog_id, ..Default::default() };
                let words = info.extra.as_mut_bytes();
                words[..4].copy_from_slice(&l.target.to_ne_bytes());
                words[4..8].copy_from_slice(&l.attach_type.to_ne_bytes());
                info.as_bytes().to_vec()
            }
            Kind::PerfEvent | Kind::Other => return Err(Errno::EINVAL),
        };
        let name = match &object.kind {
            Kind::Link(l) => l.name.clone(),
            _ => Vec::new(),
        };
        for (field, content) in [("btf", &btf), ("tp_name", &name)] {
            if let Some(out) = attr.bytes_mut(field) {
                let n = out.len().min(content.len());
                out[..n].copy_from_slice(&content[..n]);
            }
        }
        let out = attr.bytes_mut("info").ok_or(Errno::EFAULT)?;
        let n = out.len().min(bytes.len());
        out[..n].copy_from_slice(&bytes[..n]);
        attr.answer(&InfoAttr { info_len: n as u32, ..a });
        Ok(Reply::Value(0))
    }

    pub(super) fn next_id(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: IdAttr = attr.view();
        if a.id >= i32::MAX.cast_unsigned() {
            return Err(Errno::EINVAL);
        }
        let cmd = attr.cmd();
        let alive = self.objects.alive();
        let next = alive
            .range(a.id.saturating_add(1)..)
            .find(|(_, (inode, _))| self.objects.by_inode(*inode).is_some_and(|o| is_of(&o.kind, cmd)));
        let (id, _) = next.ok_or(Errno::ENOENT)?;
        attr.answer(&IdAttr { next_id: *id, ..a });
        Ok(Reply::Value(0))
    }

    pub(super) fn fd_by_id(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: IdAttr = attr.view();
        let cmd = attr.cmd();
        let Some((inode, number)) = self.objects.alive().get(&a.id).copied() else {
            let is_btf = cmd == Cmd::BTF_GET_FD_BY_ID;
            return if is_btf { self.objects.reopen_btf(a.id).map(Reply::Fd) } else { Err(Errno::ENOENT) };
        };
        if !self.objects.by_inode(inode).is_some_and(|o| is_of(&o.kind, cmd)) {
            return Err(Errno::ENOENT);
        }
        reopen(number).map(Reply::Fd)
    }
}

/// Whether a command about ids is for objects of this kind.
fn is_of(kind: &Kind, cmd: Cmd) -> bool {
    match kind {
        Kind::Prog(_) => matches!(cmd, Cmd::PROG_GET_NEXT_ID | Cmd::PROG_GET_FD_BY_ID),
        Kind::Map(_) => matches!(cmd, Cmd::MAP_GET_NEXT_ID | Cmd::MAP_GET_FD_BY_ID),
        Kind::Btf(_) => matches!(cmd, Cmd::BTF_GET_NEXT_ID | Cmd::BTF_GET_FD_BY_ID),
        Kind::Link(_) => matches!(cmd, Cmd::LINK_GET_NEXT_ID | Cmd::LINK_GET_FD_BY_ID),
        Kind::PerfEvent | Kind::Other => false,
    }
}
