//! The output layer with cross-entropy and its gradient (`kernels/loss.cu`).

use super::device::{Device, Grid, Lane};
use super::{Address, Precision};
use crate::ensure;
use crate::error::Result;
use std::ptr::from_ref;

/// Laid out as in `kernels/loss.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// [P, H] after tanh
    pub hidden: Address,
    /// [C, H] float32
    pub weight: Address,
    /// [C] float32
    pub bias: Address,
    /// [P]
    pub labels: Address,
    /// [P, C] float32
    pub logits: Address,
    /// [P] float32
    pub losses: Address,
    /// [P] 0 or 1
    pub right: Address,
    /// [P, C] float32
    pub residuals: Address,
    /// [P, H] before tanh
    pub dhidden: Address,
    pub counts: Address,
    /// Of the loss' gradient: 1 for the sum of losses
    pub scale: f32,
    pub classes: i32,
    pub width: i32,
}

const THREADS: usize = 256;
const MOST_CLASSES: i32 = 64;
/// Stretches of pairs, each with a part of the output layer's gradient.
pub const PARTS: usize = 16;

impl Head {
    /// -> logits, losses, right, residuals, dhidden
    ///
    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernel has run; labels are below C.
    pub unsafe fn run(&self, device: &Device, precision: Precision, most_pairs: usize) -> Result<()> {
        ensure!(self.classes <= MOST_CLASSES, "the GPU's loss has up to {MOST_CLASSES} classes, not {}", self.classes);
        ensure!(self.width % 4 == 0, "the width of rows must be a multiple of 4");
        let name = format!("classify_{}", precision.name());
        let grid = Grid::new(most_pairs.div_ceil(THREADS / 32), THREADS);
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, &name, grid, &[from_ref(self).cast()]) }
    }

    /// -> weight_parts [PARTS, C, H], bias_parts [PARTS, C]
    ///
    /// # Safety
    /// As `run`, after it.
    pub unsafe fn gradient(&self, device: &Device, precision: Precision, parts: [Address; 2]) -> Result<()> {
        let name = format!("classes_gradient_{}", precision.name());
        let grid = Grid { blocks: (self.classes as usize, PARTS, 1), threads: THREADS, shared: 0 };
        let arguments = [from_ref(self).cast(), from_ref(&parts[0]).cast(), from_ref(&parts[1]).cast()];
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Side, &name, grid, &arguments) }
    }

    /// Adds loss and right predictions to totals [2], float64.
    ///
    /// # Safety
    /// As `run`, after it.
    pub unsafe fn sum_metrics(&self, device: &Device, totals: Address) -> Result<()> {
        let arguments = [&self.losses, &self.right, &totals, &self.counts].map(|at| from_ref(at).cast());
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Side, "sum_metrics", Grid::new(1, THREADS), &arguments) }
    }
}
