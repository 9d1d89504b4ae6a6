// What the matrix products of both precisions share: C = A · B, with what comes after in the same pass.
#pragma once
#include "numbers.cuh"

// Operands lie "along k" ([M, K] or [N, K] in memory) or across it ([K, M] or [K, N]).
struct Product {
    const void* a;
    const void* b;
    void* c;
    const float* bias;  // [N] of each batch, or null
    const float* shares; // [M, batches]: what a row's bias is multiplied by, or null
    void* sums;         // like c: what the activation is applied to, or null
    const void* kept;   // like c: the result is multiplied by the activation's slope there, or null
    const void* added;  // like c, or null
    const int* rows;    // stands for m (for k where both operands lie across it), or null
    float* column_sums; // [splits, batches, M]: sums of A over k, or null
    const float* sum_factors; // [K, batches]: what a row of A counts in them, or null
    i64 batch_a, batch_b, batch_c; // steps from one batch to the next
    i64 split_c;        // from one split's part of C to the next
    int m, n, k;
    int lda, ldb, ldc;
    int activation;
    int batches;
    int splits; // of k; each writes its own part, in float
};

// Where a block works: its batch, and its stretch of k.
struct Share {
    int batch, split, m, first, last;
};

template <bool OVER_ROWS, int STEP> __device__ __forceinline__ Share share_of(const Product& p) {
    Share share;
    share.batch = blockIdx.z / p.splits;
    share.split = blockIdx.z % p.splits;
    int k = OVER_ROWS && p.rows ? *p.rows : p.k;
    share.m = !OVER_ROWS && p.rows ? *p.rows : p.m;
    int stretch = (k + p.splits - 1) / p.splits;
    stretch = (stretch + STEP - 1) / STEP * STEP;
    share.first = min(k, share.split * stretch);
    share.last = min(k, share.first + stretch);
    return share;
}

// What comes after the sum, for one element.
template <typename T> __device__ __forceinline__ float finish(const Product& p, const Share& share, i64 at, int row, int column, float x) {
    if (p.bias) {
        float bias = p.bias[share.batch * p.n + column];
        x = p.shares ? fmaf(p.shares[(i64)row * p.batches + share.batch], bias, x) : x + bias;
    }
    if (p.sums) ((T*)p.sums)[at] = narrow<T>(x);
    if (p.kept) x *= slope_of(p.activation, wide(((const T*)p.kept)[at]));
    else x = activate(p.activation, x);
    if (p.added) x += wide(((const T*)p.added)[at]);
    return x;
}
