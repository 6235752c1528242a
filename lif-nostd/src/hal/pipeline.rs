//! Sample, encode, step, decode, act, at a fixed tick.

use super::encode::Encoder;
use super::input::Sensor;
use crate::error::Error;
use crate::model::Network;

/// A clock that counts microseconds, modulo 2^32.
pub trait Clock {
    /// Microseconds since some moment.
    fn now_us(&mut self) -> u32;
}

impl<F: FnMut() -> u32> Clock for F {
    fn now_us(&mut self) -> u32 {
        self()
    }
}

/// A fixed tick, and how often it was missed.
#[derive(Clone, Copy, Debug)]
pub struct Ticker {
    period_us: u32,
    next_us: u32,
    misses: u32,
}

impl Ticker {
    /// The first tick is `period_us` microseconds from now; at most 2^31 - 1.
    pub fn new(period_us: u32, clock: &mut impl Clock) -> Self {
        Self {
            period_us,
            next_us: clock.now_us().wrapping_add(period_us),
            misses: 0,
        }
    }

    /// Waits for the next tick. Where it has passed, it is a miss, and ticks are counted from now on.
    pub fn wait(&mut self, clock: &mut impl Clock) {
        let now = clock.now_us();
        if (now.wrapping_sub(self.next_us) as i32) > 0 {
            self.misses = self.misses.saturating_add(1);
            self.next_us = now.wrapping_add(self.period_us);
            return;
        }
        while (clock.now_us().wrapping_sub(self.next_us) as i32) < 0 {}
        self.next_us = self.next_us.wrapping_add(self.period_us);
    }

    /// Ticks that were missed.
    #[must_use]
    pub const fn misses(&self) -> u32 {
        self.misses
    }
}

/// Why a tick of a [`Pipeline`] failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PipelineError<S, A> {
    /// The sensor.
    Sensor(S),
    /// The encoder made a spike that the network has no input for, or the network takes values.
    Input(Error),
    /// The actuator.
    Act(A),
}

/// A sensor, an encoder and a network that takes spikes.
#[derive(Debug)]
pub struct Pipeline<'n, 'm, S, E, const N: usize> {
    sensor: S,
    encoder: E,
    network: &'n mut Network<'m>,
}

impl<'n, 'm, S: Sensor<N>, E: Encoder<N>, const N: usize> Pipeline<'n, 'm, S, E, N> {
    /// Puts them together.
    pub const fn new(sensor: S, encoder: E, network: &'n mut Network<'m>) -> Self {
        Self {
            sensor,
            encoder,
            network,
        }
    }

    /// Samples, encodes, runs a step, and lets `act` decode the network and act.
    ///
    /// # Errors
    ///
    /// [`PipelineError`]; without a sample there is no step.
    pub fn tick<A>(
        &mut self,
        act: impl FnOnce(&Network<'m>) -> Result<(), A>,
    ) -> Result<(), PipelineError<S::Error, A>> {
        let sample = self.sensor.sample().map_err(PipelineError::Sensor)?;
        let mut taken = Ok(());
        let network = &mut *self.network;
        self.encoder.encode(&sample, &mut |input| {
            let one = network.events(&[input]);
            taken = taken.and(one);
        });
        taken.map_err(PipelineError::Input)?;
        network.step();
        act(network).map_err(PipelineError::Act)
    }

    /// Runs tick after tick until `act` gives false: the ticks that were missed.
    ///
    /// # Errors
    ///
    /// [`PipelineError`].
    pub fn run<A>(
        &mut self,
        period_us: u32,
        clock: &mut impl Clock,
        mut act: impl FnMut(&Network<'m>) -> Result<bool, A>,
    ) -> Result<u32, PipelineError<S::Error, A>> {
        let mut ticker = Ticker::new(period_us, clock);
        let mut goes_on = true;
        while goes_on {
            ticker.wait(clock);
            self.tick(|network| act(network).map(|more| goes_on = more))?;
        }
        Ok(ticker.misses())
    }

    /// Sensor and encoder.
    pub fn release(self) -> (S, E) {
        (self.sensor, self.encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_that_has_passed_is_a_miss() {
        // Wraps after three ticks.
        let mut now = u32::MAX - 300;
        let mut ticker = Ticker::new(100, &mut || now);
        for work in [10, 99, 100, 101, 50, 500, 20] {
            now = now.wrapping_add(work);
            let mut clock = || {
                now = now.wrapping_add(1);
                now
            };
            ticker.wait(&mut clock);
        }
        // Reading the clock takes a microsecond here, with which 100 is too long.
        assert_eq!(ticker.misses(), 3);
    }
}
