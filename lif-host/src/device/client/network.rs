//! The network on a board: input, steps, and what can be read of it.

use lif_nostd::link::{Refusal, Request, Response, Source};
use lif_nostd::spikes::words_for;

use super::models::done;
use super::{Chunk, Client, Port};
use crate::device::Error;
use crate::infer::{Answer, Input};

/// What a board answers to a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// Counts and digest.
    pub answer: Answer,
    /// Ticks of the board's counter; none where it wrapped.
    pub ticks: Option<u64>,
}

/// What the board said of a run.
struct Ran {
    digest: u32,
    ticks: Option<u64>,
}

impl<P: Port> Client<P> {
    /// Runs a sample for `steps` steps from the initial state; 0 only takes the input.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn infer(&mut self, input: &Input, steps: u16) -> Result<Inference, Error> {
        let ran = match input {
            Input::Spikes(words) => self.run_spikes(words, steps)?,
            values => {
                self.write_input(&values.to_bytes())?;
                self.run(steps, true)?
            }
        };
        let counts = self.counts()?;
        Ok(Inference {
            answer: Answer {
                counts,
                digest: ran.digest,
            },
            ticks: ran.ticks,
        })
    }

    /// Goes on with another input for `steps` steps from where the network stands.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn stream(&mut self, input: &Input, steps: u16) -> Result<(), Error> {
        if let Input::Spikes(words) = input {
            for step in 0..u32::from(steps) {
                self.step(&Input::Spikes(words.clone()), step)?;
            }
            return Ok(());
        }
        self.write_input(&input.to_bytes())?;
        self.run(steps, false).map(|_| ())
    }

    /// Runs one step, step `step` of `input`, of which only spikes are sent again.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn step(&mut self, input: &Input, step: u32) -> Result<(), Error> {
        if let Input::Spikes(steps) = input {
            let n = self.spike_words(steps)?;
            let none = vec![0; n];
            let words = steps.get(step as usize).unwrap_or(&none);
            self.write_input(&bytes_of(words))?;
        }
        self.run(1, false).map(|_| ())
    }

    /// Puts the network back to its initial state.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn reset(&mut self) -> Result<(), Error> {
        self.do_it(&Request::Reset, "reset")
    }

    /// Spikes of each output neuron since the reset.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn counts(&mut self) -> Result<Vec<u32>, Error> {
        Ok(words(&self.read(Source::Counts)?))
    }

    /// The step of the first spike of each output neuron since the reset; none where it has not spiked.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn first_spikes(&mut self) -> Result<Vec<Option<u16>>, Error> {
        let bytes = self.read(Source::FirstSpikes)?;
        let (firsts, _) = bytes.as_chunks();
        let firsts = firsts.iter().map(|b| u16::from_le_bytes(*b));
        Ok(firsts.map(|f| (f != u16::MAX).then_some(f)).collect())
    }

    /// The readout of each output.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn readouts(&mut self) -> Result<Vec<f32>, Error> {
        let words = words(&self.read(Source::Readouts)?);
        Ok(words.into_iter().map(f32::from_bits).collect())
    }

    /// Inputs and neurons of layer `layer`.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn layer(&mut self, layer: u16) -> Result<(usize, usize), Error> {
        self.ask(&Request::Layer { layer }, "layer", |r| match r {
            Response::Layer { n_in, n_out, .. } => Some((usize::from(*n_in), usize::from(*n_out))),
            _ => None,
        })
    }

    /// The packed spike words of layer `layer` in the last step.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn spikes(&mut self, layer: u16) -> Result<Vec<u32>, Error> {
        Ok(words(&self.read(Source::Spikes { layer })?))
    }

    /// The membranes of layer `layer` as little-endian bytes.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn membranes(&mut self, layer: u16) -> Result<Vec<u8>, Error> {
        self.read(Source::Membranes { layer })
    }

    /// All that the network remembers of the steps since its reset, for [`Self::set_state`].
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn state(&mut self) -> Result<Vec<u8>, Error> {
        self.read(Source::State)
    }

    /// Puts a state of a network of the same model back.
    ///
    /// # Errors
    ///
    /// [`Error`]; the network must then be reset, or the state written again.
    pub fn set_state(&mut self, state: &[u8]) -> Result<(), Error> {
        let mut at = 0;
        while at < state.len() {
            let end = state.len().min(at + self.chunk / 4 * 4);
            let request = Request::SetState {
                offset: at as u32,
                bytes: &state[at..end],
            };
            at = match self.ask_chunk(&request, "state", done) {
                Ok(()) => end,
                Err(Chunk::Again) => continue,
                // The chunk before arrived, and its answer was lost.
                Err(Chunk::Failed(Error::Refused(Refusal::Order { next }))) if next > 0 => {
                    next as usize
                }
                // It was the last chunk that arrived: all is written once more.
                Err(Chunk::Failed(Error::Refused(Refusal::Order { .. }))) => 0,
                Err(Chunk::Failed(e)) => return Err(e),
            };
        }
        Ok(())
    }

    /// Runs `steps` steps on what lies in the input buffer.
    fn run(&mut self, steps: u16, reset: bool) -> Result<Ran, Error> {
        self.ask(&Request::Run { steps, reset }, "run", |r| match *r {
            Response::Ran {
                digest,
                ticks,
                wrapped,
                ..
            } => Some(Ran {
                digest,
                ticks: (!wrapped).then_some(ticks),
            }),
            _ => None,
        })
    }

    /// Words of a step of `input`.
    fn spike_words(&mut self, input: &[Vec<u32>]) -> Result<usize, Error> {
        match input.first() {
            Some(first) => Ok(first.len()),
            None => Ok(words_for(self.model()?.n_in.into())),
        }
    }

    /// Runs `steps` steps of a sample of spikes from the initial state, as many at a time as the board's buffer holds.
    fn run_spikes(&mut self, input: &[Vec<u32>], steps: u16) -> Result<Ran, Error> {
        let n = self.spike_words(input)?;
        let fit = self.input_bytes / 4 / n.max(1);
        if fit == 0 {
            let problem = "the spikes of one step do not fit the board's buffer";
            return Err(Error::TooLarge(problem.into()));
        }
        let mut ran = self.run(0, true)?;
        let mut step = 0;
        while step < usize::from(steps) {
            let now = fit.min(usize::from(steps) - step);
            let none = vec![0; n];
            let of = |s: usize| input.get(s).unwrap_or(&none);
            let words: Vec<u32> = (step..step + now).flat_map(of).copied().collect();
            self.write_input(&bytes_of(&words))?;
            let part = self.run(now as u16, false)?;
            ran = Ran {
                digest: part.digest,
                ticks: ran.ticks.zip(part.ticks).map(|(a, b)| a + b),
            };
            step += now;
        }
        Ok(ran)
    }

    /// Writes `bytes` into the input buffer.
    fn write_input(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut at = 0;
        while at < bytes.len() {
            let end = bytes.len().min(at + self.chunk);
            let offset = u16::try_from(at).map_err(|_| {
                Error::TooLarge("the input is longer than the link can address".into())
            })?;
            let request = Request::Input {
                offset,
                bytes: &bytes[at..end],
            };
            match self.ask_chunk(&request, "input", done) {
                Ok(()) => at = end,
                Err(Chunk::Again) => {}
                Err(Chunk::Failed(e)) => return Err(e),
            }
        }
        Ok(())
    }

    /// All bytes of `source`.
    fn read(&mut self, source: Source) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        loop {
            let request = Request::Read {
                source,
                from: all.len() as u32,
                most: self.chunk as u16,
            };
            let take = |r: &Response<'_>| match r {
                Response::Data { total, bytes } => Some((*total as usize, bytes.to_vec())),
                _ => None,
            };
            let (total, bytes) = match self.ask_chunk(&request, "data", take) {
                Ok(answer) => answer,
                Err(Chunk::Again) => continue,
                Err(Chunk::Failed(e)) => return Err(e),
            };
            // A board that gives nothing, or more than there is, would never be done.
            if all.len() + bytes.len() > total || bytes.is_empty() && all.len() < total {
                return Err(Error::Unexpected("data"));
            }
            all.extend(bytes);
            if all.len() == total {
                return Ok(all);
            }
        }
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    let (words, _) = bytes.as_chunks();
    words.iter().map(|w| u32::from_le_bytes(*w)).collect()
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}
