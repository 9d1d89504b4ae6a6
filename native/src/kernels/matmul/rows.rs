//! Blocks of rows of a product whose right side is packed.

use super::bfloat16::{round_neighbours, round_rows};
use super::panels::Panels;
use super::tile::{LINE, Tile, multiply, tile_size};
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

/// Rows for one thread at a time: all threads get something to do, and tiles their full height.
pub fn block_rows(compute: &Compute, rows: usize) -> usize {
    let height = tile_size(compute.cpu).height;
    let fair = rows.div_ceil(compute.threads.count()).next_multiple_of(height);
    fair.clamp(height, TALLEST / height * height)
}

/// Words that a thread needs for a left side that is not read as it lies: blocks of at most `rows` rows, products of at
/// most `inner` inner indices.
pub fn scratch_words(rows: usize, inner: usize) -> usize {
    // Rows are padded so that they are no multiple of ALIASED apart.
    rows.next_multiple_of(16) * (inner + 16)
}

/// Calls `body` for blocks of rows on all threads, with a place for `Product::block` to work in.
pub fn for_blocks(compute: &Compute, rows: usize, inner: usize, body: impl Fn(Part, &mut [u32]) + Sync) {
    let height = block_rows(compute, rows);
    let each = scratch_words(height, inner);
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
        let words = self.left_words(&rows, scratch);
        let mut ahead = Ahead::after(&left, &rows, right.inner);
        let (depth, precision) = (right.depth(), right.precision);
        let stretch = depth.div_ceil(depth.div_ceil(DEEPEST)).next_multiple_of(16);
        for k in (0..depth).step_by(stretch) {
            let deep = stretch.min(depth - k);
            let last = k + deep == depth;
            for panel in panels.clone() {
                let first = panel * size.width;
                let width = size.width.min(columns - first);
                let tile = Tile {
                    rows: 0,
                    columns: width,
                    depth: deep,
                    a: std::ptr::null(),
                    a_row: words.strides.0,
                    a_step: words.strides.1,
                    b: right.panel(panel)[k * size.width..].as_ptr(),
                    c: std::ptr::null_mut(),
                    c_stride: columns,
                    bias: bias.filter(|_| k == 0).map_or(std::ptr::null(), |bias| bias[first..].as_ptr()),
                    adds: adds || k > 0,
                    relu: relu && last,
                    ahead: std::ptr::null(),
                    ahead_step: LINE,
                };
                for row in (0..rows.len()).step_by(size.height) {
                    let a = words.start.wrapping_add(row * words.strides.0 + k * words.strides.1);
                    let height = size.height.min(rows.len() - row);
                    let c = c[row * columns + first..].as_mut_ptr();
                    let tile = Tile { rows: height, a, c, ahead: ahead.next(deep, a.cast()), ..tile };
                    // SAFETY: the left words and c hold these rows, the panel `depth` times its width (all checked above
                    // or made so); panels of bfloat16 are made only where the processor multiplies it.
                    unsafe { multiply(cpu, precision, &tile) };
                }
            }
        }
    }

    /// The left side as the tiles read it: as it lies, copied, or rounded.
    fn left_words(&self, rows: &Range<usize>, scratch: &mut [u32]) -> Words {
        let Matrix { numbers, strides } = self.left;
        let inner = self.right.inner;
        let row_of = |row: usize| &numbers[row * strides.0..];
        if self.right.precision == Precision::Float32 {
            if strides.1 != 1 || !strides.0.is_multiple_of(ALIASED) || rows.len() < 4 {
                return Words { start: row_of(rows.start).as_ptr().cast(), strides };
            }
            let padded = inner + 16;
            for (row, to) in rows.clone().zip(scratch.chunks_exact_mut(padded)) {
                to.iter_mut().zip(&row_of(row)[..inner]).for_each(|(to, number)| *to = number.to_bits());
            }
            return Words { start: scratch.as_ptr(), strides: (padded, 1) };
        }
        let depth = inner.div_ceil(2);
        if strides.1 == 1 {
            let padded = depth + 16;
            for (row, to) in rows.clone().zip(scratch.chunks_exact_mut(padded)) {
                // SAFETY: with `Precision::Bfloat16` the processor has the instructions.
                unsafe { round_neighbours(&row_of(row)[..inner], &mut to[..depth]) };
            }
            return Words { start: scratch.as_ptr(), strides: (padded, 1) };
        }
        // Columns lie in one piece: two of them make words.
        assert!(strides.0 == 1, "one of the strides is 1");
        let padded = rows.len().next_multiple_of(16);
        for (pair, to) in (0..depth).zip(scratch.chunks_exact_mut(padded)) {
            let column = |k: usize| numbers[k * strides.1..][rows.clone()].as_ptr();
            let second = if 2 * pair + 1 < inner { column(2 * pair + 1) } else { std::ptr::null() };
            // SAFETY: columns have these rows; with `Precision::Bfloat16` the processor has the instructions.
            unsafe { round_rows(column(2 * pair), second, rows.len(), to) };
        }
        Words { start: scratch.as_ptr(), strides: (1, padded) }
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

/// The rows of the next block, line by line, fetched while this one is computed.
struct Ahead {
    next: *const u8,
    lines: usize,
}

impl Ahead {
    fn after(left: &Matrix, rows: &Range<usize>, inner: usize) -> Self {
        let in_one_piece = left.strides == (inner, 1);
        let begin = rows.end * inner;
        let end = if in_one_piece { (begin + rows.len() * inner).min(left.numbers.len()) } else { begin };
        let lines = end.saturating_sub(begin) * size_of::<f32>() / LINE;
        Self { next: left.numbers.as_ptr().wrapping_add(begin).cast(), lines }
    }

    /// Where the next `depth` lines begin, or what is at hand anyway.
    fn next(&mut self, depth: usize, at_hand: *const u8) -> *const u8 {
        if self.lines == 0 {
            return at_hand;
        }
        let next = self.next;
        self.next = next.wrapping_add(depth * LINE);
        self.lines = self.lines.saturating_sub(depth);
        next
    }
}
