// Backward through time of LIF and SimpleLIF: docs/dynamics.md, section 6.2.
//
// A thread has VEC neurons and walks the chunks from the last to the first. In each it rebuilds the charge of every
// step in registers, from x and the membrane before the chunk, then runs the recurrence from the last step to the
// first; as registers become free, the inputs of the chunk before are loaded into them.
//
//   GRAD_V_SEQ   whether there is a gradient on the membranes after each step
//   CHUNK        steps that are rebuilt at once

struct Back {
    const Store *x, *grad_s, *grad_v_seq;
    Store *grad_x;
    i64 n;
};

// What the registers hold of a chunk before it is worked on.
struct Ahead {
    Raw x[CHUNK], grad_s[CHUNK];
#if GRAD_V_SEQ
    Raw grad_v[CHUNK];
#endif
    float v[VEC];
};

// The `length` steps of a chunk, and the loads of the whole chunk before it, if there is one.
template <bool WHOLE>
__device__ __forceinline__ void chunk_back(const Back &b, Ahead &a, double (&carry)[VEC], int t, int length,
                                           const float *v_before, bool fresh, const Neuron &p, const Surrogate &q) {
    float h[CHUNK][VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) {
        float v = a.v[j];
#pragma unroll
        for (int k = 0; k < CHUNK; k++) {
            float x = unpack(a.x[k], j);
            h[k][j] = k == 0 && fresh ? first_charge(v, x, p) : charge(v, x, p);
            v = reset_after(h[k][j], emit(h[k][j], p, q), p);
        }
    }
    bool more = t > 0;
    if (more && v_before) load_state(a.v, v_before);
    // In bytes: the compiler keeps these as they are, and works addresses of elements out anew for each load.
    i64 row = b.n * (i64)sizeof(Store);
    const char *x = (const char *)b.x + (i64)(t - CHUNK) * row;
    const char *grad_s = (const char *)b.grad_s + (i64)(t - 1) * row;
#if GRAD_V_SEQ
    const char *grad_v = (const char *)b.grad_v_seq + (i64)(t - 1) * row;
#endif
    char *grad_x = (char *)b.grad_x + (i64)(t + CHUNK - 1) * row;
#pragma unroll
    for (int k = CHUNK - 1; k >= 0; k--) {
        if (WHOLE || k < length) {
            Raw out;
#pragma unroll
            for (int j = 0; j < VEC; j++) {
#if GRAD_V_SEQ
                carry[j] += unpack_wide(a.grad_v[k], j);
#endif
                StepBack step = step_back(h[k][j], unpack_wide(a.grad_s[k], j), p, q);
                pack_wide(out, j, advance(carry[j], step, p));
            }
            store((Store *)grad_x, out);
        }
        grad_x -= row;
        // The rebuild needs the first step first, the recurrence the last one.
        if (more) {
            a.x[CHUNK - 1 - k] = load((const Store *)x);
            a.grad_s[k] = load((const Store *)grad_s);
#if GRAD_V_SEQ
            a.grad_v[k] = load((const Store *)grad_v);
            grad_v -= row;
#endif
        }
        x += row;
        grad_s -= row;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) spiking_backward(const Store *__restrict__ x, const float *__restrict__ v_init,
                                            const float *__restrict__ checkpoints, const Store *__restrict__ grad_s,
                                            const Store *__restrict__ grad_v_seq,
                                            const float *__restrict__ grad_v_last, Store *__restrict__ grad_x,
                                            float *__restrict__ grad_v_init, Neuron p, Surrogate q, float v_start,
                                            i64 n, int steps) {
    i64 first = first_neuron();
    if (first >= n) return;
    Back b = {x + first, grad_s + first, grad_v_seq + first, grad_x + first, n};
    int t = (steps - 1) / CHUNK * CHUNK;
    int length = steps - t;
    Ahead a;
#pragma unroll
    for (int k = 0; k < CHUNK; k++) {
        a.x[k] = a.grad_s[k] = Raw();
        if (k < length) a.x[k] = load(b.x + (i64)(t + k) * n);
    }
#pragma unroll
    for (int k = CHUNK - 1; k >= 0; k--) {
        if (k < length) a.grad_s[k] = load(b.grad_s + (i64)(t + k) * n);
#if GRAD_V_SEQ
        a.grad_v[k] = Raw();
        if (k < length) a.grad_v[k] = load(b.grad_v_seq + (i64)(t + k) * n);
#endif
    }
#pragma unroll
    for (int j = 0; j < VEC; j++) a.v[j] = v_start;
    // The membranes before chunk c: checkpoint c - 1, or the initial ones.
    if (t > 0)
        load_state(a.v, checkpoints + first + (i64)(t / CHUNK - 1) * n);
    else if (v_init)
        load_state(a.v, v_init + first);
    double carry[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) carry[j] = grad_v_last ? (double)grad_v_last[first + j] : 0.0;
    bool whole = length == CHUNK;
    for (;;) {
        const float *v_before = nullptr;
        if (t > CHUNK)
            v_before = checkpoints + first + (i64)(t / CHUNK - 2) * n;
        else if (t > 0) {
            v_before = v_init ? v_init + first : nullptr;
        }
        bool fresh = t == 0 && v_init == nullptr;
        if (whole)
            chunk_back<true>(b, a, carry, t, length, v_before, fresh, p, q);
        else
            chunk_back<false>(b, a, carry, t, length, v_before, fresh, p, q);
        if (t == 0) break;
        if (t == CHUNK && !v_init)
#pragma unroll
            for (int j = 0; j < VEC; j++) a.v[j] = v_start;
        t -= CHUNK;
        whole = true;
    }
    if (grad_v_init)
#pragma unroll
        for (int j = 0; j < VEC; j++) grad_v_init[first + j] = (float)carry[j];
}
