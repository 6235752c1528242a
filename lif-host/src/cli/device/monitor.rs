//! `lif device monitor`: the spikes of a layer while the board runs.

use std::io::IsTerminal;
use std::time::Duration;

use lif_nostd::model::format::Number;
use lif_nostd::spikes::words_for;
use ratatui::DefaultTerminal;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::text::Text;
use ratatui::widgets::{Block, Paragraph};

use super::args::Monitor;
use super::models::ensure;
use super::raster::Raster;
use super::{AnyClient, connect};
use crate::cli::{Failure, files};
use crate::device::{BoardModel, Error};
use crate::infer::Input;
use crate::rng::{Purpose, Stream};
use crate::say;

/// Most steps that are kept: wider than any terminal.
const KEPT: usize = 1000;

/// A board that runs one sample after the other.
struct Running {
    client: AnyClient,
    board: String,
    model: BoardModel,
    samples: Vec<Input>,
    layer: u16,
    raster: Raster,
    step: u64,
    spikes: u64,
}

pub(super) fn run(args: &Monitor) -> Result<(), Failure> {
    let host = args.model.as_deref().map(files::read_model).transpose()?;
    let (mut client, identity) = connect(&args.line, args.model.as_deref())?;
    if let Some(host) = &host {
        ensure(&mut client, host)?;
    }
    let model = client.model()?;
    let samples = match (&args.input, &host) {
        (Some(file), Some(host)) => files::read_inputs(file, host)?.inputs,
        _ => (0..8).map(|s| random(&model, s)).collect(),
    };
    if samples.is_empty() {
        return Err(Failure::Input("there is no sample to show".into()));
    }
    let layer = args.layer.unwrap_or(model.n_layers.saturating_sub(1));
    let (_, neurons) = client.layer(layer)?;
    let mut running = Running {
        client,
        board: identity.board,
        samples,
        layer,
        raster: Raster::new(neurons, KEPT),
        step: 0,
        spikes: 0,
        model,
    };
    if args.plain || !std::io::stdout().is_terminal() {
        let steps = args.steps.unwrap_or(u64::from(running.model.steps));
        return Ok(plain(&mut running, steps)?);
    }
    let mut terminal = ratatui::try_init().map_err(in_terminal)?;
    let shown = show(&mut terminal, &mut running, args.steps.unwrap_or(u64::MAX));
    ratatui::try_restore().map_err(in_terminal)?;
    shown
}

fn in_terminal(e: std::io::Error) -> Failure {
    Failure::Environment(format!("the terminal: {e}; --plain needs none"))
}

/// Sample `s` of whatever `model` takes, from a fixed seed.
fn random(model: &BoardModel, s: u32) -> Input {
    let stream = Stream::of(0, Purpose::Inputs, s);
    let n = u64::from(model.n_in);
    match model.number {
        Number::F32 => Input::F32((0..n).map(|i| stream.unit(i)).collect()),
        Number::Bits => {
            let words = words_for(model.n_in.into()) as u64;
            let sparse = |i| (stream.bits(2 * i) & stream.bits(2 * i + 1)) as u32;
            let step = |t: u64| (0..words).map(|w| sparse(t * words + w)).collect();
            Input::Spikes((0..u64::from(model.steps)).map(step).collect())
        }
        _ => Input::I8((0..n).map(|i| stream.bits(i) as i8).collect()),
    }
}

impl Running {
    /// Runs a step, and takes the spikes of it.
    fn step(&mut self) -> Result<(), Error> {
        let a_sample = u64::from(self.model.steps.max(1));
        let sample = (self.step / a_sample) as usize % self.samples.len();
        let input = &self.samples[sample];
        if self.step.is_multiple_of(a_sample) {
            self.client.infer(input, 0)?;
        }
        self.client.step(input, (self.step % a_sample) as u32)?;
        let words = self.client.spikes(self.layer)?;
        self.spikes += words.iter().map(|w| u64::from(w.count_ones())).sum::<u64>();
        self.raster.push(words);
        self.step += 1;
        Ok(())
    }
}

/// A line a step.
fn plain(running: &mut Running, steps: u64) -> Result<(), Error> {
    say!(
        "{}: model {:?}, layer {}, a column a neuron",
        running.board,
        running.model.name,
        running.layer
    );
    for step in 0..steps {
        running.step()?;
        say!("{step:>6} {}", running.raster.line());
    }
    say!("{} spikes in {} steps", running.spikes, running.step);
    Ok(())
}

/// A picture in the terminal, until q is pressed.
fn show(terminal: &mut DefaultTerminal, running: &mut Running, steps: u64) -> Result<(), Failure> {
    while running.step < steps {
        running.step()?;
        terminal
            .draw(|frame| draw(frame, running))
            .map_err(in_terminal)?;
        while event::poll(Duration::ZERO).map_err(in_terminal)? {
            if is_end(&event::read().map_err(in_terminal)?) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn is_end(event: &Event) -> bool {
    let Event::Key(key) = event else {
        return false;
    };
    let is_control_c =
        key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) || is_control_c
}

fn draw(frame: &mut Frame<'_>, running: &Running) {
    let area = frame.area();
    let rate = running.spikes as f64 / running.step.max(1) as f64;
    let title = format!(
        " {}: {:?}, layer {}, step {}, {rate:.1} spikes a step, q ends ",
        running.board, running.model.name, running.layer, running.step
    );
    let block = Block::bordered().title(title);
    let inner = block.inner(area);
    let rows = running.raster.rows(inner.width.into(), inner.height.into());
    let text: Text<'_> = rows.into_iter().map(ratatui::text::Line::from).collect();
    frame.render_widget(Paragraph::new(text).block(block), area);
}
