//! Which maps are histograms, and their counters.

use oxbpf_btf::{Btf, Kind, TypeId, Value};

/// The member that holds the counters, as in the tools of the field.
const SLOTS: &str = "slots";

/// How a map keeps histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An array of counters that is one histogram.
    Array,
    /// Each value is a struct with an array of counters.
    Struct,
}

/// Whether a map of this name, array or not, keeps histograms in values of this type.
pub(crate) fn form(btf: &Btf, name: &str, is_array: bool, value_type: TypeId) -> Option<Form> {
    let value = btf.resolve(value_type).ok()?;
    if is_array && name.ends_with("hist") && is_counter(btf, value_type) {
        return Some(Form::Array);
    }
    let slots = value.members().find(|member| member.name == SLOTS)?;
    let array = btf.resolve(slots.ty).ok()?.array()?;
    is_counter(btf, array.elem).then_some(Form::Struct)
}

fn is_counter(btf: &Btf, ty: TypeId) -> bool {
    btf.resolve(ty).is_ok_and(|ty| ty.kind() == Kind::Int && matches!(ty.size(), Some(4 | 8)))
}

/// The counters in a value: the value itself, or its slots.
pub(crate) fn counts(value: &Value<'_>) -> Vec<u64> {
    match value {
        Value::Struct(fields) => {
            fields.iter().find(|(name, _)| *name == SLOTS).map(|(_, slots)| counts(slots)).unwrap_or_default()
        }
        Value::Array(values) => values.iter().map(count).collect(),
        value => vec![count(value)],
    }
}

fn count(value: &Value<'_>) -> u64 {
    match value {
        // A signed counter that is negative has overflowed; nothing was counted that could be shown.
        Value::Int(n) => u64::try_from(*n).unwrap_or(if *n < 0 { 0 } else { u64::MAX }),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use oxbpf_btf::{BtfBuilder, Endian, Field, IntEncoding};

    use super::*;

    #[test]
    fn forms() {
        let mut b = BtfBuilder::new();
        let u32 = b.add_int("unsigned int", 4, IntEncoding::UNSIGNED).unwrap();
        let u64 = b.add_int("unsigned long", 8, IntEncoding::UNSIGNED).unwrap();
        let u8 = b.add_int("unsigned char", 1, IntEncoding::UNSIGNED).unwrap();
        let slots = b.add_array(u32, u32, 4).unwrap();
        let hist =
            b.add_struct("hist", 24, [Field::new("total", u64, 0), Field::new("slots", slots, 64)]).unwrap();
        let bytes = b.add_array(u8, u32, 4).unwrap();
        let other = b.add_struct("other", 4, [Field::new("slots", bytes, 0)]).unwrap();
        let btf = Btf::parse(b.to_vec(Endian::NATIVE).unwrap()).unwrap();

        assert_eq!(form(&btf, "usecs_hist", true, u64), Some(Form::Array));
        assert_eq!(form(&btf, "hist", true, u32), Some(Form::Array));
        assert_eq!(form(&btf, "usecs_hist", false, u64), None, "a hash has no order");
        assert_eq!(form(&btf, "counts", true, u64), None);
        assert_eq!(form(&btf, "small_hist", true, u8), None);
        assert_eq!(form(&btf, "hists", false, hist), Some(Form::Struct));
        assert_eq!(form(&btf, "anything", false, other), None);
        assert_eq!(form(&btf, "usecs_hist", true, TypeId::VOID), None);
    }

    #[test]
    fn counters_of_a_value() {
        let slots = Value::Array(vec![Value::Int(1), Value::Int(-1), Value::Truncated]);
        assert_eq!(counts(&Value::Struct(vec![("total", Value::Int(9)), ("slots", slots)])), [1, 0, 0]);
        assert_eq!(counts(&Value::Int(7)), [7]);
        assert!(counts(&Value::Struct(vec![])).is_empty());
    }
}
