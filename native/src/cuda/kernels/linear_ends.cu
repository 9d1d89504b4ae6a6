// What is left to do beside products that a library computes (linear_ends.rs): activations with long code, sums over rows for
// the gradients of biases, and zeros behind the last row, since a library's products take whole buckets of rows.
#include "numbers.cuh"

#define THREADS 256
#define COLUMNS 8             // numbers that a thread has side by side
#define GROUPS WARP           // threads side by side
#define ROWS (THREADS / GROUPS) // rows that a block reads at a time
#define TOGETHER 4

// The usual curve unfolded: here nothing else waits for these registers.
__device__ __forceinline__ float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.7071067811865476f)); }
__device__ __forceinline__ float gelu_slope(float x) {
    return 0.5f * (1.0f + erff(x * 0.7071067811865476f)) + x * 0.3989422804014327f * expf(-0.5f * x * x);
}
__device__ __forceinline__ float4 activated(int activation, float4 x) {
    if (activation != ACTIVATION_GELU) return activate4(activation, x);
    return make_float4(gelu(x.x), gelu(x.y), gelu(x.z), gelu(x.w));
}
__device__ __forceinline__ float4 slopes(int activation, float4 kept) {
    if (activation != ACTIVATION_GELU) return slopes4(activation, kept);
    return make_float4(gelu_slope(kept.x), gelu_slope(kept.y), gelu_slope(kept.z), gelu_slope(kept.w));
}

// sums [R, W] -> y [R, W]
template <typename T> __device__ __forceinline__ void activate_rows(const T* sums, T* y, const int* rows, int width, int activation) {
    i64 count = (i64)*rows * width;
    for (i64 at = ((i64)blockIdx.x * THREADS + threadIdx.x) * 4; at < count; at += (i64)gridDim.x * THREADS * 4)
        store4(y + at, activated(activation, load4(sums + at)));
}

struct LinearEnd {
    void* dy;         // [R, W]
    const void* kept; // [R, W] what the activation keeps: dy is multiplied by its slope there; or null
    float* parts;     // [blocks along y, W] sums over stretches of rows
    const int* rows;
    int width; // a multiple of COLUMNS
    int activation;
};

template <typename T> __device__ __forceinline__ void linear_end(const LinearEnd& e) {
    __shared__ float4 of_rows[ROWS][GROUPS][2];
    int group = threadIdx.x % GROUPS, first = threadIdx.x / GROUPS, column = (blockIdx.x * GROUPS + group) * COLUMNS;
    int count = *e.rows, stretch = (count + gridDim.y - 1) / gridDim.y;
    int begin = min(count, (int)blockIdx.y * stretch), end = min(count, begin + stretch);
    float4 low = make_float4(0, 0, 0, 0), high = low;
    if (column < e.width) {
        for (int row = begin + first; row < end; row += ROWS * TOGETHER) {
            float4 lows[TOGETHER], highs[TOGETHER];
#pragma unroll
            for (int i = 0; i < TOGETHER; i++) {
                lows[i] = highs[i] = make_float4(0, 0, 0, 0);
                if (row + i * ROWS >= end) continue;
                const T* from = (const T*)e.dy + (i64)(row + i * ROWS) * e.width + column;
                lows[i] = load4(from);
                highs[i] = load4(from + 4);
            }
            if (e.kept) {
#pragma unroll
                for (int i = 0; i < TOGETHER; i++) {
                    if (row + i * ROWS >= end) continue;
                    i64 at = (i64)(row + i * ROWS) * e.width + column;
                    lows[i] = lows[i] * slopes(e.activation, load4((const T*)e.kept + at));
                    highs[i] = highs[i] * slopes(e.activation, load4((const T*)e.kept + at + 4));
                    store4((T*)e.dy + at, lows[i]);
                    store4((T*)e.dy + at + 4, highs[i]);
                }
            }
#pragma unroll
            for (int i = 0; i < TOGETHER; i++) {
                low = low + lows[i];
                high = high + highs[i];
            }
        }
    }
    of_rows[first][group][0] = low;
    of_rows[first][group][1] = high;
    __syncthreads();
    if (first != 0 || column >= e.width) return;
    for (int i = 1; i < ROWS; i++) {
        low = low + of_rows[i][group][0];
        high = high + of_rows[i][group][1];
    }
    float* to = e.parts + (i64)blockIdx.y * e.width + column;
    store4(to, low);
    store4(to + 4, high);
}

#define LINEAR_END(TYPE, NAME) \
    extern "C" __global__ void __launch_bounds__(THREADS) activate_rows_##NAME(const TYPE* sums, TYPE* y, const int* rows, int width, int activation) { BEGIN activate_rows(sums, y, rows, width, activation); } \
    extern "C" __global__ void __launch_bounds__(THREADS) linear_end_##NAME(const LinearEnd e) { BEGIN linear_end<TYPE>(e); }
#if FOR_FP32
LINEAR_END(float, fp32)
#endif
#if FOR_BF16
LINEAR_END(bf16, bf16)
#endif

// A tensor [R, ..] whose rows behind the last one are to be zeros.
struct Tail {
    char* begin;
    i64 row; // bytes, a multiple of 16
};

// Blocks (some, tensors): rows *rows .. until - 1 of each
#if FOR_FP32
extern "C" __global__ void __launch_bounds__(THREADS) clear_tails(const Tail* tails, const int* rows, int until) { BEGIN
    Tail tail = tails[blockIdx.y];
    i64 end = until * tail.row;
    for (i64 at = *rows * tail.row + ((i64)blockIdx.x * THREADS + threadIdx.x) * 16; at < end; at += (i64)gridDim.x * THREADS * 16)
        *(uint4*)(tail.begin + at) = make_uint4(0, 0, 0, 0);
}
#endif
