//! Products over rows, for gradients of weights: c [m, n] = leftᵀ · right, with many rows and a small c. Threads share c,
//! not the rows, so that its sums do not depend on them; each packs the stretch of rows at hand and fetches the next.

use super::Precision;
use super::bfloat16::round_rows;
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

/// Words of rows in a stretch: then a panel takes half of the nearest cache.
const DEPTH: usize = 128;
/// Of c for one thread at a time, so that it and what is packed stay in the second cache.
const WIDEST: (usize, usize) = (384, 256);
/// Words between packed strips, which vectors may overwrite, and between rows of the packed left side: rows a power of two
/// apart would share few places of the nearest cache.
const GAP: usize = 16;

impl Outer<'_> {
    /// c [m, n], and in `sums` [m] the sums of left's columns.
    pub fn multiply(&self, compute: &Compute, c: &mut [f32], sums: Option<&mut [f32]>) {
        let &Self { rows, left, m, right, n, .. } = self;
        assert!(left.len() == rows * m && right.len() == rows * n && c.len() == m * n, "sizes that fit");
        assert!(sums.as_ref().is_none_or(|sums| sums.len() == m), "a sum for each column");
        if rows == 0 || m * n == 0 {
            c.fill(0.0);
            if let Some(sums) = sums {
                sums.fill(0.0);
                // Without columns on the right there is still something to sum.
                column_sums(compute.cpu, left, m, sums);
            }
            return;
        }
        let size = tile_size(compute.cpu);
        let grid = Grid::new((m, n), size, compute.threads.count());
        let wants_sums = sums.is_some();
        let (c, sums) = (Disjoint::new(c), Disjoint::new(sums.unwrap_or_default()));
        let left_words = Strips::of(grid.piece.0).words(DEPTH);
        let panel_words = grid.piece.1 / size.width * Strips::panels(size).words(DEPTH);
        let each = left_words + panel_words;
        let mut scratch = compute.pool.take::<u32>(each * compute.threads.count());
        let mut places: Vec<&mut [u32]> = scratch.chunks_exact_mut(each).collect();
        compute.threads.for_chunks_with(grid.count(), 1, &mut places, |part, place| {
            let (left, panels) = place.split_at_mut(left_words);
            let (i, j) = grid.ranges(part.index);
            let mut piece = Piece { outer: self, cpu: compute.cpu, size, left, panels, i, j };
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

/// One thread's piece of c: rows i, columns j.
struct Piece<'a> {
    outer: &'a Outer<'a>,
    cpu: Cpu,
    size: TileSize,
    /// Packed left side, one strip
    left: &'a mut [u32],
    /// Packed right side, strips of a panel's width
    panels: &'a mut [u32],
    i: Range<usize>,
    j: Range<usize>,
}

impl Piece<'_> {
    /// # Safety
    /// c [m, n] can be written in this piece, and nobody else uses it there.
    unsafe fn multiply(&mut self, c: *mut f32, mut sums: Option<&mut [f32]>) {
        let &Outer { rows, left, m, right, n, precision } = self.outer;
        let TileSize { height, width } = self.size;
        let in_word = precision.in_word();
        let (strip, panels) = (Strips::of(self.i.len()), Strips::panels(self.size));
        for first in (0..rows).step_by(DEPTH * in_word) {
            let end = (first + DEPTH * in_word).min(rows);
            let depth = (end - first).div_ceil(in_word);
            strip.pack(self.cpu, precision, &left[first * m..end * m], m, self.i.clone(), self.left);
            panels.pack(self.cpu, precision, &right[first * n..end * n], n, self.j.clone(), self.panels);
            if let Some(sums) = &mut sums {
                if first == 0 {
                    sums.fill(0.0);
                }
                dispatch(self.cpu, AddColumns { x: &left[first * m..end * m], stride: m, begin: self.i.start, sums });
            }
            let mut ahead = self.ahead(end);
            for (panel, column) in self.j.clone().step_by(width).enumerate() {
                let b = self.panels[panel * panels.words(depth)..].as_ptr();
                for row in self.i.clone().step_by(height) {
                    let a = self.left[row - self.i.start..].as_ptr();
                    let tile = Tile {
                        rows: height.min(self.i.end - row),
                        columns: width.min(self.j.end - column),
                        depth,
                        a,
                        a_row: 1,
                        a_step: strip.apart,
                        b,
                        c: c.wrapping_add(row * n + column),
                        c_stride: n,
                        bias: std::ptr::null(),
                        adds: first > 0,
                        relu: false,
                        ahead: ahead.next(depth, a),
                    };
                    // SAFETY: left side and panel hold `depth` words of each of these rows and columns, and c is the
                    // caller's word; `Precision::Bfloat16` is only where the processor has it.
                    unsafe { multiply(self.cpu, precision, &tile) };
                }
            }
        }
    }

    /// What the stretch of rows after this one needs of both sides.
    fn ahead(&self, begin: usize) -> Ahead<2> {
        let &Outer { rows, left, m, right, n, precision } = self.outer;
        let count = (begin + DEPTH * precision.in_word()).min(rows) - begin;
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

/// sums += the sums of columns `begin`.. of x [rows, stride], each added up first
struct AddColumns<'a, 'b> {
    x: &'a [f32],
    stride: usize,
    begin: usize,
    sums: &'b mut [f32],
}

impl Kernel for AddColumns<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Several vectors at a time, so that additions need not wait for each other.
        const TOGETHER: usize = 4;
        let rows = self.x.len() / self.stride.max(1);
        assert!(self.begin + self.sums.len() <= self.stride);
        for (group, sums) in self.sums.chunks_mut(TOGETHER * S::LANES).enumerate() {
            let begin = self.begin + group * TOGETHER * S::LANES;
            let mut totals = [s.zero(); TOGETHER];
            let lanes = |v: usize| sums.len().saturating_sub(v * S::LANES).min(S::LANES);
            for row in 0..rows {
                for v in 0..TOGETHER {
                    let from = self.x.as_ptr().wrapping_add(row * self.stride + begin + v * S::LANES);
                    // SAFETY: as many numbers as there are sums lie in the row.
                    totals[v] = s.add(totals[v], unsafe { s.load_some_at(from, lanes(v)) });
                }
            }
            for (total, sums) in totals.into_iter().zip(sums.chunks_mut(S::LANES)) {
                let sum = s.add(s.load_some(sums), total);
                s.store_some(sums, sum);
            }
        }
    }
}

/// sums += the sums of the columns of x [rows, width], on the calling thread
pub fn column_sums(cpu: Cpu, x: &[f32], width: usize, sums: &mut [f32]) {
    if width > 0 {
        for stretch in x.chunks(DEPTH * width) {
            dispatch(cpu, AddColumns { x: stretch, stride: width, begin: 0, sums });
        }
    }
}
