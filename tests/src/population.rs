//! A population of any model, run in every way that there is: the results must not depend on it.

use lif_nostd::neuron::{Spiking, SpikingNode};
use lif_nostd::scalar::Scalar;
use lif_nostd::spikes::{Spikes, words_for};

/// Spikes `[T, N]` and membranes `[T, N]` of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run<S> {
    /// Spikes.
    pub spikes: Vec<bool>,
    /// Membranes after each step.
    pub v: Vec<S>,
}

/// Runs `n` neurons over `x_seq`, `[T, n]`, through the trait's functions on slices, from `v_init` or from the
/// model's initial membranes.
#[must_use]
pub fn run_slices<M: Spiking>(
    neuron: &M,
    n: usize,
    x_seq: &[M::Scalar],
    v_init: Option<&[M::Scalar]>,
) -> Run<M::Scalar> {
    let mut v = v_init.map_or_else(|| vec![neuron.v_init(); n], <[_]>::to_vec);
    let mut run = Run {
        spikes: Vec::new(),
        v: Vec::new(),
    };
    for (t, x) in x_seq.chunks_exact(n.max(1)).enumerate() {
        if t == 0 && v_init.is_none() {
            for (v, x) in v.iter_mut().zip(x) {
                run.spikes.push(neuron.first_step(v, *x));
            }
        } else {
            // Stale bits must go.
            let mut words = vec![u32::MAX; words_for(n)];
            neuron.step_all(&mut v, x.iter().copied(), &mut words);
            run.spikes.extend(unpack(&words, n));
        }
        run.v.extend_from_slice(&v);
    }
    run
}

/// The spikes of a step of `n` neurons.
///
/// # Panics
///
/// If a bit past the last neuron is set.
#[must_use]
pub fn unpack(words: &[u32], n: usize) -> Vec<bool> {
    let spikes = Spikes::new(words, n);
    assert!(spikes.indices().all(|i| i < n), "a bit past the last");
    (0..n).map(|i| spikes.get(i)).collect()
}

/// Runs `N` neurons over `x_seq`, `[T, N]`: as one sequence, in single steps, as two sequences that meet at step
/// `cut`, and once more after a reset; all must agree with [`run_slices`].
///
/// # Panics
///
/// Where they do not.
pub fn assert_calls_do_not_matter<M: Spiking + Copy, const N: usize>(
    neuron: M,
    x_seq: &[M::Scalar],
    v_init: Option<&[M::Scalar; N]>,
    cut: usize,
) {
    let want = run_slices(&neuron, N, x_seq, v_init.map(|v| &v[..]));
    let mut fresh = SpikingNode::<M, N>::from_neuron(neuron);
    if let Some(v) = v_init {
        fresh.set_v(*v);
    }
    let v_last = want.v[want.v.len() - N..].to_vec();

    let mut node = fresh;
    let whole = run_node(&mut node, x_seq);
    assert_eq!(whole, want, "a sequence");
    assert_eq!(node.v()[..], v_last, "the state after a sequence");

    let mut node = fresh;
    let mut parts = run_node(&mut node, &x_seq[..cut * N]);
    let rest = run_node(&mut node, &x_seq[cut * N..]);
    parts.spikes.extend(rest.spikes);
    parts.v.extend(rest.v);
    assert_eq!(parts, want, "two sequences");

    // What was run before is forgotten by a reset, and by it alone.
    node.reset();
    assert_eq!(node.v()[..], [neuron.v_init(); N]);
    let again = run_node(&mut node, x_seq);
    let from_start = run_slices(&neuron, N, x_seq, None);
    assert_eq!(again, from_start, "a sequence after a reset");

    let mut node = fresh;
    let mut single = Run {
        spikes: Vec::new(),
        v: Vec::new(),
    };
    for x in x_seq.as_chunks::<N>().0 {
        let mut words = vec![u32::MAX; words_for(N)];
        node.step(x, &mut words).expect("words of a step");
        single.spikes.extend(unpack(&words, N));
        single.v.extend_from_slice(node.v());
    }
    assert_eq!(single, want, "single steps");
}

fn run_node<M: Spiking, const N: usize>(
    node: &mut SpikingNode<M, N>,
    x_seq: &[M::Scalar],
) -> Run<M::Scalar> {
    let steps = x_seq.len() / N;
    let mut words = vec![u32::MAX; steps * words_for(N)];
    let mut v = vec![M::Scalar::ZERO; x_seq.len()];
    let ran = node.run(x_seq, &mut words, Some(&mut v));
    assert_eq!(ran, Ok(steps));
    let steps = words.chunks_exact(words_for(N));
    Run {
        spikes: steps.flat_map(|words| unpack(words, N)).collect(),
        v,
    }
}
