//! The cross-check against a board that this machine plays, which answers wrongly.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::time::Duration;

use lif_host::device::{Client, Error, Port};
use lif_host::export::export_int;
use lif_host::infer::{Host, Input};
use lif_host::verify::{Report, What, cross_check};
use lif_nostd::Network;
use lif_nostd::link::{FRAME_BYTES, Frame, Request, Response, decode, encode};
use lif_nostd::model::{Digest, Membranes};
use lif_tests::nets::Draw;

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

struct Fake<'m> {
    network: Network<'m>,
    input: Vec<u8>,
    wrong: Wrong,
    frame: Frame,
    out: VecDeque<u8>,
}

impl Fake<'_> {
    fn infer(&mut self, steps: u16) -> u32 {
        self.network.reset();
        let x: Vec<i8> = self.input.iter().map(|x| *x as i8).collect();
        self.network.set_current(&x).unwrap();
        let mut digest = Digest::new();
        for _ in 0..steps {
            self.network.step();
            digest.add_spikes(&self.network);
        }
        digest.add_membranes(&self.network);
        let right = matches!(self.wrong, Wrong::Nothing | Wrong::Count);
        digest.finish() ^ u32::from(!right)
    }

    /// Bytes `from` and on, at most a message full, of `bytes` without its last `short`.
    fn data(&mut self, mut bytes: Vec<u8>, from: usize, short: usize) {
        bytes.truncate(bytes.len() - short);
        let end = bytes.len().min(from + lif_nostd::link::CHUNK_BYTES);
        self.answer(&Response::Data(&bytes[from.min(end)..end]));
    }

    fn answer(&mut self, response: &Response<'_>) {
        let mut buffer = [0; FRAME_BYTES];
        self.out.extend(encode(response, &mut buffer).unwrap());
    }

    fn take(&mut self, request: Request<'_>) {
        let bytes = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let short = |wrong, n| if self.wrong == wrong { n } else { 0 };
        match request {
            Request::Input { bytes, .. } => {
                self.input = bytes.to_vec();
                self.answer(&Response::Taken);
            }
            Request::Infer { steps } => {
                let digest = self.infer(steps);
                self.answer(&Response::Inferred {
                    digest,
                    ticks: 1,
                    wrapped: false,
                });
            }
            Request::Counts { from } => {
                let mut counts = self.network.counts().to_vec();
                counts[1] += u32::from(self.wrong == Wrong::Count);
                let short = short(Wrong::ShortCounts, 4);
                self.data(bytes(&counts), usize::from(from) * 4, short);
            }
            Request::Step => {
                self.network.step();
                self.answer(&Response::Stepped);
            }
            Request::Spikes { layer, from } => {
                let words = bytes(self.network.spikes(layer.into()).unwrap().words());
                let short = short(Wrong::ShortSpikes, 4);
                self.data(words, usize::from(from) * 4, short);
            }
            Request::Membranes { layer, from } => {
                let Some(Membranes::I16(v)) = self.network.membranes(layer.into()) else {
                    panic!("no layer {layer}");
                };
                let v = v.iter().flat_map(|v| v.to_le_bytes()).collect();
                let short = short(Wrong::ShortMembranes, 2);
                self.data(v, from.into(), short);
            }
            _ => self.answer(&Response::Stack { bytes: 0 }),
        }
    }
}

impl Port for Fake<'_> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for byte in bytes {
            let mut frame = std::mem::take(&mut self.frame);
            if let Some(whole) = frame.push(*byte) {
                self.take(decode(whole).unwrap());
            }
            self.frame = frame;
        }
        Ok(())
    }

    fn receive(&mut self, _: Duration) -> Result<u8, Error> {
        let silence = Error::Timeout { seconds: 0 };
        self.out.pop_front().ok_or(silence)
    }
}

/// Compares a board that runs `model` and does `wrong` with a host that runs `reference`.
fn check(model: &[u8], reference: &[u8], input: &[i8], wrong: Wrong) -> Result<Report, Error> {
    let mut board = Host::new(model).unwrap();
    let mut host = Host::new(reference).unwrap();
    let fake = Fake {
        network: board.network(),
        input: Vec::new(),
        wrong,
        frame: Frame::new(),
        out: VecDeque::new(),
    };
    let mut client = Client::new(fake, Duration::from_secs(1));
    let samples = [Input::I8(input.to_vec())];
    cross_check(&mut host, &mut client, &samples, 16, |_| ())
}

fn check_one(wrong: Wrong) -> Result<Report, Error> {
    let draw = Draw::new(3, &[9, 40, 6]);
    let model = export_int(&draw.build().unwrap()).unwrap().bytes;
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
