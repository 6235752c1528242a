//! What a device with an integer network needs of the core.
#![no_std]
#![no_main]

use lif_nostd::decode::arg_max;
use lif_nostd::{Error, Network};
use no_panic::{number, take, values, values_mut};

#[allow(unsafe_code, reason = "the linker finds it by its name")]
#[unsafe(no_mangle)]
extern "C" fn _start() {
    take(run());
}

fn run() -> Result<usize, Error> {
    let mut network = Network::new(values(), values_mut())?;
    network.set_current(values())?;
    for _ in 0..number() {
        network.step_observed(&mut |layer, spikes, v| take((layer, spikes, v)));
    }
    take(network.first_spikes().nth(number()));
    take(network.readout_int(number()));
    let class = arg_max(network.counts());
    network.reset();
    Ok(class)
}
