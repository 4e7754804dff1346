//! Loaders generated from objects, without a kernel to run them in.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is what the test asserts")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../loader_walk/mod.rs"]
mod loader_walk;

mod byte_order;
mod code;
mod damaged;
mod data;
mod many;
mod problems;

use oxbpf_obj::{LightLoader, LightOptions, MapOrigin, ObjectSpec};

/// The loader of an object that has one.
fn loader(spec: &ObjectSpec) -> LightLoader {
    let kconfig = spec.maps.iter().find(|map| map.origin == MapOrigin::Kconfig);
    let kconfig = kconfig.map(|map| vec![0x55; map.value_size as usize]);
    let mut options = LightOptions::default();
    options.kconfig = kconfig.as_deref();
    spec.light_loader(&options).unwrap_or_else(|error| panic!("{error}"))
}
