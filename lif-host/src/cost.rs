//! An estimate of the instructions that a step of an integer network takes, from the sizes of its layers and how many
//! neurons spike.
//!
//! The constants are fitted to counts under an emulator, of single layers and of whole steps, with the firmware's
//! profile `size`; a test holds the estimate against the counts. An instruction is not a cycle.

use lif_nostd::model::format::NeuronKind;
use lif_nostd::model::{
    IntLayer, IntNeurons, IntSynapses, LayerKind, Model, ParamRef, Population, State,
};
use lif_nostd::spikes::words_for;

/// What a core takes, in instructions.
#[derive(Clone, Copy, Debug)]
pub struct Core {
    /// The core.
    pub name: &'static str,
    /// Rust target.
    pub target: &'static str,
    /// Cycles an instruction: an estimate, from the core's published table over the loop that adds a row of weights,
    /// from memory without wait states (a load takes 2 cycles, a load of n words 1 + n, a taken branch 3).
    pub cycles: f64,
    /// A layer.
    layer: f64,
    /// 32 inputs.
    word: f64,
    /// An input spike.
    spike: f64,
    /// An input spike and a block of 16 outputs.
    row: f64,
    /// A block of 16 outputs.
    block: f64,
    /// A spike of the last layer.
    count: f64,
    /// An output whose sum takes 32 bits, besides.
    wide: f64,
    /// An i16 neuron, where few fire and where all do.
    lif_i16: [f64; 2],
    /// An i32 neuron, likewise.
    lif_i32: [f64; 2],
    /// A neuron with parameters of its own, or one that does not spike.
    each: f64,
}

/// The cores that are counted.
pub const CORES: [Core; 4] = [
    Core {
        name: "Cortex-M0",
        target: "thumbv6m-none-eabi",
        cycles: 1.30,
        layer: 1198.5,
        word: 24.2,
        spike: 17.5,
        row: 27.8,
        block: 135.1,
        count: 13.4,
        wide: 49.0,
        lif_i16: [14.0, 14.8],
        lif_i32: [24.3, 30.6],
        each: 132.0,
    },
    Core {
        name: "Cortex-M3",
        target: "thumbv7m-none-eabi",
        cycles: 1.33,
        layer: 847.5,
        word: 17.3,
        spike: 7.4,
        row: 16.8,
        block: 88.3,
        count: 13.5,
        wide: 35.9,
        lif_i16: [10.3, 14.8],
        lif_i32: [18.1, 23.5],
        each: 96.0,
    },
    Core {
        name: "Cortex-M4",
        target: "thumbv7em-none-eabihf",
        cycles: 1.45,
        layer: 998.9,
        word: 15.0,
        spike: 7.2,
        row: 12.8,
        block: 58.8,
        count: 9.3,
        wide: 37.1,
        lif_i16: [4.1, 5.9],
        lif_i32: [6.8, 11.3],
        each: 93.0,
    },
    Core {
        name: "RV32IMAC",
        target: "riscv32imac-unknown-none-elf",
        cycles: 1.25,
        layer: 985.9,
        word: 21.5,
        spike: 11.1,
        row: 24.5,
        block: 150.2,
        count: 9.3,
        wide: 36.6,
        lif_i16: [12.8, 16.4],
        lif_i32: [20.8, 27.1],
        each: 102.0,
    },
];

/// How many neurons spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// So many of a hundred, in each layer and among the inputs.
    Percent(usize),
    /// All of them: the most that a step can take.
    All,
}

impl Activity {
    fn of(self, n: usize) -> f64 {
        match self {
            Self::Percent(percent) => (n * percent).div_ceil(100) as f64,
            Self::All => n as f64,
        }
    }
}

impl Core {
    /// Instructions of a step of `model`; none where a layer is in f32, or has weights of 16 bits on spikes, which are
    /// not counted. What a change of a held input takes is left out.
    #[must_use]
    pub fn step(&self, model: &Model<'_>, activity: Activity) -> Option<f64> {
        let mut total = 0.0;
        for (l, layer) in model.layers().enumerate() {
            let LayerKind::Int(int) = layer.kind else {
                return None;
            };
            let driven = l > 0 || model.number() == lif_nostd::model::format::Number::Bits;
            total += self.layer;
            if driven {
                total += self.synapses(&int, layer.n_in, layer.n_out, activity)?;
            }
            total += self.neurons(&int.neurons, activity)? * layer.n_out as f64;
        }
        Some(total + self.count * activity.of(model.n_out()))
    }

    fn synapses(
        &self,
        int: &IntLayer<'_>,
        n_in: usize,
        n_out: usize,
        activity: Activity,
    ) -> Option<f64> {
        let IntSynapses::I8(_) = int.synapses else {
            return None;
        };
        let (spikes, blocks) = (activity.of(n_in), n_out.div_ceil(16) as f64);
        let narrow = self.word * words_for(n_in) as f64
            + spikes * (self.spike + self.row * blocks)
            + self.block * blocks;
        let is_wide = !int.fits_16() || matches!(int.neurons, IntNeurons::I32(_));
        // Lists of at most 64 spikes are widened one by one.
        let lists = (spikes / 64.0).ceil().max(1.0);
        let wide = self.wide * n_out as f64 * (0.7 + 0.3 * lists);
        Some(narrow + if is_wide { wide } else { 0.0 })
    }

    fn neurons(&self, neurons: &IntNeurons<'_>, activity: Activity) -> Option<f64> {
        let all = usize::from(activity == Activity::All);
        match neurons {
            IntNeurons::I16(p) if is_uniform(p) => self.lif_i16.get(all).copied(),
            IntNeurons::I32(p) if is_uniform(p) => self.lif_i32.get(all).copied(),
            _ => Some(self.each),
        }
    }
}

/// Whether kernels step the neurons.
fn is_uniform<S: State>(p: &Population<'_, S>) -> bool {
    fn one<T>(p: &ParamRef<'_, T>) -> bool {
        matches!(p, ParamRef::One(_))
    }
    p.kind != NeuronKind::NonSpikingLif
        && one(&p.leak)
        && one(&p.v_threshold)
        && p.v_reset.as_ref().is_none_or(one)
}
