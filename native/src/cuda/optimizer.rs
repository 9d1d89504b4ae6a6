//! Gradients from their parts, and Adam over one flat buffer and a table (`kernels/optimizer.cu`).

use super::Address;
use super::device::{Device, Grid, Lane};
use crate::ensure;
use crate::error::Result;
use std::ptr::from_ref;

/// A parameter begins at a multiple of so many numbers in the flat buffer.
pub const BLOCK: usize = 1024;
const THREADS: usize = 256;

/// Where a parameter's gradient comes from; laid out as in `kernels/optimizer.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Segment {
    /// Part i begins `step` numbers after part i - 1
    pub parts: Address,
    pub step: i64,
    /// 0: its gradient is 0
    pub count: i32,
    /// Numbers of the parameter
    pub size: i32,
    pub first_block: i32,
}

impl super::memory::Number for Segment {}

/// Laid out as in `kernels/optimizer.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    pub beta1: f32,
    /// 1 - β₁, rounded once
    pub other1: f32,
    pub beta2: f32,
    pub other2: f32,
    pub eps: f32,
    /// Of the step's α / (1 - β₁ᵗ), 1 / √(1 - β₂ᵗ) and α, float32
    pub numbers: Address,
    /// Of each segment's `Rate`
    pub rates: Address,
    /// Of the gradient's norm and what the gradient is multiplied by, float32; or 0
    pub clipping: Address,
}

/// How fast a parameter learns.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Of the step's learning rate
    pub share: f32,
    /// Weight decay: what is taken away at a learning rate of 1
    pub decay: f32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { share: 1.0, decay: 0.0 }
    }
}

impl super::memory::Number for Rate {}

/// Which norm of the gradient is measured, and what it is brought down to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clipping {
    /// The norm is of the gradient times this.
    pub scale: f32,
    /// 0: the gradient stays as it is
    pub most: f32,
}

/// Of one flat buffer of `blocks` times `BLOCK` numbers.
#[derive(Debug, Clone, Copy)]
pub struct Flat {
    pub value: Address,
    pub first: Address,
    pub second: Address,
    pub gradient: Address,
    /// bfloat16, or 0
    pub copy: Address,
    /// [blocks] int32
    pub segment_of: Address,
    pub blocks: usize,
}

/// Numbers of the last updates, on the GPU: rows of a table catch up by them.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct History {
    /// [`HISTORY`, 4]: the step's three numbers, then the gradient's norm
    pub numbers: Address,
    /// Updates so far, int32
    pub count: Address,
}

/// Updates that a row may miss before it must catch up.
pub const HISTORY: usize = 1024;
/// Of a row that never had a gradient, and stays where it is where nothing decays.
pub const NEVER: i32 = -1;

/// A table [V, W] of which few rows have a gradient; laid out as in `kernels/optimizer.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub value: Address,
    pub first: Address,
    pub second: Address,
    /// [distinct, W]
    pub gradient: Address,
    /// [distinct]
    pub ids: Address,
    /// [V] updates that each row has done, or `NEVER`
    pub done: Address,
    pub history: History,
    pub counts: Address,
    pub rows: i32,
    pub width: i32,
    pub rate: Rate,
}

/// segments -> the flat gradient
///
/// # Safety
/// All addresses name memory of the sizes above, which lives until the kernel has run.
pub unsafe fn gather_gradient(device: &Device, segments: Address, flat: &Flat) -> Result<()> {
    let arguments = [&segments, &flat.segment_of, &flat.gradient].map(|at| from_ref(at).cast());
    // SAFETY: the caller's.
    unsafe { device.launch(Lane::Main, "gather_gradient", Grid::new(flat.blocks, THREADS), &arguments) }
}

impl Adam {
    /// Ends an update: its numbers go into the history. With segments the gradient is gathered in the same pass, else it is
    /// there.
    ///
    /// # Safety
    /// As `gather_gradient`.
    pub unsafe fn run(&self, device: &Device, flat: &Flat, history: &History, segments: Option<Address>) -> Result<()> {
        let segments = segments.unwrap_or(0);
        let of_flat = [flat.value, flat.first, flat.second, flat.gradient, flat.copy, flat.segment_of];
        let arguments =
            [from_ref(self).cast(), from_ref(&of_flat).cast(), from_ref(history).cast(), from_ref(&segments).cast()];
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, "adam", Grid::new(flat.blocks, THREADS), &arguments) }
    }

    /// The update of the rows that have a gradient, after they have caught up.
    ///
    /// # Safety
    /// As `gather_gradient`; ids are distinct and below V.
    pub unsafe fn run_rows(&self, device: &Device, table: &Table, most_distinct: usize) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { self.of_rows(device, "adam_rows", table, most_distinct) }
    }

    /// The rows that a batch will read do the updates that they missed.
    ///
    /// # Safety
    /// As `run_rows`.
    pub unsafe fn catch_up_read(&self, device: &Device, table: &Table, most_distinct: usize) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { self.of_rows(device, "catch_up_read", table, most_distinct) }
    }

    /// All rows do: at least once in `HISTORY` updates, and before the table is read.
    ///
    /// # Safety
    /// As `run_rows`.
    pub unsafe fn catch_up_all(&self, device: &Device, table: &Table) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { self.of_rows(device, "catch_up_all", table, table.rows as usize) }
    }

    unsafe fn of_rows(&self, device: &Device, name: &str, table: &Table, most: usize) -> Result<()> {
        ensure!(table.width % 4 == 0, "the width of a table must be a multiple of 4");
        let grid = Grid::new(most.div_ceil(THREADS / 32), THREADS);
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, name, grid, &[from_ref(self).cast(), from_ref(table).cast()]) }
    }
}

/// The flat buffer's copy in bfloat16.
///
/// # Safety
/// As `gather_gradient`.
pub unsafe fn round_parameters(device: &Device, flat: &Flat) -> Result<()> {
    let arguments = [from_ref(&flat.value).cast(), from_ref(&flat.copy).cast()];
    // SAFETY: the caller's.
    unsafe { device.launch(Lane::Main, "round_parameters", Grid::new(flat.blocks, THREADS), &arguments) }
}

/// Blocks of `gradient_norm` for the table's rows.
const BLOCKS_OF_ROWS: usize = 256;

/// Parts that `gradient_norm` needs room for, float32.
pub fn parts_of_norm(blocks: usize) -> usize {
    blocks + BLOCKS_OF_ROWS
}

/// The flat gradient and the table's rows -> clipping [2]: the norm and what the gradient is to be multiplied by
///
/// # Safety
/// As `gather_gradient`; parts has room for `parts_of_norm`.
pub unsafe fn gradient_norm(
    device: &Device,
    (flat, table): (&Flat, &Table),
    of: Clipping,
    [parts, clipping]: [Address; 2],
) -> Result<()> {
    let (blocks, count) = (flat.blocks as i32, parts_of_norm(flat.blocks) as i32);
    let squares = [
        from_ref(&flat.gradient).cast(),
        from_ref(&blocks).cast(),
        from_ref(&table.gradient).cast(),
        from_ref(&table.counts).cast(),
        from_ref(&table.width).cast(),
        from_ref(&parts).cast(),
    ];
    let norm = [
        from_ref(&parts).cast(),
        from_ref(&count).cast(),
        from_ref(&of.scale).cast(),
        from_ref(&of.most).cast(),
        from_ref(&clipping).cast(),
    ];
    // SAFETY: the caller's.
    unsafe {
        device.launch(Lane::Main, "gradient_squares", Grid::new(count as usize, THREADS), &squares)?;
        device.launch(Lane::Main, "gradient_norm", Grid::new(1, THREADS), &norm)
    }
}
