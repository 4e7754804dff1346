//! Instructions as text and back, and written by hand.

mod assembler;
mod disasm;
mod every;
mod text;
