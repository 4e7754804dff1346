//! Values that every CPU has one of.

use super::{JsonWriter, TextOptions, TypedData, Value, Visitor};
use crate::Error;

/// The values of all CPUs side by side, each of which starts at a multiple of 8 bytes: as a look-up in a per-CPU
/// map gives them. From [`TypedData::per_cpu`].
#[derive(Clone, Copy, Debug)]
pub struct PerCpu<'a, 'd> {
    all: TypedData<'a, 'd>,
    size: usize,
}

impl<'a, 'd> PerCpu<'a, 'd> {
    pub(super) fn new(all: TypedData<'a, 'd>) -> Result<Self, Error> {
        let size = usize::try_from(all.btf.size_of(all.ty)?).unwrap_or(usize::MAX);
        Ok(PerCpu { all, size })
    }

    /// Each CPU's value, from CPU 0 on.
    pub fn iter(&self) -> impl Iterator<Item = TypedData<'a, 'd>> + use<'a, 'd> {
        let TypedData { btf, ty, data, .. } = self.all;
        let size = self.size;
        let step = size.checked_next_multiple_of(8).unwrap_or(usize::MAX).max(8);
        let shares = data.len().div_ceil(step);
        data.chunks(step).map(move |one| {
            let data = one.get(..size).unwrap_or(one);
            TypedData { btf, ty, data, shares }
        })
    }

    /// Each CPU's value, from CPU 0 on.
    pub fn values(&self) -> Result<Vec<Value<'a>>, Error> {
        self.iter().map(|data| data.value()).collect()
    }

    /// A line, or several, for each CPU: `cpu 0: ` and the value.
    pub fn to_text(&self, options: &TextOptions) -> Result<String, Error> {
        let mut out = String::new();
        for (cpu, data) in self.iter().enumerate() {
            out.extend([&format!("cpu {cpu}: "), &*data.to_text(options)?, "\n"]);
        }
        Ok(out)
    }

    /// As a JSON array of objects: `[{"cpu":0,"value":7},{"cpu":1,"value":9}]`.
    pub fn to_json(&self) -> Result<String, Error> {
        let mut out = String::new();
        let mut json = JsonWriter::new(&mut out);
        json.begin_array()?;
        for (data, cpu) in self.iter().zip(0i128..) {
            json.begin_struct()?;
            json.field("cpu")?;
            json.int(cpu)?;
            json.field("value")?;
            json.raw(&data.to_json()?)?;
            json.end_struct()?;
        }
        json.end_array()?;
        Ok(out)
    }
}
