//! Steps of whole networks, which lie where a board's model does: each a model file, and behind it the packed input
//! spikes of a step, padded to a multiple of 16 bytes.

use common::model_slot;
use lif_nostd::model::format::{align_up, stated_len};
use lif_nostd::spikes::words_for;
use lif_nostd::{Network, Spikes};

use crate::machine::Machine;

/// Steps before the one that is measured: the membranes have settled then.
const SETTLING: usize = 8;

/// Room for a network, in units of 8 bytes.
const ARENA: usize = 2048;

/// All networks that lie there: how many they are; none if one does not run.
pub fn all(machine: &mut Machine) -> Option<usize> {
    let arena = arena()?;
    let mut rest = model_slot();
    let mut networks = 0;
    while let Some(len) = stated_len(rest) {
        let (model, behind) = rest.split_at_checked(len)?;
        let mut network = Network::new(model, arena).ok()?;
        let words = words_for(network.model().n_in());
        let mut input = [0u32; 32];
        let input = input.get_mut(..words)?;
        let (bytes, _) = behind.as_chunks();
        for (word, bytes) in input.iter_mut().zip(bytes) {
            *word = u32::from_le_bytes(*bytes);
        }
        one(machine, &mut network, input)?;
        rest = behind.get(align_up(4 * words)..)?;
        networks += 1;
    }
    Some(networks)
}

/// Memory for the arena.
fn arena() -> Option<&'static mut [u64; ARENA]> {
    #[cfg(target_arch = "arm")]
    use cortex_m::singleton;
    #[cfg(target_arch = "riscv32")]
    use riscv::singleton;
    singleton!(: [u64; ARENA] = [0; ARENA])
}

/// A step of `network` on the spikes `input`, of its synaptic operations.
fn one(machine: &mut Machine, network: &mut Network<'_>, input: &[u32]) -> Option<()> {
    for _ in 0..SETTLING {
        network.set_spikes(input).ok()?;
        network.step();
    }
    network.set_spikes(input).ok()?;
    // What the layers spike now they spike in the next step too.
    let mut operations = 0;
    let mut before = Spikes::new(input, network.model().n_in()).count();
    for (spikes, _) in network.layers() {
        operations += before as usize * spikes.len();
        before = spikes.count();
    }
    // It is kept in the model, which `network` borrows.
    let name = network.model().name();
    machine.row(format_args!("step {name}"), operations, || network.step());
    Some(())
}
