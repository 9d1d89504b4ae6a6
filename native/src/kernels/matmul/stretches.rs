//! How exact products over many rows are. In one chain of additions in single precision they lose a decimal place over
//! thousands of rows; where terms cancel, as in heads that tell two classes apart, what is left of a gradient loses more,
//! and two processes that take half of the rows each would not have the gradient of one.
//!
//! So rows are taken in stretches, each a chain of its own; stretches are added up in groups; and sums of groups keep what
//! rounding takes from them (`two_sum`). With d rows in a stretch, D in a group and terms of any sign, the square of the
//! error grows with d / 2 + D / 2d a row: shorter stretches are more exact, and cost more additions.

use super::Precision;
use crate::kernels::two_sum::two_sum;
use crate::kernels::workspace::{part, put};
use crate::simd::{Kernel, Simd};
use std::marker::PhantomData;

#[derive(Debug, Clone, Copy)]
pub struct Stretches {
    /// Rows that are packed at once
    pub packed: usize,
    /// Words of rows in a stretch: packed words hold whole ones
    pub depth: usize,
    /// Rows in a group: a multiple of the packed rows
    pub group: usize,
}

/// Words of rows that are packed at once: then a panel takes half of the nearest cache.
pub const MOST_PACKED: usize = 128;
/// Multiplications for which nobody waits, so that stretches may be as short as can be. Heads have a row for each pair only,
/// and their terms cancel most.
const FEW: usize = 1 << 21;

impl Stretches {
    /// `size`: numbers of c
    pub fn of(rows: usize, size: usize, precision: Precision) -> Self {
        let few = rows * size <= FEW;
        let (packed, depth, group) = if few { (16, 4, 16) } else { (MOST_PACKED, 64, 1024) };
        let in_word = precision.in_word();
        Self { packed: packed * in_word, depth, group: group * in_word }
    }
}

/// A piece of c [rows, columns], its rows `stride` numbers apart.
pub struct InC<'a> {
    start: *mut f32,
    stride: usize,
    size: (usize, usize),
    borrowed: PhantomData<&'a mut f32>,
}

impl InC<'_> {
    /// # Safety
    /// The piece can be read and written as long as this lives, between uses of it also by others.
    pub unsafe fn new(start: *mut f32, stride: usize, size: (usize, usize)) -> Self {
        Self { start, stride, size, borrowed: PhantomData }
    }

    fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.size.0);
        // SAFETY: a row of the piece.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.stride), self.size.1) }
    }

    /// `rest` [rows, across]
    pub fn add_rest(&mut self, rest: &[f32], across: usize) {
        for (row, rest) in (0..self.size.0).zip(rest.chunks_exact(across)) {
            self.row(row).iter_mut().zip(rest).for_each(|(sum, rest)| *sum += rest);
        }
    }
}

/// c += the sums of a group; `rest` += what that rounds away, or = at the first time. Both [rows, across].
pub struct AddGroup<'a, 'b> {
    pub c: &'a mut InC<'b>,
    pub group: &'a [f32],
    pub rest: &'a mut [f32],
    pub across: usize,
    pub first: bool,
}

impl Kernel for AddGroup<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { c, group, rest, across, first } = self;
        let rows = group.chunks_exact(across).zip(rest.chunks_exact_mut(across));
        for (row, (group, rest)) in (0..c.size.0).zip(rows) {
            let c = c.row(row);
            for at in (0..c.len()).step_by(S::LANES) {
                let before = if first { s.zero() } else { s.load(&rest[at..]) };
                let (sum, lost) = two_sum(s, part(s, c, at), before, part(s, &group[..c.len()], at));
                put(s, c, at, sum);
                s.store(&mut rest[at..], lost);
            }
        }
    }
}
