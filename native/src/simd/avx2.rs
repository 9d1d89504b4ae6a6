//! AVX2 with FMA: eight lanes.

use super::{Kernel, Simd};
use core::arch::x86_64::*;

/// Exists only where AVX2 and FMA do.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Self(())
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller of this function vouches for its features.
    kernel.run(unsafe { Avx2::new() })
}

/// Every intrinsic below needs features that a value of `Avx2` proves; pointers are the caller's word.
macro_rules! with_avx2 {
    ($body:expr) => {
        // SAFETY: see above.
        unsafe { $body }
    };
}

/// All bits set in the first `count` lanes.
#[inline(always)]
fn first(count: usize) -> __m256i {
    debug_assert!(count <= 8);
    with_avx2!(_mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)))
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    const TILE_VECTORS: usize = 12;
    type F = __m256;
    type U = __m256i;
    type M = __m256;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        with_avx2!(_mm256_set1_ps(value))
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> __m256 {
        with_avx2!(_mm256_loadu_ps(from))
    }
    #[inline(always)]
    unsafe fn store_at(self, to: *mut f32, value: __m256) {
        with_avx2!(_mm256_storeu_ps(to, value))
    }
    #[inline(always)]
    unsafe fn load_some_at(self, from: *const f32, count: usize) -> __m256 {
        with_avx2!(_mm256_maskload_ps(from, first(count)))
    }
    #[inline(always)]
    unsafe fn store_some_at(self, to: *mut f32, count: usize, value: __m256) {
        with_avx2!(_mm256_maskstore_ps(to, first(count), value))
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        with_avx2!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        with_avx2!(_mm256_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        with_avx2!(_mm256_sqrt_ps(a))
    }
    #[inline(always)]
    fn abs(self, a: __m256) -> __m256 {
        with_avx2!(_mm256_andnot_ps(_mm256_set1_ps(-0.0), a))
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn round(self, a: __m256) -> __m256 {
        with_avx2!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        with_avx2!({
            let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        })
    }
    #[inline(always)]
    fn largest(self, a: __m256) -> f32 {
        with_avx2!({
            let four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
        })
    }
    #[inline(always)]
    fn less(self, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn equal(self, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_cmp_ps::<_CMP_EQ_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, mask: __m256, a: __m256, b: __m256) -> __m256 {
        with_avx2!(_mm256_blendv_ps(b, a, mask))
    }
    #[inline(always)]
    fn not(self, mask: __m256) -> __m256 {
        with_avx2!(_mm256_xor_ps(mask, _mm256_castsi256_ps(_mm256_set1_epi32(-1))))
    }
    #[inline(always)]
    fn splat_u(self, value: u32) -> __m256i {
        with_avx2!(_mm256_set1_epi32(value as i32))
    }
    #[inline(always)]
    unsafe fn load_u_at(self, from: *const u32) -> __m256i {
        with_avx2!(_mm256_loadu_si256(from.cast()))
    }
    #[inline(always)]
    unsafe fn store_u_at(self, to: *mut u32, value: __m256i) {
        with_avx2!(_mm256_storeu_si256(to.cast(), value))
    }
    #[inline(always)]
    fn add_u(self, a: __m256i, b: __m256i) -> __m256i {
        with_avx2!(_mm256_add_epi32(a, b))
    }
    #[inline(always)]
    fn sub_u(self, a: __m256i, b: __m256i) -> __m256i {
        with_avx2!(_mm256_sub_epi32(a, b))
    }
    #[inline(always)]
    fn xor_u(self, a: __m256i, b: __m256i) -> __m256i {
        with_avx2!(_mm256_xor_si256(a, b))
    }
    #[inline(always)]
    fn and_u(self, a: __m256i, b: __m256i) -> __m256i {
        with_avx2!(_mm256_and_si256(a, b))
    }
    #[inline(always)]
    fn or_u(self, a: __m256i, b: __m256i) -> __m256i {
        with_avx2!(_mm256_or_si256(a, b))
    }
    #[inline(always)]
    fn shift_left<const N: u32>(self, a: __m256i) -> __m256i {
        with_avx2!(_mm256_sll_epi32(a, _mm_cvtsi32_si128(N as i32)))
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self, a: __m256i) -> __m256i {
        with_avx2!(_mm256_srl_epi32(a, _mm_cvtsi32_si128(N as i32)))
    }
    #[inline(always)]
    fn less_u(self, a: __m256i, b: __m256i) -> __m256 {
        with_avx2!({
            let top = _mm256_set1_epi32(i32::MIN);
            let signed = |x| _mm256_xor_si256(x, top);
            _mm256_castsi256_ps(_mm256_cmpgt_epi32(signed(b), signed(a)))
        })
    }
    #[inline(always)]
    fn count_up(self) -> __m256i {
        with_avx2!(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
    }
    #[inline(always)]
    fn bits(self, a: __m256) -> __m256i {
        with_avx2!(_mm256_castps_si256(a))
    }
    #[inline(always)]
    fn from_bits(self, a: __m256i) -> __m256 {
        with_avx2!(_mm256_castsi256_ps(a))
    }
    #[inline(always)]
    fn to_int(self, a: __m256) -> __m256i {
        with_avx2!(_mm256_cvtps_epi32(a))
    }
    #[inline(always)]
    fn negative(self, a: __m256) -> __m256 {
        with_avx2!(_mm256_castsi256_ps(_mm256_srai_epi32::<31>(_mm256_castps_si256(a))))
    }
    #[inline(always)]
    fn first(self, count: usize) -> __m256 {
        with_avx2!(_mm256_castsi256_ps(first(count)))
    }
    #[inline(always)]
    unsafe fn transpose_at(self, from: *const f32, stride: usize, rows: usize, to: *mut f32, to_stride: usize) {
        with_avx2!({
            let mut r = [_mm256_setzero_ps(); 8];
            for row in 0..8 {
                if row < rows {
                    r[row] = _mm256_loadu_ps(from.add(row * stride));
                }
            }
            transpose_registers(&mut r);
            for column in 0..8 {
                _mm256_storeu_ps(to.add(column * to_stride), r[column]);
            }
        })
    }
    #[inline(always)]
    fn splat_wide(self, value: u64) -> __m256i {
        with_avx2!(_mm256_set1_epi64x(value as i64))
    }
    #[inline(always)]
    fn count_up_wide(self) -> __m256i {
        with_avx2!(_mm256_setr_epi64x(0, 2, 1, 3))
    }
    #[inline(always)]
    fn multiply_low_halves(self, a: __m256i, b: __m256i) -> __m256i {
        with_avx2!(_mm256_mul_epu32(a, b))
    }
    #[inline(always)]
    fn swap_halves(self, a: __m256i) -> __m256i {
        with_avx2!(_mm256_shuffle_epi32::<0xb1>(a))
    }
    #[inline(always)]
    fn interleave(self, a: __m256i, b: __m256i) -> (__m256i, __m256i) {
        with_avx2!((_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)))
    }
    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        with_avx2!(_mm_prefetch::<_MM_HINT_T1>(at.cast()))
    }
    #[inline(always)]
    fn prefetch_near(self, at: *const u8) {
        with_avx2!(_mm_prefetch::<_MM_HINT_T0>(at.cast()))
    }
    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        with_avx2!(run(kernel))
    }
}

/// 8 × 8: within halves of registers first, then whole halves.
#[inline(always)]
fn transpose_registers(r: &mut [__m256; 8]) {
    // SAFETY: only values move, between registers; the one caller has an `Avx2`, which proves that there are such.
    unsafe {
        let mut t = [_mm256_setzero_ps(); 8];
        for i in 0..4 {
            t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        for i in 0..2 {
            for half in 0..2 {
                let a = _mm256_castps_pd(t[4 * i + half]);
                let b = _mm256_castps_pd(t[4 * i + 2 + half]);
                r[4 * i + 2 * half] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
                r[4 * i + 2 * half + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
            }
        }
        for i in 0..4 {
            t[i] = _mm256_permute2f128_ps::<0x20>(r[i], r[4 + i]);
            t[4 + i] = _mm256_permute2f128_ps::<0x31>(r[i], r[4 + i]);
        }
        *r = t;
    }
}
