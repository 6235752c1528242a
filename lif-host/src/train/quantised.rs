//! The forward of a quantised layer: the integers of the device (`docs/dynamics.md`, section 4.1).

use lif_nostd::model::format::{NeuronKind, Number as Format};
use lif_nostd::neuron::Readout;
use lif_nostd::scalar::{FixedLeak, Scalar};

use super::neurons::picked_step;
use super::number::Number;
use crate::quant::QuantLayer;

/// Buffers of one layer in integers.
#[derive(Clone, Debug, Default)]
pub(super) struct IntLayer {
    w_t: Vec<i16>,
    /// Sums: `[B, out]` where the input is held, else `[T, B, out]`.
    sums: Vec<i32>,
    /// Membranes after the charge, `[T, B, out]`.
    pub(super) h: Vec<i32>,
    /// Membranes after the reset, `[T, B, out]`.
    pub(super) v: Vec<i32>,
    /// Spikes, `[T, B, out]`, 0 or 1.
    pub(super) s: Vec<i16>,
}

/// An integer membrane.
trait Membrane: Scalar<Leak = FixedLeak> {
    /// The nearest value of the type.
    fn saturate(x: i64) -> Self;
    /// The value.
    fn value(self) -> i32;
}

impl Membrane for i16 {
    #[inline]
    fn saturate(x: i64) -> Self {
        x.clamp(Self::MIN.into(), Self::MAX.into()) as Self
    }

    #[inline]
    fn value(self) -> i32 {
        self.into()
    }
}

impl Membrane for i32 {
    #[inline]
    fn saturate(x: i64) -> Self {
        x.clamp(Self::MIN.into(), Self::MAX.into()) as Self
    }

    #[inline]
    fn value(self) -> i32 {
        self
    }
}

/// What an integer layer of membranes that are read out gives: readouts `[B, out]` in units of the membrane, and the
/// steps that they were read at.
#[derive(Clone, Debug, Default)]
pub(super) struct IntReadout {
    pub(super) values: Vec<i32>,
    pub(super) picked: Vec<u32>,
}

impl IntLayer {
    /// Runs `q` for `steps` steps over the inputs `x`, i8 values or spikes: `[B, in]` where they are held, else
    /// `[T, B, in]`.
    pub(super) fn forward(&mut self, q: &QuantLayer, x: &[i16], batch: usize, steps: usize) {
        let n_out = q.bias.len();
        let n_in = q.weights.len() / n_out;
        self.w_t.resize(q.weights.len(), 0);
        for (o, row) in q.weights.chunks_exact(n_in).enumerate() {
            for (i, w) in row.iter().enumerate() {
                self.w_t[i * n_out + o] = *w;
            }
        }
        self.sums.resize(x.len() / n_in * n_out, 0);
        for (x, sums) in x.chunks_exact(n_in).zip(self.sums.chunks_exact_mut(n_out)) {
            sum(&self.w_t, &q.bias, x, sums);
        }
        let n = steps * batch * n_out;
        self.h.resize(n, 0);
        self.v.resize(n, 0);
        self.s.resize(n, 0);
        match q.number {
            Format::I32 => self.step::<i32>(q, batch),
            _ => self.step::<i16>(q, batch),
        }
    }

    fn step<S: Membrane>(&mut self, q: &QuantLayer, batch: usize) {
        let n_out = q.bias.len();
        let n = batch * n_out;
        let each = |values: &crate::quant::Values<i32>| -> Vec<S> {
            (0..n_out)
                .map(|i| S::saturate(values.at(i).into()))
                .collect()
        };
        let leak: Vec<FixedLeak> = (0..n_out)
            .map(|i| FixedLeak::to_zero(q.leak.at(i)))
            .collect();
        let v_threshold = q.v_threshold.as_ref().map(each);
        let v_reset = q.v_reset.as_ref().map(each);
        let at_reset = if q.kind == NeuronKind::Lif {
            v_reset.as_ref()
        } else {
            None
        };
        let mut v: Vec<S> = (0..n)
            .map(|i| at_reset.map_or(S::ZERO, |v| v[i % n_out]))
            .collect();
        let held = self.sums.len() == n;
        let none = vec![S::ZERO; n_out];
        let cells = Cells {
            leak: &leak,
            v_threshold: v_threshold.as_deref(),
            v_reset: v_reset.as_deref(),
            none: &none,
            shift: q.shift,
        };
        let rows = (self.h.chunks_exact_mut(n_out)).zip(self.v.chunks_exact_mut(n_out));
        for (row, ((h, after), s)) in rows.zip(self.s.chunks_exact_mut(n_out)).enumerate() {
            let (row_in, b) = (if held { row % batch } else { row }, row % batch);
            let sums = &self.sums[row_in * n_out..][..n_out];
            cells.step(sums, &mut v[b * n_out..][..n_out], h, after, s);
        }
    }

    /// What the decode of `q` reads of the membranes.
    pub(super) fn read_out(&self, q: &QuantLayer, batch: usize, out: &mut IntReadout) {
        match q.number {
            Format::I32 => self.read::<i32>(q, batch, out),
            _ => self.read::<i16>(q, batch, out),
        }
    }

    fn read<S: Membrane>(&self, q: &QuantLayer, batch: usize, out: &mut IntReadout) {
        let n = batch * q.bias.len();
        let steps = self.v.len() / n.max(1);
        out.values.clear();
        out.picked.clear();
        for i in 0..n {
            let mut seen = Readout::<S>::new();
            for t in 0..steps {
                seen.push(S::saturate(self.v[t * n + i].into()));
            }
            out.values.push(seen.read(q.decode).value());
            let last = steps.saturating_sub(1);
            out.picked.push(picked_step(&seen, q.decode, last));
        }
    }

    /// Membranes and spikes as the backward takes them: each membrane times what one unit of it stands for.
    pub(super) fn widen<F: Number>(&self, q: &QuantLayer, h: &mut [F], s: &mut [F]) {
        let n_out = q.bias.len();
        for (h, from) in h.chunks_exact_mut(n_out).zip(self.h.chunks_exact(n_out)) {
            for ((h, from), unit) in h.iter_mut().zip(from).zip(&q.units) {
                *h = F::of(f64::from(*from) * unit);
            }
        }
        for (s, from) in s.iter_mut().zip(&self.s) {
            *s = if *from == 0 { F::NIL } else { F::UNIT };
        }
    }

    /// Currents in units of the float membrane, of the shape of the sums: `of(o, c)` of each.
    pub(super) fn currents<F: Number>(
        &self,
        q: &QuantLayer,
        of: impl Fn(usize, f64) -> f64,
        out: &mut Vec<F>,
    ) {
        let n_out = q.bias.len();
        out.clear();
        out.extend(self.sums.iter().enumerate().map(|(i, sum)| {
            let o = i % n_out;
            let c = shifted(*sum, q.shift);
            F::of(of(o, c as f64 * q.units[o]))
        }));
    }
}

/// The constants of a layer, one entry a neuron.
struct Cells<'a, S> {
    leak: &'a [FixedLeak],
    v_threshold: Option<&'a [S]>,
    v_reset: Option<&'a [S]>,
    /// Zeros, for what is not there.
    none: &'a [S],
    shift: i8,
}

impl<S: Membrane> Cells<'_, S> {
    /// One step of the neurons of one sample.
    fn step(&self, sums: &[i32], v: &mut [S], h: &mut [i32], after: &mut [i32], s: &mut [i16]) {
        let v_threshold = self.v_threshold.unwrap_or(self.none);
        let v_reset = self.v_reset.unwrap_or(self.none);
        let (spiking, hard) = (self.v_threshold.is_some(), self.v_reset.is_some());
        let state = v.iter_mut().zip(h).zip(after).zip(s);
        let constants = self.leak.iter().zip(v_threshold).zip(v_reset);
        for (((((v, h), after), s), sum), ((leak, v_threshold), v_reset)) in
            state.zip(sums).zip(constants)
        {
            let charged = v.charge(S::saturate(shifted(*sum, self.shift)), leak, false);
            let fired = spiking && charged >= *v_threshold;
            *v = if hard {
                charged.hard_reset(fired, *v_reset)
            } else {
                charged.soft_reset(fired, *v_threshold)
            };
            *h = charged.value();
            *after = v.value();
            *s = i16::from(fired);
        }
    }
}

/// `sums` = `bias` + the weights `w_t` `[in, out]` times `x`; exact, so the order does not matter.
fn sum(w_t: &[i16], bias: &[i32], x: &[i16], sums: &mut [i32]) {
    sums.copy_from_slice(bias);
    for (x, row) in x.iter().zip(w_t.chunks_exact(bias.len())) {
        match i32::from(*x) {
            0 => (),
            1 => {
                for (sum, w) in sums.iter_mut().zip(row) {
                    *sum = sum.wrapping_add(i32::from(*w));
                }
            }
            x => {
                for (sum, w) in sums.iter_mut().zip(row) {
                    *sum = sum.wrapping_add(x.wrapping_mul(i32::from(*w)));
                }
            }
        }
    }
}

/// `sum * 2^k`, rounded down; at most 31 bits to the left, which 64 bits hold.
#[inline]
fn shifted(sum: i32, k: i8) -> i64 {
    let sum = i64::from(sum);
    if k < 0 { sum >> -k } else { sum << k }
}
