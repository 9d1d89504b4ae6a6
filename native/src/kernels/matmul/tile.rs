//! The heart of every product: a tile of c, as many rows and columns as the registers hold, over a stretch of the inner
//! dimension. The left side is read number by number, the right side comes as a panel: two vectors of columns for each
//! inner index. Both are words of 32 bits: a float32, or two bfloat16 of neighbouring inner indices.

use super::Precision;
use crate::cpu::{Cpu, InstructionSet};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};
use crate::simd::{Kernel, Scalar, Simd, dispatch};
use std::ops::Range;

/// Vectors of columns in a panel.
pub const VECTORS: usize = 2;
/// Bytes of a cache line.
const LINE: usize = 64;

/// Rows of the tallest tile and columns of a panel on one instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileSize {
    pub height: usize,
    pub width: usize,
}

const fn size<S: Simd>() -> TileSize {
    TileSize { height: S::TILE_VECTORS / VECTORS, width: VECTORS * S::LANES }
}

pub fn tile_size(cpu: Cpu) -> TileSize {
    match cpu.set() {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => size::<Avx512>(),
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => size::<Avx2>(),
        #[cfg(target_arch = "aarch64")]
        InstructionSet::Neon => size::<crate::simd::Neon>(),
        _ => size::<Scalar>(),
    }
}

#[derive(Clone, Copy)]
pub struct Tile {
    pub rows: usize,
    /// How many of the panel's columns c has.
    pub columns: usize,
    /// Words of the inner dimension
    pub depth: usize,
    /// Word (row, k) at row · a_row + k · a_step
    pub a: *const u32,
    pub a_row: usize,
    pub a_step: usize,
    /// [depth, width]
    pub b: *const u32,
    pub c: *mut f32,
    pub c_stride: usize,
    /// What sums begin with, [columns]; null for zeros
    pub bias: *const f32,
    /// Whether the sums are added to what c holds.
    pub adds: bool,
    pub relu: bool,
    pub ahead: Lines,
}

/// Cache lines that will soon be needed, row by row, of which a tile fetches as many as it is deep. (Waiting for memory
/// costs a tenth of a product's time.)
#[derive(Clone, Copy)]
pub struct Lines {
    next: *const u8,
    /// Lines of a row, and how many of them are left.
    across: usize,
    left: usize,
    /// Bytes from the end of a row's lines to the next row's
    skip: usize,
}

impl Lines {
    /// Columns `columns` of a matrix whose rows are `stride` numbers apart, from row `row` on. Nothing need be there.
    pub fn of(numbers: &[f32], stride: usize, row: usize, columns: &Range<usize>) -> Self {
        let across = (columns.len() * size_of::<f32>()).div_ceil(LINE).max(1);
        let next = numbers.as_ptr().wrapping_add(row * stride + columns.start).cast();
        Self { next, across, left: across, skip: (stride * size_of::<f32>()).wrapping_sub(across * LINE) }
    }

    /// What is at hand anyway
    fn at(next: *const u8) -> Self {
        Self { next, across: usize::MAX, left: usize::MAX, skip: 0 }
    }

    #[inline(always)]
    pub(super) fn fetch<S: Simd>(&mut self, s: S) {
        s.prefetch(self.next);
        self.next = self.next.wrapping_add(LINE);
        self.left -= 1;
        if self.left == 0 {
            self.left = self.across;
            self.next = self.next.wrapping_add(self.skip);
        }
    }

    fn advance(&mut self, lines: usize) {
        if lines < self.left {
            self.next = self.next.wrapping_add(lines * LINE);
            self.left -= lines;
            return;
        }
        let beyond = lines - self.left;
        let rows = (self.across * LINE).wrapping_add(self.skip).wrapping_mul(beyond / self.across);
        let start = self.next.wrapping_add(self.left * LINE).wrapping_add(self.skip);
        self.next = start.wrapping_add(rows).wrapping_add(beyond % self.across * LINE);
        self.left = self.across - beyond % self.across;
    }
}

/// What a run of tiles fetches for the next: some rows of some matrices.
pub struct Ahead<const SIDES: usize> {
    sides: [(Lines, usize); SIDES],
}

impl<const SIDES: usize> Ahead<SIDES> {
    /// Each with its number of rows.
    pub fn new(sides: [(Lines, usize); SIDES]) -> Self {
        Self { sides: sides.map(|(lines, rows)| (lines, rows * lines.across)) }
    }

    /// The next `depth` lines, or what is at hand anyway.
    pub fn next(&mut self, depth: usize, at_hand: *const u32) -> Lines {
        for (lines, count) in &mut self.sides {
            if *count > 0 {
                let next = *lines;
                lines.advance(depth);
                *count = count.saturating_sub(depth);
                return next;
            }
        }
        Lines::at(at_hand.cast())
    }
}

/// # Safety
/// What the fields of `tile` say is there to read and write, `rows` is from 1 to `TileSize::height` and `columns` from 1
/// to `TileSize::width`; `precision` is one that the processor has.
pub unsafe fn multiply(cpu: Cpu, precision: Precision, tile: &Tile) {
    match precision {
        Precision::Float32 => dispatch(cpu, OfFloats(tile)),
        // SAFETY: the caller's word.
        Precision::Bfloat16 => unsafe { super::bfloat16::multiply(tile) },
    }
}

struct OfFloats<'a>(&'a Tile);

impl Kernel for OfFloats<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        const { assert!(size::<S>().height <= 12) };
        macro_rules! by_height {
            ($($known:literal)*) => {
                match self.0.rows {
                    $($known if $known <= size::<S>().height => s.call(OfFloatsWithRows::<$known>(self.0)),)*
                    _ => unreachable!("a height that fits"),
                }
            };
        }
        by_height!(1 2 3 4 5 6 7 8 9 10 11 12);
    }
}

struct OfFloatsWithRows<'a, const ROWS: usize>(&'a Tile);

impl<const ROWS: usize> Kernel for OfFloatsWithRows<'_, ROWS> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let tile = self.0;
        // SAFETY: `multiply` has its caller's word for all that is read and written here. (Addresses past the end, after
        // the last step, are not read; what is fetched ahead need not be there.)
        unsafe {
            let mut sums = tile.begin::<S, ROWS>(s);
            let mut left = tile.a.cast::<f32>();
            let mut right = tile.b.cast::<f32>();
            let mut ahead = tile.ahead;
            for _ in 0..tile.depth {
                ahead.fetch(s);
                let mut vectors = [s.zero(); VECTORS];
                for v in 0..VECTORS {
                    vectors[v] = s.load_at(right.add(v * S::LANES));
                }
                for i in 0..ROWS {
                    let value = s.splat(*left.add(i * tile.a_row));
                    for v in 0..VECTORS {
                        sums[i][v] = s.fma(value, vectors[v], sums[i][v]);
                    }
                }
                left = left.wrapping_add(tile.a_step);
                right = right.wrapping_add(VECTORS * S::LANES);
            }
            tile.finish::<S, ROWS>(s, sums);
        }
    }
}

impl Tile {
    /// # Safety
    /// As for `multiply`.
    #[inline(always)]
    pub(super) unsafe fn begin<S: Simd, const ROWS: usize>(&self, s: S) -> [[S::F; VECTORS]; ROWS] {
        let mut first = [s.zero(); VECTORS];
        if !self.bias.is_null() {
            for v in 0..VECTORS {
                let count = self.lanes::<S>(v);
                // SAFETY: as many as there are columns.
                first[v] = unsafe { s.load_some_at(self.bias.wrapping_add(v * S::LANES), count) };
            }
        }
        for i in 0..ROWS {
            for v in 0..VECTORS {
                s.prefetch_near(self.c.wrapping_add(i * self.c_stride + v * S::LANES).cast());
            }
        }
        [first; ROWS]
    }

    /// # Safety
    /// As for `multiply`.
    #[inline(always)]
    pub(super) unsafe fn finish<S: Simd, const ROWS: usize>(&self, s: S, mut sums: [[S::F; VECTORS]; ROWS]) {
        let whole = self.columns == VECTORS * S::LANES;
        let load = |at: *mut f32, v| {
            // SAFETY: no more columns than there are.
            unsafe { if whole { s.load_at(at) } else { s.load_some_at(at, self.lanes::<S>(v)) } }
        };
        let store = |at: *mut f32, v, value| {
            // SAFETY: as above.
            unsafe { if whole { s.store_at(at, value) } else { s.store_some_at(at, self.lanes::<S>(v), value) } }
        };
        let at = |i: usize, v: usize| self.c.wrapping_add(i * self.c_stride + v * S::LANES);
        if self.adds {
            for i in 0..ROWS {
                for v in 0..VECTORS {
                    sums[i][v] = s.add(load(at(i, v), v), sums[i][v]);
                }
            }
        }
        if self.relu {
            for i in 0..ROWS {
                for v in 0..VECTORS {
                    sums[i][v] = s.max(s.zero(), sums[i][v]);
                }
            }
        }
        for i in 0..ROWS {
            for v in 0..VECTORS {
                store(at(i, v), v, sums[i][v]);
            }
        }
    }

    /// Columns that vector `v` of a row has.
    #[inline(always)]
    fn lanes<S: Simd>(&self, v: usize) -> usize {
        self.columns.saturating_sub(v * S::LANES).min(S::LANES)
    }
}
