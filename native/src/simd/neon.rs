//! NEON: four lanes.

use super::{Kernel, Simd};
use core::arch::aarch64::*;

/// Exists only where NEON does.
#[derive(Clone, Copy)]
pub struct Neon(());

impl Neon {
    /// # Safety
    /// The processor has NEON.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Self(())
    }
}

#[target_feature(enable = "neon")]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller of this function vouches for its features.
    kernel.run(unsafe { Neon::new() })
}

/// Every intrinsic below needs what a value of `Neon` proves; pointers are the caller's word.
macro_rules! with_neon {
    ($body:expr) => {
        // SAFETY: see above.
        unsafe { $body }
    };
}

impl Simd for Neon {
    const LANES: usize = 4;
    const TILE_VECTORS: usize = 24;
    type F = float32x4_t;
    type U = uint32x4_t;
    type M = uint32x4_t;

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        with_neon!(vdupq_n_f32(value))
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> float32x4_t {
        with_neon!(vld1q_f32(from))
    }
    #[inline(always)]
    unsafe fn store_at(self, to: *mut f32, value: float32x4_t) {
        with_neon!(vst1q_f32(to, value))
    }
    #[inline(always)]
    unsafe fn load_some_at(self, from: *const f32, count: usize) -> float32x4_t {
        let mut lanes = [0.0f32; 4];
        for (lane, number) in lanes.iter_mut().enumerate().take(count) {
            // SAFETY: the caller's word for each of `count`.
            *number = unsafe { *from.add(lane) };
        }
        with_neon!(vld1q_f32(lanes.as_ptr()))
    }
    #[inline(always)]
    unsafe fn store_some_at(self, to: *mut f32, count: usize, value: float32x4_t) {
        let mut lanes = [0.0f32; 4];
        with_neon!(vst1q_f32(lanes.as_mut_ptr(), value));
        for (lane, number) in lanes.into_iter().enumerate().take(count) {
            // SAFETY: the caller's word for each of `count`.
            unsafe { *to.add(lane) = number }
        }
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        with_neon!(vaddq_f32(a, b))
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        with_neon!(vsubq_f32(a, b))
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        with_neon!(vmulq_f32(a, b))
    }
    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        with_neon!(vdivq_f32(a, b))
    }
    #[inline(always)]
    fn fma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        with_neon!(vfmaq_f32(c, a, b))
    }
    #[inline(always)]
    fn neg_fma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        with_neon!(vfmsq_f32(c, a, b))
    }
    #[inline(always)]
    fn sqrt(self, a: float32x4_t) -> float32x4_t {
        with_neon!(vsqrtq_f32(a))
    }
    #[inline(always)]
    fn abs(self, a: float32x4_t) -> float32x4_t {
        with_neon!(vabsq_f32(a))
    }
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        with_neon!(vbslq_f32(vcgtq_f32(a, b), a, b))
    }
    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        with_neon!(vbslq_f32(vcltq_f32(a, b), a, b))
    }
    #[inline(always)]
    fn round(self, a: float32x4_t) -> float32x4_t {
        with_neon!(vrndnq_f32(a))
    }
    #[inline(always)]
    fn sum(self, a: float32x4_t) -> f32 {
        with_neon!(vaddvq_f32(a))
    }
    #[inline(always)]
    fn largest(self, a: float32x4_t) -> f32 {
        with_neon!(vmaxnmvq_f32(a))
    }
    #[inline(always)]
    fn less(self, a: float32x4_t, b: float32x4_t) -> uint32x4_t {
        with_neon!(vcltq_f32(a, b))
    }
    #[inline(always)]
    fn equal(self, a: float32x4_t, b: float32x4_t) -> uint32x4_t {
        with_neon!(vceqq_f32(a, b))
    }
    #[inline(always)]
    fn select(self, mask: uint32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        with_neon!(vbslq_f32(mask, a, b))
    }
    #[inline(always)]
    fn not(self, mask: uint32x4_t) -> uint32x4_t {
        with_neon!(vmvnq_u32(mask))
    }
    #[inline(always)]
    fn splat_u(self, value: u32) -> uint32x4_t {
        with_neon!(vdupq_n_u32(value))
    }
    #[inline(always)]
    unsafe fn load_u_at(self, from: *const u32) -> uint32x4_t {
        with_neon!(vld1q_u32(from))
    }
    #[inline(always)]
    unsafe fn store_u_at(self, to: *mut u32, value: uint32x4_t) {
        with_neon!(vst1q_u32(to, value))
    }
    #[inline(always)]
    fn add_u(self, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        with_neon!(vaddq_u32(a, b))
    }
    #[inline(always)]
    fn sub_u(self, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        with_neon!(vsubq_u32(a, b))
    }
    #[inline(always)]
    fn xor_u(self, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        with_neon!(veorq_u32(a, b))
    }
    #[inline(always)]
    fn and_u(self, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        with_neon!(vandq_u32(a, b))
    }
    #[inline(always)]
    fn or_u(self, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        with_neon!(vorrq_u32(a, b))
    }
    #[inline(always)]
    fn shift_left<const N: u32>(self, a: uint32x4_t) -> uint32x4_t {
        with_neon!(vshlq_u32(a, vdupq_n_s32(N as i32)))
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self, a: uint32x4_t) -> uint32x4_t {
        with_neon!(vshlq_u32(a, vdupq_n_s32(-(N as i32))))
    }
    #[inline(always)]
    fn less_u(self, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        with_neon!(vcltq_u32(a, b))
    }
    #[inline(always)]
    fn count_up(self) -> uint32x4_t {
        with_neon!(vld1q_u32([0u32, 1, 2, 3].as_ptr()))
    }
    #[inline(always)]
    fn bits(self, a: float32x4_t) -> uint32x4_t {
        with_neon!(vreinterpretq_u32_f32(a))
    }
    #[inline(always)]
    fn from_bits(self, a: uint32x4_t) -> float32x4_t {
        with_neon!(vreinterpretq_f32_u32(a))
    }
    #[inline(always)]
    fn to_int(self, a: float32x4_t) -> uint32x4_t {
        with_neon!(vreinterpretq_u32_s32(vcvtnq_s32_f32(a)))
    }
    #[inline(always)]
    fn negative(self, a: float32x4_t) -> uint32x4_t {
        with_neon!(vreinterpretq_u32_s32(vshrq_n_s32::<31>(vreinterpretq_s32_f32(a))))
    }
    #[inline(always)]
    fn first(self, count: usize) -> uint32x4_t {
        with_neon!(vcltq_u32(self.count_up(), vdupq_n_u32(count as u32)))
    }
    #[inline(always)]
    unsafe fn transpose_at(self, from: *const f32, stride: usize, rows: usize, to: *mut f32, to_stride: usize) {
        with_neon!({
            let mut r = [vdupq_n_f32(0.0); 4];
            for row in 0..4 {
                if row < rows {
                    r[row] = vld1q_f32(from.add(row * stride));
                }
            }
            let wide = |a| vreinterpretq_f64_f32(a);
            let (a, b) = (wide(vtrn1q_f32(r[0], r[1])), wide(vtrn2q_f32(r[0], r[1])));
            let (c, d) = (wide(vtrn1q_f32(r[2], r[3])), wide(vtrn2q_f32(r[2], r[3])));
            vst1q_f32(to, vreinterpretq_f32_f64(vzip1q_f64(a, c)));
            vst1q_f32(to.add(to_stride), vreinterpretq_f32_f64(vzip1q_f64(b, d)));
            vst1q_f32(to.add(2 * to_stride), vreinterpretq_f32_f64(vzip2q_f64(a, c)));
            vst1q_f32(to.add(3 * to_stride), vreinterpretq_f32_f64(vzip2q_f64(b, d)));
        })
    }
    #[inline(always)]
    fn splat_wide(self, value: u64) -> uint32x4_t {
        with_neon!(vreinterpretq_u32_u64(vdupq_n_u64(value)))
    }
    #[inline(always)]
    fn count_up_wide(self) -> uint32x4_t {
        with_neon!(vreinterpretq_u32_u64(vcombine_u64(vcreate_u64(0), vcreate_u64(1))))
    }
    #[inline(always)]
    fn multiply_low_halves(self, a: uint32x4_t, b: uint32x4_t) -> uint32x4_t {
        with_neon!({
            let (a, b) = (vmovn_u64(vreinterpretq_u64_u32(a)), vmovn_u64(vreinterpretq_u64_u32(b)));
            vreinterpretq_u32_u64(vmull_u32(a, b))
        })
    }
    #[inline(always)]
    fn swap_halves(self, a: uint32x4_t) -> uint32x4_t {
        with_neon!(vrev64q_u32(a))
    }
    #[inline(always)]
    fn interleave(self, a: uint32x4_t, b: uint32x4_t) -> (uint32x4_t, uint32x4_t) {
        with_neon!({
            let (a, b) = (vreinterpretq_u64_u32(a), vreinterpretq_u64_u32(b));
            (vreinterpretq_u32_u64(vzip1q_u64(a, b)), vreinterpretq_u32_u64(vzip2q_u64(a, b)))
        })
    }
    #[inline(always)]
    fn prefetch(self, at: *const u8) {
        // SAFETY: a hint, which never faults.
        unsafe { core::arch::asm!("prfm pldl2keep, [{0}]", in(reg) at, options(nostack, readonly, preserves_flags)) }
    }
    #[inline(always)]
    fn prefetch_near(self, at: *const u8) {
        // SAFETY: a hint, which never faults.
        unsafe { core::arch::asm!("prfm pldl1keep, [{0}]", in(reg) at, options(nostack, readonly, preserves_flags)) }
    }
    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        with_neon!(run(kernel))
    }
}
