// Backward through time of LIF and SimpleLIF where there are few neurons: docs/dynamics.md, section 6.2.
//
// A block has 32 neurons, and a warp for each of blockDim.y chunks of their sequence, which it goes through in groups from
// the last to the first. The chunks of a group are rebuilt at once. What a chunk makes of the gradient on the membrane
// after it is affine, so each warp works out its factor and its offset, the block composes them, and each warp goes over
// its chunk once more from the gradient that truly comes in.
//
//   GRAD_V_SEQ   whether there is a gradient on the membranes after each step
//   CHUNK        steps to a warp; VEC is 1

extern "C" __global__ void __launch_bounds__(THREADS) spiking_backward_chunks(const Store *__restrict__ x, const float *__restrict__ v_init,
                                                   const float *__restrict__ checkpoints,
                                                   const Store *__restrict__ grad_s,
                                                   const Store *__restrict__ grad_v_seq,
                                                   const float *__restrict__ grad_v_last, Store *__restrict__ grad_x,
                                                   float *__restrict__ grad_v_init, Neuron p, Surrogate q,
                                                   float v_start, i64 n, int steps) {
    __shared__ double factor[16][32], offset[16][32], before[32];
    i64 i = (i64)blockIdx.x * 32 + threadIdx.x;
    int chunks = blockDim.y;
    // Threads past the last neuron work on it too, for the barrier, and write nothing.
    bool active = i < n;
    i = active ? i : n - 1;
    double carry = grad_v_last ? (double)grad_v_last[i] : 0.0;

    for (int group = ((steps - 1) / CHUNK) / chunks; group >= 0; group--) {
        int c = group * chunks + threadIdx.y;
        int t = c * CHUNK;
        // Past the end of the sequence a chunk has no steps.
        int length = max(min(steps - t, CHUNK), 0);
        i64 at = (i64)t * n + i;
        Raw x_raw[CHUNK], grad_raw[CHUNK];
#if GRAD_V_SEQ
        float grad_v[CHUNK];
#endif
        float v = v_start;
        if (c > 0 && length > 0)
            v = checkpoints[(i64)(c - 1) * n + i];
        else if (c == 0 && v_init)
            v = v_init[i];
#pragma unroll
        for (int k = 0; k < CHUNK; k++) {
            x_raw[k] = grad_raw[k] = Raw();
            if (k < length) {
                x_raw[k] = load(x + at + k * n);
                grad_raw[k] = load(grad_s + at + k * n);
            }
#if GRAD_V_SEQ
            grad_v[k] = 0.0f;
            if (k < length) {
                Raw raw = load(grad_v_seq + at + k * n);
                grad_v[k] = unpack(raw, 0);
            }
#endif
        }
        StepBack step[CHUNK];
#pragma unroll
        for (int k = 0; k < CHUNK; k++) {
            float input = unpack(x_raw[k], 0);
            float h = k == 0 && c == 0 && !v_init ? first_charge(v, input, p) : charge(v, input, p);
            step[k] = step_back(h, unpack_wide(grad_raw[k], 0), p, q);
            v = reset_after(h, emit(h, p, q), p);
        }
        double a = 1.0, b = 0.0;
#pragma unroll
        for (int k = CHUNK - 1; k >= 0; k--)
            if (k < length) {
#if GRAD_V_SEQ
                b += (double)grad_v[k];
#endif
                advance(b, step[k], p);
                a *= step[k].dv_dh;
                a -= a * p.inverse_tau;
            }
        factor[threadIdx.y][threadIdx.x] = a;
        offset[threadIdx.y][threadIdx.x] = b;
        __syncthreads();
        for (int later = chunks - 1; later > (int)threadIdx.y; later--)
            carry = fma(carry, factor[later][threadIdx.x], offset[later][threadIdx.x]);
#pragma unroll
        for (int k = CHUNK - 1; k >= 0; k--)
            if (k < length) {
#if GRAD_V_SEQ
                carry += (double)grad_v[k];
#endif
                Raw out;
                pack_wide(out, 0, advance(carry, step[k], p));
                if (active) store(grad_x + at + k * n, out);
            }
        if (threadIdx.y == 0) before[threadIdx.x] = carry;
        __syncthreads();
        carry = before[threadIdx.x];
    }
    if (threadIdx.y == 0 && active && grad_v_init) grad_v_init[i] = (float)carry;
}
