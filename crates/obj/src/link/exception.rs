//! Which function runs when a program throws.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::code::{Code, ExceptionTag};
use crate::error::LinkProblem;

/// The exception callbacks of an object's programs.
#[derive(Debug, Default)]
pub(super) struct Callbacks<'s> {
    /// By name of the program: the name of the callback, and whether it is the only one that is named.
    named: HashMap<&'s str, (&'s str, bool), FixedState>,
    /// Index of each function that is no program, by name.
    functions: HashMap<&'s str, usize, FixedState>,
    /// Whether something else than a program names one.
    elsewhere: bool,
}

impl<'s> Callbacks<'s> {
    pub(super) fn of(code: &'s Code) -> Self {
        let mut all = Self::default();
        for ExceptionTag { program, callback } in &code.exception_tags {
            match program {
                Some(program) => {
                    let known = all.named.entry(program).and_modify(|(_, alone)| *alone = false);
                    known.or_insert((callback, true));
                }
                None => all.elsewhere = true,
            }
        }
        if !all.named.is_empty() {
            let functions = code.functions.iter().enumerate().filter(|(_, function)| function.subprogram);
            for (index, function) in functions {
                all.functions.entry(code.name(function)).or_insert(index);
            }
        }
        all
    }

    /// Index of the function that runs when a program throws, if its object names one. Of several the verifier will say
    /// that they are too many.
    pub(super) fn of_program(&self, code: &Code, program: &str) -> Result<Option<usize>, LinkProblem> {
        if self.elsewhere {
            return Err(LinkProblem::TagElsewhere);
        }
        let Some((callback, alone)) = self.named.get(program) else { return Ok(None) };
        let name = || (*callback).to_owned();
        let index = self.functions.get(callback).copied();
        match index.and_then(|index| code.functions.get(index)) {
            None => Err(LinkProblem::NoCallback { name: name() }),
            Some(function) if !function.global || function.hidden => {
                Err(LinkProblem::CallbackNotGlobal { name: name() })
            }
            Some(_) => Ok(index.filter(|_| *alone)),
        }
    }
}
