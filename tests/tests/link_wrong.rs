//! The cross-check against a board on this machine whose answers are changed on their way.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::time::Duration;

use lif_host::device::{Client, Error, Port};
use lif_host::export::export_int;
use lif_host::infer::{Host, Input};
use lif_host::verify::{Report, What, cross_check};
use lif_nostd::link::cobs::{Decoder, Progress};
use lif_nostd::link::frame::{open, parse, seal, send};
use lif_nostd::link::{Request, Response, Source};
use lif_tests::line::{TestPort, TestSlot};
use lif_tests::nets::Draw;

const TIMEOUT: Duration = Duration::from_secs(60);

fn int_model(draw: &Draw) -> Vec<u8> {
    export_int(&draw.build().unwrap()).unwrap().bytes
}

/// What the board does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    /// One count is too large.
    Count,
    /// The digest is another one.
    Digest,
    /// The last count, spike word or membrane is left out. A wrong digest lets the host ask for them.
    ShortCounts,
    ShortSpikes,
    ShortMembranes,
}

/// A line on which answers are changed.
struct Changed {
    port: TestPort,
    wrong: Wrong,
    source: Option<Source>,
    decoder: Decoder,
    out: VecDeque<u8>,
}

impl Changed {
    fn change(
        &self,
        response: Response<'_>,
        sealed: &mut [u8],
        header: lif_nostd::link::Header,
    ) -> usize {
        let short = match self.wrong {
            Wrong::ShortCounts => Some(Source::Counts),
            Wrong::ShortSpikes => Some(Source::Spikes { layer: 0 }),
            Wrong::ShortMembranes => Some(Source::Membranes { layer: 0 }),
            _ => None,
        };
        let mut copy = Vec::new();
        let response = match response {
            Response::Ran {
                steps,
                digest,
                ticks,
                wrapped,
            } => {
                let right = matches!(self.wrong, Wrong::Nothing | Wrong::Count);
                let digest = digest ^ u32::from(!right);
                Response::Ran {
                    steps,
                    digest,
                    ticks,
                    wrapped,
                }
            }
            Response::Data { total, bytes } => {
                copy.extend(bytes);
                let mut total = total;
                if self.wrong == Wrong::Count && self.source == Some(Source::Counts) {
                    copy[4] += 1;
                }
                if short.is_some() && self.source == short {
                    let n = if self.wrong == Wrong::ShortMembranes {
                        2
                    } else {
                        4
                    };
                    total -= n;
                    copy.truncate(total as usize);
                }
                Response::Data {
                    total,
                    bytes: &copy,
                }
            }
            other => other,
        };
        seal(header, &response, sealed).unwrap()
    }
}

impl Port for Changed {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (mut decoder, mut buffer) = (Decoder::new(), vec![0; bytes.len()]);
        for byte in bytes {
            if let Progress::Whole(len) = decoder.push(&mut buffer, *byte) {
                let (_, message) = open(&buffer[..len]).unwrap();
                if let Request::Read { source, .. } = parse(message).unwrap() {
                    self.source = Some(source);
                }
            }
        }
        self.port.send(bytes)
    }

    fn receive(&mut self, timeout: Duration) -> Result<u8, Error> {
        let mut buffer = vec![0; 8192];
        while self.out.is_empty() {
            let byte = self.port.receive(timeout)?;
            if let Progress::Whole(len) = self.decoder.push(&mut buffer, byte) {
                let (header, message) = open(&buffer[..len]).unwrap();
                let mut sealed = vec![0; 8192];
                let len = self.change(parse(message).unwrap(), &mut sealed, header);
                send(&sealed[..len], &mut |piece| self.out.extend(piece));
            }
        }
        Ok(self.out.pop_front().unwrap())
    }
}

/// Compares a board that runs `model` and does `wrong` with a host that runs `reference`.
fn check(model: &[u8], reference: &[u8], input: &[i8], wrong: Wrong) -> Result<Report, Error> {
    let mut host = Host::new(reference).unwrap();
    let slots = vec![TestSlot::new(model.len(), model, false)];
    let port = Changed {
        port: TestPort::start(slots, 4096, 2048),
        wrong,
        source: None,
        decoder: Decoder::new(),
        out: VecDeque::new(),
    };
    let mut client = Client::new(port, TIMEOUT);
    client.identify().unwrap();
    let samples = [Input::I8(input.to_vec())];
    cross_check(&mut host, &mut client, &samples, 16, |_| ())
}

fn check_one(wrong: Wrong) -> Result<Report, Error> {
    let draw = Draw::new(3, &[9, 40, 6]);
    let model = int_model(&draw);
    check(&model, &model, &draw.input(0), wrong)
}

#[test]
fn a_right_board_is_equal() {
    let report = check_one(Wrong::Nothing).unwrap();
    assert!(report.is_equal() && report.first.is_none());
}

#[test]
fn counts_and_digests_that_differ_are_told_apart() {
    let first = check_one(Wrong::Count).unwrap().first.unwrap();
    let What::Counts { host, board } = first.what else {
        panic!("{first}");
    };
    assert_eq!((first.layer, first.neuron, board), (1, 1, host + 1));
    assert!(first.to_string().contains("counts"), "{first}");
    let first = check_one(Wrong::Digest).unwrap().first.unwrap();
    assert_eq!(first.what, What::Digest);
}

#[test]
fn answers_that_are_too_short_are_refused() {
    for (wrong, name) in [
        (Wrong::ShortCounts, "counts"),
        (Wrong::ShortSpikes, "spikes"),
        (Wrong::ShortMembranes, "membranes"),
    ] {
        let err = check_one(wrong).unwrap_err();
        assert!(matches!(err, Error::Unexpected(n) if n == name), "{err}");
    }
}

#[test]
fn a_difference_in_layer_300_is_found_there() {
    let draw = Draw::new(3, &[2; 302]);
    let mut net = draw.build().unwrap();
    let model = export_int(&net).unwrap().bytes;
    let bias = net.layers().unwrap()[300].bias.start;
    net.weights[bias] += 0.25;
    let other = export_int(&net).unwrap().bytes;
    let report = check(&model, &other, &draw.input(0), Wrong::Nothing).unwrap();
    let first = report.first.unwrap();
    assert_eq!((first.layer, first.step, first.neuron), (300, 0, 0));
}
