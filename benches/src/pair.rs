//! Timing in pairs: ours and theirs by turns, so that whatever slows the machine slows both.

use std::error::Error;
use std::time::{Duration, Instant};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Times `ours` and `theirs` by turns, `rounds` times after one that does not count, and gives the medians.
/// Which one goes first changes from round to round.
pub(crate) fn medians(
    rounds: usize,
    mut ours: impl FnMut() -> Outcome<Duration>,
    mut theirs: impl FnMut() -> Outcome<Duration>,
) -> Outcome<(Duration, Duration)> {
    ours()?;
    theirs()?;
    let (mut a, mut b) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for round in 0..rounds {
        if round % 2 == 0 {
            a.push(ours()?);
            b.push(theirs()?);
        } else {
            b.push(theirs()?);
            a.push(ours()?);
        }
    }
    Ok((median(a), median(b)))
}

/// The time that `work` takes; what it gives back is dropped after the clock has stopped.
pub(crate) fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<Duration> {
    let start = Instant::now();
    let kept = work()?;
    let time = start.elapsed();
    drop(std::hint::black_box(kept));
    Ok(time)
}

pub(crate) fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_ignores_outliers() {
        assert_eq!(median(vec![5, 1, 1000]), 5);
        assert_eq!(median(vec![1]), 1);
    }

    #[test]
    fn sides_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let run = |c| {
            order.borrow_mut().push(c);
            Ok(Duration::ZERO)
        };
        medians(4, || run('o'), || run('t')).unwrap();
        assert_eq!(*order.borrow(), "ototto".to_owned() + "otto");
    }
}
