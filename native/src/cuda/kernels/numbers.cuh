// What all kernels share: number types, vector access, sums of a warp, activations, dropout by place.
// Compiled by NVRTC without any header: nothing here may include one.
#pragma once

typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned long long u64;
typedef long long i64;

// Kernels of float32 are compiled for compute capability 7.5 and later, those of bfloat16 for 8.0 and later: a GPU that can
// run both loads both.
#define FOR_FP32 (__CUDA_ARCH__ < 800)
#define FOR_BF16 (__CUDA_ARCH__ >= 800)

#define WARP 32
#define ALL 0xffffffffu

// bfloat16 as storage: computing is done in float.
struct bf16 {
    u16 bits;
};

__device__ __forceinline__ float wide(float x) { return x; }
__device__ __forceinline__ float wide(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

// Two numbers rounded to nearest even, the first in the low half.
__device__ __forceinline__ u32 pack_bf16(float low, float high) {
#if __CUDA_ARCH__ >= 800
    u32 packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
#else
    u32 a = __float_as_uint(low), b = __float_as_uint(high);
    a = (a & 0x7fffffff) > 0x7f800000 ? 0x7fff0000 : a + 0x7fff + ((a >> 16) & 1);
    b = (b & 0x7fffffff) > 0x7f800000 ? 0x7fff0000 : b + 0x7fff + ((b >> 16) & 1);
    return (a >> 16) | (b & 0xffff0000);
#endif
}

template <typename T> __device__ __forceinline__ T narrow(float x);
template <> __device__ __forceinline__ float narrow<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 narrow<bf16>(float x) {
    bf16 y;
    y.bits = (u16)pack_bf16(x, 0.0f);
    return y;
}

// Four numbers side by side; the address is a multiple of their size.
__device__ __forceinline__ float4 load4(const float* x) { return *(const float4*)x; }
__device__ __forceinline__ float4 load4(const bf16* x) {
    uint2 two = *(const uint2*)x;
    return make_float4(__uint_as_float(two.x << 16), __uint_as_float(two.x & 0xffff0000), __uint_as_float(two.y << 16),
                       __uint_as_float(two.y & 0xffff0000));
}
__device__ __forceinline__ void store4(float* to, float4 x) { *(float4*)to = x; }
__device__ __forceinline__ void store4(bf16* to, float4 x) {
    *(uint2*)to = make_uint2(pack_bf16(x.x, x.y), pack_bf16(x.z, x.w));
}
__device__ __forceinline__ void store2(float* to, float a, float b) { *(float2*)to = make_float2(a, b); }
__device__ __forceinline__ void store2(bf16* to, float a, float b) { *(u32*)to = pack_bf16(a, b); }

__device__ __forceinline__ float4 operator+(float4 a, float4 b) {
    return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}
__device__ __forceinline__ float4 operator-(float4 a, float b) {
    return make_float4(a.x - b, a.y - b, a.z - b, a.w - b);
}
__device__ __forceinline__ float4 operator*(float4 a, float4 b) {
    return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}
__device__ __forceinline__ float4 operator*(float4 a, float b) {
    return make_float4(a.x * b, a.y * b, a.z * b, a.w * b);
}
__device__ __forceinline__ float4 fma4(float4 a, float b, float4 c) {
    return make_float4(fmaf(a.x, b, c.x), fmaf(a.y, b, c.y), fmaf(a.z, b, c.z), fmaf(a.w, b, c.w));
}
__device__ __forceinline__ float sum_of(float4 a) { return (a.x + a.y) + (a.z + a.w); }
__device__ __forceinline__ float dot4(float4 a, float4 b, float c) {
    return fmaf(a.x, b.x, fmaf(a.y, b.y, fmaf(a.z, b.z, fmaf(a.w, b.w, c))));
}

// Every lane gets the result, the same bits in each.
__device__ __forceinline__ float warp_sum(float x) {
    for (int other = WARP / 2; other > 0; other /= 2) x += __shfl_xor_sync(ALL, x, other);
    return x;
}
__device__ __forceinline__ float warp_max(float x) {
    for (int other = WARP / 2; other > 0; other /= 2) x = fmaxf(x, __shfl_xor_sync(ALL, x, other));
    return x;
}

// As kernels/activation.rs numbers them on the way here.
#define ACTIVATION_NONE 0
#define ACTIVATION_RELU 1
#define ACTIVATION_TANH 2
#define ACTIVATION_GELU 3
#define ACTIVATION_GELU_TANH 4

// Functions with long code are called, not unfolded at each of a tile's numbers.
__device__ __noinline__ float curve(int activation, float x) {
    const float root = 0.7978845608028654f; // sqrt(2 / pi)
    if (activation == ACTIVATION_TANH) return tanhf(x);
    if (activation == ACTIVATION_GELU) return 0.5f * x * (1.0f + erff(x * 0.7071067811865476f));
    return 0.5f * x * (1.0f + tanhf(root * (x + 0.044715f * x * x * x)));
}
__device__ __noinline__ float slope_of_curve(int activation, float kept) {
    const float root = 0.7978845608028654f;
    if (activation == ACTIVATION_GELU)
        return 0.5f * (1.0f + erff(kept * 0.7071067811865476f)) + kept * 0.3989422804014327f * expf(-0.5f * kept * kept);
    float inner = tanhf(root * (kept + 0.044715f * kept * kept * kept));
    float slope = root * (1.0f + 3.0f * 0.044715f * kept * kept);
    return 0.5f * (1.0f + inner) + 0.5f * kept * (1.0f - inner * inner) * slope;
}

__device__ __forceinline__ float activate(int activation, float x) {
    if (activation == ACTIVATION_NONE) return x;
    return activation == ACTIVATION_RELU ? fmaxf(x, 0.0f) : curve(activation, x);
}

// By what is kept: the result of relu and tanh, what gelu was applied to.
__device__ __forceinline__ float slope_of(int activation, float kept) {
    if (activation == ACTIVATION_NONE) return 1.0f;
    if (activation == ACTIVATION_RELU) return kept > 0.0f ? 1.0f : 0.0f;
    return activation == ACTIVATION_TANH ? 1.0f - kept * kept : slope_of_curve(activation, kept);
}

__device__ __forceinline__ float4 activate4(int activation, float4 x) {
    return make_float4(activate(activation, x.x), activate(activation, x.y), activate(activation, x.z), activate(activation, x.w));
}
__device__ __forceinline__ float4 slopes4(int activation, float4 x) {
    return make_float4(slope_of(activation, x.x), slope_of(activation, x.y), slope_of(activation, x.z), slope_of(activation, x.w));
}

// One dropout; the step is read from memory, so that a graph of kernels can be replayed for the next one.
struct Dropout {
    const u32* step; // null: nothing is dropped
    u32 seed;
    u32 place;
    u32 threshold; // a word below it drops its value
    float scale;   // 1 / (1 - p)
};

// Philox4x32-10, the words of kernels/random.rs.
__device__ __forceinline__ uint4 philox(u32 c0, u32 c1, u32 c2, u32 k0, u32 k1) {
    u32 c3 = 0;
#pragma unroll
    for (int round = 0; round < 10; round++) {
        u32 high0 = __umulhi(0xd2511f53u, c0), low0 = 0xd2511f53u * c0;
        u32 high1 = __umulhi(0xcd9e8d57u, c2), low1 = 0xcd9e8d57u * c2;
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return make_uint4(c0, c1, c2, c3);
}

// What the elements 4 · block .. 4 · block + 3 of a pair are multiplied by.
__device__ __forceinline__ float4 factors4(const Dropout& dropout, u32 pair, u32 block) {
    uint4 words = philox(block, pair, *dropout.step, dropout.seed, dropout.place);
    return make_float4(words.x < dropout.threshold ? 0.0f : dropout.scale, words.y < dropout.threshold ? 0.0f : dropout.scale,
                       words.z < dropout.threshold ? 0.0f : dropout.scale, words.w < dropout.threshold ? 0.0f : dropout.scale);
}

// The same for one element.
__device__ __forceinline__ float factor_of(const Dropout& dropout, u32 pair, u32 element) {
    float4 four = factors4(dropout, pair, element >> 2);
    u32 which = element & 3;
    return which == 0 ? four.x : which == 1 ? four.y : which == 2 ? four.z : four.w;
}

// What belongs to the batch of this step. Grids are made for the most that a graph may hold; the counts say what is there.
struct Counts {
    u32 step;
    int rows;
    int pairs;
    int distinct; // token ids
};
