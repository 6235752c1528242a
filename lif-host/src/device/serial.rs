//! A board on a serial port of this machine.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use serialport::{SerialPort, SerialPortType};

use super::{Error, Port};

/// The speed of the boards' serial ports, in baud.
pub const BAUD: u32 = 115_200;

/// An open serial port: 8 data bits, no parity, one stop bit.
pub struct Serial {
    port: Box<dyn SerialPort>,
    pending: VecDeque<u8>,
    name: String,
    baud: u32,
}

impl std::fmt::Debug for Serial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Serial({} at {} baud)", self.name, self.baud)
    }
}

/// The serial ports of this machine: name, and what is known of the device behind it.
///
/// # Errors
///
/// [`Error::Io`].
pub fn serial_ports() -> Result<Vec<(String, String)>, Error> {
    let ports = serialport::available_ports().map_err(|e| Error::Io {
        what: "listing serial ports".into(),
        source: e.into(),
    })?;
    let describe = |kind| match kind {
        SerialPortType::UsbPort(usb) => {
            let text = usb.product.or(usb.manufacturer).unwrap_or_default();
            format!("USB {:04x}:{:04x} {text}", usb.vid, usb.pid)
        }
        SerialPortType::BluetoothPort => "Bluetooth".into(),
        SerialPortType::PciPort => "PCI".into(),
        SerialPortType::Unknown => String::new(),
    };
    let ports = ports.into_iter();
    Ok(ports
        .map(|p| (p.port_name, describe(p.port_type)))
        .collect())
}

impl Serial {
    /// Opens the port called `name`, such as `/dev/ttyACM0` or `COM3`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(name: &str, baud: u32) -> Result<Self, Error> {
        let port = serialport::new(name, baud).open().map_err(|e| Error::Io {
            what: name.into(),
            source: e.into(),
        })?;
        Ok(Self {
            port,
            pending: VecDeque::new(),
            name: name.into(),
            baud,
        })
    }

    fn died(&self, e: &std::io::Error) -> Error {
        Error::Died {
            what: format!("{} ({e})", self.name),
            log: String::new(),
        }
    }
}

impl Port for Serial {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self.port.write_all(bytes).and_then(|()| self.port.flush());
        sent.map_err(|e| self.died(&e))
    }

    fn receive(&mut self, timeout: Duration) -> Result<u8, Error> {
        let mut buffer = [0; 512];
        while self.pending.is_empty() {
            // Some drivers take no timeout of 0 for an answer.
            let wait = timeout.max(Duration::from_millis(1));
            let set = self.port.set_timeout(wait).map_err(Into::into);
            match set.and_then(|()| self.port.read(&mut buffer)) {
                Ok(0) => return Err(self.died(&ErrorKind::UnexpectedEof.into())),
                Ok(n) => self.pending.extend(&buffer[..n]),
                Err(e) if e.kind() == ErrorKind::TimedOut => {
                    return Err(Error::Timeout {
                        seconds: timeout.as_secs(),
                    });
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(self.died(&e)),
            }
        }
        // The loop ends where there is a byte.
        Ok(self.pending.pop_front().unwrap_or_default())
    }

    fn byte_time(&self) -> Duration {
        // Ten bits a byte.
        Duration::from_secs(10) / self.baud.max(1)
    }
}
