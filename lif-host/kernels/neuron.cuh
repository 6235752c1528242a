// Charge, fire, reset in f32: docs/dynamics.md, sections 1 and 2, with the names and the order of `lif-nostd`.
//
// The program is compiled with --fmad=false --ftz=false: each operation is rounded by itself.
//
//   MODEL         0: LIF, 1: SimpleLIF
//   DECAY_INPUT   0, 1
//   SOFT_RESET    0, 1
//   RESET_TO_ZERO 1: v_leak is +0, and v_reset too if there is one
//   DIVIDE        how a quotient by tau is computed, always correctly rounded: 0 by multiplication (tau is a power of
//                 two), 1 by its reciprocal in two parts (proved for this tau on the host), 2 by division

struct Neuron {
    float tau;
    // 1 / tau, in DIVIDE 1 rounded towards zero.
    float reciprocal;
    // What is left of 1 / tau.
    float reciprocal_low;
    // Below this magnitude the products of DIVIDE 1 could lose bits to underflow.
    float smallest;
    float v_threshold;
    float v_reset;
    float v_leak;
    // SimpleLIF: v_reset / tau, rounded once from f64.
    float first_pull;
    // 1 / tau in f64, for the backward.
    double inverse_tau;
};

// x / tau for a small x, through f64: a quotient of two f32 lies on a midpoint of two neighbouring f32, where the f64
// quotient is exact, or further from it than the f64 quotient can be wrong.
__device__ __forceinline__ float divide_small(float x, const Neuron &p) {
    double q = (double)x * p.inverse_tau;
    double rest = fma(-q, (double)p.tau, (double)x);
    return (float)fma(rest, p.inverse_tau, q);
}

__device__ __forceinline__ float divide_by_tau(float x, const Neuron &p) {
#if DIVIDE == 0
    return x * p.reciprocal;
#elif DIVIDE == 1
    float q = __fmaf_rn(x, p.reciprocal, __fmul_rn(x, p.reciprocal_low));
    if (fabsf(x) < p.smallest && x != 0.0f) q = divide_small(x, p);
    return q;
#else
    return __fdiv_rn(x, p.tau);
#endif
}

// The membrane's distance to the leak potential; x - (+0) is x for every x.
__device__ __forceinline__ float from_leak(float v, const Neuron &p) {
#if RESET_TO_ZERO
    return v;
#else
    return v - p.v_leak;
#endif
}

__device__ __forceinline__ float charge(float v, float x, const Neuron &p) {
#if MODEL == 0 && DECAY_INPUT
    return v + divide_by_tau(x - from_leak(v, p), p);
#elif MODEL == 0
    return v - divide_by_tau(from_leak(v, p), p) + x;
#elif DECAY_INPUT
    return v + divide_by_tau(p.v_leak - v + x, p);
#else
    return v + divide_by_tau(p.v_leak - v, p) + x;
#endif
}

// The charge of the first step from the model's own initial membrane.
__device__ __forceinline__ float first_charge(float v, float x, const Neuron &p) {
#if MODEL == 1 && !DECAY_INPUT
    return p.first_pull + x;
#else
    return charge(v, x, p);
#endif
}

// The membrane after an emission s; written out, not selected, as the reference does.
__device__ __forceinline__ float reset(float h, float s, const Neuron &p) {
#if SOFT_RESET
    return h - s * p.v_threshold;
#else
    return s * p.v_reset + (1.0f - s) * h;
#endif
}

// The same where s is 0 or 1: its products are exact, so that one of them can be fused with the sum. A soft reset takes
// -0 for no spike, because h - (+0) keeps the sign of a zero.
__device__ __forceinline__ float reset_binary(float h, bool spike, const Neuron &p) {
#if SOFT_RESET
    return __fmaf_rn(spike ? -1.0f : -0.0f, p.v_threshold, h);
#elif RESET_TO_ZERO
    return __fmaf_rn(spike ? 0.0f : 1.0f, h, 0.0f);
#else
    return __fmaf_rn(spike ? 0.0f : 1.0f, h, spike ? p.v_reset : 0.0f * p.v_reset);
#endif
}
