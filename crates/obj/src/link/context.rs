//! Arguments that are the program's context, told to kernels that do not know the tag `arg:ctx` (before 6.8): those go by
//! the name of the struct that such an argument points to.

use std::collections::BTreeMap;

use oxbpf_btf::{BtfBuilder, Kind};

use super::ProgramImage;
use crate::code::CONTEXT_TAG;
use crate::uapi::ProgramType as P;
use crate::{Btf, Error, ObjectSpec, TypeId};

/// Arguments of functions that kernels take; a file may have functions of many more, which all share one prototype.
const MOST_ARGUMENTS: u32 = 12;
/// Linkage of a function that is global.
const GLOBAL: u32 = 1;

impl ObjectSpec {
    /// Whether arguments of its functions have the tag `arg:ctx`, which kernels know since 6.8.
    pub fn has_context_tags(&self) -> bool {
        self.code.has_context_tags
    }

    /// For kernels that do not know the tag `arg:ctx` (before 6.8): types in which the tagged arguments of the global
    /// functions that `images` are made of point to what such a kernel takes for the context, and to which the function
    /// info of the images refers from now on. They continue the object's own; `None` if nothing had to be changed.
    ///
    /// # Errors
    /// Too many types.
    pub fn spell_out_contexts(&self, images: &mut [ProgramImage]) -> Result<Option<Btf>, Error> {
        let Some(btf) = &self.btf else { return Ok(None) };
        let tagged = tagged(btf);
        if tagged.is_empty() {
            return Ok(None);
        }
        let mut all = Contexts { btf, builder: BtfBuilder::from(btf), pointers: BTreeMap::new() };
        let mut made: BTreeMap<(TypeId, u32), TypeId> = BTreeMap::new();
        for image in images {
            let Some(program) = self.programs.get(image.program) else { continue };
            let Some(context) = context_of(program.prog_type) else { continue };
            for info in &mut image.func_info {
                let Some(args) = tagged.get(&info.ty) else { continue };
                let key = (info.ty, program.prog_type.0);
                info.ty = match made.get(&key) {
                    Some(made) => *made,
                    None => {
                        let id = all.spelt_out(info.ty, args, program.prog_type, context);
                        *made.entry(key).or_insert(id.map_err(Error::btf)?)
                    }
                };
            }
        }
        if made.iter().all(|((before, _), after)| before == after) {
            return Ok(None);
        }
        all.builder.build_as(btf.endian()).map(Some).map_err(Error::btf)
    }
}

/// The tagged arguments of global functions.
fn tagged(btf: &Btf) -> BTreeMap<TypeId, Vec<usize>> {
    let mut all: BTreeMap<TypeId, Vec<usize>> = BTreeMap::new();
    for tag in btf.types_of(Kind::DeclTag) {
        let argument = tag.component().and_then(|index| usize::try_from(index).ok());
        let (Some(argument), Some(function)) = (argument, tag.target()) else { continue };
        if tag.name() != CONTEXT_TAG {
            continue;
        }
        let is_global =
            |id| btf.get(id).is_ok_and(|ty| ty.kind() == Kind::Func && ty.linkage() == Some(GLOBAL));
        if is_global(function) {
            all.entry(function).or_default().push(argument);
        }
    }
    all
}

struct Contexts<'b> {
    btf: &'b Btf,
    builder: BtfBuilder,
    /// Pointers to structs of these names.
    pointers: BTreeMap<&'static str, TypeId>,
}

impl Contexts<'_> {
    /// The function with the context where its tagged arguments say so; itself if they do already.
    fn spelt_out(
        &mut self,
        function: TypeId,
        tagged: &[usize],
        prog_type: P,
        context: &'static str,
    ) -> Result<TypeId, oxbpf_btf::Error> {
        let btf = self.btf;
        let ty = btf.get(function)?;
        let proto = ty.target().and_then(|id| btf.get(id).ok()).filter(|ty| ty.vlen() <= MOST_ARGUMENTS);
        let Some(proto) = proto else { return Ok(function) };
        let mut params: Vec<_> = proto.params().map(|param| (param.name, param.ty)).collect();
        let mut changed = Vec::new();
        for &argument in tagged {
            let Some((_, param)) = params.get_mut(argument) else { continue };
            if !is_unspoken(btf, *param, prog_type, context) {
                continue;
            }
            *param = self.pointer(context)?;
            changed.push(argument);
        }
        if changed.is_empty() {
            return Ok(function);
        }
        let result = proto.target().unwrap_or_default();
        let proto = self.builder.add_func_proto(result, params)?;
        let function = self.builder.add_func(ty.name(), GLOBAL, proto)?;
        for argument in changed.into_iter().filter_map(|argument| u16::try_from(argument).ok()) {
            self.builder.add_decl_tag(CONTEXT_TAG, function, Some(argument), false)?;
        }
        Ok(function)
    }

    fn pointer(&mut self, context: &'static str) -> Result<TypeId, oxbpf_btf::Error> {
        if let Some(known) = self.pointers.get(context) {
            return Ok(*known);
        }
        let to = self.builder.add_struct(context, 0, [])?;
        let pointer = self.builder.add_ptr(to)?;
        self.pointers.insert(context, pointer);
        Ok(pointer)
    }
}

/// Whether an argument can be the context and does not say so by its type.
fn is_unspoken(btf: &Btf, param: TypeId, prog_type: P, context: &str) -> bool {
    let pointer = btf.resolve(param).ok().filter(|ty| ty.kind() == Kind::Ptr);
    let Some(target) = pointer.and_then(|ty| ty.target()) else { return false };
    let has_registers = matches!(prog_type, P::KPROBE | P::PERF_EVENT);
    if has_registers && named(btf, target) == Some("bpf_user_pt_regs_t") {
        return false;
    }
    let Ok(to) = btf.resolve(target) else { return false };
    let registers = if prog_type == P::KPROBE { "pt_regs" } else { REGISTERS };
    match to.kind() {
        Kind::Void => true,
        Kind::Struct if to.name() == context => false,
        Kind::Struct => has_registers && to.name() == registers,
        Kind::Int => {
            matches!(prog_type, P::RAW_TRACEPOINT | P::RAW_TRACEPOINT_WRITABLE) && to.size() == Some(8)
        }
        _ => false,
    }
}

/// The name of a typedef behind qualifiers.
fn named(btf: &Btf, mut id: TypeId) -> Option<&str> {
    /// As deep as chains of qualifiers go.
    const DEPTH: usize = 32;
    for _ in 0..DEPTH {
        let ty = btf.get(id).ok()?;
        if ty.kind() == Kind::Typedef {
            return Some(ty.name());
        }
        id = ty.target().filter(|_| ty.kind().is_modifier())?;
    }
    None
}

/// The registers of a user program, as this machine's kernel calls them.
const REGISTERS: &str = if cfg!(any(target_arch = "aarch64", target_arch = "s390x")) {
    "user_pt_regs"
} else if cfg!(any(target_arch = "riscv64", target_arch = "loongarch64")) {
    "user_regs_struct"
} else {
    "pt_regs"
};

/// What kernels call the context of programs of a type, where it has a name.
fn context_of(prog_type: P) -> Option<&'static str> {
    Some(match prog_type {
        P::CGROUP_DEVICE => "bpf_cgroup_dev_ctx",
        P::CGROUP_SOCK => "bpf_sock",
        P::CGROUP_SOCK_ADDR => "bpf_sock_addr",
        P::CGROUP_SOCKOPT => "bpf_sockopt",
        P::CGROUP_SYSCTL => "bpf_sysctl",
        P::KPROBE => "bpf_user_pt_regs_t",
        P::NETFILTER => "bpf_nf_ctx",
        P::PERF_EVENT => "bpf_perf_event_data",
        P::RAW_TRACEPOINT | P::RAW_TRACEPOINT_WRITABLE => "bpf_raw_tracepoint_args",
        P::SK_LOOKUP => "bpf_sk_lookup",
        P::SK_MSG => "sk_msg_md",
        P::SK_REUSEPORT => "sk_reuseport_md",
        P::SOCK_OPS => "bpf_sock_ops",
        P::XDP => "xdp_md",
        P::CGROUP_SKB
        | P::FLOW_DISSECTOR
        | P::LWT_IN
        | P::LWT_OUT
        | P::LWT_SEG6LOCAL
        | P::LWT_XMIT
        | P::SCHED_ACT
        | P::SCHED_CLS
        | P::SK_SKB
        | P::SOCKET_FILTER => "__sk_buff",
        _ => return None,
    })
}
