// LIF and SimpleLIF over a sequence: docs/dynamics.md, sections 1 and 2.
//
// A thread has VEC neurons and walks the steps, AHEAD steps of inputs under way. Nothing of [T, N] is written but what
// the caller asks for: the backward rebuilds the charge from x, from the membranes before every CHUNK-th step.
//
//   V_SEQ   whether the membranes after each step are written
//   CHUNK   steps between checkpoints
//   AHEAD   inputs under way; divides CHUNK, or CHUNK divides it

struct Walk {
    const Store *x;
    Store *v_seq;
    float *checkpoint;
    i64 n;
    int steps;
    int fresh;
    bool active;
};

// The steps t .. t + AHEAD, whose inputs are in `ahead`; INSIDE where AHEAD more follow.
template <bool INSIDE>
__device__ __forceinline__ void walk(Walk &w, SpikeCursor &spikes, Raw (&ahead)[AHEAD], float (&v)[VEC], int t,
                                     const Neuron &p, const Surrogate &q) {
#pragma unroll
    for (int k = 0; k < AHEAD; k++) {
        if (!INSIDE && t + k >= w.steps) return;
        if (k % (AHEAD < CHUNK ? AHEAD : CHUNK) == 0 && w.checkpoint && t + k > 0 && (t + k) % CHUNK == 0) {
            if (w.active) store_state(w.checkpoint, v);
            w.checkpoint += w.n;
        }
        Raw now = ahead[k];
        if (w.active && (INSIDE || t + k + AHEAD < w.steps)) ahead[k] = load(w.x);
        w.x += w.n;
        float s[VEC];
#pragma unroll
        for (int j = 0; j < VEC; j++) {
            float x = unpack(now, j);
            float h = k == 0 && w.fresh && t == 0 ? first_charge(v[j], x, p) : charge(v[j], x, p);
            s[j] = emit(h, p, q);
            v[j] = reset_after(h, s[j], p);
        }
        put_spikes(spikes, s, w.active);
#if V_SEQ
        Raw after;
#pragma unroll
        for (int j = 0; j < VEC; j++) pack(after, j, v[j]);
        if (w.active) store(w.v_seq, after);
        w.v_seq += w.n;
#endif
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) spiking_forward(const Store *__restrict__ x, const float *__restrict__ v_init,
                                           Spike *__restrict__ spike_seq, Store *__restrict__ v_seq,
                                           float *__restrict__ v_last, float *__restrict__ checkpoints, Neuron p,
                                           Surrogate q, float v_start, i64 n, int steps) {
    i64 first = first_neuron();
    Walk w = {x + first, v_seq + first, checkpoints ? checkpoints + first : nullptr, n, steps, v_init == nullptr, first < n};
    SpikeCursor spikes = spike_cursor(spike_seq, first, n);
    float v[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) v[j] = v_start;
    if (w.active && v_init) load_state(v, v_init + first);
    Raw ahead[AHEAD];
#pragma unroll
    for (int k = 0; k < AHEAD; k++) {
        ahead[k] = Raw();
        if (w.active && k < steps) ahead[k] = load(w.x);
        w.x += n;
    }
    for (int t = 0; t < steps; t += AHEAD) {
        if (t + 2 * AHEAD <= steps)
            walk<true>(w, spikes, ahead, v, t, p, q);
        else
            walk<false>(w, spikes, ahead, v, t, p, q);
    }
    if (w.active && v_last) store_state(v_last + first, v);
}
