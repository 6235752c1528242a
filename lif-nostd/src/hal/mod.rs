//! Sensors in, spikes out: glue between a network and the traits of embedded-hal 1.0 (feature `hal`).
//!
//! | what | is there for |
//! |---|---|
//! | [`SpikePins`] | a pulse on an output pin for each spike |
//! | [`RateOutput`] | the rate of a neuron as the duty cycle of a PWM channel |
//! | [`EdgeInput`] | an input spike for each rising edge of a pin |
//! | [`Sensor`] | samples of several channels: an ADC, an accelerometer, a closure around any driver |
//! | [`LevelCrossing`] | samples to spikes, where a channel has crossed a level |
//! | [`Pipeline`] | sample, encode, step, decode, act, at a fixed tick |
//!
//! Nothing here allocates, and errors of pins and buses come through as they are.

mod encode;
mod input;
mod output;
mod pipeline;

pub use encode::{Encoder, LevelCrossing};
pub use input::{EdgeInput, Sensor};
pub use output::{RateOutput, SpikePins};
pub use pipeline::{Clock, Pipeline, PipelineError, Ticker};
