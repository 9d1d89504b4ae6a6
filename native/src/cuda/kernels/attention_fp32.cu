// Attention of packed rows in float32, each pair on itself, as kernels/attention has it. A block a pair and head, a warp a query (a
// key on the way back); the other side's rows lie in shared memory, 64 at a time, two to a lane. Sums in float.
#include "attention.cuh"

#define WARPS 4
#define TILE 64

template <int D> struct Tiles {
    float x[TILE][D + 1];
    float y[TILE][D + 1];
};

// Some rows of two matrices, of one head.
template <typename T, int D> __device__ __forceinline__ void
stage(Tiles<D>& tiles, const T* x, int ld_x, const T* y, int ld_y, int count) {
    for (int at = threadIdx.x; at < count * (D / 4); at += WARPS * WARP) {
        int row = at / (D / 4), column = at % (D / 4) * 4;
        float4 of_x = load4(x + (i64)row * ld_x + column), of_y = load4(y + (i64)row * ld_y + column);
        float *to_x = &tiles.x[row][column], *to_y = &tiles.y[row][column];
        to_x[0] = of_x.x, to_x[1] = of_x.y, to_x[2] = of_x.z, to_x[3] = of_x.w;
        to_y[0] = of_y.x, to_y[1] = of_y.y, to_y[2] = of_y.z, to_y[3] = of_y.w;
    }
}

// Scalar products of a row with the lane's two rows of a tile.
template <int D> __device__ __forceinline__ float2 dots(const float* row, const float (*tile)[D + 1], int count) {
    int lane = threadIdx.x % WARP;
    float2 sums = make_float2(0, 0);
#pragma unroll 16
    for (int d = 0; d < D; d++) sums.x = fmaf(row[d], tile[lane][d], sums.x);
    if (count > WARP)
#pragma unroll 16
        for (int d = 0; d < D; d++) sums.y = fmaf(row[d], tile[lane + WARP][d], sums.y);
    return sums;
}

// sums += weights (two a lane) · tile; a lane's columns are 32 apart.
template <int D> __device__ __forceinline__ void weigh(float (&sums)[D / WARP], float2 weights, const float (*tile)[D + 1], int count) {
    int lane = threadIdx.x % WARP;
    for (int row = 0; row < min(count, WARP); row++) {
        float weight = __shfl_sync(ALL, weights.x, row);
#pragma unroll
        for (int i = 0; i < D / WARP; i++) sums[i] = fmaf(weight, tile[row][i * WARP + lane], sums[i]);
    }
    for (int row = WARP; row < count; row++) {
        float weight = __shfl_sync(ALL, weights.y, row - WARP);
#pragma unroll
        for (int i = 0; i < D / WARP; i++) sums[i] = fmaf(weight, tile[row][i * WARP + lane], sums[i]);
    }
}

// Whether the 64 weights of a query from a key on are kept: a lane draws a block of four, all share the bits.
__device__ __forceinline__ uint2 draw_kept(const Dropout& dropout, u32 pair, u32 element) {
    u32 lane = threadIdx.x % WARP, bits = 0;
    if (lane <= TILE / 4) {
        float4 factors = factors4(dropout, pair, (element >> 2) + lane);
        bits = (factors.x != 0.0f) | (factors.y != 0.0f) << 1 | (factors.z != 0.0f) << 2 | (factors.w != 0.0f) << 3;
    }
    u32 low = (element & 3) + lane, high = low + WARP;
    bool first = __shfl_sync(ALL, bits, low >> 2) >> (low & 3) & 1;
    bool second = __shfl_sync(ALL, bits, high >> 2) >> (high & 3) & 1;
    return make_uint2(__ballot_sync(ALL, first), __ballot_sync(ALL, second));
}

template <typename T, int D> __device__ __forceinline__ void attention(const Attention& a) {
    __shared__ Tiles<D> tiles;
    __shared__ float queries[WARPS][D];
    int head = blockIdx.x, pair = blockIdx.y;
    if (pair >= a.counts->pairs) return;
    int begin = a.offsets[pair], length = a.offsets[pair + 1] - begin;
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const T* q = (const T*)a.q + (i64)begin * a.ld + head * D;
    const T* k = (const T*)a.k + (i64)begin * a.ld + head * D;
    const T* v = (const T*)a.v + (i64)begin * a.ld + head * D;
    for (int group = 0; group < length; group += WARPS) {
        int query = group + warp;
        bool works = query < length;
        if (works)
            for (int d = lane; d < D; d += WARP) queries[warp][d] = wide(q[(i64)query * a.ld + d]) * a.scale;
        float largest = __int_as_float(0xff800000), sum = 0.0f, sums[D / WARP] = {};
        for (int first = 0; first < length; first += TILE) {
            int count = min(TILE, length - first);
            if (group == 0 || length > TILE) {
                __syncthreads();
                stage<T, D>(tiles, k + (i64)first * a.ld, a.ld, v + (i64)first * a.ld, a.ld, count);
            }
            __syncthreads();
            if (!works) continue;
            float2 scores = dots<D>(queries[warp], tiles.x, count);
            if (lane >= count) scores.x = __int_as_float(0xff800000);
            if (lane + WARP >= count) scores.y = __int_as_float(0xff800000);
            float before = largest;
            largest = fmaxf(largest, warp_max(fmaxf(scores.x, scores.y)));
            float shrink = expf(before - largest);
            float2 weights = make_float2(expf(scores.x - largest), expf(scores.y - largest));
            sum = fmaf(sum, shrink, warp_sum(weights.x + weights.y));
#pragma unroll
            for (int i = 0; i < D / WARP; i++) sums[i] *= shrink;
            if (a.kept) {
                uint2 kept = draw_kept(a.dropout, a.pair_indices[pair], (u32)((head * length + query) * length + first));
                weights.x *= kept.x >> lane & 1 ? a.dropout.scale : 0.0f;
                weights.y *= kept.y >> lane & 1 ? a.dropout.scale : 0.0f;
                u32* to = a.kept + ((i64)(begin + query) * a.heads + head) * a.words + first / WARP;
                if (lane == 0) to[0] = kept.x;
                if (lane == 0 && count > WARP) to[1] = kept.y;
            }
            weigh<D>(sums, weights, tiles.y, count);
        }
        if (!works) continue;
#pragma unroll
        for (int i = 0; i < D / WARP; i++)
            ((T*)a.context)[(i64)(begin + query) * a.hidden + head * D + i * WARP + lane] = narrow<T>(sums[i] / sum);
        if (lane == 0) a.log_sums[(i64)(begin + query) * a.heads + head] = largest + logf(sum);
    }
}

template <typename T, int D> __device__ __forceinline__ void attention_gradient(const Attention& a) {
    __shared__ Tiles<D> tiles;
    __shared__ float mine[WARPS][2][D];
    int head = blockIdx.x, pair = blockIdx.y;
    if (pair >= a.counts->pairs) return;
    int begin = a.offsets[pair], length = a.offsets[pair + 1] - begin;
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    i64 origin = (i64)begin * a.ld + head * D, origin_y = (i64)begin * a.hidden + head * D;
    const T *q = (const T*)a.q + origin, *k = (const T*)a.k + origin, *v = (const T*)a.v + origin;
    const T *dy = (const T*)a.dy + origin_y, *context = (const T*)a.context + origin_y;
    const float *log_sums = a.log_sums + (i64)begin * a.heads + head;
    float* deltas = a.deltas + (i64)begin * a.heads + head;
    const u32* kept = a.kept ? a.kept + ((i64)begin * a.heads + head) * a.words : nullptr;
    i64 kept_row = (i64)a.heads * a.words;
    float drop_scale = kept ? a.dropout.scale : 1.0f;
    float *row = mine[warp][0], *up = mine[warp][1];
    // Queries: dq.
    for (int group = 0; group < length; group += WARPS) {
        int query = group + warp;
        bool works = query < length;
        float delta = 0.0f, log_sum = 0.0f, sums[D / WARP] = {};
        if (works) {
            for (int d = lane; d < D; d += WARP) {
                row[d] = wide(q[(i64)query * a.ld + d]) * a.scale;
                up[d] = wide(dy[(i64)query * a.hidden + d]);
                delta = fmaf(up[d], wide(context[(i64)query * a.hidden + d]), delta);
            }
            delta = warp_sum(delta);
            log_sum = log_sums[(i64)query * a.heads];
            if (lane == 0) deltas[(i64)query * a.heads] = delta;
        }
        for (int first = 0; first < length; first += TILE) {
            int count = min(TILE, length - first);
            if (group == 0 || length > TILE) {
                __syncthreads();
                stage<T, D>(tiles, k + (i64)first * a.ld, a.ld, v + (i64)first * a.ld, a.ld, count);
            }
            __syncthreads();
            if (!works) continue;
            float2 scores = dots<D>(row, tiles.x, count), slopes = dots<D>(up, tiles.y, count);
            float factor_x = drop_scale, factor_y = drop_scale;
            if (kept) {
                const u32* bits = kept + query * kept_row + first / WARP;
                if (!(bits[0] >> lane & 1)) factor_x = 0.0f;
                if (count > WARP && !(bits[1] >> lane & 1)) factor_y = 0.0f;
            }
            float2 gradients;
            gradients.x = lane < count ? expf(scores.x - log_sum) * (slopes.x * factor_x - delta) : 0.0f;
            gradients.y = lane + WARP < count ? expf(scores.y - log_sum) * (slopes.y * factor_y - delta) : 0.0f;
            weigh<D>(sums, gradients, tiles.x, count);
        }
        if (!works) continue;
#pragma unroll
        for (int i = 0; i < D / WARP; i++)
            ((T*)a.dq)[origin + (i64)query * a.ld + i * WARP + lane] = narrow<T>(sums[i] * a.scale);
    }
    // Keys: dk and dv.
    for (int group = 0; group < length; group += WARPS) {
        int key = group + warp;
        bool works = key < length;
        float of_k[D / WARP] = {}, of_v[D / WARP] = {};
        for (int first = 0; first < length; first += TILE) {
            int count = min(TILE, length - first);
            if (group == 0 || length > TILE) {
                __syncthreads();
                stage<T, D>(tiles, q + (i64)first * a.ld, a.ld, dy + (i64)first * a.hidden, a.hidden, count);
            }
            if (first == 0 && works)
                for (int d = lane; d < D; d += WARP) {
                    row[d] = wide(k[(i64)key * a.ld + d]) * a.scale;
                    up[d] = wide(v[(i64)key * a.ld + d]);
                }
            __syncthreads();
            if (!works) continue;
            float2 scores = dots<D>(row, tiles.x, count), slopes = dots<D>(up, tiles.y, count);
            float weights[2], gradients[2];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int query = first + half * WARP + lane;
                weights[half] = gradients[half] = 0.0f;
                if (query >= length) continue;
                float factor = drop_scale;
                if (kept && !(kept[query * kept_row + key / WARP] >> (key % WARP) & 1)) factor = 0.0f;
                float weight = expf((half ? scores.y : scores.x) - log_sums[(i64)query * a.heads]);
                weights[half] = weight * factor;
                gradients[half] = weight * ((half ? slopes.y : slopes.x) * factor - deltas[(i64)query * a.heads]);
            }
            weigh<D>(of_k, make_float2(gradients[0], gradients[1]), tiles.x, count);
            weigh<D>(of_v, make_float2(weights[0], weights[1]), tiles.y, count);
        }
        if (!works) continue;
#pragma unroll
        for (int i = 0; i < D / WARP; i++) {
            i64 at = origin + (i64)key * a.ld + i * WARP + lane;
            ((T*)a.dk)[at] = narrow<T>(of_k[i] * a.scale);
            ((T*)a.dv)[at] = narrow<T>(of_v[i]);
        }
    }
}

#define ATTENTION(TYPE, NAME, D) \
    extern "C" __global__ void __launch_bounds__(WARPS * WARP) attention_##NAME##_##D(const Attention a) { attention<TYPE, D>(a); } \
    extern "C" __global__ void __launch_bounds__(WARPS * WARP) attention_gradient_##NAME##_##D(const Attention a) { attention_gradient<TYPE, D>(a); }
ATTENTION(float, fp32, 32)
ATTENTION(float, fp32, 64)
