// LIF and SimpleLIF in fixed point: docs/dynamics.md, section 3.
//
//   WIDE          0: membranes of 16 bits, 1: of 32
//   SUMS          0: the inputs are of the membranes' type, 1: they are sums of 32 bits that SHIFT brings to it, left
//                 where it is positive: docs/dynamics.md, section 4.1
//   DECAY_INPUT, SOFT_RESET, V_SEQ   0, 1
//   AHEAD         inputs under way
//   VEC is 1, SPIKES 1 or 2

#if WIDE
typedef int State;
typedef i64 Wide;
#else
typedef short State;
typedef int Wide;
#endif

#if SUMS
typedef int Input;
#else
typedef State Input;
#endif

struct FixedNeuron {
    // What a step leaves of the membrane, in units of 2^-16.
    u32 a;
    int pull;
    int v_threshold;
    int v_reset;
    int shift;
};

__device__ __forceinline__ State saturate(i64 x) {
    const i64 MAX = WIDE ? 2147483647 : 32767;
    return (State)(x < -MAX - 1 ? -MAX - 1 : x > MAX ? MAX : x);
}

// (a * v) >> 16, rounded down; a is at most 65536, so the product fits.
__device__ __forceinline__ Wide scale_by(u32 a, State v) { return (Wide)(int)a * (Wide)v >> 16; }

// The current of a step.
__device__ __forceinline__ State current(Input x, const FixedNeuron &p) {
#if SUMS
    return saturate(p.shift < 0 ? (i64)(x >> -p.shift) : (i64)((u64)(i64)x << p.shift));
#else
    return x;
#endif
}

__device__ __forceinline__ State charge(State v, State x, const FixedNeuron &p) {
#if DECAY_INPUT
    Wide in = scale_by(65536u - p.a, x);
#else
    Wide in = x;
#endif
    return saturate((i64)scale_by(p.a, v) + (i64)in + (i64)p.pull);
}

__device__ __forceinline__ State reset(State h, bool spike, const FixedNeuron &p) {
    if (!spike) return h;
#if SOFT_RESET
    return saturate((i64)h - (i64)p.v_threshold);
#else
    return (State)p.v_reset;
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS) fixed_forward(const Input *__restrict__ x, const State *__restrict__ v_init,
                                         Spike *__restrict__ spike_seq, State *__restrict__ v_seq,
                                         State *__restrict__ v_last, FixedNeuron p, int v_start, i64 n, int steps) {
    i64 i = first_neuron();
    bool active = i < n;
    x += i;
    v_seq += i;
    SpikeCursor spikes = spike_cursor(spike_seq, i, n);
    State v = active && v_init ? v_init[i] : (State)v_start;
    Input ahead[AHEAD];
#pragma unroll
    for (int k = 0; k < AHEAD; k++) {
        ahead[k] = active && k < steps ? __ldg(x) : 0;
        x += n;
    }
    for (int t = 0; t < steps; t += AHEAD) {
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            if (t + k >= steps) break;
            Input now = ahead[k];
            if (active && t + k + AHEAD < steps) ahead[k] = __ldg(x);
            x += n;
            State h = charge(v, current(now, p), p);
            bool spike = h >= p.v_threshold;
            v = reset(h, spike, p);
            float s[1] = {spike ? 1.0f : 0.0f};
            put_spikes(spikes, s, active);
#if V_SEQ
            if (active) *v_seq = v;
            v_seq += n;
#endif
        }
    }
    if (active && v_last) v_last[i] = v;
}
