// One step of the backward through time in f64: docs/dynamics.md, section 6.2.
//
//   DETACH_RESET   whether the way through the reset is left out

// What a step makes of the gradient on the membrane after it: grad_h = from_spike + grad_v * dv_dh.
struct StepBack {
    double from_spike, dv_dh;
};

__device__ __forceinline__ StepBack step_back(float h, float grad_s, const Neuron &p, const Surrogate &q) {
    float s = emit(h, p, q);
    double sg = slope((double)h - (double)p.v_threshold, q);
#if SOFT_RESET
    double direct = 1.0, through_spike = -(double)p.v_threshold;
#else
    double direct = 1.0 - (double)s, through_spike = (double)p.v_reset - (double)h;
#endif
    StepBack step;
    step.from_spike = (double)grad_s * sg;
#if DETACH_RESET
    step.dv_dh = direct;
#else
    step.dv_dh = fma(through_spike, sg, direct);
#endif
    return step;
}

// The gradient on the input of the step; `carry` is that on the membrane after it, and becomes that on the one before.
__device__ __forceinline__ float advance(double &carry, const StepBack &step, const Neuron &p) {
    double grad_h = fma(carry, step.dv_dh, step.from_spike);
    carry = fma(grad_h, -p.inverse_tau, grad_h);
#if DECAY_INPUT
    return (float)(grad_h * p.inverse_tau);
#else
    return (float)grad_h;
#endif
}
