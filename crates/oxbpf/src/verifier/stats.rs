//! The last line of most logs.

use super::Stats;

/// `processed 8 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0`.
pub(super) fn read(line: &str) -> Option<Stats> {
    let mut words = line.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()).skip(1);
    let mut stats = Stats { processed: words.next()?.parse().ok()?, ..Stats::default() };
    while let Some(word) = words.next() {
        let field = match word {
            "limit" => &mut stats.limit,
            "max_states_per_insn" => &mut stats.max_states_per_insn,
            "total_states" => &mut stats.total_states,
            "peak_states" => &mut stats.peak_states,
            _ => continue,
        };
        *field = words.next().and_then(|number| number.parse().ok());
    }
    Some(stats)
}
