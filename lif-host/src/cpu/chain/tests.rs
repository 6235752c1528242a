//! A chain on spikes, against the layers one after the other.

use super::Chain;
use crate::cpu::{Dense, Neurons, Upstream, linear_backward, linear_forward, transpose};
use crate::net::{LifParams, Net, NeuronParams, Param};
use crate::surrogate::Surrogate;

fn draw(n: usize, k: u32) -> Vec<f32> {
    let number = |i: u32| (i.wrapping_mul(2_654_435_761) ^ k) >> 8;
    let unit = |i: u32| number(i) as f32 / (1 << 23) as f32 - 1.0;
    (0..n as u32).map(unit).collect()
}

fn network(n_in: usize, n_out: usize, steps: u32) -> Net {
    let lif = LifParams {
        tau: Param::Scalar(1.7),
        v_threshold: Param::Scalar(0.75),
        v_reset: Some(Param::Scalar(-0.125)),
        decay_input: false,
        detach_reset: false,
        surrogate: Surrogate::Sigmoid { alpha: 4.0 },
    };
    let chain = Net::sequential_spikes("n", steps, n_in)
        .linear(n_out)
        .lif(lif);
    let mut net = chain.build().unwrap();
    net.weights = draw(net.weights.len(), 1);
    net
}

/// `[T, B, n]` as `[B, T, n]`.
fn by_sample(x: &[f32], steps: usize, batch: usize, n: usize) -> Vec<f32> {
    let rows = (0..batch).flat_map(|b| (0..steps).map(move |t| (t * batch + b) * n));
    rows.flat_map(|at| x[at..at + n].to_vec()).collect()
}

#[test]
fn a_chain_on_spikes_does_what_its_layer_does() {
    for (n_in, n_out, steps, batch) in [(70, 130, 16, 21), (3, 5, 150, 3), (130, 16, 3, 50)] {
        let net = network(n_in, n_out, steps as u32);
        let layer = net.layers().unwrap().remove(0);
        let NeuronParams::Lif(params) = layer.neurons else {
            unreachable!("made of LIF neurons");
        };
        let lif = params.uniform().unwrap();
        let neurons = Neurons::from_lif(lif, params.surrogate, params.detach_reset);
        let spike = |x: &f32| f32::from(u8::from(*x > 0.6));
        let x: Vec<f32> = draw(steps * batch * n_in, 2).iter().map(spike).collect();
        let weights = &net.weights[layer.weight.clone()];
        let mut current = vec![0.0; steps * batch * n_out];
        let w_t = transpose(weights, n_out, n_in);
        let bias = &net.weights[layer.bias.clone()];
        linear_forward(&w_t, bias, &x, Dense::Spikes, &mut current);
        let n = batch * n_out;
        let want = neurons.forward(n, &current, None);

        let mut chain = Chain::new(&net).unwrap();
        let counts = chain.forward(&x);
        for (i, count) in counts.iter().enumerate() {
            let spikes = want.spikes.iter().skip(i).step_by(n);
            assert_eq!(*count as f32, spikes.sum::<f32>());
        }
        let mut membranes = Vec::new();
        for group in &chain.groups {
            for r in 0..group.samples * steps {
                for (h, block) in group.layers[0].h.iter().zip(&chain.layers[0].blocks) {
                    let n = block.width.min(n_out - block.start);
                    membranes.extend_from_slice(&h[r * block.width..][..n]);
                }
            }
        }
        let want_h = by_sample(&want.h, steps, batch, n_out);
        assert_eq!(membranes, want_h, "membranes after the charge");

        let up = draw(n, 3);
        let mut grad = vec![9.0; net.weights.len()];
        chain.backward(&x, &up, &mut grad);
        let upstream = Upstream {
            spikes: &up.repeat(steps),
            v: None,
            v_last: None,
        };
        let (grad_y, _) = neurons.backward(n, &want.h, &want.spikes, upstream);
        // Sample by sample, the sums run in the same order.
        let x = by_sample(&x, steps, batch, n_in);
        let grad_y = by_sample(&grad_y, steps, batch, n_out);
        let (mut grad_t, mut grad_bias) = (vec![0.0; n_in * n_out], vec![0.0; n_out]);
        linear_backward(weights, &x, &grad_y, &mut grad_t, &mut grad_bias, None);
        assert_eq!(grad[layer.weight.clone()], transpose(&grad_t, n_in, n_out));
        assert_eq!(grad[layer.bias.clone()], grad_bias);
    }
}
