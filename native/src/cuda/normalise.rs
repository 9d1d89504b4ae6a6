//! LayerNorm with its dropout and residual (`kernels/normalise.cu`).

use super::device::{Device, Grid, Lane};
use super::dropout::Dropout;
use super::{Address, Precision};
use crate::ensure;
use crate::error::Result;
use std::ptr::from_ref;

/// Laid out as in `kernels/normalise.cu`. Addresses that are 0 mean that there is no such thing.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Norm {
    /// [R, W]
    pub x: Address,
    /// [R, W] where x is dropped and this is added before the norm; without, the norm's result is dropped
    pub residual: Address,
    /// [W]
    pub gamma: Address,
    pub beta: Address,
    /// [R, W]; for the gradient: dy
    pub y: Address,
    /// [R, 2] mean and 1 / σ
    pub statistics: Address,
    /// [R, W]
    pub dx: Address,
    /// [R, W] where there is a residual
    pub dresidual: Address,
    /// [`PARTS`, 2, W] what each block adds to the gradients of gamma and beta
    pub parts: Address,
    /// [R, 2] index of the row's pair in the optimizer batch, row inside the pair
    pub places: Address,
    /// Of the number of rows
    pub rows: Address,
    pub dropout: Dropout,
    pub width: i32,
    pub eps: f32,
}

/// Blocks of the gradient, each with a part of gamma's and beta's.
pub const PARTS: usize = 128;
const WARPS: usize = 8;
/// Groups of columns that a block of the gradient has in registers: the wider, the fewer warps.
const GROUPS_OF_A_BLOCK: usize = 64;

impl Norm {
    /// Groups of 128 columns that a warp keeps in registers.
    fn groups(&self) -> Result<usize> {
        let width = self.width as usize;
        ensure!(
            width.is_multiple_of(4) && width <= 1024,
            "the width of a norm must be a multiple of 4 up to 1024, not {width}"
        );
        Ok(if width <= 256 {
            2
        } else if width <= 512 {
            4
        } else {
            8
        })
    }

    /// -> y, statistics of at most `most_rows` rows
    ///
    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernel has run.
    pub unsafe fn forward(&self, device: &Device, precision: Precision, most_rows: usize) -> Result<()> {
        let name = format!("norm_{}_{}", precision.name(), self.groups()?);
        let grid = Grid::new(most_rows.div_ceil(WARPS), WARPS * 32);
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, &name, grid, &[from_ref(self).cast()]) }
    }

    /// -> dx, dresidual, parts
    ///
    /// # Safety
    /// As `forward`.
    pub unsafe fn backward(&self, device: &Device, precision: Precision) -> Result<()> {
        let groups = self.groups()?;
        let (name, warps) = (format!("norm_gradient_{}_{groups}", precision.name()), GROUPS_OF_A_BLOCK / groups);
        let shared = warps * self.width as usize * size_of::<f32>();
        let grid = Grid { shared, ..Grid::new(PARTS, warps * 32) };
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, &name, grid, &[from_ref(self).cast()]) }
    }
}
