// The output layer, cross-entropy and its gradient in one pass: a warp a pair. A handful of classes, so plain sums do.
#include "numbers.cuh"

#define THREADS 256
#define MOST_CLASSES 64

struct Head {
    const void* hidden;  // [P, H], after tanh
    const float* weight; // [C, H]
    const float* bias;   // [C]
    const int* labels;   // [P]
    float* logits;       // [P, C]
    float* losses;       // [P]
    int* right;          // [P] whether the label has the largest logit, the first of equals
    float* residuals;    // [P, C] (probability - target) · scale
    void* dhidden;       // [P, H] before tanh
    const Counts* counts;
    float scale; // of the loss' gradient
    int classes, width;
};

template <typename T> __device__ __forceinline__ void classify(const Head& h) {
    __shared__ float of_warps[THREADS / WARP][MOST_CLASSES];
    int pair = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (pair >= h.counts->pairs) return;
    float* logits = of_warps[threadIdx.x / WARP];
    const T* hidden = (const T*)h.hidden + (i64)pair * h.width;
    float largest = __int_as_float(0xff800000);
    int first = 0;
    for (int c = 0; c < h.classes; c++) {
        float sum = 0.0f;
        for (int column = lane * 4; column < h.width; column += WARP * 4)
            sum = dot4(load4(hidden + column), load4(h.weight + (i64)c * h.width + column), sum);
        sum = warp_sum(sum) + h.bias[c];
        if (lane == 0) logits[c] = sum;
        if (sum > largest || sum != sum) largest = sum, first = c;
    }
    __syncwarp();
    float sum = 0.0f;
    for (int c = 0; c < h.classes; c++) sum += expf(logits[c] - largest);
    int label = h.labels[pair];
    if (lane == 0) {
        h.losses[pair] = logf(sum) - (logits[label] - largest);
        h.right[pair] = first == label;
    }
    for (int c = lane; c < h.classes; c += WARP) {
        h.logits[(i64)pair * h.classes + c] = logits[c];
        h.residuals[(i64)pair * h.classes + c] = (expf(logits[c] - largest) / sum - (c == label ? 1.0f : 0.0f)) * h.scale;
    }
    for (int column = lane * 4; column < h.width; column += WARP * 4) {
        float4 up = make_float4(0, 0, 0, 0), y = load4(hidden + column);
        for (int c = 0; c < h.classes; c++) {
            float residual = (expf(logits[c] - largest) / sum - (c == label ? 1.0f : 0.0f)) * h.scale;
            up = fma4(load4(h.weight + (i64)c * h.width + column), residual, up);
        }
        up = make_float4(up.x * (1.0f - y.x * y.x), up.y * (1.0f - y.y * y.y), up.z * (1.0f - y.z * y.z), up.w * (1.0f - y.w * y.w));
        store4((T*)h.dhidden + (i64)pair * h.width + column, up);
    }
}
#if FOR_FP32
extern "C" __global__ void __launch_bounds__(THREADS) classify_fp32(const Head h) { classify<float>(h); }
#endif
#if FOR_BF16
extern "C" __global__ void __launch_bounds__(THREADS) classify_bf16(const Head h) { classify<bf16>(h); }
#endif

// Blocks (classes, parts): residuals [P, C], hidden [P, H] -> weight_parts [parts, C, H], bias_parts [parts, C]
template <typename T> __device__ __forceinline__ void classes_gradient(const Head& h, float* weight_parts, float* bias_parts) {
    int c = blockIdx.x, pairs = h.counts->pairs, stretch = (pairs + gridDim.y - 1) / gridDim.y;
    int begin = min(blockIdx.y * stretch, pairs), end = min(begin + stretch, pairs);
    for (int column = threadIdx.x; column < h.width; column += blockDim.x) {
        float sum = 0.0f;
#pragma unroll 4
        for (int pair = begin; pair < end; pair++)
            sum = fmaf(h.residuals[(i64)pair * h.classes + c], wide(((const T*)h.hidden)[(i64)pair * h.width + column]), sum);
        weight_parts[((i64)blockIdx.y * h.classes + c) * h.width + column] = sum;
    }
    if (threadIdx.x >= WARP) return;
    float sum = 0.0f;
    for (int pair = begin + threadIdx.x; pair < end; pair += WARP) sum += h.residuals[(i64)pair * h.classes + c];
    sum = warp_sum(sum);
    if (threadIdx.x == 0) bias_parts[(i64)blockIdx.y * h.classes + c] = sum;
}
#if FOR_FP32
extern "C" __global__ void __launch_bounds__(THREADS) classes_gradient_fp32(const Head h, float* weight_parts, float* bias_parts) { classes_gradient<float>(h, weight_parts, bias_parts); }
#endif
#if FOR_BF16
extern "C" __global__ void __launch_bounds__(THREADS) classes_gradient_bf16(const Head h, float* weight_parts, float* bias_parts) { classes_gradient<bf16>(h, weight_parts, bias_parts); }
#endif

// One block: adds the step's loss and right predictions to totals [2], which are read once in many steps.
#if FOR_FP32
extern "C" __global__ void __launch_bounds__(THREADS) sum_metrics(const float* losses, const int* right, double* totals, const Counts* counts) {
    __shared__ double loss[THREADS], hits[THREADS];
    int t = threadIdx.x;
    loss[t] = hits[t] = 0;
    for (int pair = t; pair < counts->pairs; pair += THREADS) {
        loss[t] += losses[pair];
        hits[t] += right[pair];
    }
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (t < half) loss[t] += loss[t + half], hits[t] += hits[t + half];
    }
    if (t == 0) totals[0] += loss[0], totals[1] += hits[0];
}
#endif
