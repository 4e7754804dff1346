//! Instructions from text: what [`disassemble`](super::disassemble) prints, read back.

mod cursor;
mod statement;

use super::Insn;
use cursor::Cursor;

/// Text that is no program.
///
/// `Display`: ``line 2, `r0 ?= 1`: expected an operator at `?= 1` ``.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, `{text}`: {problem}")]
pub struct TextError {
    /// The line, counted from 1.
    pub line: usize,
    /// What it says, its beginning if it is long.
    pub text: String,
    /// What is wrong with it.
    pub problem: TextProblem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextProblem {
    /// Something else should stand there.
    #[error("expected {what} {}", place(at))]
    Expected {
        /// What.
        what: &'static str,
        /// What stands there instead.
        at: String,
    },
    /// A number does not fit where it stands.
    #[error("{number} does not fit into {what}")]
    TooLarge {
        /// The number.
        number: i128,
        /// The field: `an offset of 16 bits`.
        what: &'static str,
    },
    /// The code in front of an instruction is that of another one.
    #[error("it says code {written:02x}, but the instruction has code {code:02x}")]
    Code {
        /// What the line says.
        written: u8,
        /// What the instruction has.
        code: u8,
    },
    /// No helper has this name.
    #[error("no helper is called `{name}`")]
    NoHelper {
        /// The name.
        name: String,
    },
}

fn place(at: &str) -> String {
    if at.is_empty() { "at the end".to_owned() } else { format!("at `{at}`") }
}

/// Reads a program, one instruction a line, in the style of the kernel's verifier: what
/// [`disassemble`](super::disassemble) prints gives the same instructions again.
///
/// The number and the code in front of an instruction may be there or not; a code has to be right. Left out are
/// empty lines and what comes after a `;`.
///
/// # Errors
/// [`TextError`] for the first line that is no instruction.
///
/// ```
/// use oxbpf_obj::insn::{Insn, assemble};
///
/// let program = assemble(
///     "; int pass(struct xdp_md *ctx)
///      0: (b7) r0 = 2      ; XDP_PASS
///      exit",
/// )?;
/// assert_eq!(program, [Insn::mov64_imm(0, 2), Insn::exit()]);
///
/// let error = assemble("r0 ?= 1").unwrap_err();
/// assert_eq!(error.to_string(), "line 1, `r0 ?= 1`: expected an operator at `?= 1`");
/// # Ok::<(), oxbpf_obj::insn::TextError>(())
/// ```
pub fn assemble(text: &str) -> Result<Vec<Insn>, TextError> {
    let mut program = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split(';').next().unwrap_or_default().trim();
        if code.is_empty() {
            continue;
        }
        let (insn, second) = read(code).map_err(|problem| {
            let text = code.chars().take(80).collect();
            TextError { line: index.saturating_add(1), text, problem }
        })?;
        program.push(insn);
        program.extend(second);
    }
    Ok(program)
}

/// A line: what may stand in front, and the instruction.
fn read(line: &str) -> Result<(Insn, Option<Insn>), TextProblem> {
    let mut cursor = Cursor::new(line);
    cursor.skip_index();
    let written = cursor.code()?;
    let (insn, second) = statement::statement(&mut cursor)?;
    cursor.end()?;
    match written {
        Some(written) if written != insn.code => Err(TextProblem::Code { written, code: insn.code }),
        _ => Ok((insn, second)),
    }
}
