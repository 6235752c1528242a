//! A digest of everything that a network did: CRC-32 over its spikes and membranes.

use crate::model::format::CRC;
use crate::model::network::Network;

/// CRC-32 over the spikes of every step and the membranes at the end, layer by layer.
///
/// Two runs that differ in one spike or one membrane have other digests, but for one chance in 2^32.
#[derive(Clone)]
pub struct Digest(crc::Digest<'static, u32, crc::NoTable>);

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl Digest {
    /// The digest of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    /// Adds the spikes of the last step: the packed words of each layer, little-endian.
    pub fn add_spikes(&mut self, network: &Network<'_>) {
        for (spikes, _) in network.layers() {
            self.0.update(bytemuck::must_cast_slice(spikes.words()));
        }
    }

    /// Adds the membranes: each layer's as they lie in memory, little-endian.
    pub fn add_membranes(&mut self, network: &Network<'_>) {
        for (_, v) in network.layers() {
            self.0.update(v.bytes());
        }
    }

    /// The digest of what was added.
    #[must_use]
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}
