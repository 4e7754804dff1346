//! 50 objects linked to one, from files to a file.

use std::fs;
use std::path::Path;

use super::{LIBBPF, Settings, fresh_kernel};
use crate::pair::{Outcome, medians, timed};
use crate::row::Row;
use crate::{generated, libbpf};

pub(super) fn rows(settings: &Settings) -> Outcome<Vec<Row>> {
    let objects = generated::units(&fresh_kernel().btf()?)?;
    let folder = objects[0].parent().unwrap_or(Path::new("."));
    let [ours, theirs] = ["ours", "theirs"].map(|whose| folder.join(format!("linked-by-{whose}.o")));
    let times = medians(
        settings.rounds(15),
        || timed(|| Ok(fs::write(&ours, oxbpf::link_objects(&objects)?)?)),
        || timed(|| Ok(libbpf::link(&objects, &theirs)?)),
    )?;
    if fs::read(&ours)? != fs::read(&theirs)? {
        return Err(format!("{} is not {}", ours.display(), theirs.display()).into());
    }
    Ok(vec![Row::times("objects-link-50", LIBBPF, times, Some(0.5))])
}
