//! The programs of an object, ready to be loaded.

use std::borrow::Cow;

use oxbpf_obj::{Linker, ObjectSpec, ProgramImage};

use super::maps::Maps;
use crate::error::{Error, Result};

/// Programs to load: each is an index in the spec, and what the kernel is given for it.
pub(super) enum Images<'s> {
    /// Complete.
    Made(Vec<ProgramImage>),
    /// Made when they are asked for: an object has many programs, and they are loaded one or a few at a time.
    OneByOne { spec: &'s ObjectSpec, linker: Linker<'s> },
}

impl<'s> Images<'s> {
    /// One by one if images can be completed so.
    pub(super) fn new(spec: &'s ObjectSpec, linker: Linker<'s>) -> Result<Self> {
        // A map that is for one program has to be told the digest of its image.
        if linker.needs_only_maps() && spec.maps.iter().all(|map| map.exclusive.is_none()) {
            return Ok(Self::OneByOne { spec, linker });
        }
        all(spec, &linker).map(Self::Made)
    }

    /// Those that were made: none if they are made one by one.
    pub(super) fn made(&self) -> &[ProgramImage] {
        match self {
            Self::Made(images) => images,
            Self::OneByOne { .. } => &[],
        }
    }

    pub(super) fn made_mut(&mut self) -> &mut [ProgramImage] {
        match self {
            Self::Made(images) => images,
            Self::OneByOne { .. } => &mut [],
        }
    }

    /// All of them, complete.
    pub(super) fn into_made(self, maps: &Maps) -> Result<Vec<ProgramImage>> {
        match self {
            Self::Made(images) => Ok(images),
            Self::OneByOne { spec, linker } => {
                let mut images = all(spec, &linker)?;
                images.iter_mut().for_each(|image| maps.write_into(image));
                Ok(images)
            }
        }
    }

    /// Which programs there are, in the order of the spec.
    pub(super) fn programs(&self) -> Vec<usize> {
        match self {
            Self::Made(images) => images.iter().map(|image| image.program).collect(),
            Self::OneByOne { spec, .. } => spec.loaded_programs().map(|(index, _)| index).collect(),
        }
    }

    /// How many instructions there are to verify, about: a program counts for `each` at least.
    pub(super) fn work(&self, each: usize) -> usize {
        match self {
            Self::Made(images) => images.iter().map(|image| image.insns.len().max(each)).sum(),
            Self::OneByOne { spec, linker } => {
                let own = spec.loaded_programs().map(|(_, program)| program.insns().len().max(each));
                own.sum::<usize>() + linker.callable_insns()
            }
        }
    }

    /// The image at this place among [`programs`](Self::programs), which says `program`, complete.
    pub(super) fn get(&self, place: usize, program: usize, maps: &Maps) -> Result<Cow<'_, ProgramImage>> {
        match self {
            Self::Made(images) => Ok(Cow::Borrowed(&images[place])),
            Self::OneByOne { spec, linker } => {
                let mut image = linker.image(program).map_err(|source| failed(spec, source))?;
                maps.write_into(&mut image);
                Ok(Cow::Owned(image))
            }
        }
    }
}

fn all(spec: &ObjectSpec, linker: &Linker<'_>) -> Result<Vec<ProgramImage>> {
    let made = spec.loaded_programs().map(|(index, _)| linker.image(index));
    made.collect::<Result<_, _>>().map_err(|source| failed(spec, source))
}

fn failed(spec: &ObjectSpec, source: oxbpf_obj::Error) -> Error {
    Error::Link { object: spec.name.clone(), source }
}
