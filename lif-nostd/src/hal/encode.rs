//! From samples to spikes.

/// Turns samples of `N` channels into spikes of a network's inputs.
pub trait Encoder<const N: usize> {
    /// Calls `spike` with the index of each input that spikes in this step.
    fn encode(&mut self, sample: &[i16; N], spike: &mut impl FnMut(u16));
}

/// A level-crossing encoder: channel `c` spikes on input `2 c` where its sample has risen by `delta` or more since the
/// level that it crossed last, and on input `2 c + 1` where it has fallen by as much. The level moves by a whole
/// multiple of `delta`; however far it moves in a sample, that is one spike.
///
/// ```text
/// up:    x - level >= delta        level += delta * floor((x - level) / delta)
/// down:  level - x >= delta        level -= delta * floor((level - x) / delta)
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LevelCrossing<const N: usize> {
    delta: i32,
    levels: Option<[i32; N]>,
}

impl<const N: usize> LevelCrossing<N> {
    /// Levels are `delta` units of the sensor apart, 1 at the least. The first sample sets the level and spikes not.
    #[must_use]
    pub const fn new(delta: u16) -> Self {
        Self {
            delta: if delta == 0 { 1 } else { delta as i32 },
            levels: None,
        }
    }

    /// Forgets the levels.
    pub const fn reset(&mut self) {
        self.levels = None;
    }
}

impl<const N: usize> Encoder<N> for LevelCrossing<N> {
    fn encode(&mut self, sample: &[i16; N], spike: &mut impl FnMut(u16)) {
        let delta = self.delta;
        let levels = self.levels.get_or_insert(sample.map(i32::from));
        for ((input, level), x) in (0u16..).step_by(2).zip(levels).zip(sample) {
            let moved = i32::from(*x).wrapping_sub(*level);
            let crossed = moved.checked_div(delta).unwrap_or(0);
            if crossed != 0 {
                *level = level.wrapping_add(crossed.wrapping_mul(delta));
                spike(if crossed > 0 { input } else { input | 1 });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;
    use std::vec::Vec;

    #[test]
    fn levels_are_crossed_up_and_down() {
        let mut encoder = LevelCrossing::<2>::new(10);
        let mut of = |a, b| {
            let mut all = Vec::new();
            encoder.encode(&[a, b], &mut |i| all.push(i));
            all
        };
        assert!(of(5, -5).is_empty());
        assert!(of(14, -14).is_empty());
        assert_eq!(of(15, -15), [0, 3]);
        // Back by less than a level.
        assert!(of(6, -6).is_empty());
        // The level stands at 15: 34 is one level above, and 35 two.
        assert_eq!(of(34, -6), [0]);
        assert_eq!(of(35, -5), [0, 2]);
        assert_eq!(of(i16::MAX, i16::MIN), [0, 3]);
        assert_eq!(of(i16::MIN, i16::MAX), [1, 2]);
    }
}
