// Attention of one query a pair and head straight on the layer's input rows, as kernels/pooled_attention.rs has it. A block
// a pair: rows by warps for scalar products, columns by threads for sums.
#include "numbers.cuh"

#define THREADS 256
#define WARPS (THREADS / WARP)

struct Pooled {
    const void* x;     // [R, H]
    const void* query; // [P, N, H]
    void* sums;        // [P, N, H] weights · x
    float* shares;     // [P, N] sums of weights
    float* saved;      // [R · N] softmax of each pair [N, T], a dropped weight negative
    const void* dsums; // [P, N, H]
    const void* dvalue; // [P, H], of which the bias of the values made `bias · share`
    const float* bias;  // [H]
    void* dx;           // [R, H]
    void* dquery;       // [P, N, H]
    const int* offsets;
    const int* pair_indices;
    const Counts* counts;
    Dropout dropout;
    float scale;
    int heads, hidden, longest; // hidden a multiple of 4
};

// weights [N, T] = rows of x · vectors [N, H]
template <typename T> __device__ __forceinline__ void
scalar_products(const Pooled& p, const T* x, const float* vectors, int length, float* weights) {
    int lane = threadIdx.x % WARP;
    for (int row = threadIdx.x / WARP; row < length; row += WARPS)
        for (int first = 0; first < p.heads; first += 4) {
            // Four heads share what is read of x, and wait for one another's sums together.
            float sums[4] = {};
            for (int column = lane * 4; column < p.hidden; column += WARP * 4) {
                float4 numbers = load4(x + (i64)row * p.hidden + column);
#pragma unroll
                for (int i = 0; i < 4; i++)
                    if (first + i < p.heads) sums[i] = dot4(numbers, load4(vectors + (first + i) * p.hidden + column), sums[i]);
            }
#pragma unroll
            for (int i = 0; i < 4; i++) sums[i] = warp_sum(sums[i]);
            if (lane < 4 && first + lane < p.heads)
                weights[(first + lane) * p.longest + row] = lane == 0 ? sums[0] : lane == 1 ? sums[1] : lane == 2 ? sums[2] : sums[3];
        }
}

// to [N, H] = weights [N, T] · x
template <typename T> __device__ __forceinline__ void
weighted_sums(const Pooled& p, const T* x, const float* weights, int length, T* to) {
    for (int at = threadIdx.x * 4; at < p.heads * p.hidden; at += THREADS * 4) {
        int head = at / p.hidden, column = at % p.hidden;
        float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 8
        for (int row = 0; row < length; row++) sum = fma4(load4(x + (i64)row * p.hidden + column), weights[head * p.longest + row], sum);
        store4(to + at, sum);
    }
}

template <typename T> __device__ __forceinline__ void copy_wide(float* to, const T* from, int count) {
    for (int at = threadIdx.x * 4; at < count; at += THREADS * 4) store4(to + at, load4(from + at));
}

template <typename T> __device__ __forceinline__ void pooled_attention(const Pooled& p) {
    extern __shared__ float shared[];
    float *query = shared, *weights = query + p.heads * p.hidden; // [N, H], [N, longest]
    int pair = blockIdx.x, lane = threadIdx.x % WARP;
    if (pair >= p.counts->pairs) return;
    int begin = p.offsets[pair], length = p.offsets[pair + 1] - begin;
    const T* x = (const T*)p.x + (i64)begin * p.hidden;
    copy_wide(query, (const T*)p.query + (i64)pair * p.heads * p.hidden, p.heads * p.hidden);
    __syncthreads();
    scalar_products(p, x, query, length, weights);
    __syncthreads();
    for (int head = threadIdx.x / WARP; head < p.heads; head += WARPS) {
        float* row = weights + head * p.longest;
        float largest = __int_as_float(0xff800000), sum = 0.0f, share = 0.0f;
        for (int key = lane; key < length; key += WARP) largest = fmaxf(largest, row[key] * p.scale);
        largest = warp_max(largest);
        for (int key = lane; key < length; key += WARP) {
            row[key] = expf(row[key] * p.scale - largest);
            sum += row[key];
        }
        float inverse = 1.0f / warp_sum(sum);
        for (int key = lane; key < length; key += WARP) {
            float weight = row[key] * inverse, factor = 1.0f;
            // The query is the pair's first row: element (head · T + 0) · T + key.
            if (p.dropout.step) factor = factor_of(p.dropout, p.pair_indices[pair], (u32)(head * length * length + key));
            p.saved[(i64)begin * p.heads + head * length + key] = factor == 0.0f ? -weight : weight;
            row[key] = weight * factor;
            share += row[key];
        }
        share = warp_sum(share);
        if (lane == 0) p.shares[(i64)pair * p.heads + head] = share;
    }
    __syncthreads();
    weighted_sums(p, x, weights, length, (T*)p.sums + (i64)pair * p.heads * p.hidden);
}

template <typename T> __device__ __forceinline__ void pooled_attention_gradient(const Pooled& p) {
    extern __shared__ float shared[];
    int size = p.heads * p.hidden;
    float *up = shared, *query = up + size; // [N, H] each
    float *weights = query + size, *slopes = weights + p.heads * p.longest; // [N, longest] each
    int pair = blockIdx.x, lane = threadIdx.x % WARP;
    if (pair >= p.counts->pairs) return;
    int begin = p.offsets[pair], length = p.offsets[pair + 1] - begin, width = p.hidden / p.heads;
    const T* x = (const T*)p.x + (i64)begin * p.hidden;
    copy_wide(up, (const T*)p.dsums + (i64)pair * size, size);
    copy_wide(query, (const T*)p.query + (i64)pair * size, size);
    __syncthreads();
    scalar_products(p, x, up, length, slopes);
    __syncthreads();
    float scale = p.dropout.step ? p.dropout.scale : 1.0f;
    for (int head = threadIdx.x / WARP; head < p.heads; head += WARPS) {
        float of_share = 0.0f, sum = 0.0f;
        for (int column = head * width + lane; column < (head + 1) * width; column += WARP)
            of_share = fmaf(wide(((const T*)p.dvalue)[(i64)pair * p.hidden + column]), p.bias[column], of_share);
        of_share = warp_sum(of_share);
        const float* saved = p.saved + (i64)begin * p.heads + head * length;
        float *weight = weights + head * p.longest, *slope = slopes + head * p.longest;
        for (int key = lane; key < length; key += WARP) {
            float factor = __float_as_int(saved[key]) < 0 ? 0.0f : scale;
            slope[key] = (slope[key] + of_share) * factor;
            sum = fmaf(slope[key], fabsf(saved[key]), sum);
            weight[key] = fabsf(saved[key]) * factor;
        }
        sum = warp_sum(sum);
        for (int key = lane; key < length; key += WARP) slope[key] = fabsf(saved[key]) * p.scale * (slope[key] - sum);
    }
    __syncthreads();
    weighted_sums(p, x, slopes, length, (T*)p.dquery + (i64)pair * size);
    for (int at = threadIdx.x * 4; at < length * p.hidden; at += THREADS * 4) {
        int row = at / p.hidden, column = at % p.hidden;
        float4 sum = make_float4(0, 0, 0, 0);
        for (int head = 0; head < p.heads; head++) {
            sum = fma4(load4(up + head * p.hidden + column), weights[head * p.longest + row], sum);
            sum = fma4(load4(query + head * p.hidden + column), slopes[head * p.longest + row], sum);
        }
        store4((T*)p.dx + (i64)begin * p.hidden + at, sum);
    }
}

#define POOLED(TYPE, NAME) \
    extern "C" __global__ void __launch_bounds__(THREADS) pooled_attention_##NAME(const Pooled p) { pooled_attention<TYPE>(p); } \
    extern "C" __global__ void __launch_bounds__(THREADS) pooled_attention_gradient_##NAME(const Pooled p) { pooled_attention_gradient<TYPE>(p); }
#if FOR_FP32
POOLED(float, fp32)
#endif
#if FOR_BF16
POOLED(bf16, bf16)
#endif
