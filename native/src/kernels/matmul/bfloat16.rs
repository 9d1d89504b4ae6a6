//! Products of bfloat16 pairs with float32 sums, on processors that have AVX512-BF16: rounding to the nearest, and tiles.
//! A word holds the numbers of two neighbouring inner indices, the first in its low half.

#[cfg(target_arch = "x86_64")]
pub use on_avx512::*;

#[cfg(target_arch = "x86_64")]
mod on_avx512 {
    use super::super::tile::{Tile, VECTORS};
    use crate::simd::{Avx512, Simd};
    use core::arch::x86_64::*;

    const LANES: usize = Avx512::LANES;
    /// Two registers of sixteen numbers become one of sixteen pairs: lane i holds numbers i and 16 + i.
    const BY_TURNS: [u16; 32] = {
        let mut order = [0; 32];
        let mut lane = 0;
        while lane < 16 {
            order[2 * lane] = lane as u16;
            order[2 * lane + 1] = 16 + lane as u16;
            lane += 1;
        }
        order
    };

    fn pairs(word: __m512i) -> __m512bh {
        // SAFETY: the same 512 bits.
        unsafe { core::mem::transmute::<__m512i, __m512bh>(word) }
    }

    fn words(pairs: __m512bh) -> __m512i {
        // SAFETY: the same 512 bits.
        unsafe { core::mem::transmute::<__m512bh, __m512i>(pairs) }
    }

    /// # Safety
    /// As for `tile::multiply`; the processor has AVX512-BF16.
    pub unsafe fn multiply(tile: &Tile) {
        macro_rules! by_height {
            ($($known:literal)*) => {
                match tile.rows {
                    // SAFETY: the caller's word.
                    $($known => unsafe { multiply_rows::<$known>(tile) },)*
                    _ => unreachable!("a height that fits"),
                }
            };
        }
        by_height!(1 2 3 4 5 6 7 8 9 10 11 12);
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma")]
    unsafe fn multiply_rows<const ROWS: usize>(tile: &Tile) {
        // SAFETY: the caller's word for all that is read and written here, as in `tile::multiply`.
        unsafe {
            let s = Avx512::new();
            let mut sums = tile.begin::<Avx512, ROWS>(s);
            let mut left = tile.a;
            let mut right = tile.b;
            let mut ahead = tile.ahead;
            for _ in 0..tile.depth {
                ahead.fetch(s);
                let mut vectors = [pairs(_mm512_setzero_si512()); VECTORS];
                for v in 0..VECTORS {
                    vectors[v] = pairs(s.load_u_at(right.add(v * LANES)));
                }
                for i in 0..ROWS {
                    let value = pairs(s.splat_u(*left.add(i * tile.a_row)));
                    for v in 0..VECTORS {
                        sums[i][v] = _mm512_dpbf16_ps(sums[i][v], value, vectors[v]);
                    }
                }
                left = left.wrapping_add(tile.a_step);
                right = right.wrapping_add(VECTORS * LANES);
            }
            tile.finish::<Avx512, ROWS>(s, sums);
        }
    }

    /// x [n] -> ⌈n / 2⌉ words of neighbours; a missing last number is 0.
    ///
    /// # Safety
    /// The processor has AVX512-BF16.
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma")]
    pub unsafe fn round_neighbours(x: &[f32], to: &mut [u32]) {
        assert!(to.len() == x.len().div_ceil(2));
        // SAFETY: whole registers, as long as x has them; the rest by masks of what is left.
        unsafe {
            let s = Avx512::new();
            let mut i = 0;
            while i < x.len() {
                let left = x.len() - i;
                let low = s.load_some_at(x.as_ptr().add(i), left.min(LANES));
                let high = s.load_some_at(x.as_ptr().wrapping_add(i + LANES), left.saturating_sub(LANES).min(LANES));
                let value = s.from_bits(words(_mm512_cvtne2ps_pbh(high, low)));
                s.store_some_at(to.as_mut_ptr().add(i / 2).cast(), left.div_ceil(2).min(LANES), value);
                i += 2 * LANES;
            }
        }
    }

    /// Columns of `inner` numbers, `stride` apart -> sixteen words in each of ⌈inner / 2⌉ rows, `to_stride` apart: pairs of
    /// neighbours of each column; columns from `columns` on are 0, and so is a missing last number.
    ///
    /// # Safety
    /// Each of `columns` columns has `inner` ≥ 1 numbers; the processor has AVX512-BF16.
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma")]
    pub unsafe fn round_columns(
        from: *const f32,
        stride: usize,
        (inner, columns): (usize, usize),
        to: &mut [u32],
        to_stride: usize,
    ) {
        let pairs = inner.div_ceil(2);
        assert!(columns <= LANES && LANES <= to_stride && to.len() >= (pairs - 1) * to_stride + LANES);
        // SAFETY: a processor with AVX512-BF16 has what this asks for.
        let s = unsafe { Avx512::new() };
        let (mut square, mut turned) = ([0u32; LANES * LANES], [0u32; LANES * LANES]);
        for pair in (0..pairs).step_by(LANES) {
            let count = LANES.min(pairs - pair);
            for column in 0..columns {
                // SAFETY: these numbers of the column are there.
                let numbers = unsafe {
                    let begin = from.add(column * stride + 2 * pair);
                    std::slice::from_raw_parts(begin, (inner - 2 * pair).min(2 * LANES))
                };
                // SAFETY: the caller's word for the processor.
                unsafe { round_neighbours(numbers, &mut square[column * LANES..][..count]) };
            }
            // SAFETY: both are whole squares.
            unsafe {
                s.transpose_at(square.as_ptr().cast(), LANES, columns, turned.as_mut_ptr().cast(), LANES);
            }
            for (row, words) in turned.chunks_exact(LANES).enumerate().take(count) {
                to[(pair + row) * to_stride..][..LANES].copy_from_slice(words);
            }
        }
    }

    /// Two rows [n] -> n words, each of a number of the first and one of the second; words beyond are 0, and so is a
    /// second row of null.
    ///
    /// # Safety
    /// `n` numbers can be read at each row; the processor has AVX512-BF16.
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma")]
    pub unsafe fn round_rows(first: *const f32, second: *const f32, n: usize, to: &mut [u32]) {
        assert!(n <= to.len());
        // SAFETY: no more than `n` numbers of a row and no more words than `to` has.
        unsafe {
            let s = Avx512::new();
            let order = _mm512_loadu_si512(BY_TURNS.as_ptr().cast());
            let mut i = 0;
            while i < to.len() {
                let left = n.saturating_sub(i).min(LANES);
                let low = s.load_some_at(first.wrapping_add(i), left);
                let high = s.load_some_at(second.wrapping_add(i), if second.is_null() { 0 } else { left });
                let both = _mm512_permutexvar_epi16(order, words(_mm512_cvtne2ps_pbh(high, low)));
                s.store_some_at(to.as_mut_ptr().add(i).cast(), (to.len() - i).min(LANES), s.from_bits(both));
                i += LANES;
            }
        }
    }
}

/// `Precision::named` refuses bfloat16 on these processors, so nothing here is ever called.
#[cfg(not(target_arch = "x86_64"))]
mod absent {
    use super::super::tile::Tile;

    /// # Safety
    /// Not to be called.
    pub unsafe fn multiply(_: &Tile) {
        unreachable!("no bfloat16 here");
    }
    /// # Safety
    /// Not to be called.
    pub unsafe fn round_neighbours(_: &[f32], _: &mut [u32]) {
        unreachable!("no bfloat16 here");
    }
    /// # Safety
    /// Not to be called.
    pub unsafe fn round_columns(_: *const f32, _: usize, _: (usize, usize), _: &mut [u32], _: usize) {
        unreachable!("no bfloat16 here");
    }
    /// # Safety
    /// Not to be called.
    pub unsafe fn round_rows(_: *const f32, _: *const f32, _: usize, _: &mut [u32]) {
        unreachable!("no bfloat16 here");
    }
}
#[cfg(not(target_arch = "x86_64"))]
pub use absent::*;
