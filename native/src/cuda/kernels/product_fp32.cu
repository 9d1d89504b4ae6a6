// Products in float: exact sums on the plain units, tile by tile through shared memory. 256 threads; each has a square of
// TILE / 16 numbers a side, in two halves, so that its reads of shared memory are free of conflicts.
#include "product.cuh"

// A tile [BK, TILE] of an operand, one float4 a thread.
template <int TILE, int BK, bool ALONG_K> struct OperandTile {
    const float* from;
    int ld, width, last, row, k;
    float4 next;

    __device__ __forceinline__ void begin(const float* x, int stride, int origin, int size, int end) {
        from = x;
        ld = stride;
        width = size;
        last = end;
        int t = threadIdx.x;
        row = origin + (ALONG_K ? t / (BK / 4) : t % (TILE / 4) * 4);
        k = ALONG_K ? t % (BK / 4) * 4 : t / (TILE / 4);
    }
    // Sizes across are multiples of 4 where they lie side by side; so is k along it.
    __device__ __forceinline__ void fetch(int first) {
        int at = first + k;
        next = make_float4(0, 0, 0, 0);
        if (row < width && at < last) next = load4(from + (ALONG_K ? (i64)row * ld + at : (i64)at * ld + row));
    }
    __device__ __forceinline__ void keep(float (*tile)[TILE + 4], int origin) {
        int place = row - origin;
        if (ALONG_K) {
            tile[k][place] = next.x;
            tile[k + 1][place] = next.y;
            tile[k + 2][place] = next.z;
            tile[k + 3][place] = next.w;
        } else {
            *(float4*)&tile[k][place] = next;
        }
    }
};

template <int TILE, bool A_ALONG, bool B_ALONG> __device__ __forceinline__ void product(const Product& p) {
    constexpr int BK = 1024 / TILE, HALF = TILE / 32, SIDE = TILE / 16;
    constexpr bool OVER_ROWS = !A_ALONG;
    __shared__ float as[BK][TILE + 4], bs[BK][TILE + 4];
    Share share = share_of<OVER_ROWS, BK>(p);
    int origin_m = blockIdx.y * TILE, origin_n = blockIdx.x * TILE;
    if (origin_m >= share.m) return;
    OperandTile<TILE, BK, A_ALONG> a;
    OperandTile<TILE, BK, B_ALONG> b;
    a.begin((const float*)p.a + share.batch * p.batch_a, p.lda, origin_m, share.m, share.last);
    b.begin((const float*)p.b + share.batch * p.batch_b, p.ldb, origin_n, p.n, share.last);
    int tm = threadIdx.x / 16, tn = threadIdx.x % 16;
    float sums[SIDE][SIDE] = {};
    bool sums_columns = OVER_ROWS && p.column_sums && blockIdx.x == 0;
    int column = threadIdx.x % TILE, part = threadIdx.x / TILE * 4;
    float column_sum = 0.0f;
    a.fetch(share.first);
    b.fetch(share.first);
    for (int first = share.first; first < share.last; first += BK) {
        a.keep(as, origin_m);
        b.keep(bs, origin_n);
        __syncthreads();
        a.fetch(first + BK);
        b.fetch(first + BK);
        if (sums_columns)
            for (int k = part; k < part + 4; k++) {
                float factor = 1.0f;
                if (p.sum_factors) factor = first + k < share.last ? p.sum_factors[(i64)(first + k) * p.batches + share.batch] : 0.0f;
                column_sum = fmaf(as[k][column], factor, column_sum);
            }
#pragma unroll
        for (int k = 0; k < BK; k++) {
            float left[SIDE], right[SIDE];
#pragma unroll
            for (int i = 0; i < HALF; i++) {
                left[i] = as[k][tm * HALF + i];
                left[HALF + i] = as[k][TILE / 2 + tm * HALF + i];
                right[i] = bs[k][tn * HALF + i];
                right[HALF + i] = bs[k][TILE / 2 + tn * HALF + i];
            }
#pragma unroll
            for (int i = 0; i < SIDE; i++)
#pragma unroll
                for (int j = 0; j < SIDE; j++) sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
        }
        __syncthreads();
    }
    float* c = (float*)p.c + share.split * p.split_c;
#pragma unroll
    for (int i = 0; i < SIDE; i++) {
        int row = origin_m + i / HALF * (TILE / 2) + tm * HALF + i % HALF;
#pragma unroll
        for (int j = 0; j < SIDE; j++) {
            int across = origin_n + j / HALF * (TILE / 2) + tn * HALF + j % HALF;
            if (row >= share.m || across >= p.n) continue;
            i64 at = share.batch * p.batch_c + (i64)row * p.ldc + across;
            c[at] = OVER_ROWS ? sums[i][j] : finish<float>(p, share, at, row, across, sums[i][j]);
        }
    }
    if (!sums_columns) return;
    float* parts = &as[0][0];
    parts[threadIdx.x] = column_sum;
    __syncthreads();
    if (threadIdx.x < TILE && origin_m + column < share.m) {
        float sum = 0.0f;
        for (int i = column; i < 256; i += TILE) sum += parts[i];
        p.column_sums[((i64)share.split * p.batches + share.batch) * p.m + origin_m + column] = sum;
    }
}

#define PRODUCT(NAME, TILE, A, B) \
    extern "C" __global__ void __launch_bounds__(256) NAME(const Product p) { product<TILE, A, B>(p); }
PRODUCT(product_fp32_128_forward, 128, true, true)
PRODUCT(product_fp32_128_backward, 128, true, false)
PRODUCT(product_fp32_128_weights, 128, false, false)
PRODUCT(product_fp32_64_forward, 64, true, true)
PRODUCT(product_fp32_64_backward, 64, true, false)
PRODUCT(product_fp32_64_weights, 64, false, false)
