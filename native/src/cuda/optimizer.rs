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
    /// 1 - lr · decay
    pub keep: f32,
    /// Of the step's α / (1 - β₁ᵗ) and 1 / √(1 - β₂ᵗ), float32
    pub numbers: Address,
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
    pub blocks: usize,
}

/// Numbers of the last updates, on the GPU: rows of a table catch up by them.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct History {
    /// [`HISTORY`, 2]
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
}

/// segments, segment_of [blocks] -> the flat gradient
///
/// # Safety
/// All addresses name memory of the sizes above, which lives until the kernel has run.
pub unsafe fn gather_gradient(device: &Device, segments: Address, segment_of: Address, flat: &Flat) -> Result<()> {
    let arguments = [&segments, &segment_of, &flat.gradient].map(|at| from_ref(at).cast());
    // SAFETY: the caller's.
    unsafe { device.launch(Lane::Main, "gather_gradient", Grid::new(flat.blocks, THREADS), &arguments) }
}

impl Adam {
    /// Ends an update: its numbers go into the history.
    ///
    /// # Safety
    /// As `gather_gradient`.
    pub unsafe fn run(&self, device: &Device, flat: &Flat, history: &History) -> Result<()> {
        let Flat { value, first, second, gradient, copy, blocks } = flat;
        let addresses = [value, first, second, gradient, copy].map(|at| from_ref(at).cast());
        let arguments = [&[from_ref(self).cast()], &addresses[..], &[from_ref(history).cast()]].concat();
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, "adam", Grid::new(*blocks, THREADS), &arguments) }
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
