// The surrogate gradient in f64: docs/dynamics.md, section 6.1, docs/surrogates.md.
//
// f64, because what goes back through time can cancel: the error of an f32 slope would be that of a difference of
// large terms. Relative errors here are below 1e-10.
//
//   SURROGATE   the surrogate, in the order of Surrogate::ALL
//   SPIKING     1: the gradient, 0: the derivative of the primitive

struct Surrogate {
    // Parameters: alpha, w, leak or grad_min; beta, c, k or grad_max; T_period or max_spike_count.
    double a, b, c;
    // 1 / T_period.
    double d;
    // Terms of the Fourier series.
    int terms;
};

// 1 / d for d > 0: one step of Newton's method from the f32 reciprocal.
__device__ __forceinline__ double reciprocal_of(double d) {
    float low;
    asm("rcp.approx.f32 %0, %1;" : "=f"(low) : "f"((float)d));
    double r = (double)low;
    // Where d leaves the range of f32 the step would be infinity times 0.
    return low < 1e-36f ? r : fma(fma(-d, r, 1.0), r, r);
}

// exp(-z) for z >= 0.
__device__ __forceinline__ double exp_of_minus(double z) {
    const double LOG2_E = 1.4426950408889634, LN_2 = 0.6931471805599453;
    // Comparisons that leave NaN as it is.
    z = z > 710.0 ? 710.0 : z;
    int n = min(__double2int_rn(z * LOG2_E), 1023);
    // exp(-z) = 2^-n exp(-r), |r| <= ln(2) / 2; where n is 1023 the power of two is 0.
    double r = fma((double)n, -LN_2, z);
    double y = -1.0 / 362880.0;
    y = fma(y, r, 1.0 / 40320.0);
    y = fma(y, r, -1.0 / 5040.0);
    y = fma(y, r, 1.0 / 720.0);
    y = fma(y, r, -1.0 / 120.0);
    y = fma(y, r, 1.0 / 24.0);
    y = fma(y, r, -1.0 / 6.0);
    y = fma(y, r, 0.5);
    y = fma(y, r, -1.0);
    y = fma(y, r, 1.0);
    return y * __hiloint2double((1023 - n) << 20, 0);
}

// cos(2 pi turns) for |turns| <= 1/2, as the sine of the distance to a quarter turn.
__device__ __forceinline__ double cos_of_turns(double turns) {
    double y = 6.283185307179586 * (0.25 - fabs(turns));
    double z = y * y;
    double s = 1.0 / 355687428096000.0;
    s = fma(s, z, -1.0 / 1307674368000.0);
    s = fma(s, z, 1.0 / 6227020800.0);
    s = fma(s, z, -1.0 / 39916800.0);
    s = fma(s, z, 1.0 / 362880.0);
    s = fma(s, z, -1.0 / 5040.0);
    s = fma(s, z, 1.0 / 120.0);
    s = fma(s, z, -1.0 / 6.0);
    return fma(s * z, y, y);
}

__device__ __forceinline__ double sigmoid_slope(double alpha, double x) {
    double e = exp_of_minus(fabs(alpha * x));
    double y = 1.0 + e;
    return alpha * e * reciprocal_of(y * y);
}

// sum of cos((2 i - 1) omega x) for i = 1 .. terms, times 4 / T_period, with omega = 2 pi / T_period.
__device__ __forceinline__ double square_wave_slope(int terms, double inverse_period, double x) {
    if (terms == 0) return 0.0;
    double turns = x * inverse_period;
    turns -= rint(turns);
    double before = cos_of_turns(turns), now = before;
    double sum = now;
    // cos((2 i + 1) y) = 2 cos(2 y) cos((2 i - 1) y) - cos((2 i - 3) y)
    double twice = fma(4.0 * now, now, -2.0);
#pragma unroll 1
    for (int i = 1; i < terms; i++) {
        double next = fma(twice, now, -before);
        before = now;
        now = next;
        sum += now;
    }
    return sum * (4.0 * inverse_period);
}

__device__ __forceinline__ double slope(double x, const Surrogate &p) {
    const double PI_2 = 1.5707963267948966, TWO_OVER_SQRT_PI = 1.1283791670955126;
    double size = fabs(x);
#if SURROGATE == 0 // sigmoid
    return sigmoid_slope(p.a, x);
#elif SURROGATE == 1 // atan
    double y = PI_2 * p.a * x;
    return p.a * 0.5 * reciprocal_of(fma(y, y, 1.0));
#elif SURROGATE == 2 // piecewise-quadratic
#if !SPIKING
    if (isinf(x)) return x - x;
#endif
    double rest = fma(-p.a, size, 1.0);
    return rest <= 0.0 ? 0.0 : p.a * rest;
#elif SURROGATE == 3 // piecewise-exp
    return p.a * 0.5 * exp_of_minus(p.a * size);
#elif SURROGATE == 4 // soft-sign
#if !SPIKING
    if (isinf(x)) return x - x;
#endif
    double y = fma(p.a, size, 1.0);
    return p.a * 0.5 * reciprocal_of(y * y);
#elif SURROGATE == 5 // super-spike
    double y = 1.0 + size;
    return p.a * reciprocal_of(y * y);
#elif SURROGATE == 6 // erf
    double y = p.a * x;
    return p.a * (TWO_OVER_SQRT_PI * 0.5) * exp_of_minus(y * y);
#elif SURROGATE == 7 // nonzero-sign-log-abs
    return p.a * reciprocal_of(fma(p.a, size, 1.0));
#elif SURROGATE == 8 // piecewise-leaky-relu
#if SPIKING
    return size < p.a ? 0.5 / p.a : p.b;
#else
    return size > p.a ? p.b : 0.5 / p.a;
#endif
#elif SURROGATE == 9 // squarewave-fourier-series
    return square_wave_slope(p.terms, p.d, x);
#elif SURROGATE == 10 // s2nn
    if (x < 0.0) return sigmoid_slope(p.a, x);
#if SPIKING
    return p.b * reciprocal_of(x + 1.0);
#else
    return p.b * reciprocal_of(x + 1.0 + 1e-5);
#endif
#elif SURROGATE == 11 // q-pseudo-spike
    double y = fma(2.0 / (p.a - 1.0), size, 1.0);
#if Q_SQUARE
    return reciprocal_of(y * y);
#else
    return pow(y, -p.a);
#endif
#elif SURROGATE == 12 // leaky-k-relu
    return x >= 0.0 ? p.b : p.a;
#elif SURROGATE == 13 // fake-numerical-gradient
    if (x == 0.0 && signbit(x)) return -1.0 / 0.0;
    if (size * p.a < 1.0) return p.a;
    double y = reciprocal_of(size);
    return y > p.a ? p.a : y;
#elif SURROGATE == 14 // log-tailed-relu
    if (x > 1.0) return reciprocal_of(x);
#if !SPIKING
    if (x != x) return p.a;
#endif
    return x <= 0.0 ? p.a : 1.0;
#elif SURROGATE == 15 // deterministic-pass
    return 1.0;
#elif SURROGATE == 16 // rect
#if SPIKING
    return size < 0.5 / p.a ? p.a : 0.0;
#else
    double y = fma(p.a, x, 0.5);
    return 0.0 < y && y < 1.0 ? p.a : 0.0;
#endif
#elif SURROGATE == 17 // multi-level-spike-count
#if SPIKING
    return p.a <= x && x <= p.b ? 1.0 : 0.0;
#else
    return 0.0 < x && x < p.c ? 1.0 : 0.0;
#endif
#endif
}
