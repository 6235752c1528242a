// The surrogate gradient in f64: docs/dynamics.md, section 6.1, docs/surrogates.md.
//
// f64, because what goes back through time can cancel: the error of an f32 slope would be that of a difference of
// large terms. Relative errors here are below 1e-10.
//
//   SURROGATE      the surrogate, in the order of Surrogate::ALL
//   SPIKING        1: the gradient, 0: the derivative of the primitive
//   PLAIN          1: alpha of q-pseudo-spike is 2, or the Fourier series has one term at most
//   FINITE_SLOPE   1: at NaN some slopes are 0, which is cheaper, and makes no difference where the slope is multiplied
//                  with the membrane

struct Surrogate {
    // Parameters: alpha, w, leak or grad_min; beta, c, k or grad_max; T_period or max_spike_count.
    double a, b, c;
    // 1 / T_period; atan: slope = 1 / ((d x)^2 + e); sigmoid and s2nn: d = 1 / sqrt(alpha); soft-sign:
    // slope = 1 / (d |x| + e)^2.
    double d, e;
    // Terms of the Fourier series.
    int terms;
};

// 1 / d for d > 0: one step of Newton's method from the hardware's 20 bits, which doubles them.
__device__ __forceinline__ double reciprocal_of(double d) {
    double low;
#if FINITE_SLOPE
    // An infinite d would make the step infinity times 0.
    d = __hiloint2double(min(__double2hiint(d), 0x7fefffff), __double2loint(d));
#endif
    asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(low) : "d"(d));
    double r = fma(fma(-d, low, 1.0), low, low);
#if FINITE_SLOPE
    return r;
#else
    return __double2hiint(low) == 0 ? 0.0 : r;
#endif
}

// The same for a d that cannot be infinite.
__device__ __forceinline__ double reciprocal_of_finite(double d) {
    double low;
    asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(low) : "d"(d));
    return fma(fma(-d, low, 1.0), low, low);
}

// exp(-z) for z >= 0; past 690, where it is below 1e-299, it stays what it is there.
__device__ __forceinline__ double exp_of_minus(double z) {
    const double LOG2_E = 1.4426950408889634, LN_2 = 0.6931471805599453;
    // Adding it leaves the nearest integer in the low word.
    const double SHIFT = 6755399441055744.0;
#if FINITE_SLOPE
    z = __hiloint2double(min(__double2hiint(z), 0x40859000), __double2loint(z));
#else
    // A comparison that leaves NaN as it is.
    z = z > 690.0 ? 690.0 : z;
#endif
    double shifted = fma(z, LOG2_E, SHIFT);
    int n = __double2loint(shifted);
    // exp(-z) = 2^-n exp(-r), |r| <= ln(2) / 2.
    double r = fma(shifted - SHIFT, -LN_2, z);
    // The polynomial that interpolates exp(-r) in the Chebyshev nodes of that interval: error 6e-11.
    double y = -0.00019907565903338467;
    y = fma(y, r, 0.0013948578255139582);
    y = fma(y, r, -0.008333283545608148);
    y = fma(y, r, 0.041666218320566495);
    y = fma(y, r, -0.1666666678626944);
    y = fma(y, r, 0.5000000107728598);
    y = fma(y, r, -0.9999999999955144);
    y = fma(y, r, 0.9999999999595622);
    return __hiloint2double(__double2hiint(y) - (n << 20), __double2loint(y));
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

// sum of cos((2 i - 1) omega x) for i = 1 .. terms, times 4 / T_period, with omega = 2 pi / T_period.
__device__ __forceinline__ double square_wave_slope(int terms, double inverse_period, double x) {
    if (terms == 0) return 0.0;
    double turns = x * inverse_period;
    turns -= rint(turns);
    double before = cos_of_turns(turns), now = before;
    double sum = now;
#if !PLAIN
    // cos((2 i + 1) y) = 2 cos(2 y) cos((2 i - 1) y) - cos((2 i - 3) y)
    double twice = fma(4.0 * now, now, -2.0);
#pragma unroll 1
    for (int i = 1; i < terms; i++) {
        double next = fma(twice, now, -before);
        before = now;
        now = next;
        sum += now;
    }
#endif
    return sum * (4.0 * inverse_period);
}

// At a membrane h of threshold v_threshold.
__device__ __forceinline__ double slope(double h, double v_threshold, const Surrogate &p) {
    double x = h - v_threshold;
    double size = fabs(x);
#if SURROGATE == 0 // sigmoid
    double e = exp_of_minus(fabs(fma(p.a, h, -p.a * v_threshold)));
    // (1 + e) / sqrt(alpha)
    double y = fma(p.d, e, p.d);
    return e * reciprocal_of_finite(y * y);
#elif SURROGATE == 1 // atan
    double y = fma(p.d, h, -p.d * v_threshold);
    return reciprocal_of(fma(y, y, p.e));
#elif SURROGATE == 2 // piecewise-quadratic
#if !SPIKING
    if (isinf(x)) return x - x;
#endif
    double rest = fma(-p.a, size, 1.0);
    return rest <= 0.0 ? 0.0 : p.a * rest;
#elif SURROGATE == 3 // piecewise-exp
    return p.a * 0.5 * exp_of_minus(fabs(fma(p.a, h, -p.a * v_threshold)));
#elif SURROGATE == 4 // soft-sign
#if !SPIKING
    if (isinf(x)) return x - x;
#endif
    double y = fma(p.d, size, p.e);
    return reciprocal_of(y * y);
#elif SURROGATE == 5 // super-spike
    double y = 1.0 + size;
    return p.a * reciprocal_of(y * y);
#elif SURROGATE == 6 // erf
    double y = fma(p.a, h, -p.a * v_threshold);
    const double ONE_OVER_SQRT_PI = 0.5641895835477563;
    return p.a * ONE_OVER_SQRT_PI * exp_of_minus(y * y);
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
    // One exponential and one reciprocal for both sides, so that a warp takes one way.
    double e = exp_of_minus(p.a * size);
    double y = fma(p.d, e, p.d);
#if SPIKING
    double above = x + 1.0;
#else
    double above = x + 1.0 + 1e-5;
#endif
    return (x < 0.0 ? e : p.b) * reciprocal_of(x < 0.0 ? y * y : above);
#elif SURROGATE == 11 // q-pseudo-spike
    double y = fma(2.0 / (p.a - 1.0), size, 1.0);
#if PLAIN
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
