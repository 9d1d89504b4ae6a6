//! The right side of a product, packed: panels of as many columns as a tile has, each [words of the inner dimension,
//! width], padded with zeros. Packing a weight takes a hundredth of its product's time, and is done once until it changes.

use super::bfloat16::{round_columns, round_rows};
use super::tile::tile_size;
use super::{Matrix, Precision};
use crate::compute::Compute;
use crate::cpu::Cpu;
use crate::pool::Block;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::Disjoint;

pub struct Panels {
    words: Block<u32>,
    pub inner: usize,
    pub columns: usize,
    pub width: usize,
    pub precision: Precision,
}

impl Panels {
    /// `right` [inner, columns], on all threads
    pub fn pack(compute: &Compute, precision: Precision, right: Matrix, inner: usize, columns: usize) -> Self {
        let mut panels = Self::room(compute, precision, inner, columns);
        if panels.words.is_empty() {
            return panels;
        }
        let (size, count) = (panels.panel_words(), panels.count());
        let words = Disjoint::new(&mut panels.words);
        compute.threads.for_chunks(count, 1, |part| {
            // SAFETY: panels do not overlap.
            let to = unsafe { words.part(part.index * size..(part.index + 1) * size) };
            pack_panel(compute.cpu, precision, right, inner, columns, part.index, to);
        });
        panels
    }

    /// Not packed yet.
    fn room(compute: &Compute, precision: Precision, inner: usize, columns: usize) -> Self {
        let width = tile_size(compute.cpu).width;
        let words = columns.div_ceil(width) * width * inner.div_ceil(precision.in_word());
        Self { words: compute.pool.take(words), inner, columns, width, precision }
    }

    /// Places for what `repack` packs, one after another.
    pub fn spare(compute: &Compute, precision: Precision, inner: usize, columns: usize) -> Self {
        Self::room(compute, precision, inner, columns)
    }

    /// Another matrix of the same size, on the calling thread.
    pub fn repack(&mut self, cpu: Cpu, right: Matrix) {
        let size = self.panel_words();
        for panel in 0..self.count() {
            let to = &mut self.words[panel * size..(panel + 1) * size];
            pack_panel(cpu, self.precision, right, self.inner, self.columns, panel, to);
        }
    }

    pub fn count(&self) -> usize {
        self.columns.div_ceil(self.width)
    }

    /// Words of the inner dimension
    pub fn depth(&self) -> usize {
        self.inner.div_ceil(self.precision.in_word())
    }

    fn panel_words(&self) -> usize {
        self.depth() * self.width
    }

    /// [depth, width]
    pub fn panel(&self, panel: usize) -> &[u32] {
        let size = self.panel_words();
        &self.words[panel * size..(panel + 1) * size]
    }
}

fn pack_panel(
    cpu: Cpu,
    precision: Precision,
    right: Matrix,
    inner: usize,
    columns: usize,
    panel: usize,
    to: &mut [u32],
) {
    right.check(inner, columns);
    let width = tile_size(cpu).width;
    let first = panel * width;
    let columns = columns.saturating_sub(first).min(width);
    let right = Matrix { numbers: &right.numbers[(first * right.strides.1).min(right.numbers.len())..], ..right };
    match precision {
        Precision::Float32 => dispatch(cpu, Pack { right, inner, columns, width, to }),
        Precision::Bfloat16 => pack_pairs(right, inner, columns, width, to),
    }
}

/// One panel of float32.
struct Pack<'a> {
    right: Matrix<'a>,
    inner: usize,
    columns: usize,
    width: usize,
    /// [inner, width]
    to: &'a mut [u32],
}

impl Kernel for Pack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { right: Matrix { numbers, strides }, inner, columns, width, to } = self;
        assert!(to.len() == inner * width && width.is_multiple_of(S::LANES));
        let mut k = 0;
        if strides.0 == 1 {
            // Columns lie in one piece: squares of them are transposed.
            while k + S::LANES <= inner {
                for begin in (0..width).step_by(S::LANES) {
                    let rows = columns.saturating_sub(begin).min(S::LANES);
                    // SAFETY: `pack_panel` has checked that `inner` numbers of each of `columns` columns are there; the
                    // square lies in `to`.
                    unsafe {
                        let from = numbers.as_ptr().wrapping_add(begin * strides.1 + k);
                        let to = to.as_mut_ptr().add(k * width + begin).cast::<f32>();
                        s.transpose_at(from, strides.1, rows, to, width);
                    }
                }
                k += S::LANES;
            }
        } else if strides.1 == 1 {
            while k < inner {
                for begin in (0..width).step_by(S::LANES) {
                    let count = columns.saturating_sub(begin).min(S::LANES);
                    // SAFETY: `pack_panel` has checked that row k has `columns` numbers; the vector lies in `to`.
                    unsafe {
                        let value = s.load_some_at(numbers.as_ptr().wrapping_add(k * strides.0 + begin), count);
                        s.store_at(to.as_mut_ptr().add(k * width + begin).cast(), value);
                    }
                }
                k += 1;
            }
        }
        while k < inner {
            for column in 0..width {
                let number = if column < columns { numbers[k * strides.0 + column * strides.1] } else { 0.0 };
                to[k * width + column] = number.to_bits();
            }
            k += 1;
        }
    }
}

/// One panel of bfloat16 pairs.
fn pack_pairs(right: Matrix, inner: usize, columns: usize, width: usize, to: &mut [u32]) {
    let Matrix { numbers, strides } = right;
    if columns == 0 || inner == 0 {
        to.fill(0);
        return;
    }
    if strides.1 == 1 {
        for (pair, to) in to.chunks_exact_mut(width).enumerate() {
            let row = |k: usize| numbers[k * strides.0..][..columns].as_ptr();
            let second = if 2 * pair + 1 < inner { row(2 * pair + 1) } else { std::ptr::null() };
            // SAFETY: rows have `columns` numbers; with `Precision::Bfloat16` the processor has the instructions.
            unsafe { round_rows(row(2 * pair), second, columns, to) };
        }
        return;
    }
    assert!(strides.0 == 1, "one of the strides is 1");
    for begin in (0..width).step_by(16) {
        let columns = columns.saturating_sub(begin).min(16);
        let from = numbers.as_ptr().wrapping_add(begin * strides.1);
        // SAFETY: `pack_panel` has checked that each column has `inner` numbers, and there are some, or there would be no
        // words; with `Precision::Bfloat16` the processor has the instructions.
        unsafe { round_columns(from, strides.1, (inner, columns), &mut to[begin..], width) };
    }
}
