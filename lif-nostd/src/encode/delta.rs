//! Delta encoding, or level crossing: a spike for every step up or down that a signal takes.

use core::fmt;

use super::pack;

/// The step that makes a spike, and what a turn costs.
///
/// Channel i of a signal has two channels of spikes: 2 i for up, 2 i + 1 for down. Its state is the level `l` that it
/// crossed last and the direction of that crossing. For each sample `x`, in exact integers:
///
/// ```text
/// up     if x - l >= threshold                (+ hysteresis, if the last crossing was down):   l = l + threshold
/// down   if l - x >= threshold                (+ hysteresis, if the last crossing was up):     l = l - threshold
/// ```
///
/// `l` starts at the first sample, which makes no spike. There is at most one spike a sample and channel: a signal
/// that moves faster is followed in the samples after it, and no crossing is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Delta {
    threshold: i32,
    hysteresis: i32,
}

/// Threshold and hysteresis that make no encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DeltaError;

impl fmt::Display for DeltaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "delta encoder: the threshold must be at least 1, the hysteresis at least 0, and their sum below 2^31",
        )
    }
}

impl core::error::Error for DeltaError {}

/// The state of one channel of a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DeltaState {
    level: Option<i32>,
    direction: Direction,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Direction {
    #[default]
    None,
    Up,
    Down,
}

impl DeltaState {
    /// Before the first sample.
    pub const NEW: Self = Self {
        level: None,
        direction: Direction::None,
    };

    /// The level that was crossed last; none before the first sample.
    #[must_use]
    pub const fn level(&self) -> Option<i32> {
        self.level
    }
}

impl Delta {
    /// An encoder with levels `threshold` apart, in units of the signal, and `hysteresis` more for a turn.
    ///
    /// # Errors
    ///
    /// [`DeltaError`] where the threshold is below 1, the hysteresis below 0 or their sum above 2^31 - 1.
    pub const fn new(threshold: i32, hysteresis: i32) -> Result<Self, DeltaError> {
        if threshold < 1 || hysteresis < 0 || threshold.checked_add(hysteresis).is_none() {
            return Err(DeltaError);
        }
        Ok(Self {
            threshold,
            hysteresis,
        })
    }

    /// Takes the next sample of one channel: whether it goes up, and whether down.
    pub const fn step(&self, state: &mut DeltaState, x: i32) -> [bool; 2] {
        let Some(level) = state.level else {
            state.level = Some(x);
            return [false, false];
        };
        let turn = self.threshold.saturating_add(self.hysteresis);
        let (up, down) = match state.direction {
            Direction::None => (self.threshold, self.threshold),
            Direction::Up => (self.threshold, turn),
            Direction::Down => (turn, self.threshold),
        };
        // A difference that saturates exceeds every threshold, so the comparisons are exact; and the level moves
        // towards the sample, so it stays in range.
        if x.saturating_sub(level) >= up {
            state.level = Some(level.saturating_add(self.threshold));
            state.direction = Direction::Up;
            [true, false]
        } else if level.saturating_sub(x) >= down {
            state.level = Some(level.saturating_sub(self.threshold));
            state.direction = Direction::Down;
            [false, true]
        } else {
            [false, false]
        }
    }

    /// Takes the next sample of every channel and writes their spikes, 2 i and 2 i + 1 of channel i. The shorter of
    /// `samples` and `states` counts; states of channels that do not fit into `spikes` stay as they are.
    pub fn encode(&self, samples: &[i32], states: &mut [DeltaState], spikes: &mut [u32]) {
        let channels = states.iter_mut().zip(samples);
        pack(channels.flat_map(|(state, x)| self.step(state, *x)), spikes);
    }
}
