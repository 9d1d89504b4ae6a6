//! Attention of packed rows (`kernels/attention.cu`).

use super::device::{Device, Grid, Lane};
use super::dropout::Dropout;
use super::{Address, Precision};
use crate::ensure;
use crate::error::Result;
use std::ptr::from_ref;

/// Laid out as in `kernels/attention.cu`. D = H / N is 32 or 64.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// Rows of `stride` numbers
    pub q: Address,
    pub k: Address,
    pub v: Address,
    /// [R, H]
    pub context: Address,
    /// [R, N] logarithm of each softmax' divisor
    pub log_sums: Address,
    /// [R, N, words] a bit a key: whether its weight is kept. Only in float32 with dropout: bfloat16 draws it again.
    pub kept: Address,
    /// [R, H]
    pub dy: Address,
    /// [R, N] the gradient's own
    pub deltas: Address,
    /// Like q, k, v
    pub dq: Address,
    pub dk: Address,
    pub dv: Address,
    /// [P + 1]
    pub offsets: Address,
    /// [P]
    pub pair_indices: Address,
    pub counts: Address,
    pub dropout: Dropout,
    /// Of q·k: 1 / √D
    pub scale: f32,
    pub heads: i32,
    pub hidden: i32,
    pub stride: i32,
    /// Words of 32 bits that hold a bit for each key of the longest pair, rounded up to an even number
    pub words: i32,
    /// The most rows that a pair has
    pub longest: i32,
}

/// `Attention::words` for pairs of up to `longest` rows.
pub fn words_for(longest: usize) -> usize {
    longest.div_ceil(64) * 2
}

impl Attention {
    /// -> context, log_sums, kept
    ///
    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernel has run.
    pub unsafe fn forward(&self, device: &Device, precision: Precision, most_pairs: usize) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { self.run(device, "attention", precision, most_pairs) }
    }

    /// -> dq, dk, dv
    ///
    /// # Safety
    /// As `forward`.
    pub unsafe fn backward(&self, device: &Device, precision: Precision, most_pairs: usize) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { self.run(device, "attention_gradient", precision, most_pairs) }
    }

    unsafe fn run(&self, device: &Device, name: &str, precision: Precision, most_pairs: usize) -> Result<()> {
        let width = self.hidden / self.heads;
        ensure!(width == 32 || width == 64, "attention on the GPU has heads of 32 or 64 numbers, not {width}");
        let name = format!("{name}_{}_{width}", precision.name());
        let drops = self.dropout.step != 0;
        let (threads, shared) = match precision {
            Precision::Float32 => {
                ensure!(drops == (self.kept != 0), "the mask is kept where there is dropout");
                (128, 0)
            }
            // A bit for each weight of a head, drawn by four, 32 blocks at a time.
            Precision::Bfloat16 if drops => (64, (self.longest as usize).pow(2).div_ceil(4).div_ceil(32) * 16 + 16),
            Precision::Bfloat16 => (64, 0),
        };
        let grid = Grid { blocks: (self.heads as usize, most_pairs, 1), threads, shared };
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, &name, grid, &[from_ref(self).cast()]) }
    }
}
