//! The kernel's numbers for maps, programs, attach points and their flags.
//!
//! The kernel adds to these lists in every release, so each is an open enum: a `u32` with named constants.
//! A number newer than this crate is carried as it is.

mod attach_type;
mod flags;
mod map_type;
mod program_type;
pub mod since;

pub use attach_type::AttachType;
pub use flags::{MapFlags, ProgramFlags};
pub use map_type::MapType;
pub use program_type::ProgramType;

/// Defines an open enum: constants, the kernel's short names both ways, and the first kernel that has each.
macro_rules! open_enum {
    (
        $(#[$meta:meta])* $vis:vis struct $Name:ident;
        $( $(#[$doc:meta])* $CONST:ident = $value:literal, $short:literal, ($major:literal, $minor:literal); )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        $vis struct $Name(pub u32);

        impl $Name {
            $( $(#[$doc])* pub const $CONST: Self = Self($value); )*

            /// Every value this crate knows by name, in the kernel's order.
            pub const ALL: &'static [Self] = &[$( Self::$CONST ),*];

            /// The kernel's short name, as bpftool prints it; `None` for a number this crate does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some($short), )*
                    _ => None,
                }
            }

            /// The value with this short name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $short => Some(Self::$CONST), )*
                    _ => None,
                }
            }

            /// The first kernel release that has it, as (major, minor); `None` for an unknown number.
            pub const fn since(self) -> Option<(u16, u16)> {
                match self.0 {
                    $( $value => Some(($major, $minor)), )*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $Name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }

        impl core::fmt::Debug for $Name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, concat!(stringify!($Name), "({})"), name),
                    None => write!(f, concat!(stringify!($Name), "({})"), self.0),
                }
            }
        }

        impl From<u32> for $Name {
            fn from(value: u32) -> Self {
                Self(value)
            }
        }
    };
}
use open_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for &t in MapType::ALL {
            assert_eq!(MapType::from_name(t.name().unwrap()), Some(t));
        }
        for &t in ProgramType::ALL {
            assert_eq!(ProgramType::from_name(t.name().unwrap()), Some(t));
        }
        for &t in AttachType::ALL {
            assert_eq!(AttachType::from_name(t.name().unwrap()), Some(t));
        }
    }

    #[test]
    fn numbers_are_dense_and_in_order() {
        for (i, t) in MapType::ALL.iter().enumerate() {
            assert_eq!(t.0 as usize, i);
        }
        for (i, t) in ProgramType::ALL.iter().enumerate() {
            assert_eq!(t.0 as usize, i);
        }
        for (i, t) in AttachType::ALL.iter().enumerate() {
            assert_eq!(t.0 as usize, i);
        }
    }

    #[test]
    fn landmarks_have_the_kernels_numbers() {
        assert_eq!(MapType::RINGBUF.0, 27);
        assert_eq!(MapType::ARENA.0, 33);
        assert_eq!(ProgramType::TRACING.0, 26);
        assert_eq!(ProgramType::NETFILTER.0, 32);
        assert_eq!(AttachType::TRACE_FENTRY.0, 24);
        assert_eq!(AttachType::XDP.0, 37);
        assert_eq!(AttachType::TRACE_UPROBE_SESSION.0, 57);
    }

    #[test]
    fn unknown_numbers_are_carried() {
        let t = MapType(4000);
        assert_eq!((t.to_string(), t.name(), t.since()), ("4000".into(), None, None));
        assert_eq!(format!("{:>6}", MapType::HASH), "  hash");
    }
}
