//! Vectors of the processor behind one trait, so that a kernel is written once and compiled for AVX-512, AVX2, NEON and
//! plain Rust; `dispatch` chooses at run time. (Why not `pulp`: its vectors lack what dropout's generator and
//! exponentials need, a wide multiplication of integers and a scale by powers of two.)
//!
//! A kernel is a struct of its arguments that implements `Kernel`; its `run` and all that it calls with `S` are
//! `#[inline(always)]`, or they would be compiled without the instructions.
//!
//! `fma`, and so every result, may differ between instruction sets in the last bit; within one, never.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod math;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use scalar::Scalar;

use crate::cpu::{Cpu, InstructionSet};

/// Vectors `F` of `LANES` float32, `U` of as many 32-bit integers, and masks `M` of as many yes or no. A value of the
/// type proves that the processor has the instructions.
pub trait Simd: Copy + Send + Sync + 'static {
    const LANES: usize;
    /// How many vectors of sums a tile of a product may keep in registers.
    const TILE_VECTORS: usize;
    type F: Copy;
    type U: Copy;
    type M: Copy;

    fn splat(self, value: f32) -> Self::F;
    /// # Safety
    /// `LANES` numbers at `from` can be read.
    unsafe fn load_at(self, from: *const f32) -> Self::F;
    /// # Safety
    /// `LANES` numbers at `to` can be written.
    unsafe fn store_at(self, to: *mut f32, value: Self::F);
    /// # Safety
    /// `count` ≤ `LANES` numbers at `from` can be read; the other lanes are 0.
    unsafe fn load_some_at(self, from: *const f32, count: usize) -> Self::F;
    /// # Safety
    /// `count` ≤ `LANES` numbers at `to` can be written.
    unsafe fn store_some_at(self, to: *mut f32, count: usize, value: Self::F);

    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// a · b + c
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// c - a · b
    fn neg_fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    fn sqrt(self, a: Self::F) -> Self::F;
    fn abs(self, a: Self::F) -> Self::F;
    /// The larger; `b` where one is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; `b` where one is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// To the nearest whole number, halves to even.
    fn round(self, a: Self::F) -> Self::F;
    /// a · 2ⁿ for a whole n, down to 0 and up to infinity.
    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        // In two steps, as 2ⁿ itself may be no number: its two halves are.
        let n = self.max(self.splat(-250.0), self.min(self.splat(250.0), n));
        let both = self.add_u(self.to_int(n), self.splat_u(254));
        let half = self.shift_right::<1>(both);
        let power = |exponent| self.from_bits(self.shift_left::<23>(exponent));
        self.mul(self.mul(a, power(half)), power(self.sub_u(both, half)))
    }
    /// In a fixed order.
    fn sum(self, a: Self::F) -> f32;
    /// NaN is passed over or not, as the instruction set has it.
    fn largest(self, a: Self::F) -> f32;

    /// The sign bit of `sign` on the magnitude of `of`.
    #[inline(always)]
    fn with_sign(self, of: Self::F, sign: Self::F) -> Self::F {
        let bit = self.splat_u(0x8000_0000);
        let magnitude = self.and_u(self.bits(of), self.splat_u(0x7fff_ffff));
        self.from_bits(self.or_u(magnitude, self.and_u(self.bits(sign), bit)))
    }

    fn less(self, a: Self::F, b: Self::F) -> Self::M;
    /// Where the sign bit is set.
    fn negative(self, a: Self::F) -> Self::M;
    /// The first `count` ≤ `LANES` lanes.
    fn first(self, count: usize) -> Self::M;
    fn equal(self, a: Self::F, b: Self::F) -> Self::M;
    /// where the mask holds a, else b
    fn select(self, mask: Self::M, a: Self::F, b: Self::F) -> Self::F;
    fn not(self, mask: Self::M) -> Self::M;

    fn splat_u(self, value: u32) -> Self::U;
    /// # Safety
    /// `LANES` numbers at `from` can be read.
    unsafe fn load_u_at(self, from: *const u32) -> Self::U;
    /// # Safety
    /// `LANES` numbers at `to` can be written.
    unsafe fn store_u_at(self, to: *mut u32, value: Self::U);
    fn add_u(self, a: Self::U, b: Self::U) -> Self::U;
    fn sub_u(self, a: Self::U, b: Self::U) -> Self::U;
    fn xor_u(self, a: Self::U, b: Self::U) -> Self::U;
    fn and_u(self, a: Self::U, b: Self::U) -> Self::U;
    fn or_u(self, a: Self::U, b: Self::U) -> Self::U;
    fn shift_left<const N: u32>(self, a: Self::U) -> Self::U;
    fn shift_right<const N: u32>(self, a: Self::U) -> Self::U;
    /// a < b as unsigned numbers
    fn less_u(self, a: Self::U, b: Self::U) -> Self::M;
    /// 0, 1, 2, …
    fn count_up(self) -> Self::U;
    fn bits(self, a: Self::F) -> Self::U;
    #[allow(clippy::wrong_self_convention)]
    fn from_bits(self, a: Self::U) -> Self::F;
    /// Whole numbers as two's complement.
    fn to_int(self, a: Self::F) -> Self::U;

    /// `rows` ≤ `LANES` rows of `LANES` columns, and rows of zeros below, are written transposed.
    /// # Safety
    /// `LANES` numbers can be read at `from` and after each of `rows - 1` strides, and written at `to` and after each of
    /// `LANES - 1` of its own.
    unsafe fn transpose_at(self, from: *const f32, stride: usize, rows: usize, to: *mut f32, to_stride: usize);

    // Integers seen as half as many wide ones of 64 bits, low half first.
    fn splat_wide(self, value: u64) -> Self::U;
    /// Wide lane 2i holds i, wide lane 2i + 1 holds LANES / 4 + i: the order that `interleave` undoes.
    fn count_up_wide(self) -> Self::U;
    /// Low half of a times low half of b, wide.
    fn multiply_low_halves(self, a: Self::U, b: Self::U) -> Self::U;
    fn swap_halves(self, a: Self::U) -> Self::U;
    /// Wide lanes a₀ b₀ a₂ b₂ …, and a₁ b₁ a₃ b₃ …
    fn interleave(self, a: Self::U, b: Self::U) -> (Self::U, Self::U);

    /// Asks for the cache line at an address that will be needed soon: in the second level, or nearest.
    #[inline(always)]
    fn prefetch(self, _at: *const u8) {}
    #[inline(always)]
    fn prefetch_near(self, _at: *const u8) {}

    /// Runs a kernel in a function of its own: for one that would be inlined in too many places.
    fn call<K: Kernel>(self, kernel: K) -> K::Output;

    #[inline(always)]
    fn zero(self) -> Self::F {
        self.splat(0.0)
    }
    /// The first `LANES` of a slice that has as many.
    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F {
        assert!(from.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.load_at(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], value: Self::F) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.store_at(to.as_mut_ptr(), value) }
    }
    /// As many as the slice has, up to `LANES`; the other lanes are 0.
    #[inline(always)]
    fn load_some(self, from: &[f32]) -> Self::F {
        // SAFETY: no more than the slice has. (Whole vectors, as most are, go the fast way.)
        unsafe {
            match from.len() < Self::LANES {
                true => self.load_some_at(from.as_ptr(), from.len()),
                false => self.load_at(from.as_ptr()),
            }
        }
    }
    #[inline(always)]
    fn store_some(self, to: &mut [f32], value: Self::F) {
        // SAFETY: no more than the slice has.
        unsafe {
            match to.len() < Self::LANES {
                true => self.store_some_at(to.as_mut_ptr(), to.len(), value),
                false => self.store_at(to.as_mut_ptr(), value),
            }
        }
    }
}

/// A piece of work written for any vectors.
pub trait Kernel {
    type Output;
    /// Mark it `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs a kernel with the widest vectors that `cpu` names.
#[inline]
pub fn dispatch<K: Kernel>(cpu: Cpu, kernel: K) -> K::Output {
    match cpu.set() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Cpu` names only what the processor has.
        InstructionSet::Avx512 => unsafe { avx512::run(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        InstructionSet::Avx2 => unsafe { avx2::run(kernel) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        InstructionSet::Neon => unsafe { neon::run(kernel) },
        _ => kernel.run(Scalar),
    }
}

#[cfg(test)]
mod tests;
