//! The encoder's input, its gradients, and the first rows of pairs (`kernels/embed.cu`).

use super::device::{Device, Grid, Lane};
use super::{Address, Precision};
use crate::ensure;
use crate::error::Result;
use std::ptr::from_ref;

const THREADS: usize = 256;
/// Stretches of rows, each with a part of the segments' gradient.
pub const SEGMENT_PARTS: usize = 128;

/// What says where rows belong, on the GPU.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// [P + 1]
    pub offsets: Address,
    /// [P]
    pub pair_indices: Address,
    /// [R, 2] index of the row's pair in the optimizer batch, row inside the pair
    pub places: Address,
    /// [P, 2] the same of each pair's first row
    pub first_places: Address,
    /// A `Counts`
    pub counts: Address,
}

impl Layout {
    /// offsets, pair_indices -> places, first_places
    ///
    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernel has run.
    pub unsafe fn place(&self, device: &Device, most_pairs: usize) -> Result<()> {
        let Self { offsets, pair_indices, places, first_places, counts } = self;
        let arguments = [offsets, pair_indices, places, first_places, counts].map(|at| from_ref(at).cast());
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, "place_rows", Grid::new(most_pairs, 64), &arguments) }
    }

    /// x [R, W] -> y [P, W]: each pair's first row
    ///
    /// # Safety
    /// As `place`.
    pub unsafe fn first_rows(&self, device: &Device, precision: Precision, rows: FirstRows) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { self.of_first_rows(device, "first_rows", precision, rows) }
    }

    /// x [R, W] += y [P, W] at each pair's first row
    ///
    /// # Safety
    /// As `place`.
    pub unsafe fn add_first_rows(&self, device: &Device, precision: Precision, rows: FirstRows) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { self.of_first_rows(device, "add_first_rows", precision, rows) }
    }

    unsafe fn of_first_rows(&self, device: &Device, name: &str, precision: Precision, rows: FirstRows) -> Result<()> {
        let FirstRows { x, y, width, most_pairs } = rows;
        ensure!(width.is_multiple_of(4), "the width of rows must be a multiple of 4");
        let width = width as i32;
        let arguments = [
            from_ref(&x).cast(),
            from_ref(&self.offsets).cast(),
            from_ref(&y).cast(),
            from_ref(&width).cast(),
            from_ref(&self.counts).cast(),
        ];
        let name = format!("{name}_{}", precision.name());
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, &name, Grid::new(most_pairs, 64), &arguments) }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct FirstRows {
    pub x: Address,
    pub y: Address,
    pub width: usize,
    pub most_pairs: usize,
}

/// Laid out as in `kernels/embed.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Embedding {
    /// [V, W] float32
    pub tokens: Address,
    /// [2, W] float32
    pub segments: Address,
    /// [M, W] float32
    pub positions: Address,
    /// [R]
    pub ids: Address,
    /// [R]
    pub segment_of: Address,
    /// [R, 2]
    pub places: Address,
    /// [R, W]
    pub y: Address,
    pub counts: Address,
    pub width: i32,
}

impl Embedding {
    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernel has run; ids, segments and positions are
    /// in range.
    pub unsafe fn run(&self, device: &Device, precision: Precision, most_rows: usize) -> Result<()> {
        ensure!(self.width % 4 == 0, "the width of rows must be a multiple of 4");
        let name = format!("embedding_sum_{}", precision.name());
        let grid = Grid::new(most_rows.div_ceil(THREADS / 32), THREADS);
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, &name, grid, &[from_ref(self).cast()]) }
    }
}

/// Laid out as in `kernels/embed.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingGradient {
    /// [R, W]
    pub dy: Address,
    /// [R] rows by token id, those of one id in order
    pub order: Address,
    /// [distinct + 1] where those of an id begin
    pub begins: Address,
    /// [P + 1]
    pub offsets: Address,
    /// [R]
    pub segment_of: Address,
    /// [distinct, W]
    pub token_rows: Address,
    /// [M, W]
    pub positions: Address,
    /// [`SEGMENT_PARTS`, 2, W]
    pub segment_parts: Address,
    pub counts: Address,
    /// A multiple of 8 up to 2048
    pub width: i32,
    /// The most rows that a pair has
    pub longest: i32,
}

impl EmbeddingGradient {
    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernels have run.
    pub unsafe fn run(
        &self,
        device: &Device,
        precision: Precision,
        most_distinct: usize,
        positions: usize,
    ) -> Result<()> {
        ensure!(
            self.width % 8 == 0 && self.width <= 2048,
            "the width of embeddings must be a multiple of 8 up to 2048"
        );
        let run = |lane, name: &str, blocks| {
            let name = format!("{name}_{}", precision.name());
            // SAFETY: the caller's.
            unsafe {
                device.launch(lane, &name, Grid { blocks, threads: THREADS, shared: 0 }, &[from_ref(self).cast()])
            }
        };
        device.after(Lane::Side, Lane::Main)?;
        run(Lane::Main, "token_gradient", (most_distinct, 1, 1))?;
        run(Lane::Side, "position_gradient", (positions, 1, 1))?;
        run(Lane::Side, "segment_gradient", (SEGMENT_PARTS, 2, 1))
    }
}
