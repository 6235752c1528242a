//! `lif run` on tensors.

use std::path::Path;

use lif_nostd::model::Membranes;
use safetensors::tensor::{Dtype, TensorView};

use super::frames::{Frames, Source, frames, warn_of_saturation};
use super::run::Args;
use crate::cli::{Failure, files};
use crate::infer::{Host, Input, reads_out};
use crate::say;

/// Values that a tensor of the output may have: 4 GiB of them.
const VALUES_MAX: usize = 1 << 30;

/// What a layer did, `[steps, batch, n]`.
struct Recorded {
    name: String,
    n: usize,
    spikes: Vec<f32>,
    membranes: MembraneValues,
}

/// Membranes in f32, or integers in units of the file's membranes.
#[derive(Default)]
struct MembraneValues {
    f32: Vec<f32>,
    i32: Vec<i32>,
}

/// Runs the network of `host` on the tensor "input" of the safetensors file `bytes`.
pub(super) fn run(args: &Args, host: &mut Host, bytes: &[u8]) -> Result<(), Failure> {
    let Some(output) = &args.output else {
        return Err(Failure::Input(
            "tensors need --output OUT.safetensors".into(),
        ));
    };
    let (n, n_out) = (host.model().n_in(), host.model().n_out());
    let takes_spikes = matches!(
        Input::from_raw(&host.model(), &vec![0.0; n]),
        Input::Spikes(_)
    );
    if args.encoding.is_some() && !takes_spikes {
        return Err(Failure::Input(
            "--encoding is for networks that take spikes; this one takes values, the same current in every step".into(),
        ));
    }
    let frames = frames(args, host, bytes)?;
    let first = if args.layers {
        0
    } else {
        host.model().n_layers().saturating_sub(1)
    };
    let mut layers = recorders(host, &frames, first)?;
    let readouts = reads_out(&host.model());
    let mut answers = Vec::new();
    let fail = |e| Failure::model(&args.model, e);
    warn_of_saturation(&args.input, host, &frames);
    let mut network = host.network();
    for sample in 0..frames.batch {
        network.reset();
        network.clear_input();
        let source = Source::new(args, &frames, sample, takes_spikes);
        for step in 0..frames.steps {
            source.set(&mut network, step).map_err(fail)?;
            network.step_observed(&mut |l, spikes, membranes| {
                let Some(layer) = l.checked_sub(first).and_then(|l| layers.get_mut(l)) else {
                    return;
                };
                layer
                    .spikes
                    .extend((0..layer.n).map(|i| f32::from(u8::from(spikes.get(i)))));
                if args.membranes {
                    layer.membranes.push(membranes);
                }
            });
        }
        if readouts {
            answers.extend((0..n_out).filter_map(|i| network.readout(i)));
        } else {
            answers.extend(network.counts().iter().map(|c| *c as f32));
        }
    }
    write(output, &frames, &answers, layers)?;
    say!(
        "wrote {}: output [{}, {n_out}] ({}), spikes [{}, {}, {n_out}]",
        output.display(),
        frames.batch,
        if readouts { "readouts" } else { "spike counts" },
        frames.steps,
        frames.batch
    );
    Ok(())
}

/// Empty records of the layers from `first` on.
fn recorders(host: &Host, frames: &Frames, first: usize) -> Result<Vec<Recorded>, Failure> {
    let model = host.model();
    let mut layers = Vec::new();
    for l in first..model.n_layers() {
        let n = model.layer(l).map_or(0, |layer| layer.n_out);
        let all = frames
            .steps
            .checked_mul(frames.batch)
            .and_then(|x| x.checked_mul(n));
        if all.is_none_or(|all| all > VALUES_MAX) {
            return Err(Failure::Input(format!(
                "spikes of shape [{}, {}, {n}] are more than {VALUES_MAX} values; run fewer samples at a time",
                frames.steps, frames.batch
            )));
        }
        let last = l + 1 == model.n_layers();
        layers.push(Recorded {
            name: if last {
                String::new()
            } else {
                format!("layer{}.", l + 1)
            },
            n,
            spikes: Vec::new(),
            membranes: MembraneValues::default(),
        });
    }
    Ok(layers)
}

impl MembraneValues {
    fn push(&mut self, membranes: Membranes<'_>) {
        match membranes {
            Membranes::F32(v) => self.f32.extend(v),
            Membranes::I16(v) => self.i32.extend(v.iter().map(|v| i32::from(*v))),
            Membranes::I32(v) => self.i32.extend(v),
            // There are no others yet.
            _ => {}
        }
    }
}

/// Values `[batch, steps, n]`, as the samples run, in the order `[steps, batch, n]`.
fn by_step<T: Copy>(values: &[T], frames: &Frames, n: usize) -> Vec<T> {
    let rows = |step| {
        (0..frames.batch).filter_map(move |sample: usize| {
            let row = sample * frames.steps + step;
            values.get(row * n..(row + 1) * n)
        })
    };
    (0..frames.steps)
        .flat_map(rows)
        .flatten()
        .copied()
        .collect()
}

fn write(
    file: &Path,
    frames: &Frames,
    answers: &[f32],
    layers: Vec<Recorded>,
) -> Result<(), Failure> {
    let fail = |e: safetensors::SafeTensorError| Failure::in_file(file, e);
    let f32_bytes = |x: &[f32]| -> Vec<u8> { x.iter().flat_map(|x| x.to_le_bytes()).collect() };
    let n_out = answers.len() / frames.batch;
    let mut tensors = vec![(
        "output".to_string(),
        Dtype::F32,
        vec![frames.batch, n_out],
        f32_bytes(answers),
    )];
    for layer in layers {
        let shape = vec![frames.steps, frames.batch, layer.n];
        let spikes = by_step(&layer.spikes, frames, layer.n);
        tensors.push((
            format!("{}spikes", layer.name),
            Dtype::F32,
            shape.clone(),
            f32_bytes(&spikes),
        ));
        let name = format!("{}membranes", layer.name);
        if !layer.membranes.f32.is_empty() {
            let v = by_step(&layer.membranes.f32, frames, layer.n);
            tensors.push((name, Dtype::F32, shape, f32_bytes(&v)));
        } else if !layer.membranes.i32.is_empty() {
            let v = by_step(&layer.membranes.i32, frames, layer.n);
            let bytes = v.iter().flat_map(|x| x.to_le_bytes()).collect();
            tensors.push((name, Dtype::I32, shape, bytes));
        }
    }
    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &tensors {
        views.push((
            name,
            TensorView::new(*dtype, shape.clone(), bytes).map_err(fail)?,
        ));
    }
    let bytes = safetensors::serialize(views, None).map_err(fail)?;
    files::write(file, &bytes)
}
