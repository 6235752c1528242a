//! Trains a network on the 8x8 digits in the integers of the device, and exports what was trained.

use std::fs::File;
use std::process::ExitCode;

use lif_host::cli::{Failure, exit};
use lif_host::data::{Columns, Label, read_csv, stratified};
use lif_host::export::export_int;
use lif_host::net::{InputScale, LifParams, Net};
use lif_host::quant::QuantOptions;
use lif_host::say;
use lif_host::train::{Data, Event, Run, TrainConfig, TrainerConfig};

fn main() -> ExitCode {
    exit(run().map_err(|e| Failure::Input(e.to_string())))
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let columns = Columns {
        values: 64,
        label: Label::Required(10),
    };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let samples = read_csv(File::open(file)?, columns)?;
    let split = stratified(&samples.labels, 5);
    let (train, test) = (samples.select(&split.train), samples.select(&split.test));

    let scale = InputScale {
        full_scale: 16.0,
        step: train.input_step(),
    };
    let mut net = Net::sequential("digits", 16, 64, scale)
        .linear(128)
        .lif(LifParams::default())
        .linear(10)
        .lif(LifParams::default())
        .build()?;
    net.init(0);

    let config = TrainConfig {
        epochs: 30,
        batch: 32,
        learning_rate: 0.005,
        ..TrainConfig::default()
    };
    let trainer = TrainerConfig {
        quantised: Some(QuantOptions::default()),
        ..config.trainer(0)
    };
    let data = Data {
        train: &train,
        validation: Some(&test),
    };
    let mut run = Run::new(net, data, config, trainer)?;
    loop {
        match run.step()? {
            Event::Epoch(e) if e.epoch % 5 == 0 => {
                let accuracy = e.validation.map_or(0.0, |s| 100.0 * s.accuracy);
                say!(
                    "epoch {:2}  loss {:.4}  test accuracy in integers {accuracy:.2} %",
                    e.epoch,
                    e.loss
                );
            }
            Event::Done => break,
            _ => (),
        }
    }
    let exported = export_int(run.finish().net())?;
    std::fs::create_dir_all("out")?;
    std::fs::write("out/03-train.lif", &exported.bytes)?;
    say!(
        "wrote out/03-train.lif, {} bytes: what was trained is what it computes",
        exported.bytes.len()
    );
    Ok(())
}
