//! Doors for tests: one that [records](Recorder), one that [fails](Faults), one that plays an
//! [older kernel](Older), one that plays [a kernel](Fake) where there is none.
//!
//! They stack: an older kernel that is not there and whose third call fails is
//! `Faults::nth(Arc::new(Older::new(Arc::new(Fake::new()), version)), 2, Errno::ENOMEM)`.

mod fake;
mod faults;
mod older;
mod recorder;

pub use fake::Fake;
pub use faults::{Fault, Faults};
pub use older::Older;
pub use recorder::{Recorded, Recorder};
