//! The commands but for those on maps and those that ask.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use oxbpf_btf::Btf;

use super::objects::{Inode, Kind, Link, Object, Prog, inode};
use super::values::reopen;
use super::{BPFFS, State};
use crate::uapi::{
    AttachType, EnableStatsAttr, FdPairAttr, IterCreateAttr, LinkCreateAttr, LinkDetachAttr, LinkType,
    LinkUpdateAttr, ObjAttr, ProgAttachAttr, ProgLoadAttr, ProgQueryAttr, RawTracepointAttr,
};
use crate::{Attr, Cmd, Errno, ProgramType, Reply};

impl State {
    pub(super) fn bpf(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        match attr.cmd() {
            Cmd::MAP_CREATE => self.map_create(attr),
            Cmd::MAP_LOOKUP_ELEM
            | Cmd::MAP_UPDATE_ELEM
            | Cmd::MAP_DELETE_ELEM
            | Cmd::MAP_GET_NEXT_KEY
            | Cmd::MAP_LOOKUP_AND_DELETE_ELEM
            | Cmd::MAP_FREEZE => self.map_elem(attr),
            Cmd::MAP_LOOKUP_BATCH
            | Cmd::MAP_LOOKUP_AND_DELETE_BATCH
            | Cmd::MAP_UPDATE_BATCH
            | Cmd::MAP_DELETE_BATCH => self.map_batch(attr),
            Cmd::PROG_LOAD => self.prog_load(attr),
            Cmd::BTF_LOAD => self.btf_load(attr),
            Cmd::OBJ_PIN | Cmd::OBJ_GET => self.pin(attr),
            Cmd::PROG_ATTACH | Cmd::PROG_DETACH => self.attach(attr),
            Cmd::PROG_QUERY => self.query(attr),
            Cmd::RAW_TRACEPOINT_OPEN => self.raw_tracepoint(attr),
            Cmd::LINK_CREATE => self.link_create(attr),
            Cmd::LINK_UPDATE => self.link_update(attr),
            Cmd::LINK_DETACH => {
                self.objects.find_raw(attr.view::<LinkDetachAttr>().link_fd)?.link()?;
                Ok(Reply::Value(0))
            }
            Cmd::ITER_CREATE => {
                self.objects.find_raw(attr.view::<IterCreateAttr>().link_fd)?.link()?;
                self.objects.add(Kind::Other).map(Reply::Fd)
            }
            Cmd::ENABLE_STATS => match attr.view::<EnableStatsAttr>().stats_type {
                0 => self.objects.add(Kind::Other).map(Reply::Fd),
                _ => Err(Errno::EINVAL),
            },
            Cmd::PROG_BIND_MAP => {
                let pair: FdPairAttr = attr.view();
                self.objects.find_raw(pair.first_fd)?.prog()?;
                self.objects.find_raw(pair.second_fd)?.map()?;
                Ok(Reply::Value(0))
            }
            Cmd::OBJ_GET_INFO_BY_FD => self.info(attr),
            Cmd::PROG_GET_NEXT_ID | Cmd::MAP_GET_NEXT_ID | Cmd::BTF_GET_NEXT_ID | Cmd::LINK_GET_NEXT_ID => {
                self.next_id(attr)
            }
            Cmd::PROG_GET_FD_BY_ID
            | Cmd::MAP_GET_FD_BY_ID
            | Cmd::BTF_GET_FD_BY_ID
            | Cmd::LINK_GET_FD_BY_ID => self.fd_by_id(attr),
            // Nothing runs here.
            Cmd::PROG_TEST_RUN => Err(Errno::ENOTSUPP),
            Cmd::TASK_FD_QUERY | Cmd::TOKEN_CREATE => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EINVAL),
        }
    }

    fn prog_load(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: ProgLoadAttr = attr.view();
        let insns = attr.bytes("insns").unwrap_or_default().to_vec();
        if insns.is_empty() || ProgramType(a.prog_type).name().is_none() || a.prog_type == 0 {
            return Err(Errno::EINVAL);
        }
        let btf_id = self.objects.btf_id(a.prog_btf_fd)?;
        if (a.func_info_cnt > 0 || a.line_info_cnt > 0) && btf_id == 0 {
            return Err(Errno::EBADF);
        }
        self.check_maps(&insns)?;
        let btf = match (btf_id != 0).then(|| self.objects.find_raw(a.prog_btf_fd)).transpose()? {
            Some(Object { kind: Kind::Btf(types), .. }) => types.clone(),
            _ => Vec::new(),
        };
        let prog = Prog { attr: a, insns, btf_id, btf };
        self.objects.add(Kind::Prog(Box::new(prog))).map(Reply::Fd)
    }

    /// That the maps are there which instructions name by descriptor.
    fn check_maps(&mut self, insns: &[u8]) -> Result<(), Errno> {
        const LD_IMM64: u8 = 0x18;
        let mut at = 0;
        while let Some([code, regs, _, _, imm @ ..]) = insns.get(at..at + 8) {
            let src = if cfg!(target_endian = "little") { regs >> 4 } else { regs & 0xf };
            if *code == LD_IMM64 && matches!(src, 1 | 2) {
                let fd = u32::from_ne_bytes(imm.try_into().map_err(|_| Errno::EINVAL)?);
                self.objects.find_raw(fd)?.map()?;
            }
            at += if *code == LD_IMM64 { 16 } else { 8 };
        }
        Ok(())
    }

    fn btf_load(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let bytes = attr.bytes("btf").unwrap_or_default().to_vec();
        if let Err(e) = Btf::parse(bytes.as_slice()) {
            let text = format!("{e}\n\0");
            if let Some(log) = attr.bytes_mut("btf_log_buf") {
                let n = log.len().min(text.len());
                log[..n].copy_from_slice(&text.as_bytes()[..n]);
            }
            return Err(Errno::EINVAL);
        }
        self.objects.add(Kind::Btf(bytes)).map(Reply::Fd)
    }

    fn pin(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: ObjAttr = attr.view();
        let name = attr.bytes("pathname").and_then(|b| b.split_last()).ok_or(Errno::EFAULT)?.1;
        let path = PathBuf::from(OsStr::from_bytes(name));
        if attr.cmd() == Cmd::OBJ_GET {
            let pinned = self.objects.pins.get(&path).ok_or(Errno::ENOENT)?;
            return Ok(Reply::Fd(rustix::io::fcntl_dupfd_cloexec(pinned, 3)?));
        }
        let inode = inode(a.bpf_fd)?;
        let object = self.objects.by_inode(inode).ok_or(Errno::EINVAL)?;
        if let Kind::Btf(_) | Kind::PerfEvent | Kind::Other = object.kind {
            return Err(Errno::EINVAL);
        }
        if !path.starts_with(BPFFS) || path.file_name().is_some_and(|name| name.as_bytes().contains(&b'.')) {
            return Err(Errno::EPERM);
        }
        if self.objects.pins.contains_key(&path) {
            return Err(Errno::EEXIST);
        }
        self.objects.pins.insert(path, reopen(a.bpf_fd)?);
        Ok(Reply::Value(0))
    }

    fn attach(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: ProgAttachAttr = attr.view();
        let prog = inode(a.attach_bpf_fd)?;
        self.objects.find_raw(a.attach_bpf_fd)?.prog()?;
        let row = (a.target_fd, a.attach_type, prog);
        let attached = &mut self.objects.attached;
        let at = attached.iter().position(|r| *r == row);
        match (attr.cmd(), at) {
            (Cmd::PROG_ATTACH, None) => attached.push(row),
            (Cmd::PROG_ATTACH, Some(_)) => return Err(Errno::EINVAL),
            (_, Some(i)) => drop(attached.remove(i)),
            (_, None) => return Err(Errno::ENOENT),
        }
        Ok(Reply::Value(0))
    }

    fn query(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: ProgQueryAttr = attr.view();
        let here = |r: &&(u32, u32, Inode)| r.0 == a.target_fd && r.1 == a.attach_type;
        let inodes: Vec<Inode> = self.objects.attached.iter().filter(here).map(|r| r.2).collect();
        let ids: Vec<u32> = inodes.iter().filter_map(|i| self.objects.by_inode(*i).map(|o| o.id)).collect();
        let fits = ids.len() <= a.count as usize;
        if let Some(out) = attr.bytes_mut("prog_ids") {
            for (slot, id) in out.chunks_exact_mut(4).zip(&ids) {
                slot.copy_from_slice(&id.to_ne_bytes());
            }
        }
        attr.answer(&ProgQueryAttr { count: ids.len() as u32, ..a });
        if fits || a.count == 0 { Ok(Reply::Value(0)) } else { Err(Errno::ENOSPC) }
    }

    fn raw_tracepoint(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: RawTracepointAttr = attr.view();
        let name = attr.bytes("name").unwrap_or_default().to_vec();
        let link_type = if name.is_empty() { LinkType::TRACING } else { LinkType::RAW_TRACEPOINT };
        let prog = self.objects.find_raw(a.prog_fd)?;
        let (prog_id, attach_type) = (prog.id, prog.prog()?.attr.expected_attach_type);
        let link = Link { link_type: link_type.0, prog_id, target: 0, attach_type, name };
        self.objects.add(Kind::Link(link)).map(Reply::Fd)
    }

    fn link_create(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: LinkCreateAttr = attr.view();
        let struct_ops = AttachType(a.attach_type) == AttachType::STRUCT_OPS;
        let object = self.objects.find_raw(a.prog_fd)?;
        let id = object.id;
        if struct_ops {
            object.map()?;
        } else {
            object.prog()?;
        }
        let link_type = link_type(AttachType(a.attach_type));
        if link_type == LinkType::PERF_EVENT {
            self.objects.find_raw(a.target_fd)?.perf_event().map_err(|_| Errno::EINVAL)?;
        }
        let link = Link {
            link_type: link_type.0,
            prog_id: if struct_ops { 0 } else { id },
            target: if struct_ops { id } else { a.target_fd },
            attach_type: a.attach_type,
            name: Vec::new(),
        };
        self.objects.add(Kind::Link(link)).map(Reply::Fd)
    }

    fn link_update(&mut self, attr: &mut Attr<'_>) -> Result<Reply, Errno> {
        let a: LinkUpdateAttr = attr.view();
        let new = self.objects.find_raw(a.new_prog_fd)?.id;
        let old = if a.old_prog_fd == 0 { None } else { Some(self.objects.find_raw(a.old_prog_fd)?.id) };
        let link = self.objects.find_raw(a.link_fd)?.link()?;
        if old.is_some_and(|o| o != link.prog_id) {
            return Err(Errno::EPERM);
        }
        link.prog_id = new;
        Ok(Reply::Value(0))
    }
}

/// The kind of link that an attach type makes.
fn link_type(attach: AttachType) -> LinkType {
    match attach {
        AttachType::PERF_EVENT => LinkType::PERF_EVENT,
        AttachType::XDP => LinkType::XDP,
        AttachType::TRACE_ITER => LinkType::ITER,
        AttachType::STRUCT_OPS => LinkType::STRUCT_OPS,
        AttachType::NETFILTER => LinkType::NETFILTER,
        AttachType::TRACE_KPROBE_MULTI | AttachType::TRACE_KPROBE_SESSION => LinkType::KPROBE_MULTI,
        AttachType::TRACE_UPROBE_MULTI | AttachType::TRACE_UPROBE_SESSION => LinkType::UPROBE_MULTI,
        AttachType::TCX_INGRESS | AttachType::TCX_EGRESS => LinkType::TCX,
        AttachType::NETKIT_PRIMARY | AttachType::NETKIT_PEER => LinkType::NETKIT,
        AttachType::FLOW_DISSECTOR | AttachType::SK_LOOKUP => LinkType::NETNS,
        AttachType::TRACE_RAW_TP
        | AttachType::TRACE_FENTRY
        | AttachType::TRACE_FEXIT
        | AttachType::MODIFY_RETURN
        | AttachType::LSM_MAC => LinkType::TRACING,
        _ => LinkType::CGROUP,
    }
}
