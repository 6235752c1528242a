// NonSpikingLIF over a sequence, forward and backward: docs/dynamics.md, sections 1.1, 2 and 6.2.
//
// Nothing of [T, N] is written unless the sequence itself is asked for.
//
//   DECODE   0: none, 1: max-mem, 2: max-abs-mem, 3: mean-mem, 4: last-mem
//   AHEAD    inputs under way

// What has been seen of one neuron's membranes.
struct Readout {
    float max, min, sum;
    int max_at, min_at;
};

// Whether `v` takes the place of `best`: it is beyond it, or the first NaN.
__device__ __forceinline__ bool replaces(float v, float best, bool beyond) {
    return best == best && (v != v || beyond);
}

__device__ __forceinline__ void see(Readout &r, float v, int t) {
#if DECODE == 1 || DECODE == 2
    if (t == 0 || replaces(v, r.max, v > r.max)) r.max = v, r.max_at = t;
#endif
#if DECODE == 2
    if (t == 0 || replaces(v, r.min, v < r.min)) r.min = v, r.min_at = t;
#endif
#if DECODE == 3
    r.sum = r.sum + v;
#endif
}

// What is read out; `chosen` becomes the step that it comes from, or -1.
__device__ __forceinline__ float read(const Readout &r, float last, int steps, int &chosen) {
#if DECODE == 1
    chosen = r.max_at;
    return r.max;
#elif DECODE == 2
    float largest = fabsf(r.max) > fabsf(r.min) ? 1.0f : 0.0f;
    float smallest = fabsf(r.max) <= fabsf(r.min) ? 1.0f : 0.0f;
    chosen = largest != 0.0f ? r.max_at : smallest != 0.0f ? r.min_at : -1;
    return r.max * largest + r.min * smallest;
#elif DECODE == 3
    return __fdiv_rn(r.sum, (float)steps);
#else
    return last;
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS) non_spiking_forward(const Store *__restrict__ x, Store *__restrict__ output,
                                               int *__restrict__ chosen, float *__restrict__ v_last, Neuron p, i64 n,
                                               int steps) {
    i64 first = first_neuron();
    if (first >= n) return;
    x += first;
    output += first;
    float v[VEC];
    Readout r[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) {
        v[j] = 0.0f;
        r[j].max = r[j].min = r[j].sum = 0.0f;
        r[j].max_at = r[j].min_at = 0;
    }
    Raw ahead[AHEAD];
#pragma unroll
    for (int k = 0; k < AHEAD; k++) {
        ahead[k] = Raw();
        if (k < steps) ahead[k] = load(x);
        x += n;
    }
    for (int t = 0; t < steps; t += AHEAD) {
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            if (t + k >= steps) break;
            Raw now = ahead[k];
            if (t + k + AHEAD < steps) ahead[k] = load(x);
            x += n;
#pragma unroll
            for (int j = 0; j < VEC; j++) {
                v[j] = v[j] + divide_by_tau(unpack(now, j) - v[j], p);
                see(r[j], v[j], t + k);
            }
#if DECODE == 0
            Raw out;
#pragma unroll
            for (int j = 0; j < VEC; j++) pack(out, j, v[j]);
            store(output, out);
            output += n;
#endif
        }
    }
#if DECODE != 0
    Raw out;
#pragma unroll
    for (int j = 0; j < VEC; j++) {
        int from = -1;
        pack(out, j, read(r[j], v[j], steps, from));
        if (chosen) chosen[first + j] = from;
    }
    store(output, out);
#endif
    if (v_last) store_state(v_last + first, v);
}

extern "C" __global__ void __launch_bounds__(THREADS) non_spiking_backward(const Store *__restrict__ grad_output, const int *__restrict__ chosen,
                                                Store *__restrict__ grad_x, Neuron p, i64 n, int steps) {
    i64 first = first_neuron();
    if (first >= n) return;
    double carry[VEC], share[VEC];
    int at[VEC];
    Raw raw = load(grad_output + first);
#pragma unroll
    for (int j = 0; j < VEC; j++) {
        carry[j] = 0.0;
        share[j] = (double)unpack(raw, j);
        at[j] = steps - 1;
#if DECODE == 1 || DECODE == 2
        at[j] = chosen[first + j];
#elif DECODE == 3
        share[j] = share[j] * (1.0 / steps);
#endif
    }
    grad_x += first + (i64)(steps - 1) * n;
#if DECODE == 0
    const Store *next = grad_output + first + (i64)(steps - 1) * n;
    Raw ahead[AHEAD];
#pragma unroll
    for (int k = 0; k < AHEAD; k++) {
        ahead[k] = Raw();
        if (k < steps) ahead[k] = load(next);
        next -= n;
    }
#endif
    for (int done = 0; done < steps; done += AHEAD) {
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            if (done + k >= steps) break;
#if DECODE == 0
            raw = ahead[k];
            if (done + k + AHEAD < steps) ahead[k] = load(next);
            next -= n;
#endif
            Raw out;
#pragma unroll
            for (int j = 0; j < VEC; j++) {
#if DECODE == 0
                double from = (double)unpack(raw, j);
#elif DECODE == 3
                double from = share[j];
#else
                double from = at[j] == steps - 1 - done - k ? share[j] : 0.0;
#endif
                double grad_v = from + carry[j];
                double part = grad_v * p.inverse_tau;
                pack(out, j, (float)part);
                carry[j] = grad_v - part;
            }
            store(grad_x, out);
            grad_x -= n;
        }
    }
}
