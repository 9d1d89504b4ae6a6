//! Attention of one query a pair and head straight on the layer's input (`kernels/pooled_attention.cu`).

use super::device::{Device, Grid, Lane};
use super::dropout::Dropout;
use super::{Address, Precision};
use crate::ensure;
use crate::error::Result;
use std::ptr::from_ref;

/// Laid out as in `kernels/pooled_attention.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PooledAttention {
    /// [R, H]
    pub x: Address,
    /// [P, N, H]
    pub query: Address,
    /// [P, N, H] weights · x
    pub sums: Address,
    /// [P, N] sums of weights, float32
    pub shares: Address,
    /// [R · N] softmax of each pair [N, T], a dropped weight negative, float32
    pub saved: Address,
    /// [P, N, H]
    pub dsums: Address,
    /// [P, H], of which the values' bias made `bias · share`
    pub dvalue: Address,
    /// [H] float32
    pub bias: Address,
    /// [R, H]
    pub dx: Address,
    /// [P, N, H]
    pub dquery: Address,
    /// [P + 1]
    pub offsets: Address,
    /// [P]
    pub pair_indices: Address,
    pub counts: Address,
    pub dropout: Dropout,
    pub scale: f32,
    pub heads: i32,
    pub hidden: i32,
    /// The most rows that a pair has
    pub longest: i32,
}

const THREADS: usize = 256;

impl PooledAttention {
    /// -> sums, shares, saved
    ///
    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernel has run.
    pub unsafe fn forward(&self, device: &Device, precision: Precision, most_pairs: usize) -> Result<()> {
        let shared = self.heads * (self.hidden + self.longest);
        // SAFETY: the caller's.
        unsafe { self.run(device, "pooled_attention", precision, most_pairs, shared) }
    }

    /// -> dx, dquery
    ///
    /// # Safety
    /// As `forward`.
    pub unsafe fn backward(&self, device: &Device, precision: Precision, most_pairs: usize) -> Result<()> {
        let shared = 2 * self.heads * (self.hidden + self.longest);
        // SAFETY: the caller's.
        unsafe { self.run(device, "pooled_attention_gradient", precision, most_pairs, shared) }
    }

    unsafe fn run(
        &self,
        device: &Device,
        name: &str,
        precision: Precision,
        most_pairs: usize,
        shared: i32,
    ) -> Result<()> {
        ensure!(self.hidden % 4 == 0 && self.hidden % self.heads == 0, "heads divide the width, a multiple of 4");
        let name = format!("{name}_{}", precision.name());
        let grid = Grid { shared: shared as usize * size_of::<f32>(), ..Grid::new(most_pairs, THREADS) };
        // SAFETY: the caller's.
        unsafe { device.launch(Lane::Main, &name, grid, &[from_ref(self).cast()]) }
    }
}
