//! What a loader cannot be generated for.

use thiserror::Error as ThisError;

/// Something about an object that a loader cannot do.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum LightProblem {
    /// A map.
    #[error("map {map}: {reason}")]
    Map {
        /// Its name.
        map: String,
        /// Why.
        reason: &'static str,
    },
    /// An initial entry of a map of maps.
    #[error("map {map}: the map for slot {index} is not created")]
    Slot {
        /// Its name.
        map: String,
        /// The key.
        index: u32,
    },
    /// A program.
    #[error("program {program}: {reason}")]
    Program {
        /// Its name.
        program: String,
        /// Why.
        reason: &'static str,
    },
    /// The object has `__kconfig` externs.
    #[error(
        "the values of the kernel's configuration that it asks for are not given (LightOptions::kconfig)"
    )]
    Kconfig,
    /// The context has room for about 2,000 maps or 8,000 programs.
    #[error("it has too many maps, programs or symbols for one loader")]
    TooMany,
    /// Maps hold 512 MiB at most that programs can point to.
    #[error("its data is too large for one map")]
    TooMuchData,
}
