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

/// Indices of the samples to train on, to choose hyper-parameters with, and to test with; each ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Samples to train on.
    pub train: Vec<usize>,
    /// Samples to choose hyper-parameters and the end of training with.
    pub validation: Vec<usize>,
    /// Samples that are looked at once, at the end.
    pub test: Vec<usize>,
}

/// Holds out one sample in `test_every`, and of the others one in `validation_every`, each as [`stratified`] does; 0
/// holds out nothing.
///
/// The test part is that of `stratified(labels, test_every)`, whatever `validation_every` is. Samples without classes
/// are split by index where all labels are 0.
#[must_use]
pub fn three_way(labels: &[u32], validation_every: usize, test_every: usize) -> Parts {
    let Split { train: rest, test } = stratified(labels, test_every);
    let of_rest: Vec<u32> = rest.iter().map(|&i| labels[i]).collect();
    let inner = stratified(&of_rest, validation_every);
    let of = |places: Vec<usize>| places.into_iter().map(|p| rest[p]).collect();
    Parts {
        train: of(inner.train),
        validation: of(inner.test),
        test,
    }
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

    #[test]
    fn three_parts_are_all_and_apart() {
        let labels: Vec<u32> = (0..1797).map(|i| (i * 7 % 10) as u32).collect();
        let parts = three_way(&labels, 5, 5);
        assert_eq!(parts.test, stratified(&labels, 5).test);
        assert_eq!((parts.train.len(), parts.validation.len()), (1149, 288));
        let mut all = [parts.train, parts.validation, parts.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1797).collect::<Vec<_>>());
        assert!(three_way(&[0; 9], 0, 3).validation.is_empty());
    }
}
