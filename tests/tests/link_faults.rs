//! The host link on a bad line: noise, broken, repeated and late frames, hosts and boards that die.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use lif_host::device::{Client, Error, Patience, Port};
use lif_host::export::export_int;
use lif_host::infer::{Host, Input, run_sample};
use lif_host::rng::Stream;
use lif_nostd::link::cobs::{Decoder, Progress};
use lif_nostd::link::frame::{checksum, open, parse, seal, send};
use lif_nostd::link::{Content, Header, Refusal, Request, Response, Source, VERSION};
use lif_tests::line::{Noise, TestPort, TestSlot};
use lif_tests::nets::{Draw, STEPS};

const TIMEOUT: Duration = Duration::from_secs(3600);
/// Time does not pass on the tests' line: this counts how often a request is sent, not how long it takes.
const PATIENCE: Patience = Patience {
    first: Duration::from_millis(250),
    most: Duration::from_millis(250),
};

fn draw() -> Draw {
    Draw::new(3, &[9, 40, 6])
}

fn model() -> Vec<u8> {
    export_int(&draw().build().unwrap()).unwrap().bytes
}

fn start(slots: Vec<TestSlot>) -> Client<TestPort> {
    let port = TestPort::start(slots, 256, 2048);
    Client::new(port, TIMEOUT).with_patience(PATIENCE)
}

fn fixed(model: &[u8]) -> Vec<TestSlot> {
    vec![TestSlot::new(model.len(), model, false)]
}

/// Runs samples, each of several requests, until `requests` were answered, and compares every answer.
fn noisy_samples(one_in: u64, requests: u64) {
    let (draw, model) = (draw(), model());
    let mut host = Host::new(&model).unwrap();
    let mut network = host.network();
    let mut client = start(fixed(&model));
    client.port().noise(Noise::new(one_in, one_in));
    client.identify().unwrap();
    let (mut done, mut sample) = (0, 0);
    while done < requests {
        let input = Input::I8(draw.input(sample));
        let want = run_sample(&mut network, &input, STEPS).unwrap();
        let got = client.infer(&input, STEPS as u16).unwrap();
        assert_eq!(got.answer, want, "sample {sample}");
        // The input, the run and at least one chunk of counts.
        done += 3;
        for (l, (spikes, v)) in (0u16..).zip(network.layers()) {
            assert_eq!(client.spikes(l).unwrap(), spikes.words());
            assert_eq!(client.membranes(l).unwrap(), v.bytes());
            done += 2;
        }
        sample += 1;
    }
    client.port().noise(Noise::new(0, 0));
    let statistics = client.statistics().unwrap();
    assert!(u64::from(statistics.requests) >= requests);
    assert_eq!(statistics.refused, 0);
    // Each run was carried out once, however often it was asked for.
    assert_eq!(statistics.steps, sample * u64::from(STEPS));
    assert!(client.traffic().repeated > 0 && statistics.broken > 0);
}

#[test]
fn ten_thousand_requests_at_one_byte_in_50_lose_nothing() {
    noisy_samples(50, 10_000);
}

#[test]
fn ten_thousand_requests_at_one_byte_in_500_lose_nothing() {
    noisy_samples(500, 10_000);
}

#[test]
fn an_upload_survives_noise_with_shorter_chunks() {
    let model = model();
    let mut client = start(vec![TestSlot::empty(8192)]);
    client.port().noise(Noise::new(9, 50));
    client.identify().unwrap();
    let whole = client.chunk_bytes();
    client.upload(0, &model, |_| ()).unwrap();
    assert!(client.chunk_bytes() < whole, "{}", client.chunk_bytes());
    client.activate(0).unwrap();
    let state = client.state().unwrap();
    client.set_state(&state).unwrap();
    assert_eq!(client.state().unwrap(), state);
    // On a clean line they grow again.
    client.port().noise(Noise::new(0, 0));
    for _ in 0..400 {
        client.counts().unwrap();
    }
    assert_eq!(client.chunk_bytes(), whole);
}

/// The bytes of a frame.
fn frame(header: Header, request: &Request<'_>) -> Vec<u8> {
    let mut sealed = vec![0; 8192];
    let len = seal(header, request, &mut sealed).unwrap();
    line(&sealed[..len])
}

fn line(sealed: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    send(sealed, &mut |piece| line.extend_from_slice(piece));
    line
}

/// Sends `bytes`, and gives the answers with their headers, by name.
fn talk(port: &mut TestPort, bytes: &[u8]) -> Vec<(Header, String)> {
    port.send(bytes).unwrap();
    let line = port.drain();
    let (mut decoder, mut buffer) = (Decoder::new(), vec![0; 8192]);
    let mut answers = Vec::new();
    for byte in line {
        match decoder.push(&mut buffer, byte) {
            Progress::More => {}
            Progress::Broken => panic!("the board sent a broken frame"),
            Progress::Whole(len) => {
                let (header, message) = open(&buffer[..len]).unwrap();
                let response: Response<'_> = parse(message).unwrap();
                answers.push((header, format!("{response:?}")));
            }
        }
    }
    answers
}

const HELLO: Request<'_> = Request::Hello {
    oldest: VERSION,
    newest: VERSION,
    chunk_bytes: 256,
};

fn header(session: u16, sequence: u16) -> Header {
    Header { session, sequence }
}

/// A board with an open session 5, in which request 1 was answered.
fn opened() -> TestPort {
    let mut port = TestPort::start(fixed(&model()), 256, 2048);
    let answers = talk(&mut port, &frame(header(5, 1), &HELLO));
    assert_eq!(answers.len(), 1);
    assert!(answers[0].1.starts_with("Hello"), "{answers:?}");
    port
}

const IDENTIFY: Request<'_> = Request::Identify;

#[test]
fn after_any_noise_the_next_frame_is_understood() {
    let mut port = opened();
    let stream = Stream::new(1, 1);
    for i in 0..2000u64 {
        let noise: Vec<u8> = (0..stream.below(4 * i, 700))
            .map(|b| stream.bits(b << 20 | i) as u8)
            .collect();
        port.send(&noise).unwrap();
        // Noise makes no valid frame but for one chance in 2^32, and gets no answer.
        assert!(port.drain().is_empty());
        let answers = talk(&mut port, &frame(header(5, 2 + i as u16), &IDENTIFY));
        assert_eq!(answers.len(), 1, "{i}");
        assert!(answers[0].1.starts_with("Identity"));
    }
}

#[test]
fn every_cut_and_every_changed_byte_is_passed_over() {
    let mut port = opened();
    let whole = frame(
        header(5, 2),
        &Request::Input {
            offset: 3,
            bytes: &[0, 1, 2, 0, 0, 255],
        },
    );
    for cut in 0..whole.len() - 1 {
        assert_eq!(talk(&mut port, &whole[..cut]), [], "{cut}");
        // What comes next ends it: the frame after a cut is whole.
        assert_eq!(talk(&mut port, &[0]), [], "{cut}");
    }
    for at in 1..whole.len() - 1 {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(talk(&mut port, &changed), [], "{at} {bit}");
        }
    }
    assert_eq!(talk(&mut port, &whole), [(header(5, 2), "Done".into())]);
}

#[test]
fn oversized_frames_are_passed_over() {
    let mut port = opened();
    let long = frame(
        header(5, 2),
        &Request::Input {
            offset: 0,
            bytes: &[7; 4000],
        },
    );
    assert_eq!(talk(&mut port, &long), []);
    assert_eq!(talk(&mut port, &[9; 100_000]), []);
    let answers = talk(&mut port, &frame(header(5, 2), &IDENTIFY));
    assert_eq!(answers.len(), 1);
}

#[test]
fn a_repeated_request_is_carried_out_once() {
    let mut port = opened();
    let steps = |n| {
        frame(
            header(5, n),
            &Request::Run {
                steps: 3,
                reset: false,
            },
        )
    };
    let first = talk(&mut port, &steps(2));
    let again = talk(&mut port, &[steps(2), steps(2)].concat());
    assert_eq!(again, [first[0].clone(), first[0].clone()]);
    assert!(first[0].1.contains("steps: 3,"), "{first:?}");
    let next = talk(&mut port, &steps(3));
    assert!(next[0].1.contains("steps: 6,"), "{next:?}");
    // Another request with the same number is not taken for the same one.
    let other = talk(&mut port, &frame(header(5, 3), &IDENTIFY));
    assert_eq!(other, [(header(5, 3), "Refused(Sequence)".into())]);
    assert_eq!(talk(&mut port, &steps(3)), next);
}

#[test]
fn late_requests_are_not_answered() {
    let mut port = opened();
    let ask = |n| frame(header(5, n), &IDENTIFY);
    assert_eq!(talk(&mut port, &ask(7)).len(), 1);
    for late in [1, 2, 6] {
        assert_eq!(talk(&mut port, &ask(late)), []);
    }
    // Two that come in the wrong order: the later one is answered.
    let order: Vec<_> = talk(&mut port, &[ask(9), ask(8)].concat());
    assert_eq!(
        order.iter().map(|(h, _)| h.sequence).collect::<Vec<_>>(),
        [9]
    );
    // Numbers begin anew after 65535.
    for n in [20_000, 40_000, 65_535, 0, 1] {
        assert_eq!(talk(&mut port, &ask(n)).len(), 1, "{n}");
    }
}

#[test]
fn without_a_session_nothing_is_done() {
    let mut port = TestPort::start(fixed(&model()), 256, 2048);
    let run = Request::Run {
        steps: 1,
        reset: true,
    };
    for request in [IDENTIFY, run, Request::Reset] {
        let answers = talk(&mut port, &frame(header(5, 1), &request));
        assert_eq!(answers, [(header(5, 1), "Refused(Session)".into())]);
    }
    assert_eq!(talk(&mut port, &frame(header(5, 1), &HELLO)).len(), 1);
    let answers = talk(&mut port, &frame(header(6, 2), &run));
    assert_eq!(answers, [(header(6, 2), "Refused(Session)".into())]);
    assert_eq!(talk(&mut port, &frame(header(5, 2), &run)).len(), 1);
}

#[test]
fn versions_are_agreed_on_or_refused() {
    let hello = |oldest, newest| Request::Hello {
        oldest,
        newest,
        chunk_bytes: 64,
    };
    let mut port = TestPort::start(fixed(&model()), 256, 2048);
    let answers = talk(&mut port, &frame(header(1, 1), &hello(1, 900)));
    let want = format!("Hello {{ version: {VERSION}, chunk_bytes: 64 }}");
    assert_eq!(answers[0].1, want);
    for (oldest, newest) in [(1, VERSION - 1), (VERSION + 1, 900)] {
        let answers = talk(&mut port, &frame(header(2, 1), &hello(oldest, newest)));
        assert!(answers[0].1.starts_with("Refused(Version"), "{answers:?}");
        port.reset();
    }
}

#[test]
fn any_valid_frame_with_any_message_is_answered() {
    let mut port = opened();
    let stream = Stream::new(2, 1);
    for i in 0..5000u64 {
        let mut sealed = header(5, 2 + i as u16).to_bytes().to_vec();
        let len = stream.below(2 * i, 40);
        sealed.extend((0..len).map(|b| stream.bits(b << 32 | i) as u8));
        // Kinds near those that there are, for half of them.
        if let (0, Some(kind)) = (i % 2, sealed.get_mut(4)) {
            *kind %= 20;
        }
        let crc = checksum(&sealed).to_le_bytes();
        sealed.extend(crc);
        let answers = talk(&mut port, &line(&sealed));
        assert_eq!(answers.len(), 1, "{sealed:?}");
    }
    assert_eq!(talk(&mut port, &frame(header(77, 1), &HELLO)).len(), 1);
    let answers = talk(&mut port, &frame(header(77, 2), &Request::Model));
    assert!(answers[0].1.starts_with("Model"), "{answers:?}");
}

#[test]
fn a_host_that_dies_in_an_upload_leaves_the_old_model() {
    let (old, new) = (
        model(),
        export_int(&Draw::new(8, &[5, 30, 4]).build().unwrap()),
    );
    let new = new.unwrap().bytes;
    let slots = vec![TestSlot::new(8192, &old, true), TestSlot::empty(8192)];
    let mut port = TestPort::start(slots, 256, 2048);
    let begin = Request::Begin {
        slot: 1,
        bytes: new.len() as u32,
    };
    let write = Request::Write {
        offset: 0,
        bytes: &new[..160],
    };
    for (n, request) in [(1, HELLO), (2, begin), (3, write)] {
        assert_eq!(talk(&mut port, &frame(header(5, n), &request)).len(), 1);
    }
    // In the middle of a frame.
    let write = Request::Write {
        offset: 160,
        bytes: &new[160..320],
    };
    assert_eq!(talk(&mut port, &frame(header(5, 4), &write)[..50]), []);

    let mut client = Client::new(port, TIMEOUT).with_patience(PATIENCE);
    assert_eq!(client.identify().unwrap().active, Some(0));
    let Content::Refused(_) = client.slot(1).unwrap().content else {
        panic!("half a model is no model");
    };
    assert!(matches!(
        client.activate(1).unwrap_err(),
        Error::BadModel(_)
    ));
    assert_eq!(client.model().unwrap().n_in, 9);
    client.upload(1, &new, |_| ()).unwrap();
    client.activate(1).unwrap();
    assert_eq!(client.model().unwrap().n_in, 5);
}

#[test]
fn a_chunk_of_another_session_is_refused() {
    let slots = vec![TestSlot::empty(8192)];
    let mut port = TestPort::start(slots, 256, 2048);
    let begin = Request::Begin {
        slot: 0,
        bytes: 320,
    };
    for (n, request) in [(1, HELLO), (2, begin)] {
        talk(&mut port, &frame(header(5, n), &request));
    }
    talk(&mut port, &frame(header(6, 1), &HELLO));
    let write = Request::Write {
        offset: 0,
        bytes: &[1; 16],
    };
    let late = talk(&mut port, &frame(header(5, 3), &write));
    assert_eq!(late[0].1, "Refused(Session)");
    let new = talk(&mut port, &frame(header(6, 2), &write));
    assert_eq!(new[0].1, "Refused(NoUpload)");
}

#[test]
fn a_board_that_restarts_is_noticed() {
    let (draw, model) = (draw(), model());
    let mut client = start(fixed(&model));
    client.identify().unwrap();
    let input = Input::I8(draw.input(0));
    let want = client.infer(&input, 16).unwrap();
    client.stream(&input, 1).unwrap();
    client.port().reset();
    // Not an answer of a network that has lost its state and its input.
    for err in [
        client.stream(&input, 1).unwrap_err(),
        client.step(&input, 0).unwrap_err(),
        client.counts().map(|_| ()).unwrap_err(),
    ] {
        assert!(matches!(err, Error::Restarted), "{err}");
    }
    client.identify().unwrap();
    assert_eq!(client.infer(&input, 16).unwrap(), want);
}

#[test]
fn a_board_that_restarts_in_an_upload_takes_it_anew() {
    let model = model();
    let mut client = start(vec![TestSlot::empty(8192)]);
    client.identify().unwrap();
    client.port().restart_after(600);
    let err = client.upload(0, &model, |_| ()).unwrap_err();
    assert!(matches!(err, Error::Restarted), "{err}");
    client.identify().unwrap();
    client.upload(0, &model, |_| ()).unwrap();
    client.activate(0).unwrap();
}

#[test]
fn a_line_that_is_dead_is_a_timeout() {
    let mut client = start(fixed(&model()));
    client.identify().unwrap();
    client.port().noise(Noise::new(1, 1));
    let err = client.counts().unwrap_err();
    assert!(matches!(err, Error::Timeout { .. }), "{err}");
    let err = client.identify().unwrap_err();
    assert!(matches!(err, Error::Timeout { .. }), "{err}");
}

#[test]
fn reads_past_the_end_are_empty_or_refused() {
    let mut port = opened();
    let read = |n, source, from| {
        frame(
            header(5, n),
            &Request::Read {
                source,
                from,
                most: 64,
            },
        )
    };
    let past = talk(&mut port, &read(2, Source::Counts, u32::MAX));
    assert_eq!(past[0].1, "Data { total: 24, bytes: [] }");
    for (n, source) in [
        (3, Source::FirstSpikes),
        (4, Source::Readouts),
        (5, Source::State),
    ] {
        let past = talk(&mut port, &read(n, source, u32::MAX));
        assert!(past[0].1.ends_with("bytes: [] }"), "{past:?}");
    }
    let none = talk(&mut port, &read(6, Source::Spikes { layer: 9 }, 0));
    assert_eq!(
        none[0].1,
        format!("{:?}", Response::Refused(Refusal::Layer))
    );
}
