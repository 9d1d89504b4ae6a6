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

// What a thread has of the flat gradient: four numbers of its block, from the parts of the block's segment.
__device__ __forceinline__ float4 gathered(const Segment* segments, const int* segment_of, float* gradient) {
    Segment s = segments[segment_of[blockIdx.x]];
    float* to = gradient + (i64)blockIdx.x * BLOCK + threadIdx.x * 4;
    // Computed where it belongs.
    if (s.parts == gradient + (i64)s.first_block * BLOCK) return load4(to);
    int at = (blockIdx.x - s.first_block) * BLOCK + threadIdx.x * 4;
    float4 sum = make_float4(0, 0, 0, 0);
    if (at + 4 <= s.size && s.step % 4 == 0) sum = sum_parts(s, at);
    else if (at < s.size) sum = sum_few(s, at);
    store4(to, sum);
    return sum;
}

// [blocks] which segment each block of numbers belongs to -> gradient, flat
extern "C" __global__ void __launch_bounds__(THREADS) gather_gradient(const Segment* segments, const int* segment_of, float* gradient) { BEGIN
    gathered(segments, segment_of, gradient);
}

struct Adam {
    float beta1, other1; // β and 1 - β, each rounded once
    float beta2, other2;
    float eps;
    const float* numbers; // α / (1 - β₁ᵗ), 1 / √(1 - β₂ᵗ), α: of this step
    const float2* rates;  // of each segment: its share of the learning rate, what decays of it at a learning rate of 1
    const float* clipping; // the gradient's norm and what the gradient is multiplied by, or null
};

// Of one parameter in one update.
struct Pace {
    float size, inverse_root, keep;
};

__device__ __forceinline__ Pace pace_of(float4 numbers, float2 rate) {
    Pace pace;
    pace.size = numbers.x * rate.x;
    pace.inverse_root = numbers.y;
    pace.keep = 1.0f - numbers.z * rate.x * rate.y;
    return pace;
}
__device__ __forceinline__ float4 numbers_of(const Adam& a) {
    return make_float4(a.numbers[0], a.numbers[1], a.numbers[2], a.clipping ? a.clipping[0] : 0.0f);
}

__device__ __forceinline__ void update(const Adam& a, const Pace& pace, float& value, float& first, float& second, float gradient) {
    first = fmaf(a.beta1, first, a.other1 * gradient);
    second = fmaf(a.beta2, second, a.other2 * gradient * gradient);
    value = fmaf(-pace.size, first / fmaf(sqrtf(second), pace.inverse_root, a.eps), value * pace.keep);
}

// Four numbers of a parameter; `copy` is for products in bfloat16, or null.
__device__ __forceinline__ void update4(const Adam& a, const Pace& pace, float* value, float* first, float* second, bf16* copy, i64 at, float4 gradient) {
    if (a.clipping) gradient = gradient * a.clipping[1];
    float4 x = load4(value + at), m = load4(first + at), v = load4(second + at);
    update(a, pace, x.x, m.x, v.x, gradient.x);
    update(a, pace, x.y, m.y, v.y, gradient.y);
    update(a, pace, x.z, m.z, v.z, gradient.z);
    update(a, pace, x.w, m.w, v.w, gradient.w);
    store4(value + at, x);
    store4(first + at, m);
    store4(second + at, v);
    if (copy) store4(copy + at, x);
}

// Numbers of past updates, by their place modulo HISTORY; the fourth is the gradient's norm.
struct History {
    float4* numbers;
    int* count; // updates so far
};

struct Flat {
    float *value, *first, *second, *gradient;
    bf16* copy;
    const int* segment_of;
};

// Once in an update, after all else: writes it down. The gradient is gathered first where there are segments.
extern "C" __global__ void __launch_bounds__(THREADS) adam(const Adam a, const Flat f, const History history, const Segment* segments) { BEGIN
    i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x * 4;
    float4 numbers = numbers_of(a);
    float4 gradient = segments ? gathered(segments, f.segment_of, f.gradient) : load4(f.gradient + at);
    update4(a, pace_of(numbers, a.rates[f.segment_of[blockIdx.x]]), f.value, f.first, f.second, f.copy, at, gradient);
    if (blockIdx.x != 0 || threadIdx.x != 0) return;
    int count = *history.count;
    history.numbers[count % HISTORY] = numbers;
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
    float2 rate; // as in Adam::rates
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
            Pace pace = pace_of(t.history.numbers[i % HISTORY], t.rate);
            update(a, pace, x.x, m.x, v.x, 0.0f);
            update(a, pace, x.y, m.y, v.y, 0.0f);
            update(a, pace, x.z, m.z, v.z, 0.0f);
            update(a, pace, x.w, m.w, v.w, 0.0f);
        }
        store4(t.value + at, x);
        store4(t.first + at, m);
        store4(t.second + at, v);
    }
    __syncwarp();
    if (threadIdx.x % WARP == 0) t.done[row] = count;
}

// Of the rows that a batch reads, before it reads them.
extern "C" __global__ void __launch_bounds__(THREADS) catch_up_read(const Adam a, const Table t) { BEGIN
    int at = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
    if (at < t.counts->distinct) catch_up(a, t, t.ids[at]);
}

// Of all rows: before the history is overwritten, and when the table is read.
extern "C" __global__ void __launch_bounds__(THREADS) catch_up_all(const Adam a, const Table t) { BEGIN
    int row = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
    if (row < t.rows) catch_up(a, t, row);
}

// The update of the rows that have a gradient, which have caught up.
extern "C" __global__ void __launch_bounds__(THREADS) adam_rows(const Adam a, const Table t) { BEGIN
    int slot = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (slot >= t.counts->distinct) return;
    int row = t.ids[slot];
    Pace pace = pace_of(numbers_of(a), t.rate);
    for (int column = lane * 4; column < t.width; column += WARP * 4)
        update4(a, pace, t.value, t.first, t.second, nullptr, (i64)row * t.width + column, load4(t.gradient + (i64)slot * t.width + column));
    if (lane == 0) t.done[row] = *t.history.count + 1;
}

// Parameters rounded for products: at the beginning and after weights were replaced.
extern "C" __global__ void __launch_bounds__(THREADS) round_parameters(const float* value, bf16* copy) { BEGIN
    i64 at = (i64)blockIdx.x * BLOCK + threadIdx.x * 4;
    store4(copy + at, load4(value + at));
}

// The sum of a block's numbers, in thread 0.
template <typename T> __device__ __forceinline__ T block_sum(T x) {
    __shared__ T of_threads[THREADS];
    of_threads[threadIdx.x] = x;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) of_threads[threadIdx.x] += of_threads[threadIdx.x + half];
    }
    return of_threads[0];
}

// Squares of the gradient, a sum for each block: of the flat one [flat · BLOCK] in the first blocks, of the table's rows
// [distinct, width] in the others.
extern "C" __global__ void __launch_bounds__(THREADS) gradient_squares(const float* gradient, int flat, const float* rows, const Counts* counts, int width, float* parts) { BEGIN
    float sum = 0.0f;
    if (blockIdx.x < flat) {
        float4 x = load4(gradient + (i64)blockIdx.x * BLOCK + threadIdx.x * 4);
        sum = dot4(x, x, 0.0f);
    } else {
        i64 count = (i64)counts->distinct * width;
        for (i64 at = ((i64)(blockIdx.x - flat) * THREADS + threadIdx.x) * 4; at < count; at += (i64)(gridDim.x - flat) * THREADS * 4) {
            float4 x = load4(rows + at);
            sum = dot4(x, x, sum);
        }
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

// One block: parts [count] -> clipping [2]: the norm of the gradient times `scale`, and what brings it down to `most` (0: as
// it is).
extern "C" __global__ void __launch_bounds__(THREADS) gradient_norm(const float* parts, int count, float scale, float most, float* clipping) { BEGIN
    double sum = 0;
#pragma unroll 8
    for (int i = threadIdx.x; i < count; i += THREADS) sum += parts[i];
    sum = block_sum(sum);
    if (threadIdx.x != 0) return;
    float norm = (float)sqrt(sum) * scale;
    clipping[0] = norm;
    clipping[1] = most > 0.0f ? fminf(1.0f, most / (norm + 1e-6f)) : 1.0f;
}
