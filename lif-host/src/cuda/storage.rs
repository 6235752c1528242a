//! Number types of tensors on the device.

use cudarc::driver::{DeviceRepr, ValidAsZeroBits};
use half::{bf16, f16};

/// A number type in which tensors are kept: f32, f16 or bf16. Arithmetic and state are f32 whatever it is.
pub trait Storage:
    DeviceRepr + ValidAsZeroBits + Copy + Default + sealed::Sealed + 'static
{
    /// Its name.
    const NAME: &'static str;
    /// Its number in the kernels.
    #[doc(hidden)]
    const STORE: usize;
}

pub(super) mod sealed {
    pub trait Sealed {}

    impl Sealed for i16 {}
    impl Sealed for i32 {}
}

macro_rules! storage {
    ($t:ty, $store:literal) => {
        impl sealed::Sealed for $t {}

        impl Storage for $t {
            const NAME: &'static str = stringify!($t);
            const STORE: usize = $store;
        }
    };
}

storage!(f32, 0);
storage!(f16, 1);
storage!(bf16, 2);
