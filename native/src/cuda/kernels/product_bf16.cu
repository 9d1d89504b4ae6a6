// Products of bfloat16 with sums in float, on the tensor cores (mma.sync m16n8k16, from sm_80 on). Tiles come by cp.async,
// some stages ahead. Pieces of 16 bytes are swizzled, so that neither writes nor ldmatrix meet in a bank.
#include "product.cuh"
#include "tensor_cores.cuh"

#if FOR_BF16
#define BK 32

// Piece of 16 bytes of a tile [SIZE, 32] along k, or [32, SIZE] across it.
template <int SIZE, bool ALONG_K> __device__ __forceinline__ int piece_at(int row, int k) {
    if (ALONG_K) return row * (BK / 8) + ((k / 8) ^ ((row >> 1) & 3));
    return k * (SIZE / 8) + ((row / 8) ^ (k & 7));
}

// A thread's pieces of an operand's tiles, one tile after another along k.
template <int SIZE, int THREADS, bool ALONG_K> struct Pieces {
    static constexpr int COUNT = SIZE * BK / 8 / THREADS;
    const bf16* from[COUNT];
    int to[COUNT], left[COUNT]; // `left` of k from the piece on; below 1 there is nothing
    int step;

    __device__ __forceinline__ void begin(const bf16* x, int ld, int origin, int width, int first, int last) {
        step = ALONG_K ? BK : BK * ld;
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            int piece = threadIdx.x + i * THREADS;
            int row = ALONG_K ? piece / (BK / 8) : piece % (SIZE / 8) * 8;
            int k = ALONG_K ? piece % (BK / 8) * 8 : piece / (SIZE / 8);
            to[i] = piece_at<SIZE, ALONG_K>(row, k);
            left[i] = origin + row < width ? last - first - k : 0;
            from[i] = x + (ALONG_K ? (i64)(origin + row) * ld + first + k : (i64)(first + k) * ld + origin + row);
        }
    }
    // An address beyond the operand is never read: nothing is copied then.
    __device__ __forceinline__ void fetch(uint4* tile, const bf16* some) {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            copy16(tile + to[i], left[i] > 0 ? from[i] : some, left[i] > 0);
            from[i] += step;
            left[i] -= BK;
        }
    }
};

// Four 8 × 8 matrices of the left side: rows 0-7 and 8-15 at k 0-7, then at k 8-15.
template <int SIZE, bool ALONG_K> __device__ __forceinline__ void left_of(u32 (&to)[4], const uint4* tile, int row, int k) {
    int lane = threadIdx.x % WARP;
    if (ALONG_K) load_matrices(to, tile + piece_at<SIZE, true>(row + lane % 16, k + lane / 16 * 8));
    else load_transposed(to, tile + piece_at<SIZE, false>(row + (lane / 8 & 1) * 8, k + lane / 16 * 8 + lane % 8));
}
// Of the right side: columns 0-7 at k 0-7 and k 8-15, then columns 8-15.
template <int SIZE, bool ALONG_K> __device__ __forceinline__ void right_of(u32 (&to)[4], const uint4* tile, int column, int k) {
    int lane = threadIdx.x % WARP;
    if (ALONG_K) load_matrices(to, tile + piece_at<SIZE, true>(column + lane / 16 * 8 + lane % 8, k + (lane / 8 & 1) * 8));
    else load_transposed(to, tile + piece_at<SIZE, false>(column + lane / 16 * 8, k + (lane / 8 & 1) * 8 + lane % 8));
}

// What comes after the sum, for eight numbers of a row.
__device__ __forceinline__ void finish8(const Product& p, const Share& share, int row, int across, float4 low, float4 high) {
    i64 at = share.batch * p.batch_c + (i64)row * p.ldc + across;
    if (p.bias) {
        const float* bias = p.bias + share.batch * p.n + across;
        float factor = p.shares ? p.shares[(i64)row * p.batches + share.batch] : 1.0f;
        low = fma4(load4(bias), factor, low);
        high = fma4(load4(bias + 4), factor, high);
    }
    if (p.sums) {
        store4((bf16*)p.sums + at, low);
        store4((bf16*)p.sums + at + 4, high);
    }
    if (p.kept) {
        low = low * slopes4(p.activation, load4((const bf16*)p.kept + at));
        high = high * slopes4(p.activation, load4((const bf16*)p.kept + at + 4));
    } else if (p.activation != ACTIVATION_NONE) {
        low = activate4(p.activation, low);
        high = activate4(p.activation, high);
    }
    if (p.added) {
        low = low + load4((const bf16*)p.added + at);
        high = high + load4((const bf16*)p.added + at + 4);
    }
    *(uint4*)((bf16*)p.c + at) =
        make_uint4(pack_bf16(low.x, low.y), pack_bf16(low.z, low.w), pack_bf16(high.x, high.y), pack_bf16(high.z, high.w));
}

template <int TILE_M, int TILE_N, int WARPS_M, int WARPS_N, int STAGES, bool A_ALONG, bool B_ALONG>
__device__ __forceinline__ void product(const Product& p) {
    constexpr int THREADS = WARPS_M * WARPS_N * WARP, M = TILE_M / WARPS_M, N = TILE_N / WARPS_N;
    constexpr int A_PIECES = TILE_M * BK / 8, STAGE = (TILE_M + TILE_N) * BK / 8;
    constexpr bool OVER_ROWS = !A_ALONG;
    extern __shared__ uint4 shared[];
    Share share = share_of<OVER_ROWS, BK>(p);
    int origin_m = blockIdx.y * TILE_M, origin_n = blockIdx.x * TILE_N;
    if (origin_m >= share.m) return;
    const bf16* a = (const bf16*)p.a + share.batch * p.batch_a;
    const bf16* b = (const bf16*)p.b + share.batch * p.batch_b;
    int steps = (share.last - share.first + BK - 1) / BK;
    Pieces<TILE_M, THREADS, A_ALONG> pieces_a;
    Pieces<TILE_N, THREADS, B_ALONG> pieces_b;
    pieces_a.begin(a, p.lda, origin_m, share.m, share.first, share.last);
    pieces_b.begin(b, p.ldb, origin_n, p.n, share.first, share.last);
    auto fetch = [&](int step) {
        if (step < steps) {
            uint4* stage = shared + step % STAGES * STAGE;
            pieces_a.fetch(stage, a);
            pieces_b.fetch(stage + A_PIECES, b);
        }
        asm volatile("cp.async.commit_group;");
    };
    for (int step = 0; step < STAGES - 1; step++) fetch(step);
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    int warp_m = warp / WARPS_N * M, warp_n = warp % WARPS_N * N;
    float sums[M / 16][N / 8][4] = {};
    bool sums_columns = OVER_ROWS && p.column_sums && blockIdx.x == 0;
    int column = threadIdx.x % TILE_M, part = threadIdx.x / TILE_M * (BK * TILE_M / THREADS);
    float column_sum = 0.0f;
    for (int step = 0; step < steps; step++) {
        asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2));
        __syncthreads();
        fetch(step + STAGES - 1);
        const uint4* stage = shared + step % STAGES * STAGE;
#pragma unroll
        for (int k = 0; k < BK; k += 16) {
            u32 left[M / 16][4], right[N / 16][4];
#pragma unroll
            for (int i = 0; i < M / 16; i++) left_of<TILE_M, A_ALONG>(left[i], stage, warp_m + i * 16, k);
#pragma unroll
            for (int j = 0; j < N / 16; j++) right_of<TILE_N, B_ALONG>(right[j], stage + A_PIECES, warp_n + j * 16, k);
#pragma unroll
            for (int i = 0; i < M / 16; i++)
#pragma unroll
                for (int j = 0; j < N / 8; j++)
                    multiply_add(sums[i][j], left[i], right[j / 2][j % 2 * 2], right[j / 2][j % 2 * 2 + 1]);
        }
        if (sums_columns) {
            int first = share.first + step * BK;
            for (int k = part; k < part + BK * TILE_M / THREADS; k++) {
                const bf16* numbers = (const bf16*)(stage + piece_at<TILE_M, false>(column, k));
                float factor = 1.0f;
                if (p.sum_factors) factor = first + k < share.last ? p.sum_factors[(i64)(first + k) * p.batches + share.batch] : 0.0f;
                column_sum = fmaf(wide(numbers[column % 8]), factor, column_sum);
            }
        }
    }
    if constexpr (OVER_ROWS) {
#pragma unroll
        for (int i = 0; i < M / 16; i++)
#pragma unroll
            for (int j = 0; j < N / 8; j++)
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    int row = origin_m + warp_m + i * 16 + lane / 4 + half * 8;
                    int across = origin_n + warp_n + j * 8 + lane % 4 * 2;
                    if (row >= share.m || across >= p.n) continue;
                    i64 at = share.split * p.split_c + share.batch * p.batch_c + (i64)row * p.ldc + across;
                    store2((float*)p.c + at, sums[i][j][half * 2], sums[i][j][half * 2 + 1]);
                }
    } else {
        // Through shared memory, the rows of a row of warps at a time, so that memory is read and written in whole pieces.
        float* rows = (float*)shared; // [M, TILE_N + 4]
        constexpr int LD = TILE_N + 4;
        static_assert(M * LD * 4 <= STAGES * STAGE * 16, "room for the rows");
        asm volatile("cp.async.wait_all;");
#pragma unroll
        for (int pass = 0; pass < WARPS_M; pass++) {
            __syncthreads();
            if (warp / WARPS_N == pass)
#pragma unroll
                for (int i = 0; i < M / 16; i++)
#pragma unroll
                    for (int j = 0; j < N / 8; j++) {
                        float* to = rows + (i * 16 + lane / 4) * LD + warp_n + j * 8 + lane % 4 * 2;
                        store2(to, sums[i][j][0], sums[i][j][1]);
                        store2(to + 8 * LD, sums[i][j][2], sums[i][j][3]);
                    }
            __syncthreads();
            for (int piece = threadIdx.x; piece < M * TILE_N / 8; piece += THREADS) {
                int row = origin_m + pass * M + piece / (TILE_N / 8), across = origin_n + piece % (TILE_N / 8) * 8;
                if (row >= share.m || across >= p.n) continue;
                const float* from = rows + piece / (TILE_N / 8) * LD + piece % (TILE_N / 8) * 8;
                finish8(p, share, row, across, load4(from), load4(from + 4));
            }
        }
    }
    if (!sums_columns) return;
    asm volatile("cp.async.wait_all;");
    __syncthreads();
    float* parts = (float*)shared;
    parts[threadIdx.x] = column_sum;
    __syncthreads();
    if (threadIdx.x < TILE_M && origin_m + column < share.m) {
        float sum = 0.0f;
        for (int i = column; i < THREADS; i += TILE_M) sum += parts[i];
        p.column_sums[((i64)share.split * p.batches + share.batch) * p.m + origin_m + column] = sum;
    }
}

#define PRODUCT(NAME, TILE_M, TILE_N, WARPS_M, WARPS_N, STAGES, A, B) \
    extern "C" __global__ void __launch_bounds__(WARPS_M * WARPS_N * WARP) NAME(const Product p) { \
        product<TILE_M, TILE_N, WARPS_M, WARPS_N, STAGES, A, B>(p); \
    }
PRODUCT(product_bf16_128_forward, 128, 128, 2, 4, 3, true, true)
PRODUCT(product_bf16_128_backward, 128, 128, 2, 4, 3, true, false)
PRODUCT(product_bf16_128_weights, 128, 128, 2, 4, 3, false, false)
PRODUCT(product_bf16_64_weights, 64, 64, 2, 2, 4, false, false)
// Few rows: little work a block, all that it reads on its way at once.
PRODUCT(product_bf16_32_forward, 32, 64, 2, 2, 8, true, true)
PRODUCT(product_bf16_32_backward, 32, 64, 2, 2, 8, true, false)
#endif
