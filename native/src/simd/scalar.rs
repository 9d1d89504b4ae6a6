//! Four lanes in plain Rust, for processors of which we know nothing more. `fma` rounds twice here: without the
//! instruction, rounding once costs a function call.

use super::{Kernel, Simd};
use std::array::from_fn;

#[derive(Clone, Copy)]
pub struct Scalar;

impl Simd for Scalar {
    const LANES: usize = 4;
    const TILE_VECTORS: usize = 8;
    type F = [f32; 4];
    type U = [u32; 4];
    type M = [bool; 4];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> Self::F {
        // SAFETY: the caller's word.
        unsafe { from.cast::<Self::F>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_at(self, to: *mut f32, value: Self::F) {
        // SAFETY: the caller's word.
        unsafe { to.cast::<Self::F>().write_unaligned(value) }
    }
    #[inline(always)]
    unsafe fn load_some_at(self, from: *const f32, count: usize) -> Self::F {
        // SAFETY: the caller's word for each of `count`.
        from_fn(|lane| if lane < count { unsafe { from.add(lane).read_unaligned() } } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn store_some_at(self, to: *mut f32, count: usize, value: Self::F) {
        for (lane, number) in value.into_iter().enumerate().take(count) {
            // SAFETY: the caller's word for each of `count`.
            unsafe { to.add(lane).write_unaligned(number) }
        }
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        from_fn(|lane| a[lane] + b[lane])
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        from_fn(|lane| a[lane] - b[lane])
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        from_fn(|lane| a[lane] * b[lane])
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        from_fn(|lane| a[lane] / b[lane])
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        from_fn(|lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    fn neg_fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        from_fn(|lane| c[lane] - a[lane] * b[lane])
    }
    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        a.map(f32::abs)
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        from_fn(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        from_fn(|lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        a.map(f32::round_ties_even)
    }
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }
    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
    #[inline(always)]
    fn less(self, a: Self::F, b: Self::F) -> Self::M {
        from_fn(|lane| a[lane] < b[lane])
    }
    #[inline(always)]
    fn equal(self, a: Self::F, b: Self::F) -> Self::M {
        from_fn(|lane| a[lane] == b[lane])
    }
    #[inline(always)]
    fn select(self, mask: Self::M, a: Self::F, b: Self::F) -> Self::F {
        from_fn(|lane| if mask[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    fn not(self, mask: Self::M) -> Self::M {
        mask.map(|yes| !yes)
    }
    #[inline(always)]
    fn splat_u(self, value: u32) -> Self::U {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn load_u_at(self, from: *const u32) -> Self::U {
        // SAFETY: the caller's word.
        unsafe { from.cast::<Self::U>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_u_at(self, to: *mut u32, value: Self::U) {
        // SAFETY: the caller's word.
        unsafe { to.cast::<Self::U>().write_unaligned(value) }
    }
    #[inline(always)]
    fn add_u(self, a: Self::U, b: Self::U) -> Self::U {
        from_fn(|lane| a[lane].wrapping_add(b[lane]))
    }
    #[inline(always)]
    fn sub_u(self, a: Self::U, b: Self::U) -> Self::U {
        from_fn(|lane| a[lane].wrapping_sub(b[lane]))
    }
    #[inline(always)]
    fn xor_u(self, a: Self::U, b: Self::U) -> Self::U {
        from_fn(|lane| a[lane] ^ b[lane])
    }
    #[inline(always)]
    fn and_u(self, a: Self::U, b: Self::U) -> Self::U {
        from_fn(|lane| a[lane] & b[lane])
    }
    #[inline(always)]
    fn or_u(self, a: Self::U, b: Self::U) -> Self::U {
        from_fn(|lane| a[lane] | b[lane])
    }
    #[inline(always)]
    fn shift_left<const N: u32>(self, a: Self::U) -> Self::U {
        a.map(|x| x << N)
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self, a: Self::U) -> Self::U {
        a.map(|x| x >> N)
    }
    #[inline(always)]
    fn less_u(self, a: Self::U, b: Self::U) -> Self::M {
        from_fn(|lane| a[lane] < b[lane])
    }
    #[inline(always)]
    fn count_up(self) -> Self::U {
        [0, 1, 2, 3]
    }
    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::U {
        a.map(f32::to_bits)
    }
    #[inline(always)]
    fn from_bits(self, a: Self::U) -> Self::F {
        a.map(f32::from_bits)
    }
    #[inline(always)]
    fn to_int(self, a: Self::F) -> Self::U {
        a.map(|x| x.round_ties_even() as i32 as u32)
    }
    #[inline(always)]
    fn negative(self, a: Self::F) -> Self::M {
        a.map(f32::is_sign_negative)
    }
    #[inline(always)]
    fn first(self, count: usize) -> Self::M {
        from_fn(|lane| lane < count)
    }
    #[inline(always)]
    unsafe fn transpose_at(self, from: *const f32, stride: usize, rows: usize, to: *mut f32, to_stride: usize) {
        for row in 0..4 {
            for column in 0..4 {
                // SAFETY: the caller's word.
                unsafe {
                    let value = if row < rows { *from.add(row * stride + column) } else { 0.0 };
                    *to.add(column * to_stride + row) = value;
                }
            }
        }
    }
    #[inline(always)]
    fn splat_wide(self, value: u64) -> Self::U {
        let (low, high) = (value as u32, (value >> 32) as u32);
        [low, high, low, high]
    }
    #[inline(always)]
    fn count_up_wide(self) -> Self::U {
        [0, 0, 1, 0]
    }
    #[inline(always)]
    fn multiply_low_halves(self, a: Self::U, b: Self::U) -> Self::U {
        let first = u64::from(a[0]) * u64::from(b[0]);
        let second = u64::from(a[2]) * u64::from(b[2]);
        [first as u32, (first >> 32) as u32, second as u32, (second >> 32) as u32]
    }
    #[inline(always)]
    fn swap_halves(self, a: Self::U) -> Self::U {
        [a[1], a[0], a[3], a[2]]
    }
    #[inline(always)]
    fn interleave(self, a: Self::U, b: Self::U) -> (Self::U, Self::U) {
        ([a[0], a[1], b[0], b[1]], [a[2], a[3], b[2], b[3]])
    }
    #[inline(always)]
    fn call<K: Kernel>(self, kernel: K) -> K::Output {
        run(kernel)
    }
}

#[inline(never)]
fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Scalar)
}
