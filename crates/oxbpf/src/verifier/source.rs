//! Where an instruction comes from, by the line info of the program.

use oxbpf_obj::{Btf, ProgramImage};

use super::SourceLine;

/// The line of source that instruction `insn` was made from.
pub(super) fn line_of(image: &ProgramImage, btf: &Btf, insn: usize) -> Option<SourceLine> {
    let next = image.line_info.partition_point(|info| info.insn_off as usize <= insn);
    let info = image.line_info.get(next.checked_sub(1)?)?;
    let text = |offset| Some(btf.str_lossy_at(offset).ok()?.trim().to_owned());
    Some(SourceLine {
        file: text(info.file_name_off).filter(|file| !file.is_empty()),
        line: Some(info.line()).filter(|line| *line > 0),
        text: text(info.line_off).unwrap_or_default(),
    })
}

/// The function that instruction `insn` is in.
pub(super) fn function_of(image: &ProgramImage, insn: usize) -> Option<&str> {
    let next = image.functions.partition_point(|(_, start)| *start <= insn);
    image.functions.get(next.checked_sub(1)?).map(|(name, _)| name.as_str())
}
