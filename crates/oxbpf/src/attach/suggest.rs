//! Names that look like a misspelt one, for error messages.

/// How many names an error offers at most.
const MAX: usize = 3;

/// The candidates nearest to `wanted` by edit distance, nearest first, at most three.
///
/// A candidate counts if it is at most a third of the name's length away, or if it contains the name.
pub(crate) fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let limit = (wanted.len() / 3).clamp(1, 4);
    let mut best: Vec<(usize, &str)> = Vec::new();
    let mut rows = Rows::default();
    for candidate in candidates {
        let score = match rows.distance(wanted.as_bytes(), candidate.as_bytes(), limit) {
            Some(d) => d,
            // `do_unlink` for `do_unlinkat`, `openat` for `sys_enter_openat`.
            None if wanted.len() >= 4 && candidate.contains(wanted) => {
                limit + 1 + (candidate.len() - wanted.len())
            }
            None => continue,
        };
        let entry = (score, candidate);
        if best.len() < MAX || best.last().is_some_and(|worst| entry < *worst) {
            if best.contains(&entry) {
                continue;
            }
            best.push(entry);
            best.sort_unstable();
            best.truncate(MAX);
        }
    }
    best.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// ``; did you mean `a` or `b`?``, or nothing.
pub(crate) fn did_you_mean(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        [init @ .., last] => {
            let init: Vec<String> = init.iter().map(|n| format!("`{n}`")).collect();
            format!("; did you mean {} or `{last}`?", init.join(", "))
        }
    }
}

/// Two rows of the edit-distance table, kept between candidates: a kernel has 200,000 function names.
#[derive(Default)]
struct Rows {
    above: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    /// Levenshtein distance of `a` and `b` if it is at most `limit`.
    fn distance(&mut self, a: &[u8], b: &[u8], limit: usize) -> Option<usize> {
        if a.len().abs_diff(b.len()) > limit {
            return None;
        }
        self.above.clear();
        self.above.extend(0..=b.len());
        for (i, x) in a.iter().enumerate() {
            self.row.clear();
            self.row.push(i + 1);
            let mut left = i + 1;
            for (y, pair) in b.iter().zip(self.above.windows(2)) {
                let (diagonal, up) = match *pair {
                    [d, u] => (d, u),
                    _ => return None,
                };
                left = (diagonal + usize::from(x != y)).min(up + 1).min(left + 1);
                self.row.push(left);
            }
            if self.row.iter().all(|&d| d > limit) {
                return None;
            }
            std::mem::swap(&mut self.above, &mut self.row);
        }
        self.above.last().copied().filter(|&d| d <= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = ["irq_handler_entry", "sched_wakeup", "sched_swtch", "sched_switch", "sched_sw"];
        assert_eq!(nearest("sched_swich", names), ["sched_switch", "sched_swtch", "sched_sw"]);
        assert!(nearest("tcp_v4_connect", ["vfs_read", "do_exit"]).is_empty());
    }

    #[test]
    fn a_name_that_contains_the_wanted_one_is_offered() {
        assert_eq!(nearest("openat", ["sys_enter_openat", "sys_enter_close"]), ["sys_enter_openat"]);
    }

    #[test]
    fn distances() {
        let mut r = Rows::default();
        assert_eq!(r.distance(b"kitten", b"sitting", 5), Some(3));
        assert_eq!(r.distance(b"kitten", b"sitting", 2), None);
        assert_eq!(r.distance(b"", b"ab", 2), Some(2));
        assert_eq!(r.distance(b"same", b"same", 0), Some(0));
    }

    #[test]
    fn the_question_reads_well() {
        assert_eq!(did_you_mean(&[]), "");
        assert_eq!(did_you_mean(&["a".into()]), "; did you mean `a`?");
        assert_eq!(did_you_mean(&["a".into(), "b".into(), "c".into()]), "; did you mean `a`, `b` or `c`?");
    }
}
