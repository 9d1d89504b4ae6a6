// What attention is given in either precision.
#pragma once
#include "numbers.cuh"

struct Attention {
    const void* q; // rows of `ld` numbers
    const void* k;
    const void* v;
    void* context;  // [R, H]; read on the way back
    float* log_sums; // [R, N] logarithm of each softmax' divisor
    u32* kept;      // [R, N, words] a bit a key: whether its weight is kept; of float32 with dropout
    const void* dy; // [R, H]
    float* deltas;  // [R, N] dy · context
    void* dq;       // like q
    void* dk;
    void* dv;
    const int* offsets;      // [P + 1]
    const int* pair_indices; // [P]
    const Counts* counts;
    Dropout dropout;
    float scale;
    int heads, hidden, ld, words, longest;
};
