//! How kernels lay out memory of their own (rows padded to whole vectors, the same on every instruction set) and read rows
//! of others that are not padded.

use crate::simd::Simd;

/// The most lanes that any instruction set has.
pub const MOST_LANES: usize = 16;

/// `count` rounded up to whole vectors of the widest set.
pub const fn padded(count: usize) -> usize {
    count.div_ceil(MOST_LANES) * MOST_LANES
}

/// Cuts the next `count` floats off a workspace.
pub fn cut<'a>(workspace: &mut &'a mut [f32], count: usize) -> &'a mut [f32] {
    workspace.split_off_mut(..count).expect("a workspace of the size that the kernel asked for")
}

/// A vector of a row from `at` on, zeros behind the row.
#[inline(always)]
pub fn part<S: Simd>(s: S, row: &[f32], at: usize) -> S::F {
    if at + S::LANES <= row.len() { s.load(&row[at..]) } else { s.load_some(&row[at..]) }
}

/// Writes a vector into a row from `at` on, no further than the row.
#[inline(always)]
pub fn put<S: Simd>(s: S, row: &mut [f32], at: usize, value: S::F) {
    if at + S::LANES <= row.len() { s.store(&mut row[at..], value) } else { s.store_some(&mut row[at..], value) }
}

/// How many rows before it is read a row that lies anywhere is asked for.
pub const AHEAD: usize = 3;

/// Asks for a row that lies anywhere (or at the end, where there is none), which no prefetcher would guess.
#[inline(always)]
pub fn prefetch_row<S: Simd>(s: S, x: &[f32], row: usize, width: usize) {
    let begin = x.as_ptr().wrapping_add(row * width);
    for at in (0..width).step_by(MOST_LANES) {
        s.prefetch(begin.wrapping_add(at).cast());
    }
}
