//! The network that runs a model in place: state in an arena, no heap.

use crate::error::Error;
use crate::model::format::Number;
use crate::model::layer::{Layer, LayerKind};
use crate::model::reader::Model;
use crate::scalar::Scalar;
use crate::spikes::{Spikes, words_for};
use crate::synapse::shift_to_i16;

/// A running network: a model that stays where it lies, and its state in an arena that the caller brings.
///
/// Within a time step the layers run in order, with no delay between them. The arena holds, in 32-bit words:
///
/// ```text
/// sums      one a neuron of the widest layer, in whole blocks of 16
/// held      the current of each neuron of the first layer, kept until the input changes
/// a layer:  its spikes, bit-packed; its membranes
/// counts    spikes of each output neuron since the reset
/// ```
#[derive(Debug)]
pub struct Network<'m> {
    model: Model<'m>,
    layout: Layout,
    arena: &'m mut [u32],
}

/// The membranes of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Membranes<'a> {
    /// Fixed point, in the layer's own unit.
    I16(&'a [i16]),
    /// Floating point.
    F32(&'a [f32]),
}

/// Bytes of arena that the model in `bytes` needs, a multiple of 8.
///
/// # Errors
///
/// Those of [`Model::read`].
pub fn ram_bytes(bytes: &[u8]) -> Result<usize, Error> {
    Ok(Model::read(bytes)?.ram_bytes())
}

/// Where things lie in a network's arena, in words.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    /// Sums of the widest layer.
    sums: usize,
    /// Held currents of the first layer.
    held: usize,
    /// Spikes and membranes of all layers.
    layers: usize,
    /// Counts.
    counts: usize,
}

impl Layout {
    fn of(model: &Model<'_>) -> Self {
        let mut layout = Self::default();
        for layer in model.layers() {
            if layout.layers == 0 {
                layout.held = layer.state_words();
            }
            layout.sums = layout.sums.max(layer.padded());
            layout.layers = layout
                .layers
                .saturating_add(words_for(layer.n_out))
                .saturating_add(layer.state_words());
            layout.counts = layer.n_out;
        }
        layout
    }

    /// Words before the layers.
    const fn before_layers(&self) -> usize {
        self.sums.saturating_add(self.held)
    }

    /// Words before the counts.
    const fn before_counts(&self) -> usize {
        self.before_layers().saturating_add(self.layers)
    }
}

impl Model<'_> {
    /// Bytes of arena that a network of this model needs, a multiple of 8.
    #[must_use]
    pub fn ram_bytes(&self) -> usize {
        let layout = Layout::of(self);
        let words = layout.before_counts().saturating_add(layout.counts);
        words.div_ceil(2).saturating_mul(8)
    }
}

/// The words of a network's arena, by use. Each call cuts the next piece off the front.
struct Cut<'a>(&'a mut [u32]);

impl<'a> Cut<'a> {
    fn words(&mut self, n: usize) -> &'a mut [u32] {
        let all = core::mem::take(&mut self.0);
        let n = n.min(all.len());
        match all.split_at_mut_checked(n) {
            Some((piece, rest)) => {
                self.0 = rest;
                piece
            }
            None => &mut [],
        }
    }
}

/// The same for reading.
struct CutRef<'a>(&'a [u32]);

impl<'a> CutRef<'a> {
    fn words(&mut self, n: usize) -> &'a [u32] {
        let n = n.min(self.0.len());
        match self.0.split_at_checked(n) {
            Some((piece, rest)) => {
                self.0 = rest;
                piece
            }
            None => &[],
        }
    }
}

/// The first `n` values of type `T` in `words`, fewer if the words hold fewer.
fn values<T: bytemuck::AnyBitPattern>(words: &[u32], n: usize) -> &[T] {
    let all = bytemuck::try_cast_slice(words).unwrap_or(&[]);
    all.get(..n).unwrap_or(all)
}

/// The same for writing.
fn values_mut<T: bytemuck::Pod>(words: &mut [u32], n: usize) -> &mut [T] {
    let all = bytemuck::try_cast_slice_mut(words).unwrap_or(&mut []);
    let n = n.min(all.len());
    all.get_mut(..n).unwrap_or(&mut [])
}

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
        let arena =
            bytemuck::try_cast_slice_mut(arena).map_err(|_| Error::Arena { need, got: 0 })?;
        let layout = Layout::of(&model);
        let mut network = Self {
            model,
            layout,
            arena,
        };
        network.hold_bias();
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
    /// [`Error::InputLength`], [`Error::InputType`] where the network takes f32.
    pub fn set_current(&mut self, x: &[i8]) -> Result<(), Error> {
        self.check_input(Number::I8, x.len())?;
        let (layer, sums, held) = self.first();
        if let Some(Layer {
            kind:
                LayerKind::I16 {
                    linear,
                    bias,
                    shift,
                    ..
                },
            n_out,
            ..
        }) = layer
        {
            let sums = values_mut::<i32>(sums, bias.len());
            fill(sums, bias);
            linear.add_values(x, sums);
            for (held, sum) in values_mut::<i16>(held, n_out).iter_mut().zip(&*sums) {
                *held = shift_to_i16(*sum, shift);
            }
        }
        Ok(())
    }

    /// Sets the input to the f32 values `x`, one an input, kept until they are set again.
    ///
    /// # Errors
    ///
    /// [`Error::InputLength`], [`Error::InputType`] where the network takes i8.
    pub fn set_current_f32(&mut self, x: &[f32]) -> Result<(), Error> {
        self.check_input(Number::F32, x.len())?;
        let (layer, sums, held) = self.first();
        if let Some(Layer {
            kind: LayerKind::F32 { linear, bias, .. },
            n_out,
            ..
        }) = layer
        {
            let sums = values_mut::<f32>(sums, bias.len());
            fill(sums, bias);
            linear.add_values(x, sums);
            fill(values_mut(held, n_out), sums);
        }
        Ok(())
    }

    /// Runs all layers for one time step.
    pub fn step(&mut self) {
        let mut cut = Cut(&mut *self.arena);
        let sums = cut.words(self.layout.sums);
        let held: &[u32] = cut.words(self.layout.held);
        let mut before: Option<Spikes<'_>> = None;
        for layer in self.model.layers() {
            let spikes = cut.words(words_for(layer.n_out));
            let v = cut.words(layer.state_words());
            layer.step(before, held, sums, v, spikes);
            before = Some(Spikes::new(spikes, layer.n_out));
        }
        if let Some(output) = before {
            let counts = cut.words(output.len());
            for i in output.indices() {
                if let Some(count) = counts.get_mut(i) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// Puts membranes, spikes and counts back to their initial state; the input stays.
    pub fn reset(&mut self) {
        let mut cut = Cut(&mut *self.arena);
        cut.words(self.layout.before_layers());
        for layer in self.model.layers() {
            cut.words(words_for(layer.n_out)).fill(0);
            let v = cut.words(layer.state_words());
            match layer.kind {
                LayerKind::I16 { lif, .. } => {
                    values_mut(v, layer.n_out).fill(lif.v_reset.unwrap_or(i16::ZERO));
                }
                LayerKind::F32 { lif, .. } => {
                    values_mut(v, layer.n_out).fill(lif.v_reset.unwrap_or(f32::ZERO));
                }
            }
        }
        // An arena may be larger than its network.
        cut.words(self.layout.counts).fill(0);
    }

    /// Spikes of each output neuron since the reset.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        let mut cut = CutRef(&*self.arena);
        cut.words(self.layout.before_counts());
        cut.words(self.layout.counts)
    }

    /// The spikes of each layer in the last step, and its membranes, from the first layer on.
    pub fn layers(&self) -> impl Iterator<Item = (Spikes<'_>, Membranes<'_>)> {
        let mut cut = CutRef(&*self.arena);
        cut.words(self.layout.before_layers());
        self.model.layers().map(move |layer| {
            let n = layer.n_out;
            let spikes = Spikes::new(cut.words(words_for(n)), n);
            let v = cut.words(layer.state_words());
            let v = match layer.kind {
                LayerKind::I16 { .. } => Membranes::I16(values(v, n)),
                LayerKind::F32 { .. } => Membranes::F32(values(v, n)),
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

    fn check_input(&self, number: Number, got: usize) -> Result<(), Error> {
        if self.model.number() != number {
            return Err(Error::InputType {
                need: self.model.number().name(),
            });
        }
        let need = self.model.n_in();
        if got != need {
            return Err(Error::InputLength { need, got });
        }
        Ok(())
    }

    /// The first layer, the sums and the held currents.
    fn first(&mut self) -> (Option<Layer<'m>>, &mut [u32], &mut [u32]) {
        let mut cut = Cut(&mut *self.arena);
        let sums = cut.words(self.layout.sums);
        let held = cut.words(self.layout.held);
        (self.model.layer(0), sums, held)
    }

    /// The current of the first layer without any input: its bias.
    fn hold_bias(&mut self) {
        let (layer, _, held) = self.first();
        let Some(layer) = layer else { return };
        match layer.kind {
            LayerKind::I16 { bias, shift, .. } => {
                for (held, bias) in values_mut::<i16>(held, layer.n_out).iter_mut().zip(bias) {
                    *held = shift_to_i16(*bias, shift);
                }
            }
            LayerKind::F32 { bias, .. } => fill(values_mut(held, layer.n_out), bias),
        }
    }
}

/// Copies as many values as both hold.
fn fill<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

impl Layer<'_> {
    /// One time step: `held` is the current if nothing stands before this layer, else `before` its spikes.
    fn step(
        &self,
        before: Option<Spikes<'_>>,
        held: &[u32],
        sums: &mut [u32],
        v: &mut [u32],
        spikes: &mut [u32],
    ) {
        match self.kind {
            LayerKind::I16 {
                linear,
                bias,
                shift,
                lif,
            } => {
                let v = values_mut::<i16>(v, self.n_out);
                match before {
                    None => lif.step_all(v, values(held, self.n_out).iter().copied(), spikes),
                    Some(input) => {
                        let sums = values_mut::<i32>(sums, bias.len());
                        fill(sums, bias);
                        linear.add_spikes(input, sums);
                        let c = sums.iter().map(|sum| shift_to_i16(*sum, shift));
                        lif.step_all(v, c, spikes);
                    }
                }
            }
            LayerKind::F32 { linear, bias, lif } => {
                let v = values_mut::<f32>(v, self.n_out);
                match before {
                    None => lif.step_all(v, values(held, self.n_out).iter().copied(), spikes),
                    Some(input) => {
                        let sums = values_mut::<f32>(sums, bias.len());
                        fill(sums, bias);
                        linear.add_spikes(input, sums);
                        lif.step_all(v, sums.iter().copied(), spikes);
                    }
                }
            }
        }
    }
}
