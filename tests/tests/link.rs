//! The host link against a board on this machine.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use lif_host::device::{Client, Error};
use lif_host::export::{export_f32, export_int};
use lif_host::infer::{Host, Input, run_sample};
use lif_host::verify::cross_check;
use lif_nostd::Error as ModelError;
use lif_nostd::link::{Content, Refusal};
use lif_nostd::model::SelfTest;
use lif_nostd::model::format::{CRC_OFFSET, Number, file_crc};
use lif_nostd::update::SlotError;
use lif_tests::line::{TestPort, TestSlot};
use lif_tests::nets::{Draw, STEPS};

const TIMEOUT: Duration = Duration::from_secs(60);

fn int_model(draw: &Draw) -> Vec<u8> {
    export_int(&draw.build().unwrap()).unwrap().bytes
}

fn board(slots: Vec<TestSlot>) -> Client<TestPort> {
    Client::new(TestPort::start(slots, 256, 2048), TIMEOUT)
}

/// A board with `model` in a slot that cannot be written.
fn with_model(model: &[u8]) -> Client<TestPort> {
    let mut client = board(vec![TestSlot::new(model.len(), model, false)]);
    client.identify().unwrap();
    client
}

#[test]
fn a_board_without_a_model_takes_one() {
    let model = int_model(&Draw::new(3, &[9, 40, 6]));
    let mut client = board(vec![TestSlot::empty(8192), TestSlot::empty(8192)]);
    let identity = client.identify().unwrap();
    assert_eq!((identity.slots, identity.active), (2, None));
    let err = client.model().unwrap_err();
    assert!(matches!(err, Error::Refused(Refusal::NoModel)), "{err}");
    assert_eq!(client.slot(1).unwrap().content, Content::Empty);

    let slot = client.idle_slot().unwrap();
    let mut last = 0;
    client.upload(slot, &model, |at| last = at).unwrap();
    assert_eq!(last, model.len());
    client.self_test(slot).unwrap();
    assert_eq!(client.identify().unwrap().active, None);
    client.activate(slot).unwrap();
    assert_eq!(client.identify().unwrap().active, Some(slot));
    let found = client.model().unwrap();
    let host = Host::new(&model).unwrap();
    assert_eq!(
        (found.crc, found.n_in, found.n_out),
        (host.model().crc(), 9, 6)
    );
    assert_eq!((found.n_layers, found.number), (2, Number::I8));
    assert_eq!(client.layer(0).unwrap(), (9, 40));
    assert_eq!(client.layer(1).unwrap(), (40, 6));
    let err = client.layer(2).unwrap_err();
    assert!(matches!(err, Error::Refused(Refusal::Layer)), "{err}");
}

#[test]
fn a_new_model_takes_the_place_of_the_old_one_for_good() {
    let draws = [Draw::new(3, &[9, 40, 6]), Draw::new(4, &[7, 20, 5])];
    let [old, new] = draws.each_ref().map(int_model);
    let mut client = board(vec![TestSlot::new(8192, &old, true), TestSlot::empty(8192)]);
    assert_eq!(client.identify().unwrap().active, Some(0));
    let err = client.upload(0, &new, |_| ()).unwrap_err();
    assert!(matches!(err, Error::Refused(Refusal::Active)), "{err}");
    let slot = client.idle_slot().unwrap();
    client.upload(slot, &new, |_| ()).unwrap();
    assert_eq!(client.model().unwrap().n_in, 9);
    client.activate(slot).unwrap();
    assert_eq!(client.model().unwrap().n_in, 7);
    // It stays active when the board is started anew, and the next one goes into the other slot.
    client.port().reset();
    assert_eq!(client.identify().unwrap().active, Some(1));
    assert_eq!(client.idle_slot().unwrap(), 0);
    client.upload(0, &old, |_| ()).unwrap();
    client.port().reset();
    assert_eq!(client.identify().unwrap().active, Some(1));
    client.activate(0).unwrap();
    client.port().reset();
    assert_eq!(client.identify().unwrap().active, Some(0));
    let content = client.slot(0).unwrap().content;
    assert!(
        matches!(content, Content::Model { generation: 2, .. }),
        "{content:?}"
    );
}

#[test]
fn a_model_that_fails_leaves_the_old_one_active() {
    let old = int_model(&Draw::new(3, &[9, 40, 6]));
    let mut client = board(vec![TestSlot::new(8192, &old, true), TestSlot::empty(8192)]);
    client.identify().unwrap();
    let sample = Input::I8(Draw::new(3, &[9]).input(0));
    let want = client.infer(&sample, 16).unwrap();

    // The golden trace has the digest of another network.
    let mut wrong = int_model(&Draw::new(4, &[9, 40, 6]));
    let at = Host::new(&wrong)
        .unwrap()
        .model()
        .golden_trace()
        .unwrap()
        .digest;
    let place = wrong
        .windows(4)
        .position(|w| w == at.to_le_bytes())
        .unwrap();
    wrong[place] ^= 1;
    let crc = file_crc(&wrong).to_le_bytes();
    wrong[CRC_OFFSET..CRC_OFFSET + 4].copy_from_slice(&crc);
    client.upload(1, &wrong, |_| ()).unwrap();
    for err in [client.self_test(1), client.activate(1)] {
        let err = err.unwrap_err();
        let differs = Refusal::SelfTest(SelfTest::Differs {
            stated: 0,
            computed: 0,
        });
        let Error::BadModel(refusal) = &err else {
            panic!("{err}");
        };
        assert_eq!(
            std::mem::discriminant(refusal),
            std::mem::discriminant(&differs)
        );
    }

    // Something else than a model, and a model of which a byte is wrong.
    let text = [b'x'; 64];
    client.upload(1, &text, |_| ()).unwrap_err();
    let err = client.activate(1).unwrap_err();
    assert!(
        matches!(err, Error::BadModel(Refusal::Model(ModelError::NotLif))),
        "{err}"
    );
    wrong[100] ^= 1;
    client.upload(1, &wrong, |_| ()).unwrap();
    let err = client.activate(1).unwrap_err();
    let Error::BadModel(Refusal::Model(ModelError::Crc { .. })) = err else {
        panic!("{err}");
    };
    assert_eq!(client.identify().unwrap().active, Some(0));
    assert_eq!(client.infer(&sample, 16).unwrap(), want);
}

#[test]
fn slots_that_cannot_take_a_model_say_so() {
    let model = int_model(&Draw::new(3, &[9, 40, 6]));
    let mut client = board(vec![
        TestSlot::new(8192, &model, false),
        TestSlot::new(8192, &[], false),
        TestSlot::empty(1024),
        TestSlot::empty(8192).worn(),
    ]);
    client.identify().unwrap();
    assert_eq!(client.idle_slot().unwrap(), 2);
    let err = client.upload(1, &model, |_| ()).unwrap_err();
    let read_only = Refusal::Slot(SlotError::ReadOnly);
    assert!(matches!(err, Error::Refused(r) if r == read_only), "{err}");
    let err = client.upload(2, &model, |_| ()).unwrap_err();
    let Error::Refused(Refusal::Room { need, got }) = err else {
        panic!("{err}");
    };
    assert_eq!((need as usize, got), (model.len(), 1024 - 16));
    let err = client.upload(3, &model, |_| ()).unwrap_err();
    assert!(matches!(err, Error::Differs), "{err}");
    let err = client.upload(4, &model, |_| ()).unwrap_err();
    assert!(matches!(err, Error::Refused(Refusal::NoSlot)), "{err}");
    let err = client.upload(2, &model[..33], |_| ()).unwrap_err();
    assert!(
        matches!(err, Error::Refused(Refusal::Unaligned { of: 16 })),
        "{err}"
    );

    let mut client = with_model(&model);
    let err = client.idle_slot().unwrap_err();
    assert!(matches!(err, Error::NoWritableSlot { .. }), "{err}");
}

#[test]
fn every_kind_of_input_is_equal() {
    for draw in [
        Draw::new(3, &[9, 40, 6]),
        Draw {
            spikes: true,
            ..Draw::new(4, &[70, 33, 5])
        },
        // More spikes than the board's buffer holds at a time.
        Draw {
            spikes: true,
            ..Draw::new(5, &[9000, 8, 5])
        },
    ] {
        let model = int_model(&draw);
        let mut host = Host::new(&model).unwrap();
        let mut client = with_model(&model);
        let samples: Vec<Input> = (0..3).map(|s| draw.sample(s).0).collect();
        let report = cross_check(&mut host, &mut client, &samples, 16, |_| ()).unwrap();
        assert!(report.is_equal(), "{:?}", report.first);
        assert_eq!(report.stack_bytes, 1000);
    }
    let draw = Draw::new(6, &[9, 40, 6]);
    let model = export_f32(&draw.build().unwrap()).unwrap().bytes;
    let mut host = Host::new(&model).unwrap();
    let x = draw.input(0).iter().map(|x| f32::from(*x) / 64.0).collect();
    let samples = [Input::F32(x)];
    let report = cross_check(&mut host, &mut with_model(&model), &samples, 16, |_| ());
    assert!(report.unwrap().is_equal());
}

#[test]
fn what_can_be_read_is_what_the_host_has() {
    let draw = Draw::new(3, &[9, 40, 26]);
    let model = int_model(&draw);
    let (mut host, mut client) = (Host::new(&model).unwrap(), with_model(&model));
    let mut network = host.network();
    let input = draw.sample(0).0;
    run_sample(&mut network, &input, STEPS).unwrap();
    client.infer(&input, STEPS as u16).unwrap();
    let firsts: Vec<_> = network.first_spikes().collect();
    assert_eq!(client.first_spikes().unwrap(), firsts);
    let readouts: Vec<f32> = (0..26).map(|i| network.readout(i).unwrap()).collect();
    assert_eq!(client.readouts().unwrap(), readouts);
    for (l, (spikes, v)) in (0u16..).zip(network.layers()) {
        assert_eq!(client.spikes(l).unwrap(), spikes.words());
        assert_eq!(client.membranes(l).unwrap(), v.bytes());
    }
    let statistics = client.statistics().unwrap();
    assert_eq!(
        (statistics.steps, statistics.ticks),
        (u64::from(STEPS), u64::from(STEPS))
    );
    assert!(statistics.spikes > 0 && statistics.synaptic_ops > 0);
    client.reset().unwrap();
    assert_eq!(client.counts().unwrap(), [0; 26]);
}

#[test]
fn a_state_is_put_back() {
    let draw = Draw::new(3, &[9, 200, 26]);
    let model = int_model(&draw);
    let mut client = with_model(&model);
    let (a, b) = (draw.sample(0).0, draw.sample(1).0);
    client.infer(&a, 5).unwrap();
    let state = client.state().unwrap();
    client.stream(&a, 11).unwrap();
    let want = (client.counts().unwrap(), client.state().unwrap());
    client.infer(&b, 16).unwrap();
    client.set_state(&state).unwrap();
    assert_eq!(client.state().unwrap(), state);
    client.stream(&a, 11).unwrap();
    assert_eq!((client.counts().unwrap(), client.state().unwrap()), want);
    // A part of a state is no state.
    let err = client
        .set_state(&[&state[..], &[0; 4]].concat())
        .unwrap_err();
    assert!(matches!(err, Error::Refused(Refusal::Room { .. })), "{err}");
    client.set_state(&state[..256]).unwrap();
    for err in [client.counts().map(|_| ()), client.stream(&a, 1)] {
        let err = err.unwrap_err();
        assert!(matches!(err, Error::Refused(Refusal::PartOfState)), "{err}");
    }
    client.infer(&b, 16).unwrap();
}

#[test]
fn a_long_upload_costs_three_percent() {
    let draw = Draw::new(3, &[256, 190, 10]);
    let model = int_model(&draw);
    assert!((50_000..54_000).contains(&model.len()), "{}", model.len());
    for chunk in [4096, 2048, 1024] {
        let port = TestPort::start(vec![TestSlot::empty(65_536)], chunk, 2048);
        let mut client = Client::new(port, TIMEOUT);
        client.identify().unwrap();
        client.upload(0, &model, |_| ()).unwrap();
        client.activate(0).unwrap();
        let traffic = client.traffic();
        assert_eq!(traffic.repeated, 0);
        // From the first byte to the active model; both directions, but with the shortest chunks.
        let bytes = match chunk {
            1024 => traffic.sent,
            _ => traffic.sent + traffic.received,
        };
        let overhead = 100.0 * (bytes as f64 / model.len() as f64 - 1.0);
        assert!(overhead > 0.0 && overhead <= 3.0, "{chunk}: {overhead} %");
    }
}
