//! The golden neuron cases: `tests/golden/cases.json` and the tensors of the `.safetensors` files beside it, made
//! from SpikingJelly by `tests/golden/make.py`.
//!
//! Loading panics where a file is not as the script writes it.

use std::collections::BTreeMap;
use std::path::Path;

use lif_host::cpu::{Float, Model, NeuronParams};
use lif_host::surrogate::Surrogate;
use lif_nostd::neuron::{Decode, LifConfig};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::oracle::Lif64;

/// A number type of the golden tensors.
pub trait Golden: Float {
    /// Its name in `cases.json`.
    const DTYPE: &'static str;
    /// Error of one rounding, relative.
    const ROUNDING: f64;

    /// The numbers in the bytes of a tensor.
    #[must_use]
    fn read(bytes: &[u8]) -> Vec<Self>;

    /// Whether both have the same bits, or both are NaN.
    #[must_use]
    fn same(self, other: Self) -> bool;
}

macro_rules! golden {
    ($f:ty, $name:literal) => {
        impl Golden for $f {
            const DTYPE: &'static str = $name;
            const ROUNDING: f64 = <$f>::EPSILON as f64 / 2.0;

            fn read(bytes: &[u8]) -> Vec<Self> {
                let (numbers, rest) = bytes.as_chunks();
                assert!(rest.is_empty(), "bytes left over");
                numbers.iter().map(|n| <$f>::from_le_bytes(*n)).collect()
            }

            fn same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits() || self.is_nan() && other.is_nan()
            }
        }
    };
}

golden!(f32, "f32");
golden!(f64, "f64");

/// What the neurons of a case are.
#[derive(Clone, Debug)]
pub enum Kind {
    /// LIF or SimpleLIF.
    Spiking {
        /// Every parameter.
        params: NeuronParams,
        /// Whether the forward must be equal in every bit.
        exact_forward: bool,
    },
    /// NonSpikingLIF.
    NonSpiking {
        /// Time constant, in steps.
        tau: f64,
        /// What is read out.
        decode: Decode,
    },
}

/// One neuron case.
#[derive(Clone, Debug)]
pub struct NeuronCase {
    /// Its name, which no other case has.
    pub name: String,
    /// `f32` or `f64`.
    pub dtype: String,
    /// Number of steps.
    pub steps: usize,
    /// Number of neurons.
    pub n: usize,
    /// Model and parameters.
    pub kind: Kind,
    tensors: BTreeMap<String, Vec<u8>>,
}

impl NeuronCase {
    /// The tensor of this name, if the case has it.
    ///
    /// # Panics
    ///
    /// If `F` is not the case's type.
    #[must_use]
    pub fn find<F: Golden>(&self, tensor: &str) -> Option<Vec<F>> {
        assert_eq!(self.dtype, F::DTYPE, "{}", self.name);
        self.tensors.get(tensor).map(|bytes| F::read(bytes))
    }

    /// The tensor of this name.
    ///
    /// # Panics
    ///
    /// If the case has none, or `F` is not the case's type.
    #[must_use]
    pub fn tensor<F: Golden>(&self, tensor: &str) -> Vec<F> {
        let found = self.find(tensor);
        found.unwrap_or_else(|| panic!("{} has no {tensor}", self.name))
    }

    /// Whether gradients are part of it.
    #[must_use]
    pub fn has_backward(&self) -> bool {
        self.tensors.contains_key("grad_x_seq")
    }

    /// Membranes after the charge, `[T, n]`, rebuilt in `F` from the inputs and the stored membranes by the
    /// equations as SpikingJelly orders them.
    ///
    /// # Panics
    ///
    /// If the neurons do not spike.
    #[must_use]
    pub fn h<F: Golden>(&self) -> Vec<F> {
        let Kind::Spiking { params, .. } = &self.kind else {
            panic!("{} has no membranes after the charge", self.name);
        };
        let (x_seq, v_seq) = (self.tensor::<F>("x_seq"), self.tensor::<F>("v_seq"));
        let v_init = self.find::<F>("v_init");
        let charge = Charge::<F>::new(params);
        let before = |at: usize| match (at.checked_sub(self.n), &v_init) {
            (Some(before), _) => Some(v_seq[before]),
            (None, Some(v_init)) => Some(v_init[at]),
            (None, None) => None,
        };
        let each = x_seq.iter().enumerate();
        each.map(|(at, x)| charge.charge(before(at), *x)).collect()
    }
}

/// A neuron's charge, with its constants in `F`.
struct Charge<F> {
    model: Model,
    decay_input: bool,
    tau: F,
    r: F,
    start: F,
    first_pull: F,
}

impl<F: Golden> Charge<F> {
    fn new(params: &NeuronParams) -> Self {
        let LifConfig {
            tau,
            v_reset,
            decay_input,
            ..
        } = params.config;
        let r = v_reset.unwrap_or(0.0);
        Self {
            model: params.model,
            decay_input,
            tau: rounded(tau),
            r: rounded(r),
            start: rounded(if params.model == Model::Lif { r } else { 0.0 }),
            // SimpleLIF starts from the number 0, so that this quotient is computed in f64.
            first_pull: rounded(r / tau),
        }
    }

    /// From the membrane before, if it is given, and the input.
    fn charge(&self, before: Option<F>, x: F) -> F {
        let v = before.unwrap_or(self.start);
        let Self { tau, r, .. } = *self;
        match (self.model, self.decay_input) {
            (Model::Lif, true) => v + (x - (v - r)) / tau,
            (Model::Lif, false) => (v - (v - r) / tau) + x,
            (Model::SimpleLif, true) => v + ((r - v) + x) / tau,
            (Model::SimpleLif, false) if before.is_none() => self.first_pull + x,
            (Model::SimpleLif, false) => (v + (r - v) / tau) + x,
        }
    }
}

/// `x` rounded to `F`.
#[must_use]
pub fn rounded<F: Float>(x: f64) -> F {
    <F as lif_nostd::real::Real>::from_f64(x)
}

/// The numbers in f64.
#[must_use]
pub fn widen<F: Float>(numbers: &[F]) -> Vec<f64> {
    let wide = |x: &F| lif_nostd::real::Real::to_f64(*x);
    numbers.iter().map(wide).collect()
}

/// The oracle of these parameters, their constants as rounded to `F`.
#[must_use]
pub fn oracle<F: Float>(config: &LifConfig) -> Lif64 {
    let held = |x: f64| widen(&[rounded::<F>(x)])[0];
    Lif64 {
        tau: held(config.tau),
        v_threshold: held(config.v_threshold),
        v_reset: config.v_reset.map(held),
        decay_input: config.decay_input,
    }
}

/// Every neuron case, with its tensors.
///
/// # Panics
///
/// If the files are not there, or not as `make.py` writes them.
#[must_use]
pub fn neuron_cases() -> Vec<NeuronCase> {
    let mut files = BTreeMap::new();
    let list = case_list();
    let case = |value: &Value| {
        let file = text(value, "file");
        let bytes = files.entry(file.clone()).or_insert_with(|| golden(&file));
        let tensors = SafeTensors::deserialize(bytes).expect("a safetensors file");
        read_case(value, &tensors)
    };
    list.iter().map(case).collect()
}

/// The neuron cases as `cases.json` has them.
///
/// # Panics
///
/// If the file is not there, or not as `make.py` writes it.
#[must_use]
pub fn case_list() -> Vec<Value> {
    let cases: Value = serde_json::from_slice(&golden("cases.json")).expect("JSON");
    cases["neurons"].as_array().expect("a list").clone()
}

fn golden(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    std::fs::read(path.join(file)).expect("a golden file that can be read")
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().expect(key).to_owned()
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().expect(key)
}

fn flag(value: &Value, key: &str) -> bool {
    value[key].as_bool().expect(key)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().expect(key)
}

fn read_case(value: &Value, tensors: &SafeTensors<'_>) -> NeuronCase {
    let name = text(value, "name");
    let dtype = text(value, "dtype");
    let size = |d: &Value| d.as_u64().expect("a size") as usize;
    let shape: Vec<usize> = list(value, "shape").iter().map(size).collect();
    let bytes = |tensor: &Value| {
        let tensor = tensor.as_str().expect("a tensor's name").to_owned();
        let view = tensors.tensor(&format!("{name}/{tensor}"));
        let view = view.expect("a tensor of each name");
        assert_eq!(format!("{:?}", view.dtype()).to_lowercase(), dtype);
        (tensor, view.data().to_vec())
    };
    NeuronCase {
        tensors: list(value, "tensors").iter().map(bytes).collect(),
        kind: read_kind(value),
        steps: shape[0],
        n: shape[1..].iter().product(),
        dtype,
        name,
    }
}

fn read_kind(value: &Value) -> Kind {
    let tau = number(value, "tau");
    let model = match value["model"].as_str() {
        Some("lif") => Model::Lif,
        Some("simple-lif") => Model::SimpleLif,
        Some("non-spiking-lif") => {
            let name = text(value, "decode");
            let decode = Decode::ALL.into_iter().find(|d| d.name() == name);
            let decode = decode.expect("a known decode");
            return Kind::NonSpiking { tau, decode };
        }
        other => panic!("unknown model {other:?}"),
    };
    let mut config = LifConfig::new(tau)
        .v_threshold(number(value, "v_threshold"))
        .decay_input(flag(value, "decay_input"));
    config.v_reset = value.get("v_reset").expect("v_reset").as_f64();
    let params = NeuronParams {
        model,
        config,
        detach_reset: flag(value, "detach_reset"),
        surrogate: read_surrogate(value),
        spiking: flag(value, "spiking"),
    };
    Kind::Spiking {
        params,
        exact_forward: flag(value, "exact_forward"),
    }
}

fn read_surrogate(value: &Value) -> Surrogate {
    let name = text(value, "surrogate");
    let mut surrogate = Surrogate::from_name(&name).expect("a known surrogate");
    let params = value["surrogate_params"].as_object().expect("a map");
    for (param, value) in params {
        let value = value.as_f64().expect("a number");
        surrogate.set(param, value).expect("a known parameter");
    }
    surrogate
}
