//! From spike counts to an answer.

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

#[cfg(test)]
mod tests {
    use super::arg_max;

    #[test]
    fn ties_take_the_lowest_index() {
        assert_eq!(arg_max(&[0u16, 3, 3, 1]), 1);
        assert_eq!(arg_max::<u16>(&[]), 0);
        assert_eq!(arg_max(&[0u16, 0]), 0);
    }
}
