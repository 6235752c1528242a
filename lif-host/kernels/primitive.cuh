// What a neuron emits at x above its threshold, in f32: docs/dynamics.md, section 6.2.1, docs/surrogates.md.
//
// Operation by operation as `lif-nostd`; each constant is evaluated in f64 and rounded once. Exponentials, logarithms
// and the like are CUDA's, within a few units in the last place.
//
//   EMIT   0: the spike, 1: the count of multi-level-spike-count, 2: the primitive

__device__ __forceinline__ float constant(double x) { return (float)x; }

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

__device__ __forceinline__ float clamped(float x, float low, float high) {
    float y = x < low ? low : x;
    return y > high ? high : y;
}

__device__ __forceinline__ float power(float base, double exponent) {
    if (exponent == -1.0) return 1.0f / base;
    if (exponent == -2.0) return 1.0f / (base * base);
    return powf(base, constant(exponent));
}

#if EMIT == 2
__device__ __forceinline__ float primitive(float x, const Surrogate &p) {
    const double PI = 3.141592653589793, PI_2 = 1.5707963267948966, TWO_OVER_PI = 0.6366197723675814;
    // [x >= 0], and the same as 1 and -1.
    float up = x >= 0.0f ? 1.0f : 0.0f;
    float sign = up * 2.0f - 1.0f;
#if SURROGATE == 0
    return sigmoid(x * constant(p.a));
#elif SURROGATE == 1
    return atanf(constant(PI_2 * p.a) * x) / constant(PI) + 0.5f;
#elif SURROGATE == 2
    float edge = constant(1.0 / p.a);
    float sgn = (x > 0.0f ? 1.0f : 0.0f) - (x < 0.0f ? 1.0f : 0.0f);
    float inside = constant(-(p.a * p.a) / 2.0) * (x * x) * sgn + constant(p.a) * x + 0.5f;
    return (x > edge ? 1.0f : 0.0f) + (fabsf(x) <= edge ? 1.0f : 0.0f) * inside;
#elif SURROGATE == 3
    return up - expf(sign * x * constant(-p.a)) / 2.0f * sign;
#elif SURROGATE == 4
    float y = x * constant(p.a);
    return (y / (fabsf(y) + 1.0f) + 1.0f) / 2.0f;
#elif SURROGATE == 6
    return erfcf(constant(-p.a) * x) / 2.0f;
#elif SURROGATE == 7
    return sign * logf(constant(p.a) * sign * x + 1.0f);
#elif SURROGATE == 8
    float below = x < constant(-p.a) ? 1.0f : 0.0f;
    float above = x > constant(p.a) ? 1.0f : 0.0f;
    float middle = (1.0f - below - above) * (x / constant(2.0 * p.a) + 0.5f);
    if (p.b == 0.0) return middle + above;
    double cw = p.b * p.a;
    return below * (constant(p.b) * x + constant(cw)) + above * (constant(p.b) * x + constant(-cw + 1.0)) + middle;
#elif SURROGATE == 9
    double omega = PI * 2.0 / p.c;
    float sum = 0.0f;
    for (int i = 1; i <= p.terms; i++) {
        double k = 2.0 * i - 1.0;
        sum = sum + sinf(constant(k * omega) * x) / constant(k);
    }
    return 0.5f + constant(TWO_OVER_PI) * sum;
#elif SURROGATE == 10
    if (x < 0.0f) return sigmoid(x * constant(p.a));
    return constant(p.b) * logf(fabsf(x + 1.0f) + constant(1e-5)) + 0.5f;
#elif SURROGATE == 11
    float base = 1.0f + constant(2.0 / (p.a - 1.0)) * x * sign;
    return up - sign * (0.5f * power(base, 1.0 - p.a));
#elif SURROGATE == 12
    return (constant(p.a) * (1.0f - up) + constant(p.b) * up) * x;
#elif SURROGATE == 14
    if (x > 1.0f) return logf(x) + 1.0f;
    return x > 0.0f ? x : x * constant(p.a);
#elif SURROGATE == 15
    return x;
#elif SURROGATE == 16
    return clamped(constant(p.a) * x + 0.5f, 0.0f, 1.0f);
#elif SURROGATE == 17
    return clamped(x, 0.0f, constant(p.c));
#endif
}
#endif

__device__ __forceinline__ float emit(float h, const Neuron &n, const Surrogate &p) {
#if EMIT == 0
    return h >= n.v_threshold ? 1.0f : 0.0f;
#elif EMIT == 1
    return rintf(clamped(h - n.v_threshold, 0.0f, constant(p.c)));
#else
    return primitive(h - n.v_threshold, p);
#endif
}

// The membrane after the emission s of h.
__device__ __forceinline__ float reset_after(float h, float s, const Neuron &n) {
#if EMIT == 0
    return reset_binary(h, h >= n.v_threshold, n);
#else
    return reset(h, s, n);
#endif
}
