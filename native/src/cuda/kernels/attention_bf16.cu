// Attention of packed rows in bfloat16 on the tensor cores. A block a pair and head; a warp has 16 rows of one side
// (queries; on the way back also keys) in registers and goes through the other side's rows, 64 at a time in shared memory.
#include "attention.cuh"
#include "tensor_cores.cuh"

#if FOR_BF16
#define WARPS 2
#define THREADS (WARPS * WARP)
#define TILE 64

// Rows of D numbers in pieces of 16 bytes, swizzled so that eight rows of one column lie in different banks.
template <int D> __device__ __forceinline__ int piece_of(int row, int column) {
    int swizzle = D == 64 ? row & 7 : row >> 1 & 3;
    return row * (D / 8) + ((column / 8) ^ swizzle);
}

// Up to TILE rows of one head; zeros up to the next multiple of 16.
template <int D> __device__ __forceinline__ void stage(uint4* tile, const bf16* x, int ld, int count) {
    for (int at = threadIdx.x; at < (count + 15) / 16 * 16 * (D / 8); at += THREADS) {
        int row = at / (D / 8), column = at % (D / 8) * 8;
        uint4 piece = make_uint4(0, 0, 0, 0);
        if (row < count) piece = *(const uint4*)(x + (i64)row * ld + column);
        tile[piece_of<D>(row, column)] = piece;
    }
}

// 16 rows as left sides of products over D: straight from memory, zeros beyond `count`.
template <int D> __device__ __forceinline__ void rows_of(u32 (&to)[D / 16][4], const bf16* x, int ld, int count) {
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int k = 0; k < D / 16; k++)
#pragma unroll
        for (int part = 0; part < 4; part++) {
            int row = lane / 4 + part % 2 * 8, column = k * 16 + lane % 4 * 2 + part / 2 * 8;
            to[k][part] = row < count ? *(const u32*)(x + (i64)row * ld + column) : 0;
        }
}

// Products of the warp's 16 rows with rows first .. first + 15 of a tile: columns 0-7, then 8-15.
template <int D> __device__ __forceinline__ void
products(float (&to)[2][4], const u32 (&rows)[D / 16][4], const uint4* tile, int first) {
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int i = 0; i < 8; i++) to[i / 4][i % 4] = 0.0f;
#pragma unroll
    for (int k = 0; k < D / 16; k++) {
        u32 right[4];
        load_matrices(right, tile + piece_of<D>(first + lane / 16 * 8 + lane % 8, k * 16 + (lane / 8 & 1) * 8));
        multiply_add(to[0], rows[k], right[0], right[1]);
        multiply_add(to[1], rows[k], right[2], right[3]);
    }
}

// sums [16, D] += weights [16, 16] · rows first .. first + 15 of a tile
template <int D> __device__ __forceinline__ void
weigh(float (&sums)[D / 8][4], const float (&weights)[2][4], const uint4* tile, int first) {
    int lane = threadIdx.x % WARP;
    u32 left[4] = {pack_bf16(weights[0][0], weights[0][1]), pack_bf16(weights[0][2], weights[0][3]),
                   pack_bf16(weights[1][0], weights[1][1]), pack_bf16(weights[1][2], weights[1][3])};
#pragma unroll
    for (int column = 0; column < D; column += 16) {
        u32 right[4];
        load_transposed(right, tile + piece_of<D>(first + (lane / 8 & 1) * 8 + lane % 8, column + lane / 16 * 8));
        multiply_add(sums[column / 8], left, right[0], right[1]);
        multiply_add(sums[column / 8 + 1], left, right[2], right[3]);
    }
}

// A row's part of a result: its two halves belong to rows lane / 4 and lane / 4 + 8.
template <int D> __device__ __forceinline__ void
write_rows(bf16* to, int ld, int count, const float (&sums)[D / 8][4], float upper, float lower) {
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int i = 0; i < D / 8; i++) {
        int column = i * 8 + lane % 4 * 2;
        if (lane / 4 < count) store2(to + (i64)(lane / 4) * ld + column, sums[i][0] * upper, sums[i][1] * upper);
        if (lane / 4 + 8 < count) store2(to + (i64)(lane / 4 + 8) * ld + column, sums[i][2] * lower, sums[i][3] * lower);
    }
}

// A bit for each weight of the head, [T, T] in the order of dropout's elements: whether it is kept. A lane draws a block
// of four, eight lanes make a word. -> which bit the first weight's is
__device__ __forceinline__ int draw_all(const Attention& a, u32* bits, int head, int length, u32 pair) {
    u32 element = (u32)(head * length * length);
    int blocks = ((int)(element & 3) + length * length + 3) / 4;
    for (int at = threadIdx.x; at < (blocks + 31) / 32 * 32; at += THREADS) {
        float4 factors = factors4(a.dropout, pair, (element >> 2) + at);
        u32 word = (factors.x != 0.0f) | (factors.y != 0.0f) << 1 | (factors.z != 0.0f) << 2 | (factors.w != 0.0f) << 3;
        word <<= at % 8 * 4;
        word |= __shfl_xor_sync(ALL, word, 1);
        word |= __shfl_xor_sync(ALL, word, 2);
        word |= __shfl_xor_sync(ALL, word, 4);
        if (at % 8 == 0) bits[at / 8] = word;
    }
    return element & 3;
}
__device__ __forceinline__ bool is_kept(const u32* bits, int at) { return bits[at / 32] >> (at % 32) & 1; }

// Sums and maxima of a row lie in four lanes side by side.
__device__ __forceinline__ float quad_sum(float x) {
    x += __shfl_xor_sync(ALL, x, 1);
    return x + __shfl_xor_sync(ALL, x, 2);
}
__device__ __forceinline__ float quad_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(ALL, x, 1));
    return fmaxf(x, __shfl_xor_sync(ALL, x, 2));
}

template <int D> __device__ __forceinline__ void attention(const Attention& a) {
    __shared__ uint4 keys[TILE * D / 8], values[TILE * D / 8];
    extern __shared__ u32 bits[];
    const float nothing = __int_as_float(0xff800000);
    int head = blockIdx.x, pair = blockIdx.y;
    if (pair >= a.counts->pairs) return;
    int begin = a.offsets[pair], length = a.offsets[pair + 1] - begin;
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    i64 origin = (i64)begin * a.ld + head * D;
    const bf16 *q = (const bf16*)a.q + origin, *k = (const bf16*)a.k + origin, *v = (const bf16*)a.v + origin;
    bool drops = a.dropout.step != nullptr;
    int first_bit = drops ? draw_all(a, bits, head, length, a.pair_indices[pair]) : 0;
    for (int group = 0; group < length; group += WARPS * 16) {
        int query = group + warp * 16;
        bool works = query < length;
        u32 rows[D / 16][4];
        rows_of<D>(rows, q + (i64)query * a.ld, a.ld, length - query);
        float largest[2] = {nothing, nothing}, sum[2] = {}, sums[D / 8][4] = {};
        for (int first = 0; first < length; first += TILE) {
            int count = min(TILE, length - first);
            if (group == 0 || length > TILE) {
                __syncthreads();
                stage<D>(keys, k + (i64)first * a.ld, a.ld, count);
                stage<D>(values, v + (i64)first * a.ld, a.ld, count);
            }
            __syncthreads();
            if (!works) continue;
            float scores[TILE / 16][2][4];
            float tops[2] = {nothing, nothing};
#pragma unroll
            for (int chunk = 0; chunk < TILE / 16; chunk++) {
                if (chunk * 16 >= count) break;
                products<D>(scores[chunk], rows, keys, chunk * 16);
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    int key = chunk * 16 + i / 4 * 8 + lane % 4 * 2 + i % 2;
                    float& score = scores[chunk][i / 4][i % 4];
                    score = key < count ? score * a.scale : nothing;
                    tops[i / 2 % 2] = fmaxf(tops[i / 2 % 2], score);
                }
            }
            float shrink[2];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float before = largest[half];
                largest[half] = fmaxf(before, quad_max(tops[half]));
                shrink[half] = __expf(before - largest[half]);
                sum[half] *= shrink[half];
            }
#pragma unroll
            for (int i = 0; i < D / 8; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sums[i][j] *= shrink[j / 2];
#pragma unroll
            for (int chunk = 0; chunk < TILE / 16; chunk++) {
                if (chunk * 16 >= count) break;
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    int half = i / 2 % 2, key = chunk * 16 + i / 4 * 8 + lane % 4 * 2 + i % 2;
                    int row = query + lane / 4 + half * 8;
                    float& weight = scores[chunk][i / 4][i % 4];
                    weight = __expf(weight - largest[half]);
                    sum[half] += weight;
                    if (drops && row < length && key < count)
                        weight *= is_kept(bits, first_bit + row * length + first + key) ? a.dropout.scale : 0.0f;
                }
                weigh<D>(sums, scores[chunk], values, chunk * 16);
            }
        }
        if (!works) continue;
        float upper = quad_sum(sum[0]), lower = quad_sum(sum[1]);
        bf16* context = (bf16*)a.context + (i64)(begin + query) * a.hidden + head * D;
        write_rows<D>(context, a.hidden, length - query, sums, 1.0f / upper, 1.0f / lower);
        if (lane % 4 != 0) continue;
        float* log_sums = a.log_sums + (i64)(begin + query) * a.heads + head;
        if (query + lane / 4 < length) log_sums[lane / 4 * a.heads] = largest[0] + logf(upper);
        if (query + lane / 4 + 8 < length) log_sums[(lane / 4 + 8) * a.heads] = largest[1] + logf(lower);
    }
}

template <int D> __device__ __forceinline__ void attention_gradient(const Attention& a) {
    __shared__ uint4 left[TILE * D / 8], right[TILE * D / 8];
    __shared__ float of_queries[2][TILE]; // log_sums, deltas
    extern __shared__ u32 bits[];
    int head = blockIdx.x, pair = blockIdx.y;
    if (pair >= a.counts->pairs) return;
    int begin = a.offsets[pair], length = a.offsets[pair + 1] - begin;
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    i64 origin = (i64)begin * a.ld + head * D, origin_y = (i64)begin * a.hidden + head * D;
    const bf16 *q = (const bf16*)a.q + origin, *k = (const bf16*)a.k + origin, *v = (const bf16*)a.v + origin;
    const bf16 *dy = (const bf16*)a.dy + origin_y, *context = (const bf16*)a.context + origin_y;
    const float* log_sums = a.log_sums + (i64)begin * a.heads + head;
    float* deltas = a.deltas + (i64)begin * a.heads + head;
    bool drops = a.dropout.step != nullptr;
    float kept_factor = drops ? a.dropout.scale : 1.0f;
    int first_bit = drops ? draw_all(a, bits, head, length, a.pair_indices[pair]) : 0;
    __syncthreads();
    // Queries: dq.
    for (int group = 0; group < length; group += WARPS * 16) {
        int query = group + warp * 16;
        bool works = query < length;
        u32 rows[D / 16][4], ups[D / 16][4];
        rows_of<D>(rows, q + (i64)query * a.ld, a.ld, length - query);
        rows_of<D>(ups, dy + (i64)query * a.hidden, a.hidden, length - query);
        float log_sum[2] = {}, delta[2] = {}, sums[D / 8][4] = {};
        u32 results[D / 16][4];
        rows_of<D>(results, context + (i64)query * a.hidden, a.hidden, length - query);
#pragma unroll
        for (int i = 0; i < D / 4; i++) {
            u32 up = ups[i / 4][i % 4], result = results[i / 4][i % 4];
            float& sum = delta[i % 2];
            sum = fmaf(__uint_as_float(up << 16), __uint_as_float(result << 16), sum);
            sum = fmaf(__uint_as_float(up & 0xffff0000), __uint_as_float(result & 0xffff0000), sum);
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int row = query + lane / 4 + half * 8;
            delta[half] = quad_sum(delta[half]);
            if (row >= length) continue;
            log_sum[half] = log_sums[(i64)row * a.heads];
            if (lane % 4 == 0) deltas[(i64)row * a.heads] = delta[half];
        }
        for (int first = 0; first < length; first += TILE) {
            int count = min(TILE, length - first);
            if (group == 0 || length > TILE) {
                __syncthreads();
                stage<D>(left, k + (i64)first * a.ld, a.ld, count);
                stage<D>(right, v + (i64)first * a.ld, a.ld, count);
            }
            __syncthreads();
            if (!works) continue;
            for (int chunk = 0; chunk < count; chunk += 16) {
                float scores[2][4], slopes[2][4];
                products<D>(scores, rows, left, chunk);
                products<D>(slopes, ups, right, chunk);
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    int half = i / 2 % 2, key = chunk + i / 4 * 8 + lane % 4 * 2 + i % 2, row = query + lane / 4 + half * 8;
                    float& score = scores[i / 4][i % 4];
                    bool there = row < length && key < count;
                    float factor = kept_factor;
                    if (drops && there && !is_kept(bits, first_bit + row * length + first + key)) factor = 0.0f;
                    float weight = __expf(score * a.scale - log_sum[half]);
                    score = there ? weight * (slopes[i / 4][i % 4] * factor - delta[half]) : 0.0f;
                }
                weigh<D>(sums, scores, left, chunk);
            }
        }
        if (works) write_rows<D>((bf16*)a.dq + origin + (i64)query * a.ld, a.ld, length - query, sums, a.scale, a.scale);
    }
    // Keys: dk and dv.
    for (int group = 0; group < length; group += WARPS * 16) {
        int key = group + warp * 16;
        bool works = key < length;
        u32 rows[D / 16][4], ups[D / 16][4];
        rows_of<D>(rows, k + (i64)key * a.ld, a.ld, length - key);
        rows_of<D>(ups, v + (i64)key * a.ld, a.ld, length - key);
        float of_k[D / 8][4] = {}, of_v[D / 8][4] = {};
        for (int first = 0; first < length; first += TILE) {
            int count = min(TILE, length - first);
            if (group == 0 || length > TILE) {
                __syncthreads();
                stage<D>(left, q + (i64)first * a.ld, a.ld, count);
                stage<D>(right, dy + (i64)first * a.hidden, a.hidden, count);
                for (int row = threadIdx.x; row < count; row += THREADS) {
                    of_queries[0][row] = log_sums[(i64)(first + row) * a.heads];
                    of_queries[1][row] = deltas[(i64)(first + row) * a.heads];
                }
            }
            __syncthreads();
            if (!works) continue;
            for (int chunk = 0; chunk < count; chunk += 16) {
                float scores[2][4], slopes[2][4];
                products<D>(scores, rows, left, chunk);
                products<D>(slopes, ups, right, chunk);
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    int half = i / 2 % 2, query = chunk + i / 4 * 8 + lane % 4 * 2 + i % 2, row = key + lane / 4 + half * 8;
                    float &score = scores[i / 4][i % 4], &slope = slopes[i / 4][i % 4];
                    bool there = row < length && query < count;
                    float factor = there ? kept_factor : 0.0f;
                    if (drops && there && !is_kept(bits, first_bit + (first + query) * length + row)) factor = 0.0f;
                    float weight = there ? __expf(score * a.scale - of_queries[0][query]) : 0.0f;
                    score = there ? weight * (slope * factor - of_queries[1][query]) : 0.0f;
                    slope = weight * factor;
                }
                weigh<D>(of_k, scores, left, chunk);
                weigh<D>(of_v, slopes, right, chunk);
            }
        }
        if (!works) continue;
        write_rows<D>((bf16*)a.dk + origin + (i64)key * a.ld, a.ld, length - key, of_k, a.scale, a.scale);
        write_rows<D>((bf16*)a.dv + origin + (i64)key * a.ld, a.ld, length - key, of_v, 1.0f, 1.0f);
    }
}

#define ATTENTION(D) \
    extern "C" __global__ void __launch_bounds__(THREADS) attention_bf16_##D(const Attention a) { attention<D>(a); } \
    extern "C" __global__ void __launch_bounds__(THREADS, 6) attention_gradient_bf16_##D(const Attention a) { attention_gradient<D>(a); }
ATTENTION(32)
ATTENTION(64)
#endif
