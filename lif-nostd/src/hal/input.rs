//! Samples and edges.

use embedded_hal::digital::InputPin;

/// Something that is sampled: `N` channels at a time, in the sensor's own unit.
///
/// Any closure that reads a driver is one:
///
/// ```ignore
/// let mut sensor = || accelerometer.accel_raw().map(|a| [a.x, a.y, a.z]);
/// ```
pub trait Sensor<const N: usize> {
    /// Why a sample could not be had.
    type Error;

    /// Takes a sample.
    ///
    /// # Errors
    ///
    /// That of the bus or the converter.
    fn sample(&mut self) -> Result<[i16; N], Self::Error>;
}

impl<const N: usize, E, F: FnMut() -> Result<[i16; N], E>> Sensor<N> for F {
    type Error = E;

    fn sample(&mut self) -> Result<[i16; N], E> {
        self()
    }
}

/// A pin that is an input spike for each of its rising edges.
#[derive(Clone, Debug)]
pub struct EdgeInput<P> {
    pin: P,
    was_high: bool,
}

impl<P: InputPin> EdgeInput<P> {
    /// A pin that is high now is no edge.
    ///
    /// # Errors
    ///
    /// That of the pin.
    pub fn new(mut pin: P) -> Result<Self, P::Error> {
        let was_high = pin.is_high()?;
        Ok(Self { pin, was_high })
    }

    /// Whether the pin has risen since it was polled last; an edge between two polls that is over is not seen.
    ///
    /// # Errors
    ///
    /// That of the pin.
    pub fn poll(&mut self) -> Result<bool, P::Error> {
        let is_high = self.pin.is_high()?;
        let was_high = core::mem::replace(&mut self.was_high, is_high);
        Ok(is_high && !was_high)
    }

    /// The pin.
    pub fn release(self) -> P {
        self.pin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use embedded_hal_mock::eh1::i2c;
    use lis2dh12::{Lis2dh12, RawAccelerometer, SlaveAddr};

    extern crate std;

    #[test]
    fn a_rising_edge_is_one_spike() {
        let levels = [1, 1, 0, 1, 1, 0, 0, 1];
        let expected: std::vec::Vec<_> = levels
            .iter()
            .map(|l| Transaction::get(if *l == 1 { State::High } else { State::Low }))
            .collect();
        let mut input = EdgeInput::new(Mock::new(&expected)).unwrap();
        let got: std::vec::Vec<_> = (1..8).map(|_| input.poll().unwrap()).collect();
        assert_eq!(got, [false, false, true, false, false, false, true]);
        input.release().done();
    }

    #[test]
    fn an_accelerometer_is_sampled_through_its_driver() {
        // WHO_AM_I, then six bytes from OUT_X_L on, with the bit that counts registers up.
        let expected = [
            i2c::Transaction::write_read(0x18, std::vec![0x0f], std::vec![0x33]),
            i2c::Transaction::write_read(
                0x18,
                std::vec![0x28 | 0x80],
                std::vec![0x40, 0x01, 0x80, 0xff, 0x00, 0x40],
            ),
        ];
        let bus = i2c::Mock::new(&expected);
        let mut done = bus.clone();
        let mut driver = Lis2dh12::new(bus, SlaveAddr::Default).unwrap();
        let mut sensor = || driver.accel_raw().map(|a| [a.x, a.y, a.z]);
        assert_eq!(sensor.sample().unwrap(), [0x0140, -128, 0x4000]);
        done.done();
    }
}
