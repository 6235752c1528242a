//! The golden trace: a short input, and the digest of what the network must make of it.

use core::fmt;

use super::arena::values;
use super::digest::Digest;
use super::format::{GOLDEN_HEADER_BYTES, Number, section};
use super::network::Network;
use super::reader::Model;
use crate::error::Error;
use crate::spikes::words_for;

/// The golden trace of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GoldenTrace<'m> {
    /// Time steps.
    pub steps: u32,
    /// The [`Digest`] of these steps.
    pub digest: u32,
    /// The input, little-endian: i8 or f32 values once, or the packed spikes of each step.
    pub input: &'m [u8],
}

/// Why a model did not pass its self-test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "link", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SelfTest {
    /// The model has no golden trace.
    Missing,
    /// The network computes something else than the machine that wrote the file.
    Differs {
        /// Digest in the file.
        stated: u32,
        /// Digest of this run.
        computed: u32,
    },
    /// The input of the trace was refused.
    Input(Error),
}

impl fmt::Display for SelfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the model has no golden trace to test itself with"),
            Self::Differs { stated, computed } => write!(
                f,
                "the self-test gives the digest {computed:08x}, not {stated:08x}: the network computes something else \
                 than where the model was made"
            ),
            Self::Input(e) => write!(f, "the golden trace: {e}"),
        }
    }
}

impl core::error::Error for SelfTest {}

impl<'m> Model<'m> {
    /// The golden trace, if the file has one.
    #[must_use]
    pub fn golden_trace(&self) -> Option<GoldenTrace<'m>> {
        let body = self.section(section::GOLDEN_TRACE)?;
        Some(GoldenTrace {
            steps: self.graph.u32_at(body.offset.saturating_add(4)),
            digest: self.graph.u32_at(body.offset.saturating_add(8)),
            input: body.of(self.bytes()).get(GOLDEN_HEADER_BYTES..)?,
        })
    }
}

impl Network<'_> {
    /// Runs the model's golden trace and compares the digest of all spikes and membranes with that in the file.
    ///
    /// The network is as new before and after it: state and input are in their initial state.
    ///
    /// # Errors
    ///
    /// [`SelfTest`].
    pub fn self_test(&mut self) -> Result<(), SelfTest> {
        let trace = self.model().golden_trace().ok_or(SelfTest::Missing)?;
        self.clear_input();
        self.reset();
        let run = self.run_trace(trace.input, trace.steps);
        self.clear_input();
        self.reset();
        match run.map_err(SelfTest::Input)? {
            computed if computed == trace.digest => Ok(()),
            computed => Err(SelfTest::Differs {
                stated: trace.digest,
                computed,
            }),
        }
    }

    /// Runs `steps` steps from where the network stands on `input`, laid out as in [`GoldenTrace`]: the digest.
    ///
    /// # Errors
    ///
    /// [`Error::InputLength`].
    pub fn run_trace(&mut self, input: &[u8], steps: u32) -> Result<u32, Error> {
        let number = self.model().number();
        match number {
            Number::Bits => (),
            #[cfg(feature = "f32")]
            Number::F32 => self.set_current_f32(bytemuck::try_cast_slice(input).unwrap_or(&[]))?,
            _ => self.set_current(bytemuck::try_cast_slice(input).unwrap_or(&[]))?,
        }
        let mut words: &[u32] = match number {
            Number::Bits => bytemuck::try_cast_slice(input).unwrap_or(&[]),
            _ => &[],
        };
        let n = words_for(self.model().n_in());
        let mut digest = Digest::new();
        for _ in 0..steps {
            if number == Number::Bits {
                self.set_spikes(values(words, n))?;
                words = words.get(n..).unwrap_or(&[]);
            }
            self.step();
            digest.add_spikes(self);
        }
        digest.add_membranes(self);
        Ok(digest.finish())
    }
}
