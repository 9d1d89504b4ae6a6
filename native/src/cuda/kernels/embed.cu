// The encoder's input, its gradients by token, position and segment, and the first rows of pairs. Every sum is taken in an
// order that depends on the batch alone.
#include "numbers.cuh"

#define THREADS 256
#define TOGETHER 8

// offsets [P + 1], pair_indices [P] -> places [R] of all rows, first_places [P] of each pair's first row: index of the pair
// in the optimizer batch, row inside the pair
#if FOR_FP32
extern "C" __global__ void place_rows(const int* offsets, const int* pair_indices, int2* places, int2* first_places, const Counts* counts) {
    int pair = blockIdx.x;
    if (pair >= counts->pairs) return;
    int begin = offsets[pair], end = offsets[pair + 1], index = pair_indices[pair];
    for (int row = begin + threadIdx.x; row < end; row += blockDim.x) places[row] = make_int2(index, row - begin);
    if (threadIdx.x == 0) first_places[pair] = make_int2(index, 0);
}
#endif

struct Embedding {
    const float* tokens;    // [V, W]
    const float* segments;  // [2, W]
    const float* positions; // [M, W]
    const int* ids;         // [R]
    const int* segment_of;  // [R]
    const int2* places;     // [R]
    void* y;                // [R, W]
    const Counts* counts;
    int width;
};

template <typename T> __device__ __forceinline__ void embedding_sum(const Embedding& e) {
    int row = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
    if (row >= e.counts->rows) return;
    const float* token = e.tokens + (i64)e.ids[row] * e.width;
    const float* segment = e.segments + (i64)e.segment_of[row] * e.width;
    const float* position = e.positions + (i64)e.places[row].y * e.width;
    for (int column = threadIdx.x % WARP * 4; column < e.width; column += WARP * 4)
        store4((T*)e.y + (i64)row * e.width + column, load4(token + column) + (load4(segment + column) + load4(position + column)));
}
#if FOR_FP32
extern "C" __global__ void __launch_bounds__(THREADS) embedding_sum_fp32(const Embedding e) { embedding_sum<float>(e); }
#endif
#if FOR_BF16
extern "C" __global__ void __launch_bounds__(THREADS) embedding_sum_bf16(const Embedding e) { embedding_sum<bf16>(e); }
#endif

// Sums of rows that a block's threads take side by side: columns of eight, and as many rows at a time as there are threads
// for. `row_at(i)` is the row that is added at place i, below 0 for none.
template <typename T, typename RowAt> __device__ __forceinline__ void
sum_into(float* to, const T* x, int width, int begin, int end, RowAt row_at) {
    __shared__ float4 of_groups[THREADS][2];
    int columns = width / 8, groups = THREADS / columns;
    int group = threadIdx.x / columns, column = threadIdx.x % columns * 8;
    float4 low = make_float4(0, 0, 0, 0), high = low;
    for (int i = begin + group; group < groups && i < end; i += groups * TOGETHER) {
        // All of them on their way before the first is added.
        float4 lows[TOGETHER], highs[TOGETHER];
#pragma unroll
        for (int j = 0; j < TOGETHER; j++) {
            int row = i + j * groups < end ? row_at(i + j * groups) : -1;
            lows[j] = highs[j] = make_float4(0, 0, 0, 0);
            if (row < 0) continue;
            lows[j] = load4(x + (i64)row * width + column);
            highs[j] = load4(x + (i64)row * width + column + 4);
        }
#pragma unroll
        for (int j = 0; j < TOGETHER; j++) {
            low = low + lows[j];
            high = high + highs[j];
        }
    }
    of_groups[threadIdx.x][0] = low;
    of_groups[threadIdx.x][1] = high;
    __syncthreads();
    if (group != 0) return;
    // A place has at most `end - begin` groups that added anything.
    for (int g = 1; g < min(groups, end - begin); g++) {
        low = low + of_groups[g * columns + threadIdx.x][0];
        high = high + of_groups[g * columns + threadIdx.x][1];
    }
    store4(to + column, low);
    store4(to + column + 4, high);
}

struct EmbeddingGradient {
    const void* dy;        // [R, W]
    const int* order;      // [R] rows by token id, those of one id in order
    const int* begins;     // [distinct + 1] where those of an id begin
    const int* offsets;    // [P + 1]
    const int* segment_of; // [R]
    float* token_rows;     // [distinct, W]
    float* positions;      // [M, W]
    float* segment_parts;  // [blocks, 2, W]
    const Counts* counts;
    int width; // a multiple of 8 up to 2048
    int longest; // the most rows that a pair has
};

template <typename T> __device__ __forceinline__ void by_token(const EmbeddingGradient& e) {
    int id = blockIdx.x;
    if (id >= e.counts->distinct) return;
    sum_into(e.token_rows + (i64)id * e.width, (const T*)e.dy, e.width, e.begins[id], e.begins[id + 1], [&](int i) { return e.order[i]; });
}
template <typename T> __device__ __forceinline__ void by_position(const EmbeddingGradient& e) {
    int position = blockIdx.x, pairs = position < e.longest ? e.counts->pairs : 0;
    sum_into(e.positions + (i64)position * e.width, (const T*)e.dy, e.width, 0, pairs, [&](int pair) {
        int row = e.offsets[pair] + position;
        return row < e.offsets[pair + 1] ? row : -1;
    });
}
// Blocks (parts, 2): a stretch of rows each.
template <typename T> __device__ __forceinline__ void by_segment(const EmbeddingGradient& e) {
    int stretch = (e.counts->rows + gridDim.x - 1) / gridDim.x, segment = blockIdx.y;
    int begin = min(blockIdx.x * stretch, e.counts->rows), end = min(begin + stretch, e.counts->rows);
    sum_into(e.segment_parts + (i64)(blockIdx.x * 2 + segment) * e.width, (const T*)e.dy, e.width, begin, end,
             [&](int row) { return e.segment_of[row] == segment ? row : -1; });
}
#define EMBEDDING_GRADIENT(TYPE, NAME) \
    extern "C" __global__ void __launch_bounds__(THREADS) token_gradient_##NAME(const EmbeddingGradient e) { by_token<TYPE>(e); } \
    extern "C" __global__ void __launch_bounds__(THREADS) position_gradient_##NAME(const EmbeddingGradient e) { by_position<TYPE>(e); } \
    extern "C" __global__ void __launch_bounds__(THREADS) segment_gradient_##NAME(const EmbeddingGradient e) { by_segment<TYPE>(e); }
#if FOR_FP32
EMBEDDING_GRADIENT(float, fp32)
#endif
#if FOR_BF16
EMBEDDING_GRADIENT(bf16, bf16)
#endif

// x [R, W] -> y [P, W]: each pair's first row
template <typename T> __device__ __forceinline__ void first_rows(const T* x, const int* offsets, T* y, int width, const Counts* counts) {
    int pair = blockIdx.x;
    if (pair >= counts->pairs) return;
    for (int column = threadIdx.x * 4; column < width; column += blockDim.x * 4)
        store4(y + (i64)pair * width + column, load4(x + (i64)offsets[pair] * width + column));
}
#if FOR_FP32
extern "C" __global__ void first_rows_fp32(const float* x, const int* offsets, float* y, int width, const Counts* counts) { first_rows(x, offsets, y, width, counts); }
#endif
#if FOR_BF16
extern "C" __global__ void first_rows_bf16(const bf16* x, const int* offsets, bf16* y, int width, const Counts* counts) { first_rows(x, offsets, y, width, counts); }
#endif

// Its gradient: dx [R, W] += dy [P, W] at each pair's first row
template <typename T> __device__ __forceinline__ void add_first_rows(T* dx, const int* offsets, const T* dy, int width, const Counts* counts) {
    int pair = blockIdx.x;
    if (pair >= counts->pairs) return;
    for (int column = threadIdx.x * 4; column < width; column += blockDim.x * 4) {
        T* to = dx + (i64)offsets[pair] * width + column;
        store4(to, load4(to) + load4(dy + (i64)pair * width + column));
    }
}
#if FOR_FP32
extern "C" __global__ void add_first_rows_fp32(float* dx, const int* offsets, const float* dy, int width, const Counts* counts) { add_first_rows(dx, offsets, dy, width, counts); }
#endif
#if FOR_BF16
extern "C" __global__ void add_first_rows_bf16(bf16* dx, const int* offsets, const bf16* dy, int width, const Counts* counts) { add_first_rows(dx, offsets, dy, width, counts); }
#endif
