//! Reading maps, and what to show of them.

use oxbpf::{Map, MapType};
use oxbpf_btf::{Btf, TypeId, Value};

use super::histogram::{self, Form};
use super::{Histogram, Row, Rows, Shown, per_cpu};
use crate::events::Layout;

/// Maps with room for more entries than this hold a program's notes more often than its results.
const SMALL: u32 = 1024;

/// Entries read of a map that was asked for by name.
const MOST: usize = 65_536;

/// Which maps are shown, and how much of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice<'a> {
    /// Maps to show however large they are.
    pub(crate) named: &'a [String],
    pub(crate) rows: usize,
}

/// What to show of `map`; nothing if it is of no kind that is shown.
pub(crate) fn read<'b>(
    map: &Map,
    btf: &'b Btf,
    choice: Choice<'_>,
) -> Result<Option<Shown<'b>>, oxbpf::Error> {
    let Some(shape) = Shape::of(map) else { return Ok(None) };
    let named = choice.named.iter().any(|name| name == map.name());
    if !named && map.max_entries() > SMALL {
        return Ok(None);
    }
    let mut entries = Vec::new();
    for key in map.keys().take(MOST) {
        let key = key?;
        // It may have been deleted since.
        if let Some(value) = map.lookup(&key)? {
            entries.push(Entry { key, value });
        }
    }
    Ok(Some(shape.show(btf, &entries, choice.rows)))
}

/// What matters here about a map's definition.
#[derive(Debug, Clone)]
struct Shape {
    name: String,
    map_type: String,
    is_array: bool,
    per_cpu: bool,
    value_size: usize,
    key_type: TypeId,
    value_type: TypeId,
}

/// A key and its value, or the values of all CPUs, each rounded up to 8 bytes.
#[derive(Debug)]
struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Shape {
    fn of(map: &Map) -> Option<Self> {
        let (is_array, per_cpu) = match map.map_type() {
            MapType::ARRAY => (true, false),
            MapType::PERCPU_ARRAY => (true, true),
            MapType::HASH | MapType::LRU_HASH | MapType::LPM_TRIE => (false, false),
            MapType::PERCPU_HASH | MapType::LRU_PERCPU_HASH => (false, true),
            _ => return None,
        };
        Some(Self {
            name: map.name().to_owned(),
            map_type: map.map_type().to_string(),
            is_array,
            per_cpu,
            value_size: usize::try_from(map.value_size()).unwrap_or(usize::MAX),
            key_type: map.key_type(),
            value_type: map.value_type(),
        })
    }

    fn show<'b>(&self, btf: &'b Btf, entries: &[Entry], limit: usize) -> Shown<'b> {
        match histogram::form(btf, &self.name, self.is_array, self.value_type) {
            Some(form) => Shown::Histograms(self.histograms(btf, entries, form, limit)),
            None => Shown::Rows(self.rows(btf, entries, limit)),
        }
    }

    /// The value of each CPU, or the one value.
    fn values<'b>(&self, btf: &'b Btf, entry: &Entry) -> Vec<(usize, Value<'b>)> {
        let step =
            if self.per_cpu { self.value_size.next_multiple_of(8).max(1) } else { entry.value.len().max(1) };
        let one_each = entry.value.chunks(step).map(|value| value.get(..self.value_size).unwrap_or(value));
        one_each.enumerate().map(|(cpu, value)| (cpu, decode(btf, self.value_type, value))).collect()
    }

    fn histograms<'b>(
        &self,
        btf: &'b Btf,
        entries: &[Entry],
        form: Form,
        limit: usize,
    ) -> Vec<Histogram<'b>> {
        let each = entries.iter().map(|entry| {
            let mut total: Vec<u64> = Vec::new();
            for (_, value) in self.values(btf, entry) {
                let counts = histogram::counts(&value);
                total.resize(total.len().max(counts.len()), 0);
                for (sum, count) in total.iter_mut().zip(counts) {
                    *sum = sum.saturating_add(count);
                }
            }
            (decode(btf, self.key_type, &entry.key), total)
        });
        match form {
            Form::Array => {
                let counts = each.flat_map(|(_, counts)| counts).collect();
                vec![Histogram { map: self.name.clone(), key: None, counts }]
            }
            Form::Struct => {
                let single = self.is_array && entries.len() == 1;
                let counted = each.filter(|(_, counts)| single || counts.iter().any(|&count| count != 0));
                counted
                    .take(limit)
                    .map(|(key, counts)| Histogram {
                        map: self.name.clone(),
                        key: (!single).then_some(key),
                        counts,
                    })
                    .collect()
            }
        }
    }

    fn rows<'b>(&self, btf: &'b Btf, entries: &[Entry], limit: usize) -> Rows<'b> {
        let mut rows: Vec<Row<'b>> = Vec::new();
        for entry in entries {
            // An array has all its elements from the start: those never touched tell nothing.
            if self.is_array && entry.value.iter().all(|&byte| byte == 0) {
                continue;
            }
            let key = decode(btf, self.key_type, &entry.key);
            let values = self.values(btf, entry);
            let plain: Vec<Value<'b>> = values.iter().map(|(_, value)| value.clone()).collect();
            match per_cpu::sum(&plain) {
                Some(value) => rows.push(Row { key, cpu: None, value }),
                None => rows.extend(values.into_iter().map(|(cpu, value)| Row {
                    key: key.clone(),
                    cpu: Some(cpu),
                    value,
                })),
            }
        }
        if !self.is_array {
            rows.sort_by_key(|row| std::cmp::Reverse(first_number(&row.value)));
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        Rows {
            map: self.name.clone(),
            map_type: self.map_type.clone(),
            key: Layout::of(btf, self.key_type, "key"),
            value: Layout::of(btf, self.value_type, "value"),
            rows,
            more,
        }
    }
}

fn decode<'b>(btf: &'b Btf, ty: TypeId, data: &[u8]) -> Value<'b> {
    let known = (ty != TypeId::VOID).then(|| btf.decode(ty, data).ok()).flatten();
    known.unwrap_or_else(|| Value::Bytes(data.to_vec()))
}

/// What rows of a hash are ordered by: the largest counters come first.
fn first_number(value: &Value<'_>) -> i128 {
    match value {
        Value::Int(n) => *n,
        Value::Struct(fields) => fields.first().map_or(0, |(_, value)| first_number(value)),
        Value::Array(values) => values.first().map_or(0, first_number),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use oxbpf_btf::{BtfBuilder, Endian, Field, IntEncoding};

    use super::*;

    struct Types {
        btf: Btf,
        u32: TypeId,
        u64: TypeId,
        traffic: TypeId,
        hist: TypeId,
    }

    fn types() -> Types {
        let mut b = BtfBuilder::new();
        let u32 = b.add_int("unsigned int", 4, IntEncoding::UNSIGNED).unwrap();
        let u64 = b.add_int("unsigned long", 8, IntEncoding::UNSIGNED).unwrap();
        let fields = [Field::new("packets", u64, 0), Field::new("bytes", u64, 64)];
        let traffic = b.add_struct("traffic", 16, fields).unwrap();
        let slots = b.add_array(u32, u32, 3).unwrap();
        let hist = b.add_struct("hist", 12, [Field::new("slots", slots, 0)]).unwrap();
        let btf = Btf::parse(b.to_vec(Endian::NATIVE).unwrap()).unwrap();
        Types { btf, u32, u64, traffic, hist }
    }

    fn shape(name: &str, is_array: bool, per_cpu: bool, key_type: TypeId, value: (TypeId, usize)) -> Shape {
        let (value_type, value_size) = value;
        let (name, map_type) = (name.to_owned(), "hash".to_owned());
        Shape { name, map_type, is_array, per_cpu, value_size, key_type, value_type }
    }

    fn entry(key: u32, values: &[&[u64]]) -> Entry {
        let value = values.iter().flat_map(|cpu| cpu.iter().flat_map(|n| n.to_ne_bytes())).collect();
        Entry { key: key.to_ne_bytes().to_vec(), value }
    }

    fn rows(shown: Shown<'_>) -> Rows<'_> {
        match shown {
            Shown::Rows(rows) => rows,
            Shown::Histograms(found) => panic!("{found:?}"),
        }
    }

    fn histograms(shown: Shown<'_>) -> Vec<Histogram<'_>> {
        match shown {
            Shown::Histograms(found) => found,
            Shown::Rows(rows) => panic!("{rows:?}"),
        }
    }

    #[test]
    fn counters_of_all_cpus_are_one_row() {
        let t = types();
        let shape = shape("sent", false, true, t.u32, (t.traffic, 16));
        let shown = rows(shape.show(&t.btf, &[entry(4, &[&[1, 60], &[2, 70]])], 10));
        let traffic = Value::Struct(vec![("packets", Value::Int(3)), ("bytes", Value::Int(130))]);
        assert_eq!(shown.rows, [Row { key: Value::Int(4), cpu: None, value: traffic }]);
        assert!(!shown.more);
    }

    #[test]
    fn large_counters_come_first_and_rows_are_bounded() {
        let t = types();
        let entries: Vec<Entry> = (1..=5).map(|n| entry(n, &[&[u64::from(n)]])).collect();
        let shown = rows(shape("counts", false, false, t.u32, (t.u64, 8)).show(&t.btf, &entries, 2));
        let keys: Vec<_> = shown.rows.iter().map(|row| row.key.clone()).collect();
        assert_eq!(keys, [Value::Int(5), Value::Int(4)]);
        assert!(shown.more);
    }

    #[test]
    fn untouched_elements_of_an_array_are_left_out() {
        let t = types();
        let entries = [entry(0, &[&[0]]), entry(1, &[&[9]]), entry(2, &[&[0]])];
        let shown = rows(shape("counts", true, false, t.u32, (t.u64, 8)).show(&t.btf, &entries, 10));
        assert_eq!(shown.rows, [Row { key: Value::Int(1), cpu: None, value: Value::Int(9) }]);
    }

    #[test]
    fn an_array_of_counters_is_one_histogram() {
        let t = types();
        let entries = [entry(0, &[&[1], &[2]]), entry(1, &[&[0], &[5]])];
        let shown = histograms(shape("usecs_hist", true, true, t.u32, (t.u64, 8)).show(&t.btf, &entries, 10));
        assert_eq!(shown, [Histogram { map: "usecs_hist".into(), key: None, counts: vec![3, 5] }]);
    }

    #[test]
    fn structs_with_slots_are_a_histogram_each() {
        let t = types();
        let slots = |key: u32, counts: [u32; 3]| Entry {
            key: key.to_ne_bytes().to_vec(),
            value: counts.iter().flat_map(|n| n.to_ne_bytes()).collect(),
        };
        let shape = shape("by_disk", false, false, t.u32, (t.hist, 12));
        let entries = [slots(8, [1, 2, 3]), slots(9, [0, 0, 0])];
        let shown = histograms(shape.show(&t.btf, &entries, 10));
        assert_eq!(
            shown,
            [Histogram { map: "by_disk".into(), key: Some(Value::Int(8)), counts: vec![1, 2, 3] }]
        );
    }

    #[test]
    fn without_types_there_are_bytes() {
        let t = types();
        let shape = shape("raw", false, false, TypeId::VOID, (TypeId::VOID, 8));
        let shown = rows(shape.show(&t.btf, &[entry(1, &[&[2]])], 10));
        assert_eq!(shown.rows[0].key, Value::Bytes(1u32.to_ne_bytes().to_vec()));
    }
}
