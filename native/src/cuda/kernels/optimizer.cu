// Gradients put together from the parts that blocks left, and Adam (kernels/optimizer.rs) in place over one flat buffer of
// parameters, each of which begins at a multiple of BLOCK numbers.
#include "numbers.cuh"

#define THREADS 256
#define BLOCK 1024
#define HISTORY 1024

// Where a parameter's gradient comes from.
struct Segment {
    const float* parts; // part i begins at i · step
    i64 step;
    int count; // parts; 0: the gradient is 0
    int size;  // numbers of the parameter
    int first_block;
};

// The parts of a gradient added in order.
__device__ __forceinline__ float4 sum_parts(const Segment& s, int at) {
    float4 sum = make_float4(0, 0, 0, 0);
    for (int first = 0; first < s.count; first += 8) {
        // All of them on their way before the first is added.
        float4 parts[8];
#pragma unroll
        for (int i = 0; i < 8; i++) {
            parts[i] = make_float4(0, 0, 0, 0);
            if (first + i < s.count) parts[i] = load4(s.parts + (first + i) * s.step + at);
        }
#pragma unroll
        for (int i = 0; i < 8; i++) sum = sum + parts[i];
    }
    return sum;
}

// The same where four numbers do not lie side by side: a bias of few classes.
__device__ __forceinline__ float4 sum_few(const Segment& s, int at) {
    float sums[4] = {};
#pragma unroll 8
    for (int part = 0; part < s.count; part++)
#pragma unroll
        for (int i = 0; i < 4; i++) sums[i] += s.parts[part * s.step + min(at + i, s.size - 1)];
    // Behind the last number there is nothing.
    return make_float4(sums[0], at + 1 < s.size ? sums[1] : 0.0f, at + 2 < s.size ? sums[2] : 0.0f, at + 3 < s.size ? sums[3] : 0.0f);
}

// [blocks] which segment each block of numbers belongs to -> gradient, flat
extern "C" __global__ void __launch_bounds__(THREADS) gather_gradient(const Segment* segments, const int* segment_of, float* gradient) {
    Segment s = segments[segment_of[blockIdx.x]];
    int at = (blockIdx.x - s.first_block) * BLOCK + threadIdx.x * 4;
    float4 sum = make_float4(0, 0, 0, 0);
    if (at + 4 <= s.size && s.step % 4 == 0) sum = sum_parts(s, at);
    else if (at < s.size) sum = sum_few(s, at);
    store4(gradient + (i64)blockIdx.x * BLOCK + threadIdx.x * 4, sum);
}

struct Adam {
    float beta1, other1; // β and 1 - β, each rounded once
    float beta2, other2;
    float eps;
    float keep;           // 1 - lr · decay
    const float* numbers; // α / (1 - β₁ᵗ), 1 / √(1 - β₂ᵗ): of this step
};

__device__ __forceinline__ void update(const Adam& a, float2 numbers, float& value, float& first, float& second, float gradient) {
    first = fmaf(a.beta1, first, a.other1 * gradient);
    second = fmaf(a.beta2, second, a.other2 * gradient * gradient);
    value = fmaf(-numbers.x, first / fmaf(sqrtf(second), numbers.y, a.eps), value * a.keep);
}

// Four numbers of a parameter; `copy` is for products in bfloat16, or null.
__device__ __forceinline__ void update4(const Adam& a, float* value, float* first, float* second, bf16* copy, i64 at, float4 gradient) {
    float2 numbers = make_float2(a.numbers[0], a.numbers[1]);
    float4 x = load4(value + at), m = load4(first + at), v = load4(second + at);
    update(a, numbers, x.x, m.x, v.x, gradient.x);
    update(a, numbers, x.y, m.y, v.y, gradient.y);
    update(a, numbers, x.z, m.z, v.z, gradient.z);
    update(a, numbers, x.w, m.w, v.w, gradient.w);
    store4(value + at, x);
    store4(first + at, m);
    store4(second + at, v);
    if (copy) store4(copy + at, x);
}

// Numbers of past updates, by their place modulo HISTORY.
struct History {
    float2* numbers;
    int* count; // updates so far
};

// Once in an update, after all else: writes it down.
extern "C" __global__ void __launch_bounds__(THREADS) adam(const Adam a, float* value, float* first, float* second, const float* gradient, bf16* copy, const History history) {
    i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x * 4;
    update4(a, value, first, second, copy, at, load4(gradient + at));
    if (blockIdx.x != 0 || threadIdx.x != 0) return;
    int count = *history.count;
    history.numbers[count % HISTORY] = make_float2(a.numbers[0], a.numbers[1]);
    *history.count = count + 1;
}

// A table [V, W] of which few rows have a gradient in an update. The others move too, since their moments decay, but only
// when they are next asked for: then they catch up on the updates that they missed, one after another, which gives the same
// bits as moving at once and reads memory once instead of every time.
struct Table {
    float* value;
    float* first;
    float* second;
    const float* gradient; // [distinct, W]
    const int* ids;        // [distinct]
    int* done;             // [V] updates that a row has done; NEVER if it never had a gradient, so that it stays where it is
    History history;
    const Counts* counts;
    int rows, width;
};
#define NEVER -1

// Lanes of a warp share a row.
__device__ __forceinline__ void catch_up(const Adam& a, const Table& t, int row) {
    int done = t.done[row], count = *t.history.count;
    if (done == NEVER || done == count) return;
    for (int column = threadIdx.x % WARP * 4; column < t.width; column += WARP * 4) {
        i64 at = (i64)row * t.width + column;
        float4 x = load4(t.value + at), m = load4(t.first + at), v = load4(t.second + at);
        for (int i = done; i < count; i++) {
            float2 numbers = t.history.numbers[i % HISTORY];
            update(a, numbers, x.x, m.x, v.x, 0.0f);
            update(a, numbers, x.y, m.y, v.y, 0.0f);
            update(a, numbers, x.z, m.z, v.z, 0.0f);
            update(a, numbers, x.w, m.w, v.w, 0.0f);
        }
        store4(t.value + at, x);
        store4(t.first + at, m);
        store4(t.second + at, v);
    }
    __syncwarp();
    if (threadIdx.x % WARP == 0) t.done[row] = count;
}

// Of the rows that a batch reads, before it reads them.
extern "C" __global__ void __launch_bounds__(THREADS) catch_up_read(const Adam a, const Table t) {
    int at = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
    if (at < t.counts->distinct) catch_up(a, t, t.ids[at]);
}

// Of all rows: before the history is overwritten, and when the table is read.
extern "C" __global__ void __launch_bounds__(THREADS) catch_up_all(const Adam a, const Table t) {
    int row = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
    if (row < t.rows) catch_up(a, t, row);
}

// The update of the rows that have a gradient, which have caught up.
extern "C" __global__ void __launch_bounds__(THREADS) adam_rows(const Adam a, const Table t) {
    int slot = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (slot >= t.counts->distinct) return;
    int row = t.ids[slot];
    for (int column = lane * 4; column < t.width; column += WARP * 4)
        update4(a, t.value, t.first, t.second, nullptr, (i64)row * t.width + column, load4(t.gradient + (i64)slot * t.width + column));
    if (lane == 0) t.done[row] = *t.history.count + 1;
}

// Parameters rounded for products: at the beginning and after weights were replaced.
extern "C" __global__ void __launch_bounds__(THREADS) round_parameters(const float* value, bf16* copy) {
    i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x * 4;
    store4(copy + at, load4(value + at));
}
