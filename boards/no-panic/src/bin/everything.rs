//! All that a device calls of the core.
#![no_std]
#![no_main]

use core::fmt::{self, Write};

use lif_nostd::decode::{arg_max, earliest, population_vote};
use lif_nostd::encode::{self, Delta, Poisson, latency};
use lif_nostd::model::Digest;
use lif_nostd::model::format::stated_len;
use lif_nostd::neuron::{Decode, LifConfig, LifNode, NonSpikingLifNode, Readout, SimpleLifNode};
use lif_nostd::scalar::Scalar;
use lif_nostd::{Error, Model, Network, ram_bytes};
use no_panic::{number, take, values, values_mut};

#[allow(unsafe_code, reason = "the linker finds it by its name")]
#[unsafe(no_mangle)]
extern "C" fn _start() {
    neurons::<i16>(values(), values());
    neurons::<i32>(values(), values());
    neurons::<f32>(values(), values());
    encoders(values());
    blocks();
    for result in [read(), run()] {
        if let Err(error) = result {
            take(write!(Text, "{error}"));
        }
        take(result);
    }
    #[cfg(feature = "link")]
    link::serve();
    #[cfg(feature = "planted")]
    take(values::<u8>()[number()]);
}

/// Populations through the kernels.
fn blocks() {
    let config = LifConfig::new(f64::from_bits(number() as u64));
    if let Ok(lif) = config.lif::<i16>() {
        lif.step_block(values_mut(), values(), values_mut());
        lif.step_block_doubled(values_mut(), values(), values_mut());
    }
    if let Ok(lif) = config.lif::<i32>() {
        lif.step_block(values_mut(), values(), values_mut());
    }
    if let Ok(lif) = config.lif::<f32>() {
        lif.step_block(values_mut(), values(), values_mut());
    }
}

/// The board's side of the host link, and all that it says.
#[cfg(feature = "link")]
mod link {
    use core::fmt::Write;

    use lif_nostd::Spikes;
    use lif_nostd::link::{Board, Buffers, Refusal};
    use lif_nostd::update::RamSlot;
    use no_panic::{number, take, values, values_mut};

    struct Any;

    impl Board for Any {
        const NAME: &'static str = "any";
        const FLASH_BYTES: u32 = 0;
        const RAM_BYTES: u32 = 0;
        const COUNTER_HZ: u32 = 1;

        fn read(&mut self) -> Option<u8> {
            u8::try_from(number()).ok()
        }

        fn write(&mut self, bytes: &[u8]) {
            take(bytes);
        }

        fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
            work();
            u32::try_from(number()).ok()
        }

        fn spikes(&mut self, spikes: Spikes<'_>) {
            take(spikes);
        }
    }

    pub(crate) fn serve() {
        let buffers = Buffers {
            arena: values_mut(),
            input: values_mut(),
            request: values_mut(),
            response: values_mut(),
        };
        let mut slots = [RamSlot(values_mut()), RamSlot(values_mut())];
        lif_nostd::link::serve(&mut Any, &mut slots, buffers);
        for refusal in values::<Refusal>() {
            take(write!(super::Text, "{refusal}"));
        }
    }
}

/// Takes any text.
struct Text;

impl Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        take(s);
        if number() == 0 {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// Populations of 70 neurons, as a program without a model file uses them.
fn neurons<S: Scalar + 'static>(inputs: &[[S; 70]], decodes: &[Decode]) {
    let f64 = || f64::from_bits(number() as u64);
    let config = LifConfig::new(f64()).v_threshold(f64()).v_reset(f64());
    let config = if number() == 0 {
        config.soft_reset()
    } else {
        config
    };
    let config = config.decay_input(number() == 0);
    let mut readout = Readout::new();
    match LifNode::<S, 70>::new(&config) {
        Ok(mut node) => {
            for x in inputs {
                take(node.step(x, values_mut()));
            }
            let v_seq = (number() == 0).then(values_mut);
            take(node.run(values(), values_mut(), v_seq));
            node.reset();
            take(node);
        }
        // Its text is not asked for: core's way to write an f64 has assertions that the compiler cannot prove.
        Err(error) => take(error),
    }
    if let Ok(mut node) = SimpleLifNode::<S, 70>::new(&config) {
        for x in inputs {
            take(node.step(x, values_mut()));
        }
    }
    if let Ok(mut node) = NonSpikingLifNode::<S, 70>::new(f64()) {
        for x in inputs {
            for v in node.step(x) {
                readout.push(*v);
            }
        }
    }
    for decode in decodes {
        take(readout.read(*decode));
    }
}

/// Encoders, as a program with a sensor uses them.
fn encoders(numbers: &[u32]) {
    let float = || f32::from_bits(number() as u32);
    for n in numbers {
        take((encode::intensity(float()), encode::intensity_u8(*n as u8)));
        encode::direct_i8(values(), float(), values_mut());
        encode::direct_f32(values(), float(), values_mut());
        let poisson = Poisson::new(*n, number() as u32);
        take(poisson.draw(number() as u32, *n));
        poisson.encode(*n, values(), values_mut());
        poisson.encode_u8(*n, values(), values_mut());
        take(latency::linear(*n, number() as u16));
        take(latency::logarithmic(float(), float(), float()));
        latency::spikes(values(), *n as u16, values_mut());
        match Delta::new(*n as i32, number() as i32) {
            Ok(delta) => delta.encode(values(), values_mut(), values_mut()),
            Err(error) => take(write!(Text, "{error}")),
        }
    }
    take(population_vote(values(), number()));
}

fn read() -> Result<usize, Error> {
    take(stated_len(values()));
    take(ram_bytes(values()));
    let model = Model::read(values())?;
    take(model.name());
    take((model.crc(), model.minor(), model.number(), model.steps()));
    take((
        model.n_in(),
        model.n_out(),
        model.n_layers(),
        model.n_nodes(),
    ));
    take(model.layer(number()));
    if let Some(node) = model.node(number()) {
        take((node.name(), node.to_bytes()));
    }
    take(model.certificates().nth(number()));
    Ok(model.ram_bytes())
}

fn run() -> Result<usize, Error> {
    let mut network = Network::new(values(), values_mut())?;
    network.set_current(values())?;
    #[cfg(feature = "all")]
    network.set_current_f32(values())?;
    let mut digest = Digest::new();
    for _ in 0..number() {
        network.step();
        digest.add_spikes(&network);
    }
    digest.add_membranes(&network);
    take(digest.finish());
    if let Some(spikes) = network.spikes(number()) {
        take((
            spikes.get(number()),
            spikes.count(),
            spikes.len(),
            spikes.words(),
        ));
        take(spikes.indices().nth(number()));
    }
    take(network.membranes(number()));
    network.set_spikes(values())?;
    network.events(values())?;
    take(network.step_layer());
    network.step_observed(&mut |layer, spikes, membranes| take((layer, spikes, membranes)));
    take(network.first_spikes().nth(number()));
    take(earliest(network.first_spikes()));
    take(network.readout(number()));
    take(network.readout_int(number()));
    take(network.self_test());
    network.reset();
    Ok(arg_max(network.counts()))
}
