//! Sources to machine code, by NVRTC.

use std::ffi::CStr;

use cudarc::nvrtc::{result, sys};

use super::Error;

/// A program that NVRTC holds.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the program came from `create_program` and is destroyed once. A failure leaves a leak at worst.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// Whether the driver's library can be loaded.
pub(super) fn has_driver() -> bool {
    // SAFETY: loads and closes the library; nothing of it is called.
    unsafe { cudarc::driver::sys::is_culib_present() }
}

/// Whether NVRTC's library can be loaded.
pub(super) fn has_nvrtc() -> bool {
    // SAFETY: loads and closes the library; nothing of it is called.
    unsafe { sys::is_culib_present() }
}

fn failed(what: &str, error: impl std::fmt::Debug) -> Error {
    Error::Compile(format!("{what}: {error:?}"))
}

/// NVRTC's version, which must be there.
pub(super) fn nvrtc_version() -> Result<(i32, i32), Error> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: both pointers are to integers that live through the call.
    unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }
        .result()
        .map_err(|e| failed("version", e))?;
    Ok((major, minor))
}

/// Machine code from `source`, for the architecture that is among `options`.
pub(super) fn compile(source: &str, options: &[String]) -> Result<Vec<u8>, Error> {
    let text = std::ffi::CString::new(source).map_err(|e| failed("source", e))?;
    let program = Program(
        result::create_program(&text, Some(c"lif.cu")).map_err(|e| failed("create program", e))?,
    );
    // SAFETY: the program was made above and is destroyed at the end of this function.
    let compiled = unsafe { result::compile_program(program.0, options) };
    if compiled.is_err() {
        // SAFETY: as above.
        let log = unsafe { result::get_program_log(program.0) }.map_err(|e| failed("log", e))?;
        let bytes: Vec<u8> = log.iter().map(|c| *c as u8).collect();
        let text = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
        return Err(Error::Compile(text.to_string_lossy().into_owned()));
    }
    let mut size = 0;
    // SAFETY: the program was compiled; `size` lives through the call.
    unsafe { sys::nvrtcGetCUBINSize(program.0, &raw mut size) }
        .result()
        .map_err(|e| failed("size of the code", e))?;
    let mut code = vec![0u8; size];
    // SAFETY: the buffer has the size that NVRTC asked for.
    unsafe { sys::nvrtcGetCUBIN(program.0, code.as_mut_ptr().cast()) }
        .result()
        .map_err(|e| failed("code", e))?;
    Ok(code)
}
