//! Products over rows, for gradients of weights: c [m, n] = leftᵀ · right, with many rows and a small c. Threads share c,
//! not the rows, so that its sums do not depend on them; each packs the stretch of rows at hand and fetches the next.

use super::Precision;
use super::bfloat16::round_rows;
use super::tile::{LINE, Tile, TileSize, multiply, tile_size};
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
/// Words between packed strips, which vectors may overwrite.
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
        let strip_words = (grid.piece.0 / size.height) * (DEPTH * size.height + GAP);
        let panel_words = (grid.piece.1 / size.width) * (DEPTH * size.width + GAP);
        let each = strip_words + panel_words;
        let mut scratch = compute.pool.take::<u32>(each * compute.threads.count());
        let mut places: Vec<&mut [u32]> = scratch.chunks_exact_mut(each).collect();
        compute.threads.for_chunks_with(grid.count(), 1, &mut places, |part, place| {
            let (strips, panels) = place.split_at_mut(strip_words);
            let (i, j) = grid.ranges(part.index);
            let mut piece = Piece { outer: self, cpu: compute.cpu, size, strips, panels, i, j };
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
    /// Packed left side: strips [depth, height]
    strips: &'a mut [u32],
    /// Packed right side: panels [depth, width]
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
        for first in (0..rows).step_by(DEPTH * in_word) {
            let end = (first + DEPTH * in_word).min(rows);
            let depth = (end - first).div_ceil(in_word);
            pack(self.cpu, precision, &left[first * m..end * m], m, self.i.clone(), height, self.strips);
            pack(self.cpu, precision, &right[first * n..end * n], n, self.j.clone(), width, self.panels);
            if let Some(sums) = &mut sums {
                if first == 0 {
                    sums.fill(0.0);
                }
                dispatch(self.cpu, AddColumns { x: &left[first * m..end * m], stride: m, begin: self.i.start, sums });
            }
            let mut ahead = self.ahead(end, depth);
            for (panel, column) in self.j.clone().step_by(width).enumerate() {
                let b = self.panels[panel * (depth * width + GAP)..].as_ptr();
                for (strip, row) in self.i.clone().step_by(height).enumerate() {
                    let a = self.strips[strip * (depth * height + GAP)..].as_ptr();
                    let (ahead, ahead_step) = ahead.next(a.cast());
                    let tile = Tile {
                        rows: height.min(self.i.end - row),
                        columns: width.min(self.j.end - column),
                        depth,
                        a,
                        a_row: 1,
                        a_step: height,
                        b,
                        c: c.wrapping_add(row * n + column),
                        c_stride: n,
                        bias: std::ptr::null(),
                        adds: first > 0,
                        relu: false,
                        ahead,
                        ahead_step,
                    };
                    // SAFETY: strip and panel hold `depth` words of each of their rows and columns, and c is the
                    // caller's word; `Precision::Bfloat16` is only where the processor has it.
                    unsafe { multiply(self.cpu, precision, &tile) };
                }
            }
        }
    }

    /// What the stretch of rows after this one needs: column by column of cache lines, a few rows deep a tile.
    fn ahead(&self, begin: usize, depth: usize) -> Ahead {
        let &Outer { rows, left, m, right, n, precision } = self.outer;
        let until = (begin + DEPTH * precision.in_word()).min(rows);
        let side = |x: &[f32], width: usize, range: &Range<usize>| Lines {
            start: x.as_ptr().wrapping_add(begin * width + range.start).cast(),
            stride: width * size_of::<f32>(),
            across: if until > begin { (range.len() * size_of::<f32>()).div_ceil(LINE) } else { 0 },
        };
        let times = (until - begin.min(until)).div_ceil(depth);
        Ahead { sides: [side(left, m, &self.i), side(right, n, &self.j)], depth, times, at: 0 }
    }
}

struct Lines {
    start: *const u8,
    /// Bytes between rows
    stride: usize,
    /// Lines of a row
    across: usize,
}

struct Ahead {
    sides: [Lines; 2],
    /// Rows that one tile fetches, and tiles for a column of lines.
    depth: usize,
    times: usize,
    at: usize,
}

impl Ahead {
    fn next(&mut self, at_hand: *const u8) -> (*const u8, usize) {
        let mut line = self.at / self.times.max(1);
        let rows = self.at % self.times.max(1) * self.depth;
        self.at += 1;
        for side in &self.sides {
            if line < side.across {
                return (side.start.wrapping_add(line * LINE + rows * side.stride), side.stride);
            }
            line -= side.across;
        }
        (at_hand, 0)
    }
}

/// Columns `range` of x [rows, stride] -> strips of `width` columns, each [words of rows, width] and a gap; columns that
/// are not there are 0.
fn pack(cpu: Cpu, precision: Precision, x: &[f32], stride: usize, range: Range<usize>, width: usize, to: &mut [u32]) {
    match precision {
        Precision::Float32 => dispatch(cpu, PackStrips { x, stride, range, width, to }),
        Precision::Bfloat16 => {
            let rows = x.len() / stride;
            let depth = rows.div_ceil(2);
            for pair in 0..depth {
                let row = |row: usize| x[row * stride..][range.clone()].as_ptr();
                let first = row(2 * pair);
                let second = if 2 * pair + 1 < rows { row(2 * pair + 1) } else { std::ptr::null() };
                for (strip, begin) in (0..range.len()).step_by(width).enumerate() {
                    let count = width.min(range.len() - begin);
                    let to = &mut to[strip * (depth * width + GAP) + pair * width..][..width];
                    let second = if second.is_null() { second } else { second.wrapping_add(begin) };
                    // SAFETY: rows have `count` numbers from `begin` on; with `Precision::Bfloat16` the processor has
                    // the instructions.
                    unsafe { round_rows(first.wrapping_add(begin), second, count, to) };
                }
            }
        }
    }
}

struct PackStrips<'a> {
    x: &'a [f32],
    stride: usize,
    range: Range<usize>,
    width: usize,
    to: &'a mut [u32],
}

impl Kernel for PackStrips<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { x, stride, range, width, to } = self;
        let depth = x.len() / stride;
        let strips = range.len().div_ceil(width);
        assert!(range.end <= stride && S::LANES <= GAP && strips * (depth * width + GAP) <= to.len());
        let vectors = width.div_ceil(S::LANES);
        // Strips whose vectors all lie within the row.
        let whole = (range.len() + width).saturating_sub(vectors * S::LANES) / width;
        let step = depth * width + GAP;
        for row in 0..depth {
            let numbers = &x[row * stride..][range.clone()];
            let from = numbers.as_ptr();
            let to = to[row * width..].as_mut_ptr().cast::<f32>();
            // SAFETY (all): strips up to `whole` read no further than the row, the others as many numbers as are left of
            // it. A whole vector fits, as the gap is no smaller; what it writes beyond the row is the next row's, written
            // later, or the gap.
            for strip in 0..whole {
                for v in 0..vectors {
                    let begin = v * S::LANES;
                    unsafe { s.store_at(to.add(strip * step + begin), s.load_at(from.add(strip * width + begin))) };
                }
            }
            for strip in whole..strips {
                for v in 0..vectors {
                    let begin = strip * width + v * S::LANES;
                    let count = numbers.len().saturating_sub(begin).min(S::LANES);
                    unsafe {
                        let value = s.load_some_at(from.wrapping_add(begin), count);
                        s.store_at(to.add(strip * step + v * S::LANES), value);
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
        let rows = self.x.len() / self.stride.max(1);
        for (vector, sums) in self.sums.chunks_mut(S::LANES).enumerate() {
            let begin = self.begin + vector * S::LANES;
            let mut sum = s.zero();
            for row in 0..rows {
                sum = s.add(sum, s.load_some(&self.x[row * self.stride + begin..][..sums.len()]));
            }
            let total = s.add(s.load_some(sums), sum);
            s.store_some(sums, total);
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
