//! Spikes and rates on pins.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::pwm::SetDutyCycle;

use crate::spikes::Spikes;

/// Pins that pulse: pin `i` for neuron `i`.
#[derive(Clone, Debug)]
pub struct SpikePins<P, const N: usize> {
    pins: [P; N],
    pulse_us: u32,
}

impl<P: OutputPin, const N: usize> SpikePins<P, N> {
    /// Sets all pins low; a pulse will last `pulse_us` microseconds.
    ///
    /// # Errors
    ///
    /// That of a pin.
    pub fn new(mut pins: [P; N], pulse_us: u32) -> Result<Self, P::Error> {
        for pin in &mut pins {
            pin.set_low()?;
        }
        Ok(Self { pins, pulse_us })
    }

    /// Pulses the pins of the neurons that spiked, all together, and waits for the end of the pulse. Without a spike
    /// nothing is done.
    ///
    /// # Errors
    ///
    /// That of a pin; the others are set all the same.
    pub fn show(&mut self, spikes: Spikes<'_>, delay: &mut impl DelayNs) -> Result<(), P::Error> {
        let mut any = false;
        let mut done = Ok(());
        for (i, pin) in self.pins.iter_mut().enumerate() {
            if spikes.get(i) {
                any = true;
                done = pin.set_high().and(done);
            }
        }
        if !any {
            return Ok(());
        }
        delay.delay_us(self.pulse_us);
        for (i, pin) in self.pins.iter_mut().enumerate() {
            if spikes.get(i) {
                done = pin.set_low().and(done);
            }
        }
        done
    }

    /// The pins.
    pub fn release(self) -> [P; N] {
        self.pins
    }
}

/// A PWM channel whose duty cycle is the rate of a neuron: spikes a step, 0 to 1.
#[derive(Clone, Debug)]
pub struct RateOutput<P> {
    channel: P,
}

impl<P: SetDutyCycle> RateOutput<P> {
    /// Switches the channel off until the first rate.
    ///
    /// # Errors
    ///
    /// That of the channel.
    pub fn new(mut channel: P) -> Result<Self, P::Error> {
        channel.set_duty_cycle_fully_off()?;
        Ok(Self { channel })
    }

    /// Shows `count` spikes in `steps` steps; 0 steps are a rate of 0, and more spikes than steps a rate of 1. Both
    /// are cut to 16 bits by halving.
    ///
    /// # Errors
    ///
    /// That of the channel.
    pub fn show(&mut self, count: u32, steps: u32) -> Result<(), P::Error> {
        let shift = 16u32.saturating_sub(steps.leading_zeros());
        let most = u64::from(self.channel.max_duty_cycle());
        let (count, steps) = (u64::from(count >> shift), u64::from(steps >> shift));
        let duty = most.wrapping_mul(count).checked_div(steps).unwrap_or(0);
        self.channel.set_duty_cycle(duty.min(most) as u16)
    }

    /// The channel.
    pub fn release(self) -> P {
        self.channel
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::digital::{Mock as Pin, State, Transaction as OnPin};
    use embedded_hal_mock::eh1::pwm::{Mock as Pwm, Transaction as OnPwm};

    #[test]
    fn a_pin_pulses_for_each_spike_of_its_neuron() {
        let set = OnPin::set;
        let expected = [
            &[set(State::Low), set(State::High), set(State::Low)][..],
            &[set(State::Low)],
            &[
                set(State::Low),
                set(State::High),
                set(State::Low),
                set(State::High),
                set(State::Low),
            ],
        ];
        let pins = expected.map(Pin::new);
        let mut output = SpikePins::new(pins, 100).unwrap();
        for words in [[0b101u32], [0], [0b1_1100]] {
            let spikes = Spikes::new(&words, 5);
            output.show(spikes, &mut NoopDelay::new()).unwrap();
        }
        for mut pin in output.release() {
            pin.done();
        }
    }

    #[test]
    fn a_rate_is_a_duty_cycle() {
        let max = || OnPwm::max_duty_cycle(1000);
        let set = OnPwm::set_duty_cycle;
        let mut expected = std::vec![set(0)];
        for duty in [0, 250, 1000, 1000, 0, 500] {
            expected.extend([max(), set(duty)]);
        }
        let mut output = RateOutput::new(Pwm::new(&expected)).unwrap();
        let half = 1 << 30;
        for (count, steps) in [
            (0, 16),
            (4, 16),
            (16, 16),
            (17, 16),
            (3, 0),
            (half, 2 * half),
        ] {
            output.show(count, steps).unwrap();
        }
        output.release().done();
    }

    extern crate std;
}
