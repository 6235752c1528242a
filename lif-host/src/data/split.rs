//! A fixed stratified split.

/// Indices of the samples of each part, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Samples to train on.
    pub train: Vec<usize>,
    /// Samples to hold out.
    pub test: Vec<usize>,
}

/// Holds out one sample in `every`: of the samples sorted by class, and within a class by index, those at
/// 0, `every`, 2 `every`, ...
///
/// So every class is held out at its share, to within one sample, and the split depends on nothing but the
/// labels. With `every` 0 nothing is held out.
#[must_use]
pub fn stratified(labels: &[u32], every: usize) -> Split {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|&i| labels[i]);
    let mut split = Split::default();
    for (place, i) in order.into_iter().enumerate() {
        if every > 0 && place % every == 0 {
            split.test.push(i);
        } else {
            split.train.push(i);
        }
    }
    split.train.sort_unstable();
    split.test.sort_unstable();
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_held_out_at_its_share() {
        let labels: Vec<u32> = (0..1797).map(|i| (i * 7 % 10) as u32).collect();
        let split = stratified(&labels, 5);
        assert_eq!((split.train.len(), split.test.len()), (1437, 360));
        for class in 0..10 {
            let of = |part: &[usize]| part.iter().filter(|&&i| labels[i] == class).count();
            let all = of(&split.train) + of(&split.test);
            assert!(of(&split.test).abs_diff(all / 5) <= 1);
        }
        let mut both = [split.train, split.test].concat();
        both.sort_unstable();
        assert_eq!(both, (0..1797).collect::<Vec<_>>());
        assert!(stratified(&labels, 0).test.is_empty());
    }
}
