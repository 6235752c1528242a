//! From spikes to an answer.

/// Index of the largest count; a tie goes to the lowest index, no counts at all to 0.
#[must_use]
pub fn arg_max<T: PartialOrd + Copy>(counts: &[T]) -> usize {
    let mut best: Option<(usize, T)> = None;
    for (i, &c) in counts.iter().enumerate() {
        if best.is_none_or(|(_, b)| c > b) {
            best = Some((i, c));
        }
    }
    best.map_or(0, |(i, _)| i)
}

/// Index of the earliest of `times`, the time steps of first spikes; a tie goes to the lowest index, none where nothing
/// spiked. It decodes latencies.
pub fn earliest(times: impl Iterator<Item = Option<u16>>) -> Option<usize> {
    let mut best: Option<(usize, u16)> = None;
    for (i, time) in times.enumerate() {
        if let Some(t) = time
            && best.is_none_or(|(_, b)| t < b)
        {
            best = Some((i, t));
        }
    }
    best.map(|(i, _)| i)
}

/// The class with the most spikes where each has a population of `neurons` in a row: of class c, the counts from
/// c * `neurons` on. A tie goes to the lowest class; counts that fill no population are left out, and sums saturate.
/// 0 where there is no whole population.
#[must_use]
pub fn population_vote(counts: &[u32], neurons: usize) -> usize {
    let mut best: Option<(usize, u32)> = None;
    for (class, counts) in counts.chunks_exact(neurons.max(1)).enumerate() {
        let sum = counts.iter().fold(0u32, |sum, c| sum.saturating_add(*c));
        if best.is_none_or(|(_, b)| sum > b) {
            best = Some((class, sum));
        }
    }
    best.map_or(0, |(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::{arg_max, earliest, population_vote};

    #[test]
    fn the_earliest_spike_decides() {
        assert_eq!(
            earliest([None, Some(3), Some(2), Some(2)].into_iter()),
            Some(2)
        );
        assert_eq!(earliest([None, None].into_iter()), None);
    }

    #[test]
    fn populations_vote_by_their_sums() {
        assert_eq!(population_vote(&[9, 0, 4, 6, 5, 5, 99], 2), 1);
        assert_eq!(population_vote(&[u32::MAX, 1, u32::MAX, 0], 2), 0);
        assert_eq!(population_vote(&[1, 2], 3), 0);
        assert_eq!(population_vote(&[1, 2], 0), 1);
    }

    #[test]
    fn ties_take_the_lowest_index() {
        assert_eq!(arg_max(&[0u16, 3, 3, 1]), 1);
        assert_eq!(arg_max::<u16>(&[]), 0);
        assert_eq!(arg_max(&[0u16, 0]), 0);
    }
}
