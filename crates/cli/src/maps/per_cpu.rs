//! Values that every CPU has one of.

use oxbpf_btf::Value;

/// The values of all CPUs as one: numbers are added up, whatever else is in them must be the same in all. None
/// if it is not.
pub(crate) fn sum<'b>(values: &[Value<'b>]) -> Option<Value<'b>> {
    let (first, rest) = values.split_first()?;
    rest.iter().try_fold(first.clone(), add)
}

fn add<'b>(a: Value<'b>, b: &Value<'b>) -> Option<Value<'b>> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
        (Value::Float(a), Value::Float(b)) => Some(Value::Float(a + b)),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.into_iter().zip(b).map(|(a, b)| add(a, b)).collect::<Option<_>>().map(Value::Array)
        }
        (Value::Struct(a), Value::Struct(b)) if a.len() == b.len() => a
            .into_iter()
            .zip(b)
            .map(|((name, a), (_, b))| Some((name, add(a, b)?)))
            .collect::<Option<_>>()
            .map(Value::Struct),
        (a, b) => (a == *b).then_some(a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up() {
        let traffic = |packets, bytes| {
            Value::Struct(vec![
                ("packets", Value::Int(packets)),
                ("bytes", Value::Array(vec![Value::Int(bytes)])),
            ])
        };
        assert_eq!(sum(&[traffic(1, 60), traffic(2, 70), traffic(0, 0)]), Some(traffic(3, 130)));
        assert_eq!(sum(&[Value::Int(5)]), Some(Value::Int(5)));
    }

    #[test]
    fn what_is_no_number_must_be_the_same() {
        let named =
            |n, name: &str| Value::Struct(vec![("n", Value::Int(n)), ("comm", Value::Str(name.into()))]);
        assert_eq!(sum(&[named(1, "a"), named(2, "a")]), Some(named(3, "a")));
        assert_eq!(sum(&[named(1, "a"), named(2, "b")]), None);
        assert_eq!(sum(&[Value::Bool(true), Value::Bool(false)]), None);
        assert_eq!(sum(&[]), None);
    }
}
