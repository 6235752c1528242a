//! What each board's firmware takes of its part: flash, static RAM, and the stack that a network used, against
//! `budgets.toml`. Needs QEMU and the boards' Rust targets: `cargo lif setup` installs both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use lif_host::device::{BOARDS, Board, Client, FLASHED, Firmware, Flashed, Qemu, QemuOptions};
use lif_host::export::export_int;
use lif_host::infer::{Host, Input, run_sample};
use lif_tests::nets::{Draw, STEPS};
use serde::Deserialize;

/// `budgets.toml`.
#[derive(Debug, Deserialize)]
struct Budgets {
    boards: BTreeMap<String, Budget>,
}

/// Of a board, in bytes.
#[derive(Debug, Deserialize)]
struct Budget {
    /// Flash of the part.
    flash: u64,
    /// RAM of the part that a program has in a row.
    ram: u64,
    /// Code, constants and initial values.
    text: u64,
    /// Static RAM: arena, input, and both frames of the link among it.
    data: u64,
    /// Stack that was used, where the board is emulated.
    stack: Option<u64>,
}

fn budget(name: &str) -> Budget {
    let mut all: Budgets = toml::from_str(include_str!("../budgets.toml")).unwrap();
    all.boards.remove(name).unwrap()
}

/// The network that the board must hold besides its firmware.
fn network(name: &str) -> Draw {
    let sizes = if name == "microbit" {
        [784, 64, 10]
    } else {
        [64, 128, 10]
    };
    Draw::new(1, &sizes)
}

/// Compares text and data with the budget, and prints them.
fn check(name: &str, firmware: &Firmware, model: u64, stack: Option<u64>) {
    let budget = budget(name);
    let (text, data) = (firmware.flash_bytes, firmware.ram_bytes);
    // Ends the line that the test runner began.
    println!();
    let shown = stack.map_or("-".into(), |s| s.to_string());
    println!(
        "board {name:<17} text {text:>6}  RAM {data:>6}  stack {shown:>5}  model {model:>6} bytes"
    );
    assert!(
        text <= budget.text,
        "text: {text} bytes, {} allowed",
        budget.text
    );
    assert!(
        data <= budget.data,
        "RAM: {data} bytes, {} allowed",
        budget.data
    );
    assert!(text + model <= budget.flash && model <= firmware.slot_bytes);
    assert_eq!(stack.is_some(), budget.stack.is_some());
    if let (Some(stack), Some(most)) = (stack, budget.stack) {
        assert!(stack <= most, "stack: {stack} bytes, {most} allowed");
        assert!(data + stack <= budget.ram, "RAM: {} bytes", data + stack);
    }
}

/// Runs the network of the board, and all else that takes stack.
fn emulated(name: &str) {
    let board = Board::find(name).unwrap();
    let firmware = Firmware::build(board).unwrap();
    let draw = network(name);
    let model = export_int(&draw.build().unwrap()).unwrap().bytes;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("footprint-{name}.lif"));
    std::fs::write(&file, &model).unwrap();
    let options = QemuOptions::default();
    let qemu = Qemu::start(board, &firmware, Some(&file), &options).unwrap();
    let mut client = Client::new(qemu, Duration::from_secs(60));
    let active = client.identify().unwrap().active.unwrap();
    client.self_test(active).unwrap();
    let mut host = Host::new(&model).unwrap();
    let input = Input::I8(draw.input(0));
    let want = run_sample(&mut host.network(), &input, STEPS).unwrap();
    assert_eq!(client.infer(&input, STEPS as u16).unwrap().answer, want);
    client.readouts().unwrap();
    let state = client.state().unwrap();
    client.set_state(&state).unwrap();
    for slot in 0..client.identify().unwrap().slots {
        client.slot(slot).unwrap();
    }
    let stack = client.statistics().unwrap().stack_bytes;
    check(name, &firmware, model.len() as u64, Some(stack.into()));
}

/// Builds the firmware alone.
fn built(name: &str) {
    let firmware = Flashed::find(name).unwrap().build().unwrap();
    let model = export_int(&network(name).build().unwrap()).unwrap().bytes;
    check(name, &firmware, model.len() as u64, None);
}

/// A test for each board.
macro_rules! boards {
    ($($how:ident $name:ident = $board:literal;)*) => {
        $(
            #[test]
            fn $name() {
                $how($board);
            }
        )*

        #[test]
        fn every_board_is_measured() {
            let measured = [$($board),*];
            let names = BOARDS.iter().map(|b| b.name).chain(FLASHED.iter().map(|b| b.name));
            for name in names {
                assert!(measured.contains(&name), "{name}");
            }
        }
    };
}

boards!(
    emulated microbit = "microbit";
    emulated mps2_an385 = "mps2-an385";
    emulated mps2_an386 = "mps2-an386";
    emulated mps2_an500 = "mps2-an500";
    emulated mps2_an505 = "mps2-an505";
    emulated mps3_an547 = "mps3-an547";
    emulated netduinoplus2 = "netduinoplus2";
    emulated riscv_virt = "riscv-virt";
    emulated stm32vldiscovery = "stm32vldiscovery";
    built nrf52840_dk = "nrf52840-dk";
    built rpi_pico = "rpi-pico";
);
