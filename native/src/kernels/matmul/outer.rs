//! Products over rows, for gradients of weights: c [m, n] = leftᵀ · right, with many rows and a small c. Threads share c,
//! not the rows, so that its sums do not depend on them; each packs the stretch of rows at hand and fetches the next.
//! How sums are made exact enough is told in `stretches.rs`.

use super::Precision;
use super::bfloat16::round_rows;
use super::columns::{AddColumns, column_sums};
use super::stretches::{AddGroup, InC, MOST_PACKED, Stretches};
use super::tile::{Ahead, Lines, Tile, TileSize, multiply, tile_size};
use crate::compute::Compute;
use crate::cpu::Cpu;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::Disjoint;
use std::ops::Range;

#[derive(Clone, Copy)]
pub struct Outer<'a> {
    pub rows: usize,
    /// [rows, m]
    pub left: &'a [f32],
    pub m: usize,
    /// [rows, n]
    pub right: &'a [f32],
    pub n: usize,
    pub precision: Precision,
}

/// Of c for one thread at a time, so that it and what is packed stay in the second cache.
const WIDEST: (usize, usize) = (384, 256);
/// Words between packed strips, which vectors may overwrite, and between rows of the packed left side: rows a power of two
/// apart would share few places of the nearest cache.
const GAP: usize = 16;

impl Outer<'_> {
    /// c [m, n], and in `sums` [m] the sums of left's columns.
    pub fn multiply(&self, compute: &Compute, c: &mut [f32], sums: Option<&mut [f32]>) {
        let &Self { rows, left, m, right, n, precision } = self;
        assert!(left.len() == rows * m && right.len() == rows * n && c.len() == m * n, "sizes that fit");
        assert!(sums.as_ref().is_none_or(|sums| sums.len() == m), "a sum for each column");
        if rows == 0 || m * n == 0 {
            c.fill(0.0);
            if let Some(sums) = sums {
                // Without columns on the right there is still something to sum.
                column_sums(compute, left, m, sums);
            }
            return;
        }
        let size = tile_size(compute.cpu);
        let grid = Grid::new((m, n), size, compute.threads.count());
        let wants_sums = sums.is_some();
        let (c, sums) = (Disjoint::new(c), Disjoint::new(sums.unwrap_or_default()));
        let left_words = Strips::of(grid.piece.0).words(MOST_PACKED);
        let panel_words = grid.piece.1 / size.width * Strips::panels(size).words(MOST_PACKED);
        let each = left_words + panel_words;
        let mut scratch = compute.pool.take::<u32>(each * compute.threads.count());
        let stretches = Stretches::of(rows, m * n, precision);
        // Where there are several groups, sums of one and what adding them rounds away; of the column sums the latter.
        let piece_words = if rows > stretches.group { grid.piece.0 * grid.piece.1 } else { 0 };
        let each_sums = 2 * piece_words + grid.piece.0;
        let mut sums_of_groups = compute.pool.take::<f32>(each_sums * compute.threads.count());
        let mut places: Vec<(&mut [u32], &mut [f32])> =
            scratch.chunks_exact_mut(each).zip(sums_of_groups.chunks_exact_mut(each_sums)).collect();
        compute.threads.for_chunks_with(grid.count(), 1, &mut places, |part, (place, of_sums)| {
            let (left, panels) = place.split_at_mut(left_words);
            let (group, of_sums) = of_sums.split_at_mut(piece_words);
            let (rest, sums_rest) = of_sums.split_at_mut(piece_words);
            let (i, j) = grid.ranges(part.index);
            let sides = Sides { left, panels };
            let mut piece =
                Piece { outer: self, cpu: compute.cpu, size, stretches, sides, group, rest, sums_rest, i, j };
            let c = c.pointer(0..m * n);
            // SAFETY: pieces do not overlap, and the first of each row of pieces has its stretch of the sums.
            unsafe {
                let sums = (wants_sums && piece.j.start == 0).then(|| sums.part(piece.i.clone()));
                piece.multiply(c, sums);
            }
        });
    }
}

/// How c is cut into pieces, whose borders are those of tiles. (Results do not depend on it.)
struct Grid {
    c: (usize, usize),
    piece: (usize, usize),
}

impl Grid {
    fn new(c: (usize, usize), size: TileSize, threads: usize) -> Self {
        let tiles = (c.0.div_ceil(size.height), c.1.div_ceil(size.width));
        let mut pieces = (c.0.div_ceil(WIDEST.0), c.1.div_ceil(WIDEST.1));
        let rest = |pieces: (usize, usize)| pieces.0 * pieces.1 % threads;
        // As many pieces as occupy all threads to the end, halving whatever side is longer.
        while rest(pieces) != 0 && pieces.0 * pieces.1 < 4 * threads && pieces != tiles {
            let longer_left = c.0 * pieces.1 > c.1 * pieces.0;
            if pieces.1 == tiles.1 || longer_left && pieces.0 < tiles.0 {
                pieces.0 += 1;
            } else {
                pieces.1 += 1;
            }
        }
        let piece = (tiles.0.div_ceil(pieces.0) * size.height, tiles.1.div_ceil(pieces.1) * size.width);
        Self { c, piece }
    }

    fn across(&self) -> usize {
        self.c.1.div_ceil(self.piece.1)
    }

    fn count(&self) -> usize {
        self.c.0.div_ceil(self.piece.0) * self.across()
    }

    fn ranges(&self, index: usize) -> (Range<usize>, Range<usize>) {
        let range = |at: usize, piece: usize, end: usize| at * piece..((at + 1) * piece).min(end);
        (range(index / self.across(), self.piece.0, self.c.0), range(index % self.across(), self.piece.1, self.c.1))
    }
}

/// Rows of both sides, packed.
struct Sides<'a> {
    /// One strip
    left: &'a mut [u32],
    /// Strips of a panel's width
    panels: &'a mut [u32],
}

/// One thread's piece of c: rows i, columns j.
struct Piece<'a> {
    outer: &'a Outer<'a>,
    cpu: Cpu,
    size: TileSize,
    stretches: Stretches,
    sides: Sides<'a>,
    /// Sums of a group but the first, and what rounding took from c: [rows i, columns j up to a whole panel]
    group: &'a mut [f32],
    rest: &'a mut [f32],
    /// What rounding took from the column sums: [rows i]
    sums_rest: &'a mut [f32],
    i: Range<usize>,
    j: Range<usize>,
}

impl Piece<'_> {
    /// # Safety
    /// c [m, n] can be written in this piece, and nobody else uses it there.
    unsafe fn multiply(&mut self, c: *mut f32, mut sums: Option<&mut [f32]>) {
        let &Outer { rows, left, m, n, .. } = self.outer;
        let across = self.j.len().next_multiple_of(self.size.width);
        let first_of_c = c.wrapping_add(self.i.start * n + self.j.start);
        // SAFETY: the piece is whose this is.
        let mut in_c = unsafe { InC::new(first_of_c, n, (self.i.len(), self.j.len())) };
        if let Some(sums) = &mut sums {
            sums.fill(0.0);
            self.sums_rest.fill(0.0);
        }
        for first in (0..rows).step_by(self.stretches.packed) {
            let packed = first..(first + self.stretches.packed).min(rows);
            if let Some(sums) = &mut sums {
                let x = &left[packed.start * m..packed.end * m];
                let rest = &mut self.sums_rest[..sums.len()];
                dispatch(self.cpu, AddColumns { x, stride: m, begin: self.i.start, sums, rest });
            }
            let (group, at) = (first / self.stretches.group, first % self.stretches.group);
            let (to, stride) = if group == 0 { (first_of_c, n) } else { (self.group.as_mut_ptr(), across) };
            // SAFETY: c is the caller's word, and a group has room for the piece.
            unsafe { self.multiply_packed(&packed, to, stride, at > 0) };
            let ends = packed.end == rows || packed.end % self.stretches.group == 0;
            if group > 0 && ends {
                let adding = AddGroup { c: &mut in_c, group: self.group, rest: self.rest, across, first: group == 1 };
                dispatch(self.cpu, adding);
            }
        }
        if rows > self.stretches.group {
            in_c.add_rest(self.rest, across);
        }
        if let Some(sums) = sums {
            sums.iter_mut().zip(self.sums_rest.iter()).for_each(|(sum, rest)| *sum += rest);
        }
    }

    /// The product of these rows, into a matrix of the piece's size or on top of what it holds.
    ///
    /// # Safety
    /// `to` can be written at each of rows i and columns j, rows `stride` numbers apart.
    unsafe fn multiply_packed(&mut self, rows: &Range<usize>, to: *mut f32, stride: usize, adds: bool) {
        let &Outer { left, m, right, n, precision, .. } = self.outer;
        let TileSize { height, width } = self.size;
        let (strip, panels) = (Strips::of(self.i.len()), Strips::panels(self.size));
        let depth = rows.len().div_ceil(precision.in_word());
        strip.pack(self.cpu, precision, &left[rows.start * m..rows.end * m], m, self.i.clone(), self.sides.left);
        panels.pack(self.cpu, precision, &right[rows.start * n..rows.end * n], n, self.j.clone(), self.sides.panels);
        let mut ahead = self.ahead(rows.end);
        for (panel, column) in (0..self.j.len()).step_by(width).enumerate() {
            let b = self.sides.panels[panel * panels.words(depth)..].as_ptr();
            for row in (0..self.i.len()).step_by(height) {
                let a = self.sides.left[row..].as_ptr();
                for begin in (0..depth).step_by(self.stretches.depth) {
                    let a = a.wrapping_add(begin * strip.apart);
                    let deep = self.stretches.depth.min(depth - begin);
                    let tile = Tile {
                        rows: height.min(self.i.len() - row),
                        columns: width.min(self.j.len() - column),
                        depth: deep,
                        a,
                        a_row: 1,
                        a_step: strip.apart,
                        b: b.wrapping_add(begin * width),
                        c: to.wrapping_add(row * stride + column),
                        c_stride: stride,
                        bias: std::ptr::null(),
                        adds: adds || begin > 0,
                        relu: false,
                        ahead: ahead.next(deep, a),
                    };
                    // SAFETY: left side and panel hold `deep` words of each of these rows and columns from `begin` on, and
                    // `to` is the caller's word; `Precision::Bfloat16` is only where the processor has it.
                    unsafe { multiply(self.cpu, precision, &tile) };
                }
            }
        }
    }

    /// What the rows that are packed after these need of both sides.
    fn ahead(&self, begin: usize) -> Ahead<2> {
        let &Outer { rows, left, m, right, n, .. } = self.outer;
        let count = (begin + self.stretches.packed).min(rows) - begin;
        Ahead::new([(Lines::of(left, m, begin, &self.i), count), (Lines::of(right, n, begin, &self.j), count)])
    }
}

/// How columns of a matrix are packed: in strips, each [words of rows, apart], and gaps after them.
#[derive(Clone, Copy)]
struct Strips {
    /// Columns of a strip; those that are not there are 0.
    width: usize,
    apart: usize,
}

impl Strips {
    /// All `columns` in one
    fn of(columns: usize) -> Self {
        let width = columns.next_multiple_of(16);
        Self { width, apart: width + GAP }
    }

    fn panels(size: TileSize) -> Self {
        Self { width: size.width, apart: size.width }
    }

    /// Words of a strip with its gap
    fn words(self, depth: usize) -> usize {
        depth * self.apart + GAP
    }

    /// Columns `range` of x [rows, stride]
    fn pack(self, cpu: Cpu, precision: Precision, x: &[f32], stride: usize, range: Range<usize>, to: &mut [u32]) {
        match precision {
            Precision::Float32 => dispatch(cpu, Pack { x, stride, range, strips: self, to }),
            Precision::Bfloat16 => self.pack_pairs(x, stride, range, to),
        }
    }

    fn pack_pairs(self, x: &[f32], stride: usize, range: Range<usize>, to: &mut [u32]) {
        let rows = x.len() / stride;
        let depth = rows.div_ceil(2);
        for pair in 0..depth {
            let row = |row: usize| x[row * stride..][range.clone()].as_ptr();
            let first = row(2 * pair);
            let second = if 2 * pair + 1 < rows { row(2 * pair + 1) } else { std::ptr::null() };
            for (strip, begin) in (0..range.len()).step_by(self.width).enumerate() {
                let count = self.width.min(range.len() - begin);
                let to = &mut to[strip * self.words(depth) + pair * self.apart..][..self.width];
                let second = if second.is_null() { second } else { second.wrapping_add(begin) };
                // SAFETY: rows have `count` numbers from `begin` on; with `Precision::Bfloat16` the processor has the
                // instructions.
                unsafe { round_rows(first.wrapping_add(begin), second, count, to) };
            }
        }
    }
}

/// Strips of float32.
struct Pack<'a> {
    x: &'a [f32],
    stride: usize,
    range: Range<usize>,
    strips: Strips,
    to: &'a mut [u32],
}

impl Kernel for Pack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { x, stride, range, strips, to } = self;
        let depth = x.len() / stride;
        let Strips { width, apart, .. } = strips;
        let (step, count) = (strips.words(depth), range.len().div_ceil(width));
        assert!(range.end <= stride && width.is_multiple_of(S::LANES) && width <= apart && count * step <= to.len());
        for row in 0..depth {
            let numbers = &x[row * stride..][range.clone()];
            let from = numbers.as_ptr();
            let to = to[row * apart..].as_mut_ptr().cast::<f32>();
            for strip in 0..count {
                for begin in (strip * width..(strip + 1) * width).step_by(S::LANES) {
                    // SAFETY: no more numbers than are left of the row; the vector lies in its strip.
                    unsafe {
                        let value = if begin + S::LANES <= numbers.len() {
                            s.load_at(from.add(begin))
                        } else {
                            let count = numbers.len().saturating_sub(begin);
                            s.load_some_at(from.wrapping_add(begin), count)
                        };
                        s.store_at(to.add(strip * step + begin - strip * width), value);
                    }
                }
            }
        }
    }
}
