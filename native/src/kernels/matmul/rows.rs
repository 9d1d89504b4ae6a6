//! Blocks of rows of a product whose right side is packed.

use super::bfloat16::{round_neighbours, round_rows};
use super::panels::Panels;
use super::tile::{Ahead, Lines, Tile, multiply, tile_size};
use super::{Matrix, Precision};
use crate::compute::Compute;
use crate::cpu::Cpu;
use crate::threads::Part;
use std::ops::Range;

/// c = left · right, or c += …, plus bias, through ReLU
#[derive(Clone, Copy)]
pub struct Product<'a> {
    /// [rows, inner]
    pub left: Matrix<'a>,
    /// [inner, columns]
    pub right: &'a Panels,
    /// [columns]; not together with `adds`
    pub bias: Option<&'a [f32]>,
    pub adds: bool,
    pub relu: bool,
}

impl<'a> Product<'a> {
    pub fn of(left: Matrix<'a>, right: &'a Panels) -> Self {
        Self { left, right, bias: None, adds: false, relu: false }
    }
}

/// Rows of a block: with an inner dimension of 512, as much as half of the second cache holds.
pub(super) const TALLEST: usize = 96;
/// Words of the inner dimension for which a panel stays in the nearest cache.
const DEEPEST: usize = 512;
/// Rows whose distance is a multiple of this many numbers fall into one set of the nearest cache and drive each other
/// out of it.
const ALIASED: usize = 1024;
/// Words between copied rows, for the same reason.
const GAP: usize = 16;

/// Rows for one thread at a time: all threads get about as many, in whole quarters of a tile.
pub fn block_rows(compute: &Compute, rows: usize) -> usize {
    let blocks = rows.div_ceil(TALLEST).next_multiple_of(compute.threads.count()).max(1);
    rows.div_ceil(blocks).next_multiple_of(4).clamp(4, TALLEST)
}

/// Words that a thread needs for a left side that is not read as it lies, in blocks of at most `rows` rows.
pub fn scratch_words(rows: usize) -> usize {
    rows.next_multiple_of(16) * (DEEPEST + GAP)
}

/// Calls `body` for blocks of rows on all threads, with a place for `Product::block` to work in.
pub fn for_blocks(compute: &Compute, rows: usize, body: impl Fn(Part, &mut [u32]) + Sync) {
    let height = block_rows(compute, rows);
    let each = scratch_words(height);
    let mut scratch = compute.pool.take(each * compute.threads.count());
    let mut places: Vec<&mut [u32]> = scratch.chunks_exact_mut(each).collect();
    compute.threads.for_chunks_with(rows, height, &mut places, |part, place| body(part, place));
}

/// Where the left side of a block lies: word (row, k) at row · strides.0 + k · strides.1.
struct Words {
    start: *const u32,
    strides: (usize, usize),
}

impl Product<'_> {
    /// Computes rows `rows` of c [.., columns], of which `c` holds just those rows.
    pub fn block(&self, cpu: Cpu, rows: Range<usize>, c: &mut [f32], scratch: &mut [u32]) {
        self.columns_of_block(cpu, rows, 0..self.right.count(), c, scratch);
    }

    /// The same for some panels only.
    pub fn columns_of_block(
        &self,
        cpu: Cpu,
        rows: Range<usize>,
        panels: Range<usize>,
        c: &mut [f32],
        scratch: &mut [u32],
    ) {
        let &Self { left, right, bias, adds, relu } = self;
        let columns = right.columns;
        assert!(c.len() == rows.len() * columns, "c has the block's rows");
        assert!(bias.is_none_or(|bias| bias.len() == columns && !adds), "a bias for each column");
        assert!(panels.end <= right.count(), "panels that there are");
        left.check(rows.end, right.inner);
        if right.inner == 0 {
            without_terms(self, c);
            return;
        }
        let size = tile_size(cpu);
        let (depth, precision) = (right.depth(), right.precision);
        let stretch = depth.div_ceil(depth.div_ceil(DEEPEST)).next_multiple_of(16);
        for k in (0..depth).step_by(stretch) {
            let deep = stretch.min(depth - k);
            let last = k + deep == depth;
            let words = self.left_words(&rows, k..k + deep, scratch);
            let mut ahead = self.ahead(&rows, k + deep, stretch);
            for panel in panels.clone() {
                let first = panel * size.width;
                let b = right.panel(panel)[k * size.width..].as_ptr();
                let bias = bias.filter(|_| k == 0).map_or(std::ptr::null(), |bias| bias[first..].as_ptr());
                for row in (0..rows.len()).step_by(size.height) {
                    let a = words.start.wrapping_add(row * words.strides.0);
                    let tile = Tile {
                        rows: size.height.min(rows.len() - row),
                        columns: size.width.min(columns - first),
                        depth: deep,
                        a,
                        a_row: words.strides.0,
                        a_step: words.strides.1,
                        b,
                        c: c[row * columns + first..].as_mut_ptr(),
                        c_stride: columns,
                        bias,
                        adds: adds || k > 0,
                        relu: relu && last,
                        ahead: ahead.next(deep, a),
                    };
                    // SAFETY: the left words and c hold these rows, the panel `depth` times its width (all checked above
                    // or made so); panels of bfloat16 are made only where the processor multiplies it.
                    unsafe { multiply(cpu, precision, &tile) };
                }
            }
        }
    }

    /// The left side's words `depth` as the tiles read them: as they lie, copied, or rounded.
    fn left_words(&self, rows: &Range<usize>, depth: Range<usize>, scratch: &mut [u32]) -> Words {
        let Matrix { numbers, strides } = self.left;
        let in_word = self.right.precision.in_word();
        let inner = depth.start * in_word..(depth.end * in_word).min(self.right.inner);
        let rounds = self.right.precision == Precision::Bfloat16;
        let aliased = strides.1 == 1 && strides.0.is_multiple_of(ALIASED) && rows.len() >= 4;
        if !rounds && !aliased {
            let start = numbers[rows.start * strides.0 + inner.start * strides.1..].as_ptr().cast();
            return Words { start, strides };
        }
        let apart = DEEPEST + GAP;
        if strides.1 == 1 {
            for (row, to) in rows.clone().zip(scratch.chunks_exact_mut(apart)) {
                let from = &numbers[row * strides.0..][inner.clone()];
                let to = &mut to[..depth.len()];
                if rounds {
                    // SAFETY: with `Precision::Bfloat16` the processor has the instructions.
                    unsafe { round_neighbours(from, to) };
                } else {
                    to.iter_mut().zip(from).for_each(|(to, number)| *to = number.to_bits());
                }
            }
            return Words { start: scratch.as_ptr(), strides: (apart, 1) };
        }
        // Columns lie in one piece: two of them make words.
        assert!(strides.0 == 1, "one of the strides is 1");
        let apart = rows.len().next_multiple_of(16);
        for (k, to) in inner.clone().step_by(2).zip(scratch.chunks_exact_mut(apart)) {
            let column = |k: usize| numbers[k * strides.1..][rows.clone()].as_ptr();
            let second = if k + 1 < inner.end { column(k + 1) } else { std::ptr::null() };
            // SAFETY: columns have these rows; with `Precision::Bfloat16` the processor has the instructions.
            unsafe { round_rows(column(k), second, rows.len(), to) };
        }
        Words { start: scratch.as_ptr(), strides: (1, apart) }
    }

    /// What is read after words up to `k` of these rows: the next stretch of them, or the first of the next block.
    fn ahead(&self, rows: &Range<usize>, k: usize, stretch: usize) -> Ahead<1> {
        let Matrix { numbers, strides } = self.left;
        let in_word = self.right.precision.in_word();
        let ends = k == self.right.depth();
        let (row, k) = if ends { (rows.end, 0) } else { (rows.start, k) };
        let columns = k * in_word..((k + stretch) * in_word).min(self.right.inner);
        let there = (numbers.len() / strides.0.max(1)).saturating_sub(row);
        let count = if strides.1 == 1 { rows.len().min(there) } else { 0 };
        Ahead::new([(Lines::of(numbers, strides.0, row, &columns), count)])
    }
}

/// The block's part of a product whose inner dimension is empty.
fn without_terms(product: &Product, c: &mut [f32]) {
    for row in c.chunks_exact_mut(product.right.columns.max(1)) {
        for (column, c) in row.iter_mut().enumerate() {
            let sum = product.bias.map_or(0.0, |bias| bias[column]) + if product.adds { *c } else { 0.0 };
            *c = if product.relu && sum <= 0.0 { 0.0 } else { sum };
        }
    }
}
