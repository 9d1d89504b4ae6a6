//! AVX-512: sixteen lanes.

use super::{Kernel, Simd};
use core::arch::x86_64::*;

/// Exists only where AVX-512 F, VL, BW, DQ and FMA do.
#[derive(Clone, Copy)]
pub struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The processor has AVX-512 F, VL, BW, DQ and FMA.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Self(())
    }
}

#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller of this function vouches for its features.
    kernel.run(unsafe { Avx512::new() })
}

#[inline(always)]
fn first(count: usize) -> __mmask16 {
    debug_assert!(count <= 16);
    ((1u32 << count) - 1) as __mmask16
}

/// Every intrinsic below needs features that a value of `Avx512` proves; pointers are the caller's word.
macro_rules! with_avx512 {
    ($body:expr) => {
        // SAFETY: see above.
        unsafe { $body }
    };
}

impl Simd for Avx512 {
    const LANES: usize = 16;
    const TILE_VECTORS: usize = 24;
    type F = __m512;
    type U = __m512i;
    type M = __mmask16;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        with_avx512!(_mm512_set1_ps(value))
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> __m512 {
        with_avx512!(_mm512_loadu_ps(from))
    }
    #[inline(always)]
    unsafe fn store_at(self, to: *mut f32, value: __m512) {
        with_avx512!(_mm512_storeu_ps(to, value))
    }
    #[inline(always)]
    unsafe fn load_some_at(self, from: *const f32, count: usize) -> __m512 {
        with_avx512!(_mm512_maskz_loadu_ps(first(count), from))
    }
    #[inline(always)]
    unsafe fn store_some_at(self, to: *mut f32, count: usize, value: __m512) {
        with_avx512!(_mm512_mask_storeu_ps(to, first(count), value))
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        with_avx512!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        with_avx512!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        with_avx512!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        with_avx512!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        with_avx512!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn neg_fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        with_avx512!(_mm512_fnmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        with_avx512!(_mm512_sqrt_ps(a))
    }
    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        with_avx512!(_mm512_abs_ps(a))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        with_avx512!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        with_avx512!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        with_avx512!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }
    #[inline(always)]
    fn scale(self, a: __m512, n: __m512) -> __m512 {
        with_avx512!(_mm512_scalef_ps(a, n))
    }
    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        with_avx512!(_mm512_reduce_add_ps(a))
    }
    #[inline(always)]
    fn largest(self, a: __m512) -> f32 {
        with_avx512!(_mm512_reduce_max_ps(a))
    }
    #[inline(always)]
    fn less(self, a: __m512, b: __m512) -> __mmask16 {
        with_avx512!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn equal(self, a: __m512, b: __m512) -> __mmask16 {
        with_avx512!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b))
    }
    #[inline(always)]
    fn select(self, mask: __mmask16, a: __m512, b: __m512) -> __m512 {
        with_avx512!(_mm512_mask_blend_ps(mask, b, a))
    }
    #[inline(always)]
    fn not(self, mask: __mmask16) -> __mmask16 {
        !mask
    }
    #[inline(always)]
    fn splat_u(self, value: u32) -> __m512i {
        with_avx512!(_mm512_set1_epi32(value as i32))
    }
    #[inline(always)]
    unsafe fn load_u_at(self, from: *const u32) -> __m512i {
        with_avx512!(_mm512_loadu_si512(from.cast()))
    }
    #[inline(always)]
    unsafe fn store_u_at(self, to: *mut u32, value: __m512i) {
        with_avx512!(_mm512_storeu_si512(to.cast(), value))
    }
    #[inline(always)]
    fn add_u(self, a: __m512i, b: __m512i) -> __m512i {
        with_avx512!(_mm512_add_epi32(a, b))
    }
    #[inline(always)]
    fn sub_u(self, a: __m512i, b: __m512i) -> __m512i {
        with_avx512!(_mm512_sub_epi32(a, b))
    }
    #[inline(always)]
    fn xor_u(self, a: __m512i, b: __m512i) -> __m512i {
        with_avx512!(_mm512_xor_si512(a, b))
    }
    #[inline(always)]
    fn and_u(self, a: __m512i, b: __m512i) -> __m512i {
        with_avx512!(_mm512_and_si512(a, b))
    }
    #[inline(always)]
    fn or_u(self, a: __m512i, b: __m512i) -> __m512i {
        with_avx512!(_mm512_or_si512(a, b))
    }
    #[inline(always)]
    fn shift_left<const N: u32>(self, a: __m512i) -> __m512i {
        with_avx512!(_mm512_slli_epi32::<N>(a))
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self, a: __m512i) -> __m512i {
        with_avx512!(_mm512_srli_epi32::<N>(a))
    }
    #[inline(always)]
    fn less_u(self, a: __m512i, b: __m512i) -> __mmask16 {
        with_avx512!(_mm512_cmplt_epu32_mask(a, b))
    }
    #[inline(always)]
    fn count_up(self) -> __m512i {
        with_avx512!(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
    }
    #[inline(always)]
    fn bits(self, a: __m512) -> __m512i {
        with_avx512!(_mm512_castps_si512(a))
    }
    #[inline(always)]
    fn from_bits(self, a: __m512i) -> __m512 {
        with_avx512!(_mm512_castsi512_ps(a))
    }
    #[inline(always)]
    fn to_int(self, a: __m512) -> __m512i {
        with_avx512!(_mm512_cvtps_epi32(a))
    }
    #[inline(always)]
    fn negative(self, a: __m512) -> __mmask16 {
        with_avx512!(_mm512_movepi32_mask(_mm512_castps_si512(a)))
    }
    #[inline(always)]
    fn first(self, count: usize) -> __mmask16 {
        first(count)
    }
    #[inline(always)]
    unsafe fn transpose_at(self, from: *const f32, stride: usize, rows: usize, to: *mut f32, to_stride: usize) {
        with_avx512!({
            let mut r = [_mm512_setzero_ps(); 16];
            for row in 0..16 {
                if row < rows {
                    r[row] = _mm512_loadu_ps(from.add(row * stride));
                }
            }
            transpose_registers(&mut r);
            for column in 0..16 {
                _mm512_storeu_ps(to.add(column * to_stride), r[column]);
            }
        })
    }
    #[inline(always)]
    fn splat_wide(self, value: u64) -> __m512i {
        with_avx512!(_mm512_set1_epi64(value as i64))
    }
    #[inline(always)]
    fn count_up_wide(self) -> __m512i {
        with_avx512!(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7))
    }
    #[inline(always)]
    fn multiply_low_halves(self, a: __m512i, b: __m512i) -> __m512i {
        with_avx512!(_mm512_mul_epu32(a, b))
    }
    #[inline(always)]
    fn swap_halves(self, a: __m512i) -> __m512i {
        with_avx512!(_mm512_shuffle_epi32::<0xb1>(a))
    }
    #[inline(always)]
    fn interleave(self, a: __m512i, b: __m512i) -> (__m512i, __m512i) {
        with_avx512!((_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)))
    }
    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        with_avx512!(_mm_prefetch::<_MM_HINT_T1>(at.cast()))
    }
    #[inline(always)]
    fn prefetch_near(self, at: *const u8) {
        with_avx512!(_mm_prefetch::<_MM_HINT_T0>(at.cast()))
    }
    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        with_avx512!(run(kernel))
    }
}

/// 16 × 16: within quarters of registers first, then whole quarters.
#[inline(always)]
fn transpose_registers(r: &mut [__m512; 16]) {
    // SAFETY: only values move, between registers; the one caller has an `Avx512`, which proves that there are such.
    unsafe {
        let zero = _mm512_setzero_ps();
        let mut t = [zero; 16];
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        for i in 0..4 {
            for half in 0..2 {
                let a = _mm512_castps_pd(t[4 * i + half]);
                let b = _mm512_castps_pd(t[4 * i + 2 + half]);
                r[4 * i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                r[4 * i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
            }
        }
        for i in 0..4 {
            t[i] = _mm512_shuffle_f32x4::<0x88>(r[i], r[4 + i]);
            t[4 + i] = _mm512_shuffle_f32x4::<0xdd>(r[i], r[4 + i]);
            t[8 + i] = _mm512_shuffle_f32x4::<0x88>(r[8 + i], r[12 + i]);
            t[12 + i] = _mm512_shuffle_f32x4::<0xdd>(r[8 + i], r[12 + i]);
        }
        for i in 0..4 {
            r[i] = _mm512_shuffle_f32x4::<0x88>(t[i], t[8 + i]);
            r[8 + i] = _mm512_shuffle_f32x4::<0xdd>(t[i], t[8 + i]);
            r[4 + i] = _mm512_shuffle_f32x4::<0x88>(t[4 + i], t[12 + i]);
            r[12 + i] = _mm512_shuffle_f32x4::<0xdd>(t[4 + i], t[12 + i]);
        }
    }
}
