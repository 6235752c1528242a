// One step of the backward through time in f64: docs/dynamics.md, section 6.2.
//
//   DETACH_RESET   whether the way through the reset is left out

// What a step makes of the gradient on the membrane after it: grad_h = from_spike + grad_v * dv_dh.
struct StepBack {
    double from_spike, dv_dh;
};

__device__ __forceinline__ StepBack step_back(float h, double grad_s, const Neuron &p, const Surrogate &q) {
    double wide = (double)h;
    double sg = slope(wide, (double)p.v_threshold, q);
#if SOFT_RESET
    double direct = 1.0, through_spike = -(double)p.v_threshold;
#else
#if EMIT == 0
    double direct = h >= p.v_threshold ? 0.0 : 1.0;
#else
    double direct = 1.0 - (double)emit(h, p, q);
#endif
#if RESET_TO_ZERO
    double through_spike = -wide;
#else
    double through_spike = (double)p.v_reset - wide;
#endif
#endif
    StepBack step;
    step.from_spike = grad_s * sg;
#if DETACH_RESET
    step.dv_dh = direct;
#else
    step.dv_dh = fma(through_spike, sg, direct);
#endif
    return step;
}

// The gradient on the input of the step; `carry` is that on the membrane after it, and becomes that on the one before.
__device__ __forceinline__ double advance(double &carry, const StepBack &step, const Neuron &p) {
    double grad_h = fma(carry, step.dv_dh, step.from_spike);
    double part = grad_h * p.inverse_tau;
    carry = grad_h - part;
#if DECAY_INPUT
    return part;
#else
    return grad_h;
#endif
}
