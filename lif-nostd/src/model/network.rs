//! The network that runs a model in place: state in an arena, no heap.

mod state;

use super::arena::{Cut, CutRef, LIST_WORDS, values};
use super::format::Number;
use super::reader::Model;
use super::view::{Pair, Parts, View, load, store};
use crate::error::{Error, What};
use crate::spikes::{Spikes, words_for};

/// A running network: a model that stays where it lies, and its state in an arena that the caller brings.
///
/// Within a time step the layers run in order, with no delay between them.
///
/// | input node | set by | lasts |
/// |---|---|---|
/// | i8, f32 | [`Network::set_current`], [`Network::set_current_f32`] | until it is set again |
/// | spikes | [`Network::set_spikes`], [`Network::events`] | one step, which clears them |
#[derive(Debug)]
pub struct Network<'m> {
    model: Model<'m>,
    arena: &'m mut [u32],
    /// Whole steps since the reset.
    step: u32,
    next: Next<'m>,
}

/// Where a step goes on.
#[derive(Clone, Copy, Debug)]
struct Next<'m> {
    /// Layer that runs next.
    layer: usize,
    /// Where its part of the layers' words starts.
    start: usize,
    /// The records of the layer.
    records: &'m Pair,
    /// The largest |sum + bias| of its sums.
    max_sum: u32,
    /// How it computes.
    how: How,
}

/// How a layer computes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    /// Weights of 8 bits and sums of 16.
    Lanes,
    /// Weights of 8 bits and sums of 32.
    I8,
    /// Weights of 16 bits.
    #[cfg(feature = "i16-weights")]
    I16,
    /// f32.
    #[cfg(feature = "f32")]
    F32,
}

impl How {
    const fn of(layer: &View<'_>) -> Self {
        #[cfg(feature = "f32")]
        if layer.is_f32() {
            return Self::F32;
        }
        #[cfg(feature = "i16-weights")]
        if layer.has_i16() {
            return Self::I16;
        }
        if layer.has_lanes() {
            Self::Lanes
        } else {
            Self::I8
        }
    }
}

/// A layer that is to run, its currents, twice what they stand for where `doubled`, and its part of the arena.
struct Running<'a, 'm> {
    layer: View<'m>,
    currents: &'a [u32],
    doubled: bool,
    parts: Parts<'a>,
}

/// Whether a step is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a step is over where it is Done"]
pub enum Progress {
    /// More layers are to run in this step.
    More,
    /// The step is over.
    Done,
}

/// The membranes of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Membranes<'a> {
    /// Fixed point of 16 bits, in the layer's own unit.
    I16(&'a [i16]),
    /// Fixed point of 32 bits, in the layer's own unit.
    I32(&'a [i32]),
    /// Floating point.
    F32(&'a [f32]),
}

impl<'a> Membranes<'a> {
    /// The membranes as they lie in memory, little-endian.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        // Bytes need no alignment: this cannot fail.
        let bytes = match self {
            Self::I16(v) => bytemuck::try_cast_slice(v),
            Self::I32(v) => bytemuck::try_cast_slice(v),
            Self::F32(v) => bytemuck::try_cast_slice(v),
        };
        bytes.unwrap_or(&[])
    }
}

/// Bytes of arena that the model in `bytes` needs, a multiple of 8.
///
/// # Errors
///
/// Those of [`Model::read`].
pub fn ram_bytes(bytes: &[u8]) -> Result<usize, Error> {
    Ok(Model::read(bytes)?.ram_bytes())
}

/// What stands for no first spike: the steps are kept from 1.
const NEVER: u16 = 0;

impl<'m> Network<'m> {
    /// Reads the model in `bytes` and puts a network in its initial state into `arena`.
    ///
    /// # Errors
    ///
    /// Those of [`Model::read`], and [`Error::Arena`] where the arena is too small.
    pub fn new(bytes: &'m [u8], arena: &'m mut [u64]) -> Result<Self, Error> {
        let model = Model::read(bytes)?;
        let need = model.ram_bytes();
        let got = size_of_val(arena);
        if got < need {
            return Err(Error::Arena { need, got });
        }
        let arena = bytemuck::must_cast_slice_mut(arena);
        // The reader saw at least one layer.
        let view = model.graph.layer(0).ok_or(What::Topology.at(0))?;
        let next = Next {
            layer: 0,
            start: 0,
            records: view.r,
            max_sum: view.max_sum,
            how: How::of(&view),
        };
        let mut network = Self {
            model,
            arena,
            step: 0,
            next,
        };
        network.clear_input();
        network.reset();
        Ok(network)
    }

    /// The model that is running.
    #[must_use]
    pub const fn model(&self) -> &Model<'m> {
        &self.model
    }

    /// Sets the input to the i8 values `x`, one an input, kept until they are set again.
    ///
    /// The current of the first layer is computed here, once, not in each step.
    ///
    /// # Errors
    ///
    /// [`Error::InputLength`], [`Error::InputType`] where the network takes something else.
    pub fn set_current(&mut self, x: &[i8]) -> Result<(), Error> {
        self.check_input(Number::I8, self.model.n_in(), x.len())?;
        let mut cut = Cut(&mut *self.arena);
        cut.words(self.model.layout.scratch);
        let held = cut.words(self.model.layout.input);
        if let Some(layer) = self.model.graph.layer(0) {
            layer.hold_int(x, held);
        }
        Ok(())
    }

    /// Sets the input to the f32 values `x`, one an input, kept until they are set again.
    ///
    /// # Errors
    ///
    /// [`Error::InputLength`], [`Error::InputType`] where the network takes something else.
    #[cfg(feature = "f32")]
    pub fn set_current_f32(&mut self, x: &[f32]) -> Result<(), Error> {
        self.check_input(Number::F32, self.model.n_in(), x.len())?;
        let mut cut = Cut(&mut *self.arena);
        cut.words(self.model.layout.scratch);
        let held = cut.words(self.model.layout.input);
        if let Some(layer) = self.model.graph.layer(0) {
            layer.hold_f32(x, held);
        }
        Ok(())
    }

    /// Sets the input spikes of the coming step to `words`, bit-packed as in [`crate::spikes`]; bits past the last
    /// input are left out. The step clears them.
    ///
    /// # Errors
    ///
    /// [`Error::InputLength`] in words, [`Error::InputType`] where the network takes values.
    pub fn set_spikes(&mut self, words: &[u32]) -> Result<(), Error> {
        self.check_input(Number::Bits, self.model.layout.input, words.len())?;
        let n_in = self.model.n_in();
        let input = self.input();
        for (to, from) in input.iter_mut().zip(words) {
            *to = *from;
        }
        let unused = input.len().saturating_mul(32).saturating_sub(n_in);
        if let (Some(last), Some(mask)) = (input.last_mut(), u32::MAX.checked_shr(unused as u32)) {
            *last &= mask;
        }
        Ok(())
    }

    /// Adds spikes of the inputs `indices` to those of the coming step, in any order; the step clears them.
    ///
    /// # Errors
    ///
    /// [`Error::InputIndex`], and nothing is changed then; [`Error::InputType`] where the network takes values.
    pub fn events(&mut self, indices: &[u16]) -> Result<(), Error> {
        self.check_input(Number::Bits, 0, 0)?;
        let n = self.model.n_in();
        if let Some(index) = indices.iter().find(|i| usize::from(**i) >= n) {
            let index = usize::from(*index);
            return Err(Error::InputIndex { index, n });
        }
        let input = self.input();
        for i in indices {
            if let Some(word) = input.get_mut(usize::from(i / 32)) {
                *word |= 1 << (i % 32);
            }
        }
        Ok(())
    }

    /// Runs all layers for one time step, or those that [`Network::step_layer`] has left of it.
    pub fn step(&mut self) {
        while self.step_layer() == Progress::More {}
    }

    /// The same; `observe` is called after each layer that runs, with its number, its spikes and its membranes.
    pub fn step_observed(&mut self, observe: &mut impl FnMut(usize, Spikes<'_>, Membranes<'_>)) {
        loop {
            let layer = self.next.layer;
            let progress = self.step_layer();
            if let Some((spikes, v)) = self.layers().nth(layer) {
                observe(layer, spikes, v);
            }
            if progress == Progress::Done {
                return;
            }
        }
    }

    /// Runs the next layer of a time step: work that is bounded by that layer, for a caller with a deadline.
    #[inline(never)]
    pub fn step_layer(&mut self) -> Progress {
        // One after the other, so that the stack holds one of them at a time.
        let how = self.next.how;
        if self.holds() {
            // Its currents are there.
        } else if how == How::Lanes {
            self.drive_lanes();
        } else {
            match how {
                #[cfg(feature = "f32")]
                How::F32 => self.drive_f32(),
                #[cfg(feature = "i16-weights")]
                How::I16 => self.drive_i16(),
                _ => self.drive_i8(),
            }
            self.narrow();
        }
        #[cfg(feature = "f32")]
        if how == How::F32 {
            self.fire_f32();
            return self.finish_layer();
        }
        let done = self.fire_words();
        let layer = self.view();
        if done >= layer.n_out() {
            // All of them.
        } else if layer.is_half() && layer.is_uniform() {
            self.fire_rest(done);
        } else {
            self.fire_each(done);
        }
        self.finish_layer()
    }

    /// The next layer.
    const fn view(&self) -> View<'m> {
        View {
            file: self.model.graph.file,
            r: self.next.records,
            max_sum: self.next.max_sum,
        }
    }

    /// Whether the currents of the next layer are held.
    const fn holds(&self) -> bool {
        self.next.layer == 0 && !self.model.graph.takes_spikes()
    }

    /// The currents of the next layer from the spikes that drive it, by sums of 16 bits.
    #[inline(never)]
    fn drive_lanes(&mut self) {
        let (layer, spikes, scratch) = self.driven();
        layer.currents_lanes(spikes, scratch);
    }

    /// The sums of the next layer through weights of 8 bits.
    #[inline(never)]
    fn drive_i8(&mut self) {
        let (layer, spikes, scratch) = self.driven();
        layer.sums_i8(spikes, scratch);
    }

    /// The same through weights of 16 bits.
    #[cfg(feature = "i16-weights")]
    #[inline(never)]
    fn drive_i16(&mut self) {
        let (layer, spikes, scratch) = self.driven();
        layer.sums_i16(spikes, scratch);
    }

    /// The same in f32.
    #[cfg(feature = "f32")]
    #[inline(never)]
    fn drive_f32(&mut self) {
        let (layer, spikes, scratch) = self.driven();
        layer.sums_f32(spikes, scratch);
    }

    /// Sums to currents, where they are integers.
    #[inline(never)]
    fn narrow(&mut self) {
        let (layer, _, scratch) = self.driven();
        if !layer.is_f32() {
            layer.narrow(scratch.get_mut(LIST_WORDS..).unwrap_or(&mut []));
        }
    }

    /// The next layer, the spikes that drive it and room for sums.
    #[inline(always)]
    fn driven(&mut self) -> (View<'m>, Spikes<'_>, &mut [u32]) {
        let layer = self.view();
        let mut cut = Cut(&mut *self.arena);
        let scratch = cut.words(self.model.layout.scratch);
        let mut spikes: &[u32] = cut.words(self.model.layout.input);
        if self.next.layer > 0 {
            // They stand right before the layer's part.
            let words = words_for(layer.n_in());
            cut.words(self.next.start - words);
            spikes = cut.words(words);
        }
        (layer, Spikes::new(spikes, layer.n_in()), scratch)
    }

    /// The next layer with its currents.
    ///
    /// Inlined: its stack would come on top of that of its callers.
    #[inline(always)]
    fn next_layer(&mut self) -> Running<'_, 'm> {
        let is_held = self.holds();
        let layer = self.view();
        let mut cut = Cut(&mut *self.arena);
        let scratch = cut.words(self.model.layout.scratch);
        let input = cut.words(self.model.layout.input);
        cut.words(self.next.start);
        let parts = cut.layer(&layer);
        let (currents, doubled) = if is_held {
            (input, false)
        } else {
            (
                scratch.get_mut(LIST_WORDS..).unwrap_or(&mut []),
                layer.doubled(),
            )
        };
        Running {
            layer,
            currents,
            doubled,
            parts,
        }
    }

    /// The neurons of the next layer in f32.
    #[cfg(feature = "f32")]
    #[inline(never)]
    fn fire_f32(&mut self) {
        let step = self.step;
        let now = self.next_layer();
        now.layer.fire_f32(now.currents, now.parts, step);
    }

    /// The neurons of the next layer that a kernel steps: how many they are.
    #[inline(never)]
    fn fire_words(&mut self) -> usize {
        let now = self.next_layer();
        now.layer.fire_words(now.currents, now.doubled, now.parts)
    }

    /// The neurons of the next layer from `done` on, which share their parameters.
    #[inline(never)]
    fn fire_rest(&mut self, done: usize) {
        let now = self.next_layer();
        now.layer
            .fire_rest(done, now.currents, now.doubled, now.parts);
    }

    /// The neurons of the next layer from `done` on, one by one.
    #[inline(never)]
    fn fire_each(&mut self, done: usize) {
        let first = self.step == 0;
        let now = self.next_layer();
        now.layer.fire_each(done, now.currents, now.parts, first);
    }

    /// Clears input spikes that were used, and goes on to the layer behind.
    #[inline(never)]
    fn finish_layer(&mut self) -> Progress {
        let (layer, start) = (self.next.layer, self.next.start);
        let words = self.view().words();
        if layer == 0 && self.model.graph.takes_spikes() {
            self.input().fill(0);
        }
        if self.go_on(layer + 1, start + words) {
            return Progress::More;
        }
        self.go_on(0, 0);
        self.count();
        Progress::Done
    }

    /// Goes on at layer `layer`, whose part of the layers' words is at `start`: false if there is no such layer, and
    /// nothing is changed.
    #[inline(never)]
    fn go_on(&mut self, layer: usize, start: usize) -> bool {
        let view = self.model.graph.layer(layer);
        if let Some(view) = view {
            self.next.layer = layer;
            self.next.start = start;
            self.next.records = view.r;
            self.next.max_sum = view.max_sum;
            self.next.how = How::of(&view);
        }
        view.is_some()
    }

    /// Counts the spikes of the last layer and ends the step.
    #[inline(never)]
    fn count(&mut self) {
        self.step = self.step.saturating_add(1);
        let step = u16::try_from(self.step).unwrap_or(NEVER);
        let layout = &self.model.layout;
        let n = layout.n_out;
        let mut cut = Cut(&mut *self.arena);
        // They stand right before the counts.
        let words = words_for(n);
        cut.words(layout.before_counts() - words);
        let spikes = cut.words(words);
        let counts = cut.words(n);
        for i in Spikes::new(spikes, n).indices() {
            if let Some(count) = counts.get_mut(i) {
                if *count == 0 {
                    store(cut.0, i, true, i32::from(step));
                }
                *count = count.saturating_add(1);
            }
        }
    }

    /// Puts membranes, spikes, counts and readouts back to their initial state, and gives up a step that is not
    /// over; the input stays.
    pub fn reset(&mut self) {
        self.step = 0;
        self.go_on(0, 0);
        let mut cut = Cut(&mut *self.arena);
        cut.words(self.model.layout.before_layers());
        for layer in self.model.graph.layers() {
            let parts = cut.layer(&layer);
            parts.spikes.fill(0);
            parts.decodes.fill(0);
            #[cfg(feature = "f32")]
            if layer.is_f32() {
                layer.reset_f32(parts.v);
                continue;
            }
            layer.reset_int(parts.v);
        }
        // An arena may be larger than its network.
        cut.words(self.model.layout.n_out).fill(0);
        cut.words(self.model.layout.first()).fill(0);
    }

    /// Puts the input back to its initial state: no spikes, no values, so that the current is the bias alone.
    pub fn clear_input(&mut self) {
        let mut cut = Cut(&mut *self.arena);
        cut.words(self.model.layout.scratch);
        let input = cut.words(self.model.layout.input);
        if self.model.graph.takes_spikes() {
            return input.fill(0);
        }
        if let Some(layer) = self.model.graph.layer(0) {
            #[cfg(feature = "f32")]
            if layer.is_f32() {
                return layer.hold_f32(&[], input);
            }
            layer.hold_int(&[], input);
        }
    }

    /// Whole steps since the reset.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.step
    }

    /// Spikes of each output neuron since the reset.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        let mut cut = CutRef(&*self.arena);
        cut.words(self.model.layout.before_counts());
        cut.words(self.model.layout.n_out)
    }

    /// The step, from 0, of the first spike of each output neuron since the reset; none where it has not spiked, or
    /// not before step 65535.
    pub fn first_spikes(&self) -> impl Iterator<Item = Option<u16>> {
        let mut cut = CutRef(&*self.arena);
        cut.words(self.model.layout.before_counts());
        cut.words(self.model.layout.n_out);
        let first = cut.words(self.model.layout.first());
        (0..self.model.layout.n_out).map(|i| (load(first, i, true) as u16).checked_sub(1))
    }

    /// What the last layer's decode reads of output `i`, times the scale of the model's readout; the membrane of
    /// the last step, where there is no decode. None past the end.
    #[must_use]
    pub fn readout(&self, i: usize) -> Option<f32> {
        let scale = self.model.readout_scale();
        #[cfg(feature = "f32")]
        if let Some((layer, v, state)) = self.output(i)
            && layer.is_f32()
        {
            let v = f32::from_bits(*v.get(i)?);
            return Some(layer.read_f32(v, state, self.step)? * scale);
        }
        Some(self.readout_int(i)? as f32 * scale)
    }

    /// The same of an integer network, in units of the membrane: without a scale, and without floating point.
    #[must_use]
    pub fn readout_int(&self, i: usize) -> Option<i32> {
        let (layer, v, state) = self.output(i)?;
        (!layer.is_f32()).then(|| layer.read_int(load(v, i, layer.is_half()), state, self.step))
    }

    /// The last layer, its membranes and the state of the decode of output `i`; none past the end.
    fn output(&self, i: usize) -> Option<(View<'m>, &[u32], [u32; 2])> {
        let layer = self.model.graph.layers().last()?;
        let start = self
            .model
            .layout
            .before_counts()
            .checked_sub(layer.words())?;
        let mut cut = CutRef(&*self.arena);
        cut.words(start);
        let v = cut.words(layer.state_words());
        let (decodes, _) = cut.words(layer.decode_words()).as_chunks();
        let state = decodes.get(i).copied().unwrap_or_default();
        (i < layer.n_out()).then_some((layer, v, state))
    }

    /// The spikes of each layer in the last step, and its membranes, from the first layer on.
    pub fn layers(&self) -> impl Iterator<Item = (Spikes<'_>, Membranes<'_>)> {
        let mut cut = CutRef(&*self.arena);
        cut.words(self.model.layout.before_layers());
        self.model.graph.layers().map(move |layer| {
            let n = layer.n_out();
            let v = cut.words(layer.state_words());
            cut.words(layer.decode_words());
            let spikes = Spikes::new(cut.words(words_for(n)), n);
            let v = if layer.is_half() {
                Membranes::I16(values(v, n))
            } else if layer.is_f32() {
                Membranes::F32(values(v, n))
            } else {
                Membranes::I32(values(v, n))
            };
            (spikes, v)
        })
    }

    /// The spikes of layer `l` in the last step; none past the last layer.
    #[must_use]
    pub fn spikes(&self, l: usize) -> Option<Spikes<'_>> {
        self.layers().nth(l).map(|(spikes, _)| spikes)
    }

    /// The membranes of layer `l`; none past the last layer.
    #[must_use]
    pub fn membranes(&self, l: usize) -> Option<Membranes<'_>> {
        self.layers().nth(l).map(|(_, v)| v)
    }

    fn check_input(&self, number: Number, need: usize, got: usize) -> Result<(), Error> {
        if self.model.number() != number {
            return Err(Error::InputType {
                need: self.model.number(),
            });
        }
        if got != need {
            return Err(Error::InputLength { need, got });
        }
        Ok(())
    }

    /// The input spikes.
    fn input(&mut self) -> &mut [u32] {
        let mut cut = Cut(&mut *self.arena);
        cut.words(self.model.layout.scratch);
        cut.words(self.model.layout.input)
    }
}
