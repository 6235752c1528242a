//! A model file as a Rust module, for firmware that has its model compiled in.

use std::fmt::Write as _;

use crate::infer::Host;

/// Bytes of the file in a line of the module.
const ROW: usize = 24;

/// The source of a module that holds the model file `bytes` as an aligned static, with its sizes as constants.
///
/// It needs nothing, `std` and `alloc` included.
///
/// # Errors
///
/// Those of the reader.
pub fn rust_module(bytes: &[u8]) -> Result<String, lif_nostd::Error> {
    let host = Host::new(bytes)?;
    let model = host.model();
    let (n_in, n_out, steps) = (model.n_in(), model.n_out(), model.steps());
    let (ram, len) = (model.ram_bytes(), bytes.len());
    let name = model.name().escape_default();
    let mut out = format!(
        "//! The network \"{name}\" as a `.lif` file, CRC-32 {:08x}. Written by `lif export --rust`.\n\n\
         /// Bytes of the arena that the network needs, a multiple of 8.\n\
         pub const RAM_BYTES: usize = {ram};\n\
         /// Inputs.\n\
         pub const N_IN: usize = {n_in};\n\
         /// Output neurons.\n\
         pub const N_OUT: usize = {n_out};\n\
         /// Time steps a sample.\n\
         pub const STEPS: u32 = {steps};\n\
         /// The file, at an address that is a multiple of 16.\n\
         pub static MODEL: &[u8; {len}] = &FILE.0;\n\n\
         #[repr(C, align(16))]\n\
         struct Aligned([u8; {len}]);\n\n\
         static FILE: Aligned = Aligned(*b\"\\\n",
        model.crc()
    );
    for row in bytes.chunks(ROW) {
        for byte in row {
            // A string takes what is written to it.
            let _ = write!(out, "\\x{byte:02x}");
        }
        out.push_str("\\\n");
    }
    out.push_str("\");\n");
    Ok(out)
}
