//! A GPU with its stream and its compiled kernels.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::CUdevice_attribute;
use cudarc::driver::{CudaContext, CudaFunction, CudaStream};
use cudarc::nvrtc::Ptx;

use super::Error;
use super::cache::Cache;
use super::compile;
use super::source::Kernel;

/// A handle on a GPU: a stream, and the kernels that were compiled so far. Clones share both.
#[derive(Clone, Debug)]
pub struct Gpu {
    stream: Arc<CudaStream>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    capability: (i32, i32),
    multiprocessors: usize,
    nvrtc: (i32, i32),
    cache: Cache,
    kernels: Mutex<HashMap<String, CudaFunction>>,
}

/// What computes: a GPU, or the CPU because there is none.
#[derive(Debug)]
pub enum Device {
    /// A GPU.
    Gpu(Gpu),
    /// The CPU, and why.
    Cpu(Error),
}

impl Device {
    /// GPU 0 if it can be used, else the CPU. [`Device::line`] says which, in one line.
    #[must_use]
    pub fn auto() -> Self {
        match Gpu::open(0) {
            Ok(gpu) => Self::Gpu(gpu),
            Err(error) => Self::Cpu(error),
        }
    }

    /// One line for the user: the name of the GPU, or that the CPU computes and why.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Gpu(gpu) => format!("on the GPU: {}", gpu.name()),
            Self::Cpu(error) => {
                // The log of a compiler has many lines.
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default();
                format!("on the CPU: {first}")
            }
        }
    }
}

impl Gpu {
    /// GPU `ordinal`, from 0, with a stream of its own and the kernel cache that the environment names
    /// ([`super::CACHE_VARIABLE`]).
    ///
    /// The context does not track the use of slices by events, or a stream of it could not be captured into a graph.
    /// Slices are for this handle's stream: the kernels refuse others, and whoever makes further streams from the
    /// context orders their work himself.
    ///
    /// # Errors
    ///
    /// [`Error::NoDriver`], [`Error::NoNvrtc`], [`Error::NoDevice`], [`Error::TooOld`], [`Error::Driver`].
    pub fn open(ordinal: usize) -> Result<Self, Error> {
        Self::with_cache(ordinal, Cache::from_environment())
    }

    /// The same with a kernel cache in `folder`, or with none.
    ///
    /// # Errors
    ///
    /// Those of [`Gpu::open`].
    pub fn open_with_cache(ordinal: usize, folder: Option<PathBuf>) -> Result<Self, Error> {
        Self::with_cache(ordinal, Cache::new(folder))
    }

    fn with_cache(ordinal: usize, cache: Cache) -> Result<Self, Error> {
        if !compile::has_driver() {
            return Err(Error::NoDriver);
        }
        if !compile::has_nvrtc() {
            return Err(Error::NoNvrtc);
        }
        let found = usize::try_from(CudaContext::device_count()?).unwrap_or(0);
        if ordinal >= found {
            return Err(Error::NoDevice { ordinal, found });
        }
        let context = CudaContext::new(ordinal)?;
        // SAFETY: every kernel of this crate runs on the one stream of its handle and refuses slices of another, so
        // allocation, use and release are in the order of that stream.
        unsafe { context.disable_event_tracking() };
        let (major, minor) = context.compute_capability()?;
        if major < 7 {
            return Err(Error::TooOld { major, minor });
        }
        let multiprocessors =
            context.attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let shared = Shared {
            capability: (major, minor),
            multiprocessors: usize::try_from(multiprocessors).unwrap_or(1),
            nvrtc: compile::nvrtc_version()?,
            cache,
            kernels: Mutex::default(),
        };
        Ok(Self {
            stream: context.new_stream()?,
            shared: Arc::new(shared),
        })
    }

    /// The same GPU and kernels on a new stream.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`].
    pub fn on_new_stream(&self) -> Result<Self, Error> {
        Ok(Self {
            stream: self.stream.context().new_stream()?,
            shared: Arc::clone(&self.shared),
        })
    }

    /// The stream on which everything of this handle runs. Allocate, copy, capture and wait with it.
    #[must_use]
    pub const fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// The device's name, or its number where the driver does not say.
    #[must_use]
    pub fn name(&self) -> String {
        let context = self.stream.context();
        context
            .name()
            .unwrap_or_else(|_| format!("GPU {}", context.ordinal()))
    }

    /// Compute capability, before and after the point.
    #[must_use]
    pub fn compute_capability(&self) -> (i32, i32) {
        self.shared.capability
    }

    /// Multiprocessors.
    #[must_use]
    pub fn multiprocessors(&self) -> usize {
        self.shared.multiprocessors
    }

    /// NVRTC's version.
    #[must_use]
    pub fn nvrtc_version(&self) -> (i32, i32) {
        self.shared.nvrtc
    }

    /// The compiled kernel: from memory, from the cache on disk, or from the compiler.
    pub(super) fn kernel(&self, kernel: &Kernel) -> Result<CudaFunction, Error> {
        let options = kernel.options(self.shared.capability);
        let (major, minor) = self.shared.nvrtc;
        let source = kernel.source();
        // One source can hold several kernels.
        let name = kernel.name();
        let key = format!(
            "{name}\nnvrtc {major}.{minor}\n{}\n{source}",
            options.join(" ")
        );
        if let Some(function) = self.lock().get(&key) {
            return Ok(function.clone());
        }
        let kept = self.shared.cache.get(&key);
        let loaded = kept.and_then(|code| self.load(code, name).ok());
        let function = match loaded {
            Some(function) => function,
            None => {
                let code = compile::compile(&source, &options)?;
                let function = self.load(code.clone(), name)?;
                self.shared.cache.put(&key, &code);
                function
            }
        };
        self.lock().insert(key, function.clone());
        Ok(function)
    }

    fn load(&self, code: Vec<u8>, name: &str) -> Result<CudaFunction, Error> {
        let module = self.stream.context().load_module(Ptx::from_binary(code))?;
        let function = module.load_function(name)?;
        // A kernel that is loaded lazily, at its first launch, cannot be captured into a graph.
        function.occupancy_max_active_blocks_per_multiprocessor(32, 0, None)?;
        Ok(function)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, CudaFunction>> {
        let kernels = self.shared.kernels.lock();
        // A map of loaded kernels is whole whatever a thread did that held it.
        kernels.unwrap_or_else(PoisonError::into_inner)
    }
}
