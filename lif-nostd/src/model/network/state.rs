//! What a network remembers of the steps since its reset, to be kept elsewhere and put back.

use super::Network;

impl Network<'_> {
    /// Spikes, membranes, decodes, counts and first spikes of all layers, in words as they lie in memory. The input
    /// and [`Network::steps`] are not among them.
    ///
    /// Their order is that of this version of the crate; a network of the same model takes them back.
    #[must_use]
    pub fn state(&self) -> &[u32] {
        let start = self.model.layout.before_layers();
        let end = self.model.layout.bytes() / 4;
        self.arena.get(start..end).unwrap_or(&[])
    }

    /// The same, to be written. Any words at all are a state, and a step that is not over is given up.
    pub fn state_mut(&mut self) -> &mut [u32] {
        self.go_on(0, 0);
        let start = self.model.layout.before_layers();
        let end = self.model.layout.bytes() / 4;
        self.arena.get_mut(start..end).unwrap_or(&mut [])
    }

    /// Sets the number of whole steps since the reset, which goes with a state.
    pub const fn set_steps(&mut self, steps: u32) {
        self.step = steps;
    }
}
