//! Histograms of powers of two, drawn as bars.

use std::fmt::Write;

/// Width of the longest bar.
const BAR: usize = 40;

/// A filled slot range of a histogram: `min..=max` was seen `count` times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Slot {
    pub(crate) min: u64,
    pub(crate) max: u64,
    pub(crate) count: u64,
}

/// The slots from the first to the last that is not empty. Slot 0 counts 0 and 1, slot `n` the values from
/// `2^n` to `2^(n+1) - 1`.
pub(crate) fn slots(counts: &[u64]) -> Vec<Slot> {
    let Some(first) = counts.iter().position(|&count| count != 0) else { return Vec::new() };
    let last = counts.iter().rposition(|&count| count != 0).unwrap_or(first);
    counts
        .iter()
        .enumerate()
        .skip(first)
        .take(last - first + 1)
        .map(|(n, &count)| {
            let (min, max) = bounds(n);
            Slot { min, max, count }
        })
        .collect()
}

fn bounds(slot: usize) -> (u64, u64) {
    let slot = u32::try_from(slot).unwrap_or(u32::MAX);
    let min = if slot == 0 { 0 } else { 1u64.checked_shl(slot).unwrap_or(u64::MAX) };
    let max = 2u64.checked_shl(slot).filter(|&end| end != 0).map_or(u64::MAX, |end| end - 1);
    (min, max)
}

/// The unit that a map's name tells, as it heads the chart: `wait_us_hist` counts microseconds.
pub(crate) fn unit(map_name: &str) -> Option<&'static str> {
    map_name.split('_').find_map(|word| match word {
        "ns" | "nsec" | "nsecs" => Some("nsecs"),
        "us" | "usec" | "usecs" => Some("usecs"),
        "ms" | "msec" | "msecs" => Some("msecs"),
        "bytes" => Some("bytes"),
        "kb" | "kbytes" => Some("kbytes"),
        _ => None,
    })
}

/// The chart: a line of titles, then a line a slot.
pub(crate) fn chart(counts: &[u64], unit: Option<&str>) -> String {
    let slots = slots(counts);
    if slots.is_empty() {
        return "  (nothing counted)\n".to_owned();
    }
    let digits = |n: u64| n.to_string().len();
    let edge = slots.iter().map(|slot| digits(slot.max)).max().unwrap_or(1);
    let largest = slots.iter().map(|slot| slot.count).max().unwrap_or(1);
    let count_width = digits(largest).max("count".len());
    let range_width = edge * 2 + " -> ".len();

    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "  {:<range_width$} : {:<count_width$}   distribution",
        unit.unwrap_or("value"),
        "count"
    );
    for slot in &slots {
        let range = format!("{:>edge$} -> {:<edge$}", slot.min, slot.max);
        let bar = "*".repeat(bar_length(slot.count, largest));
        let _ = writeln!(out, "  {range:<range_width$} : {:<count_width$} |{bar:<BAR$}|", slot.count);
    }
    out
}

fn bar_length(count: u64, largest: u64) -> usize {
    let scaled = u128::from(count) * BAR as u128 / u128::from(largest.max(1));
    usize::try_from(scaled).unwrap_or(BAR).min(BAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_cover_the_powers_of_two() {
        assert_eq!(bounds(0), (0, 1));
        assert_eq!(bounds(1), (2, 3));
        assert_eq!(bounds(10), (1024, 2047));
        assert_eq!(bounds(63), (1 << 63, u64::MAX));
        assert_eq!(bounds(64), (u64::MAX, u64::MAX));
        assert_eq!(bounds(1000), (u64::MAX, u64::MAX));
    }

    #[test]
    fn empty_ends_are_left_out_and_gaps_kept() {
        let seen = slots(&[0, 4, 0, 2, 0, 0]);
        let counts: Vec<_> = seen.iter().map(|slot| (slot.min, slot.count)).collect();
        assert_eq!(counts, [(2, 4), (4, 0), (8, 2)]);
        assert!(slots(&[0, 0]).is_empty());
        assert!(slots(&[]).is_empty());
    }

    #[test]
    fn chart_scales_to_the_largest() {
        let text = chart(&[0, 1, 0, 10], Some("usecs"));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "  usecs    : count   distribution",
                "   2 -> 3  : 1     |****                                    |",
                "   4 -> 7  : 0     |                                        |",
                "   8 -> 15 : 10    |****************************************|",
            ]
        );
    }

    #[test]
    fn huge_counts_do_not_overflow() {
        assert_eq!(bar_length(u64::MAX, u64::MAX), BAR);
        assert_eq!(bar_length(u64::MAX / 2, u64::MAX), BAR / 2 - 1);
        assert_eq!(bar_length(0, 0), 0);
        assert!(chart(&[u64::MAX; 70], None).lines().count() > 64);
    }

    #[test]
    fn nothing_counted_is_said() {
        assert_eq!(chart(&[0; 26], None), "  (nothing counted)\n");
    }

    #[test]
    fn units_stand_in_names() {
        assert_eq!(unit("wait_us_hist"), Some("usecs"));
        assert_eq!(unit("latency_ns"), Some("nsecs"));
        assert_eq!(unit("bus_hist"), None);
    }
}
