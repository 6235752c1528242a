// Spikes of one step out of a thread's neurons.
//
//   SPIKES   0: as Store, 1: bytes, 2: bits, 32 neurons to a word, the first in the lowest bit, rows of whole words

#if SPIKES == 0
typedef Store Spike;
#elif SPIKES == 1
typedef u8 Spike;
#else
typedef u32 Spike;
#endif

// Where a thread's spikes of step 0 go, and how far the next step's are.
struct SpikeCursor {
    Spike *at;
    i64 stride;
};

__device__ __forceinline__ SpikeCursor spike_cursor(Spike *spikes, i64 first, i64 n) {
#if SPIKES == 2
    SpikeCursor cursor = {spikes + first / 32, (n + 31) / 32};
#else
    SpikeCursor cursor = {spikes + first, n};
#endif
    return cursor;
}

// Every thread of a warp must come here, `active` or not: bits are gathered across it.
__device__ __forceinline__ void put_spikes(SpikeCursor &cursor, const float (&s)[VEC], bool active) {
#if SPIKES == 0
    Raw raw;
#pragma unroll
    for (int j = 0; j < VEC; j++) pack(raw, j, s[j]);
    if (active) store(cursor.at, raw);
#elif SPIKES == 1
    RawBytes raw;
#pragma unroll
    for (int j = 0; j < VEC; j++) reinterpret_cast<u8 *>(&raw)[j] = (u8)s[j];
    if (active) __stcs(reinterpret_cast<RawBytes *>(cursor.at), raw);
#else
    int lane = threadIdx.x & 31;
#if VEC == 1
    u32 word = __ballot_sync(0xffffffffu, active && s[0] != 0.0f);
#else
    u32 word = 0;
#pragma unroll
    for (int j = 0; j < VEC; j++) word |= active && s[j] != 0.0f ? 1u << j : 0u;
    word <<= lane % (32 / VEC) * VEC;
#pragma unroll
    for (int by = 1; by < 32 / VEC; by *= 2) word |= __shfl_xor_sync(0xffffffffu, word, by);
#endif
    if (active && lane % (32 / VEC) == 0) __stcs(cursor.at, word);
#endif
    cursor.at += cursor.stride;
}
