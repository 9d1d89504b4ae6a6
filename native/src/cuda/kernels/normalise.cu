// LayerNorm with its dropout and residual, as kernels/normalise has it: a warp a row, the row in registers, four numbers
// of one dropout block to a lane.
#include "numbers.cuh"

struct Norm {
    const void* x;        // [R, W]
    const void* residual; // [R, W], or null: then the result is dropped, not x
    const float* gamma;   // [W]
    const float* beta;
    void* y;           // [R, W]; backward: dy, read
    float2* statistics; // [R] mean and 1 / σ
    void* dx;           // [R, W]
    void* dresidual;    // [R, W]
    float* parts;       // [blocks, 2, W]: what each block adds to the gradients of gamma and beta
    const int2* places; // [R] index of the row's pair in the optimizer batch, row inside the pair
    const int* rows;
    Dropout dropout;
    int width; // a multiple of 4
    float eps;
};

// Where a lane's group of four begins.
__device__ __forceinline__ int column_of(int group) { return (group * WARP + threadIdx.x % WARP) * 4; }

__device__ __forceinline__ float4 drawn_for(const Norm& n, int row, int column) {
    if (!n.dropout.step) return make_float4(1, 1, 1, 1);
    int2 place = n.places[row];
    return factors4(n.dropout, place.x, (u32)(place.y * n.width + column) >> 2);
}

// x, or x · factors + residual; zeros behind the width.
template <typename T, int GROUPS> __device__ __forceinline__ void summed(const Norm& n, int row, float4 (&z)[GROUPS], float4 (&factors)[GROUPS]) {
#pragma unroll
    for (int g = 0; g < GROUPS; g++) {
        int column = column_of(g);
        z[g] = factors[g] = make_float4(0, 0, 0, 0);
        if (column >= n.width) continue;
        i64 at = (i64)row * n.width + column;
        z[g] = load4((const T*)n.x + at);
        factors[g] = drawn_for(n, row, column);
        if (n.residual) z[g] = z[g] * factors[g] + load4((const T*)n.residual + at);
    }
}

template <typename T, int GROUPS> __device__ __forceinline__ void norm(const Norm& n) {
    int row = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (row >= *n.rows) return;
    float4 z[GROUPS], factors[GROUPS];
    summed<T, GROUPS>(n, row, z, factors);
    float sum = 0.0f;
#pragma unroll
    for (int g = 0; g < GROUPS; g++) sum += sum_of(z[g]);
    float mean = warp_sum(sum) / n.width;
    float squares = 0.0f;
#pragma unroll
    for (int g = 0; g < GROUPS; g++)
        if (column_of(g) < n.width) squares = dot4(z[g] - mean, z[g] - mean, squares);
    float inverse = 1.0f / sqrtf(warp_sum(squares) / n.width + n.eps);
#pragma unroll
    for (int g = 0; g < GROUPS; g++) {
        int column = column_of(g);
        if (column >= n.width) continue;
        float4 y = (z[g] - mean) * inverse * load4(n.gamma + column) + load4(n.beta + column);
        if (!n.residual) y = y * factors[g];
        store4((T*)n.y + (i64)row * n.width + column, y);
    }
    if (threadIdx.x % WARP == 0) n.statistics[row] = make_float2(mean, inverse);
}

template <typename T, int GROUPS> __device__ __forceinline__ void norm_gradient(const Norm& n) {
    extern __shared__ float of_warps[]; // [warps, W]
    int warps = blockDim.x / WARP, warp = threadIdx.x / WARP;
    float4 dgamma[GROUPS], dbeta[GROUPS];
#pragma unroll
    for (int g = 0; g < GROUPS; g++) dgamma[g] = dbeta[g] = make_float4(0, 0, 0, 0);
    for (int row = blockIdx.x * warps + warp; row < *n.rows; row += gridDim.x * warps) {
        float4 normal[GROUPS], factors[GROUPS], up[GROUPS];
        summed<T, GROUPS>(n, row, normal, factors);
        float2 statistics = n.statistics[row];
        float sum = 0.0f, product = 0.0f;
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
            int column = column_of(g);
            up[g] = make_float4(0, 0, 0, 0);
            if (column >= n.width) continue;
            normal[g] = (normal[g] - statistics.x) * statistics.y;
            up[g] = load4((const T*)n.y + (i64)row * n.width + column);
            if (!n.residual) up[g] = up[g] * factors[g];
            dgamma[g] = dgamma[g] + up[g] * normal[g];
            dbeta[g] = dbeta[g] + up[g];
            up[g] = up[g] * load4(n.gamma + column);
            sum += sum_of(up[g]);
            product = dot4(up[g], normal[g], product);
        }
        sum = warp_sum(sum) / n.width;
        product = warp_sum(product) / n.width;
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
            int column = column_of(g);
            if (column >= n.width) continue;
            i64 at = (i64)row * n.width + column;
            float4 gradient = fma4(normal[g], -product, up[g] - sum) * statistics.y;
            if (n.residual) {
                store4((T*)n.dresidual + at, gradient);
                gradient = gradient * factors[g];
            }
            store4((T*)n.dx + at, gradient);
        }
    }
    for (int which = 0; which < 2; which++) {
        __syncthreads();
#pragma unroll
        for (int g = 0; g < GROUPS; g++)
            if (column_of(g) < n.width) store4(of_warps + warp * n.width + column_of(g), which ? dbeta[g] : dgamma[g]);
        __syncthreads();
        for (int column = threadIdx.x; column < n.width; column += blockDim.x) {
            float sum = 0.0f;
            for (int w = 0; w < warps; w++) sum += of_warps[w * n.width + column];
            n.parts[((i64)blockIdx.x * 2 + which) * n.width + column] = sum;
        }
    }
}

#define NORM(TYPE, NAME, GROUPS) \
    extern "C" __global__ void __launch_bounds__(256) norm_##NAME##_##GROUPS(const Norm n) { norm<TYPE, GROUPS>(n); } \
    extern "C" __global__ void __launch_bounds__(2048 / GROUPS) norm_gradient_##NAME##_##GROUPS(const Norm n) { norm_gradient<TYPE, GROUPS>(n); }
#if FOR_FP32
NORM(float, fp32, 2)
NORM(float, fp32, 4)
NORM(float, fp32, 8)
#endif
#if FOR_BF16
NORM(bf16, bf16, 2)
NORM(bf16, bf16, 4)
NORM(bf16, bf16, 8)
#endif
