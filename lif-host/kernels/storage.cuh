// Tensors: f32, f16 or bf16 in memory, f32 in registers, VEC neighbouring neurons to a thread.
//
// The host puts these before every source:
//   STORE     0: f32, 1: f16, 2: bf16
//   THREADS   threads to a block
//   VEC     neurons to a thread, 1, 2, 4 or 8, with VEC * sizeof(Store) <= 16; divides N

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#if STORE == 0
typedef float Store;
#else
typedef u16 Store;
#endif

// The type that holds so many bytes in one load or store.
template <int BYTES> struct RawOf;
template <> struct RawOf<1> { typedef u8 type; };
template <> struct RawOf<2> { typedef u16 type; };
template <> struct RawOf<4> { typedef u32 type; };
template <> struct RawOf<8> { typedef uint2 type; };
template <> struct RawOf<16> { typedef uint4 type; };

typedef RawOf<VEC * sizeof(Store)>::type Raw;
typedef RawOf<VEC>::type RawBytes;

__device__ __forceinline__ float to_float(Store x) {
#if STORE == 0
    return x;
#elif STORE == 1
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x));
    return y;
#else
    return __uint_as_float((u32)x << 16);
#endif
}

// To nearest, ties to even.
__device__ __forceinline__ Store to_store(float x) {
#if STORE == 0
    return x;
#elif STORE == 1
    u16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x));
    return y;
#elif __CUDA_ARCH__ >= 800
    u16 y;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y) : "f"(x));
    return y;
#else
    u32 bits = __float_as_uint(x);
    if (x != x) return 0x7fff;
    return (u16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
#endif
}

// From and to f64 without a detour, where the hardware has it.
__device__ __forceinline__ double to_double(Store x) {
#if STORE == 1
    double y;
    asm("cvt.f64.f16 %0, %1;" : "=d"(y) : "h"(x));
    return y;
#else
    return (double)to_float(x);
#endif
}

__device__ __forceinline__ Store to_store(double x) {
#if STORE == 1
    u16 y;
    asm("cvt.rn.f16.f64 %0, %1;" : "=h"(y) : "d"(x));
    return y;
#else
    return to_store((float)x);
#endif
}

__device__ __forceinline__ double unpack_wide(const Raw &raw, int j) {
    return to_double(reinterpret_cast<const Store *>(&raw)[j]);
}

__device__ __forceinline__ void pack_wide(Raw &raw, int j, double x) {
    reinterpret_cast<Store *>(&raw)[j] = to_store(x);
}

__device__ __forceinline__ float unpack(const Raw &raw, int j) {
    return to_float(reinterpret_cast<const Store *>(&raw)[j]);
}

__device__ __forceinline__ void pack(Raw &raw, int j, float x) {
    reinterpret_cast<Store *>(&raw)[j] = to_store(x);
}

// Through the cache for data that nothing writes: every element is read once a kernel.
__device__ __forceinline__ Raw load(const Store *from) { return __ldg(reinterpret_cast<const Raw *>(from)); }

// Marked to leave the cache first: what is written is not read again by the kernel.
__device__ __forceinline__ void store(Store *to, const Raw &raw) { __stcs(reinterpret_cast<Raw *>(to), raw); }

__device__ __forceinline__ void load_state(float (&to)[VEC], const float *from) {
#pragma unroll
    for (int j = 0; j < VEC; j++) to[j] = __ldg(from + j);
}

__device__ __forceinline__ void store_state(float *to, const float (&from)[VEC]) {
#pragma unroll
    for (int j = 0; j < VEC; j++) to[j] = from[j];
}

// The first neuron of this thread.
__device__ __forceinline__ i64 first_neuron() { return ((i64)blockIdx.x * blockDim.x + threadIdx.x) * VEC; }
