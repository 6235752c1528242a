//! Leaky integrate-and-fire neurons over a sequence (`docs/dynamics.md`, sections 1, 2 and 6).

use lif_nostd::neuron::Lif;

use crate::surrogate::Surrogate;

/// Runs `v.len()` neurons over a sequence, from the membranes in `v`, which it leaves at the last ones.
///
/// `x` yields the currents `[N]` of each step. `h` and `s` `[T, N]` get the membranes after the charge and the
/// spikes, 0 or 1; as many steps run as they hold.
///
/// # Panics
///
/// If a current, or a row of `s`, is shorter than N.
pub fn lif_forward<'x>(
    lif: &Lif<f32>,
    mut x: impl FnMut(usize) -> &'x [f32],
    v: &mut [f32],
    h: &mut [f32],
    s: &mut [f32],
) {
    let n = v.len();
    for (t, (h, s)) in h.chunks_exact_mut(n).zip(s.chunks_exact_mut(n)).enumerate() {
        let x = &x(t)[..n];
        for i in 0..n {
            let (charged, spike) = lif.charge_and_fire(v[i], x[i]);
            h[i] = charged;
            s[i] = f32::from(u8::from(spike));
            v[i] = lif.reset(charged, spike);
        }
    }
}

/// What the backward pass needs to know of the neurons.
#[derive(Clone, Copy, Debug)]
pub struct LifGrad {
    /// Constants of the forward.
    pub lif: Lif<f32>,
    /// Derivative of the spike.
    pub surrogate: Surrogate,
    /// Whether the gradient leaves out the way through the reset.
    pub detach_reset: bool,
}

/// Backward through time: from `grad_s` `[T, N]`, the gradients on the spikes, to those on the currents.
///
/// `h` and `s` `[T, N]` are those of the forward. `grad_x(t, i, g)` is called once for each, last step first.
/// No gradient comes in on the membranes, and none goes out to the initial ones.
pub fn lif_backward(
    neurons: &LifGrad,
    n: usize,
    h: &[f32],
    s: &[f32],
    grad_s: &[f32],
    mut grad_x: impl FnMut(usize, usize, f32),
) {
    let lif = &neurons.lif;
    let decay = 1.0 / lif.leak.tau;
    let keep = 1.0 - decay;
    let gain = if lif.decay_input { decay } else { 1.0 };
    let mut grad_v = vec![0.0f32; n];
    for (t, ((h, s), grad_s)) in h
        .chunks_exact(n)
        .zip(s.chunks_exact(n))
        .zip(grad_s.chunks_exact(n))
        .enumerate()
        .rev()
    {
        for i in 0..n {
            let x = f64::from(h[i]) - f64::from(lif.v_threshold);
            let slope = neurons.surrogate.grad(x) as f32;
            // dv/dh, directly and through the spike.
            let (direct, through_spike) = match lif.v_reset {
                Some(v_reset) => (1.0 - s[i], v_reset - h[i]),
                None => (1.0, -lif.v_threshold),
            };
            let mut dv_dh = direct;
            if !neurons.detach_reset {
                dv_dh += through_spike * slope;
            }
            let grad_h = grad_s[i] * slope + grad_v[i] * dv_dh;
            grad_x(t, i, grad_h * gain);
            grad_v[i] = grad_h * keep;
        }
    }
}
