// Gradient and primitive of a surrogate on a tensor of f32: docs/surrogates.md.

extern "C" __global__ void __launch_bounds__(THREADS) surrogate(const float *__restrict__ x, float *__restrict__ grad,
                                     float *__restrict__ primitive_out, Surrogate q, i64 n) {
    i64 i = first_neuron();
    if (i >= n) return;
    grad[i] = (float)slope((double)x[i], 0.0, q);
#if EMIT == 2
    if (primitive_out) primitive_out[i] = primitive(x[i], q);
#endif
}
