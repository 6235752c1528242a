//! A sensor, an encoder, a network and an actuator, tick after tick.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;

use lif_host::export::export_int;
use lif_host::infer::Host;
use lif_nostd::Error;
use lif_nostd::hal::{Encoder, LevelCrossing, Pipeline, PipelineError};
use lif_tests::nets::Draw;

/// Three axes that swing.
fn sample(tick: i32) -> [i16; 3] {
    [3, 5, 7].map(|n| ((tick * n * 37) % 200 - 100) as i16)
}

fn draw(inputs: usize) -> Draw {
    Draw {
        spikes: true,
        ..Draw::new(3, &[inputs, 20, 4])
    }
}

#[test]
fn a_pipeline_is_what_its_parts_are() {
    let model = export_int(&draw(6).build().unwrap()).unwrap().bytes;
    let (mut host, mut other) = (Host::new(&model).unwrap(), Host::new(&model).unwrap());
    let (mut network, mut by_hand) = (host.network(), other.network());

    let mut tick = 0;
    let sensor = || {
        tick += 1;
        Ok::<_, Infallible>(sample(tick))
    };
    let mut pipeline = Pipeline::new(sensor, LevelCrossing::<3>::new(20), &mut network);
    let mut now = 0u32;
    // Reading the clock takes 10 us.
    let mut clock = || {
        now += 10;
        now
    };
    let (mut ticks, mut seen) = (0, Vec::new());
    let misses = pipeline.run(1000, &mut clock, |network| {
        ticks += 1;
        seen.push(network.spikes(1).unwrap().words().to_vec());
        Ok::<_, Infallible>(ticks < 50)
    });
    assert_eq!((misses.unwrap(), ticks), (0, 50));

    let mut encoder = LevelCrossing::<3>::new(20);
    for (tick, seen) in (1..).zip(&seen) {
        let mut events = Vec::new();
        encoder.encode(&sample(tick), &mut |i| events.push(i));
        by_hand.events(&events).unwrap();
        by_hand.step();
        assert_eq!(by_hand.spikes(1).unwrap().words(), seen);
    }
    assert!(seen.iter().any(|words| words[0] != 0), "it never spiked");
}

#[test]
fn errors_come_through() {
    let model = export_int(&draw(3).build().unwrap()).unwrap().bytes;
    let mut host = Host::new(&model).unwrap();
    let mut network = host.network();
    let mut tick = 0;
    let sensor = || {
        tick += 1;
        if tick == 3 {
            Err("bus")
        } else {
            Ok(sample(tick))
        }
    };
    let mut pipeline = Pipeline::new(sensor, LevelCrossing::<3>::new(1), &mut network);
    let mut tick = || pipeline.tick(|_| Err("pin"));
    assert_eq!(tick(), Err(PipelineError::Act("pin")));
    // Six inputs are needed, the network has three.
    let Err(PipelineError::Input(Error::InputIndex { n: 3, .. })) = tick() else {
        panic!("there is no such input");
    };
    assert_eq!(tick(), Err(PipelineError::Sensor("bus")));
}
