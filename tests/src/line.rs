//! A board on this machine, behind a serial line that can be bad: the server that the firmware runs, in a thread.
//!
//! Time does not pass on this line: where the board waits for a byte and none is on its way, the host's wait is over.
//! So a test that loses a thousand frames takes no longer than one that loses none.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lif_host::device::{Error, Port};
use lif_host::rng::Stream;
use lif_nostd::link::{Board, Buffers, OVERHEAD_BYTES, serve};
use lif_nostd::update::{RamSlot, ReadOnlySlot, Slot, SlotError};

/// Longest wait for a board that computes.
const LIMIT: Duration = Duration::from_secs(60);

/// A slot of the board, its bytes at a multiple of 16.
#[derive(Clone, Debug)]
pub struct TestSlot {
    memory: Vec<u128>,
    is_writable: bool,
    /// Whether what is written does not stay.
    is_worn: bool,
}

impl TestSlot {
    /// A slot of `bytes` bytes with `model` at its start.
    #[must_use]
    pub fn new(bytes: usize, model: &[u8], is_writable: bool) -> Self {
        let mut memory = vec![u128::MAX; bytes.div_ceil(16)];
        bytemuck::cast_slice_mut(&mut memory)[..model.len()].copy_from_slice(model);
        Self {
            memory,
            is_writable,
            is_worn: false,
        }
    }

    /// A slot that can be written, and is empty.
    #[must_use]
    pub fn empty(bytes: usize) -> Self {
        Self::new(bytes, &[], true)
    }

    /// The same, in which what is written does not stay.
    #[must_use]
    pub fn worn(mut self) -> Self {
        self.is_worn = true;
        self
    }
}

impl Slot for TestSlot {
    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.memory)
    }

    fn is_writable(&self) -> bool {
        self.is_writable
    }

    fn erase(&mut self, bytes: usize) -> Result<(), SlotError> {
        let memory = bytemuck::cast_slice_mut(&mut self.memory);
        match self.is_writable {
            true => RamSlot(memory).erase(bytes),
            false => ReadOnlySlot(memory).erase(bytes),
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), SlotError> {
        let memory = bytemuck::cast_slice_mut(&mut self.memory);
        let mut bytes = bytes.to_vec();
        if self.is_worn && offset > 0 {
            bytes.iter_mut().for_each(|b| *b |= 1);
        }
        match self.is_writable {
            true => RamSlot(memory).write(offset, &bytes),
            false => ReadOnlySlot(memory).write(offset, &bytes),
        }
    }
}

/// Flips, drops and inserts bytes.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    stream: Stream,
    drawn: u64,
    /// One byte in so many is touched; 0 for none.
    pub one_in: u64,
}

impl Noise {
    /// Touches one byte in `one_in`.
    #[must_use]
    pub const fn new(seed: u64, one_in: u64) -> Self {
        Self {
            stream: Stream::new(seed, 7),
            drawn: 0,
            one_in,
        }
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.stream.bits(self.drawn)
    }

    /// What becomes of `byte`.
    fn pass(&mut self, byte: u8, out: &mut VecDeque<u8>) {
        if self.one_in == 0 || !self.draw().is_multiple_of(self.one_in) {
            return out.push_back(byte);
        }
        let what = self.draw();
        match what % 3 {
            0 => out.push_back(byte ^ (1 << ((what >> 8) % 8))),
            1 => {}
            _ => out.extend([byte, (what >> 8) as u8]),
        }
    }
}

struct Wire {
    to_board: VecDeque<u8>,
    to_host: VecDeque<u8>,
    noise: Noise,
    /// Whether the board waits for a byte.
    is_idle: bool,
    /// Whether the board is to be started anew.
    reset: bool,
    /// The same, after the board has read this many bytes.
    reset_after: Option<usize>,
    /// Whether the board is gone.
    is_closed: bool,
}

struct Shared {
    wire: Mutex<Wire>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, wire: MutexGuard<'a, Wire>) -> MutexGuard<'a, Wire> {
        let waited = self.changed.wait_timeout(wire, LIMIT);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

struct TestBoard(Arc<Shared>);

impl Board for TestBoard {
    const NAME: &'static str = "this-machine";
    const FLASH_BYTES: u32 = 1 << 20;
    const RAM_BYTES: u32 = 1 << 18;
    const COUNTER_HZ: u32 = 1_000_000;

    fn read(&mut self) -> Option<u8> {
        let mut wire = self.0.lock();
        loop {
            if wire.reset || wire.is_closed {
                return None;
            }
            if wire.reset_after == Some(0) {
                (wire.reset, wire.reset_after) = (true, None);
                continue;
            }
            if let Some(byte) = wire.to_board.pop_front() {
                wire.is_idle = false;
                wire.reset_after = wire.reset_after.map(|n| n - 1);
                return Some(byte);
            }
            wire.is_idle = true;
            self.0.changed.notify_all();
            wire = self.0.wait(wire);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut wire = self.0.lock();
        let Wire { to_host, noise, .. } = &mut *wire;
        bytes.iter().for_each(|b| noise.pass(*b, to_host));
    }

    fn measure(&mut self, work: impl FnOnce()) -> Option<u32> {
        work();
        Some(1)
    }

    fn stack_bytes(&self) -> u32 {
        1000
    }
}

/// The host's end of the line.
pub struct TestPort {
    shared: Arc<Shared>,
    board: Option<JoinHandle<Vec<TestSlot>>>,
}

impl TestPort {
    /// Starts a board with these slots, `chunk` bytes of payload in a message, and room for `input` bytes of input.
    #[must_use]
    pub fn start(mut slots: Vec<TestSlot>, chunk: usize, input: usize) -> Self {
        let shared = Arc::new(Shared {
            wire: Mutex::new(Wire {
                to_board: VecDeque::new(),
                to_host: VecDeque::new(),
                noise: Noise::new(0, 0),
                is_idle: false,
                reset: false,
                reset_after: None,
                is_closed: false,
            }),
            changed: Condvar::new(),
        });
        let mut board = TestBoard(shared.clone());
        let board = thread::spawn(move || {
            loop {
                let (mut request, mut response) = (
                    vec![0; chunk + OVERHEAD_BYTES],
                    vec![0; chunk + OVERHEAD_BYTES],
                );
                let buffers = Buffers {
                    arena: &mut vec![0; 8192],
                    input: &mut vec![0; input.div_ceil(4)],
                    request: &mut request,
                    response: &mut response,
                };
                serve(&mut board, &mut slots, buffers);
                let mut wire = board.0.lock();
                if wire.is_closed {
                    return slots;
                }
                wire.reset = false;
                wire.to_board.clear();
                board.0.changed.notify_all();
            }
        });
        Self {
            shared,
            board: Some(board),
        }
    }

    /// Puts noise on the line.
    pub fn noise(&self, noise: Noise) {
        self.shared.lock().noise = noise;
    }

    /// Starts the board anew, which keeps its slots alone.
    pub fn reset(&self) {
        let mut wire = self.shared.lock();
        wire.reset = true;
        self.shared.changed.notify_all();
        while wire.reset {
            wire = self.shared.wait(wire);
        }
    }

    /// Starts the board anew when it has read `bytes` bytes more.
    pub fn restart_after(&self, bytes: usize) {
        self.shared.lock().reset_after = Some(bytes);
    }

    /// Ends the board, and gives its slots.
    ///
    /// # Panics
    ///
    /// If the board did.
    pub fn end(mut self) -> Vec<TestSlot> {
        self.close();
        let board = self.board.take().expect("it is taken here alone");
        board.join().expect("the board panicked")
    }

    fn close(&self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }

    /// All that the board sends until it waits.
    pub fn drain(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Ok(byte) = self.receive(LIMIT) {
            all.push(byte);
        }
        all
    }
}

impl Drop for TestPort {
    fn drop(&mut self) {
        self.close();
    }
}

impl Port for TestPort {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut wire = self.shared.lock();
        let Wire {
            to_board, noise, ..
        } = &mut *wire;
        bytes.iter().for_each(|b| noise.pass(*b, to_board));
        // It reads them before it waits again.
        wire.is_idle = false;
        self.shared.changed.notify_all();
        Ok(())
    }

    fn receive(&mut self, _: Duration) -> Result<u8, Error> {
        let mut wire = self.shared.lock();
        loop {
            if let Some(byte) = wire.to_host.pop_front() {
                return Ok(byte);
            }
            let is_dead = self.board.as_ref().is_none_or(JoinHandle::is_finished);
            if wire.is_closed || is_dead {
                return Err(Error::Died {
                    what: "the board".into(),
                    log: String::new(),
                });
            }
            if wire.is_idle && wire.to_board.is_empty() {
                return Err(Error::Timeout { seconds: 0 });
            }
            wire = self.shared.wait(wire);
        }
    }
}
