//! A board under QEMU, its serial port on the program's standard input and output.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{Board, Error, Firmware, Port};

/// How to start the emulator.
#[derive(Clone, Debug, Default)]
pub struct QemuOptions {
    /// The program, if not the board's own from the path.
    pub program: Option<OsString>,
}

/// A running emulator; ended when dropped.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
    stdin: ChildStdin,
    bytes: Receiver<Vec<u8>>,
    pending: VecDeque<u8>,
    log: Receiver<Vec<u8>>,
    program: String,
}

impl Qemu {
    /// Starts `board` with `firmware`, and the file `model` in its first model slot, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::Missing`], [`Error::Io`].
    pub fn start(
        board: &Board,
        firmware: &Firmware,
        model: Option<&Path>,
        options: &QemuOptions,
    ) -> Result<Self, Error> {
        let program = options.program.clone().unwrap_or_else(|| board.qemu.into());
        let mut command = Command::new(&program);
        command
            .args(["-M", board.machine, "-display", "none", "-monitor", "none"])
            .args(board.options)
            .args(["-serial", "stdio", "-icount"])
            .arg(format!("shift={},sleep=off", board.icount_shift))
            .arg("-kernel")
            .arg(&firmware.path);
        if let Some(model) = model {
            command.args(["-device", &loader(board, firmware, model)?]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => Error::Missing {
                    program: program.to_string_lossy().into_owned(),
                },
                _ => Error::Io {
                    what: format!("starting {}", program.to_string_lossy()),
                    source,
                },
            })?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            unreachable!("all three are piped")
        };
        Ok(Self {
            child,
            stdin,
            bytes: pump(stdout),
            pending: VecDeque::new(),
            log: pump(stderr),
            program: program.to_string_lossy().into_owned(),
        })
    }

    /// The process id of the emulator.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the emulator ended; it is ended by force where it does not by itself.
    fn end(&mut self) -> String {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) if start.elapsed() < GRACE => thread::sleep(GRACE / 50),
                Ok(None) => {
                    // It may have ended in this very moment.
                    let _ = self.child.kill();
                    return "its serial port was closed".into();
                }
                Err(e) => return e.to_string(),
            }
        }
    }

    fn died(&mut self) -> Error {
        let how = self.end();
        // A process that the emulator left behind may keep its standard error open for ever.
        let (mut log, start) = (Vec::new(), Instant::now());
        while start.elapsed() < GRACE
            && let Ok(bytes) = self.log.recv_timeout(GRACE / 4)
        {
            log.extend(bytes);
        }
        Error::Died {
            what: format!("{} ({how})", self.program),
            log: String::from_utf8_lossy(&log).into_owned(),
        }
    }
}

/// What tells QEMU to put the file `model` into the first slot.
fn loader(board: &Board, firmware: &Firmware, model: &Path) -> Result<String, Error> {
    let length = std::fs::metadata(model)
        .map_err(|source| Error::Io {
            what: model.display().to_string(),
            source,
        })?
        .len();
    firmware.check_fits(board.name, model, length)?;
    // A comma separates QEMU's suboptions, and two stand for one.
    let model = model.display().to_string().replace(',', ",,");
    Ok(format!(
        "loader,file={model},addr={:#x},force-raw=on",
        firmware.slot_address
    ))
}

/// How long an emulator that closed its serial port may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// Reads `source` to its end in a thread of its own.
fn pump(mut source: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = source.read(&mut buffer) {
            if send.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    receive
}

impl Port for Qemu {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self
            .stdin
            .write_all(bytes)
            .and_then(|()| self.stdin.flush());
        sent.map_err(|_| self.died())
    }

    fn receive(&mut self, timeout: Duration) -> Result<u8, Error> {
        if let Some(byte) = self.pending.pop_front() {
            return Ok(byte);
        }
        match self.bytes.recv_timeout(timeout) {
            Ok(bytes) => {
                self.pending.extend(bytes);
                self.receive(timeout)
            }
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout {
                seconds: timeout.as_secs(),
            }),
            Err(RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
