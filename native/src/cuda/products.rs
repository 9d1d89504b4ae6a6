//! Matrix products of linear layers, with bias and activation in the same pass (`kernels/product*.cu`).

use super::device::{Device, Grid, Lane};
use super::{Address, Precision};
use crate::ensure;
use crate::error::Result;
use crate::kernels::activation::Activation;
use std::ptr::from_ref;

/// Which of the three products of a layer it is: how its operands lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// a [M, K] · b [N, K] transposed: x · Wᵀ
    Forward,
    /// a [M, K] · b [K, N]: dy · W
    Backward,
    /// a [K, M] transposed · b [K, N]: dyᵀ · x, in float32 whatever the operands are
    Weights,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Forward => "forward",
            Form::Backward => "backward",
            Form::Weights => "weights",
        }
    }
}

/// An operand or a result: rows of `stride` numbers, and how many numbers lie between two batches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Matrix {
    pub address: Address,
    pub stride: usize,
    pub batch: usize,
}

impl Matrix {
    pub fn rows(address: Address, stride: usize) -> Self {
        Self { address, stride, batch: 0 }
    }
}

/// Addresses that are 0 mean that there is no such thing.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    pub form: Form,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: Matrix,
    pub b: Matrix,
    /// Of `Weights`: parts [splits, batches of c]
    pub c: Matrix,
    /// Of the count on the GPU that stands for m (for k in `Weights`), which then is the most that it can be
    pub rows: Address,
    pub batches: usize,
    /// [batches, N]
    pub bias: Address,
    /// [M, batches] what a row's bias is multiplied by
    pub shares: Address,
    pub activation: Activation,
    /// Like c: gets what the activation is applied to
    pub sums: Address,
    /// Like c: what the activation keeps. The result is multiplied by its slope there instead of being activated.
    pub kept: Address,
    /// Like c
    pub added: Address,
    /// `Weights`: k is cut into so many stretches, each of which writes a part of its own
    pub splits: usize,
    /// `Weights`: [splits, batches, M] sums of a over its rows
    pub column_sums: Address,
    /// `Weights`: [K, batches] what a row of a counts in them
    pub sum_factors: Address,
}

impl Product {
    pub fn new(form: Form, [m, n, k]: [usize; 3], [a, b, c]: [Matrix; 3]) -> Self {
        let (batches, splits, activation) = (1, 1, Activation::None);
        let (rows, bias, shares, sums, kept, added, column_sums, sum_factors) = (0, 0, 0, 0, 0, 0, 0, 0);
        let more = (column_sums, sum_factors);
        Self {
            form,
            m,
            n,
            k,
            a,
            b,
            c,
            rows,
            batches,
            bias,
            shares,
            activation,
            sums,
            kept,
            added,
            splits,
            column_sums: more.0,
            sum_factors: more.1,
        }
    }

    /// Numbers of a part of c in `Weights`.
    pub fn part_size(&self) -> usize {
        self.batches * self.m * self.n
    }
}

/// Laid out as in `kernels/product.cuh`.
#[repr(C)]
struct Arguments {
    a: Address,
    b: Address,
    c: Address,
    bias: Address,
    shares: Address,
    sums: Address,
    kept: Address,
    added: Address,
    rows: Address,
    column_sums: Address,
    sum_factors: Address,
    batch_a: i64,
    batch_b: i64,
    batch_c: i64,
    split_c: i64,
    m: i32,
    n: i32,
    k: i32,
    lda: i32,
    ldb: i32,
    ldc: i32,
    activation: i32,
    batches: i32,
    splits: i32,
}

/// As `kernels/numbers.cuh` numbers them.
fn number_of(activation: Activation) -> i32 {
    match activation {
        Activation::None => 0,
        Activation::Relu => 1,
        Activation::Tanh => 2,
        Activation::Gelu => 3,
        Activation::GeluTanh => 4,
    }
}

impl Product {
    /// Side of the tiles that the result is computed in: large ones do more with what they read, small ones occupy more
    /// multiprocessors.
    fn tile(&self, device: &Device) -> usize {
        if self.form == Form::Weights {
            return tile_of_weights([self.m, self.n, self.k]);
        }
        let large = self.m.div_ceil(128) * self.n.div_ceil(128) * self.batches;
        if large * 4 >= device.multiprocessors * 3 && self.m >= 128 && self.n >= 128 { 128 } else { 64 }
    }

    /// Sides of the tiles, in rows and columns, threads of a block and bytes of shared memory that the kernels were made for.
    fn shape(&self, device: &Device, precision: Precision) -> ([usize; 2], usize, usize) {
        match (precision, self.tile(device)) {
            (Precision::Float32, tile) => ([tile; 2], 256, 0),
            (Precision::Bfloat16, 128) => ([128; 2], 256, 3 * (128 + 128) * 32 * 2),
            (Precision::Bfloat16, _) if self.form == Form::Weights => ([64; 2], 128, 4 * (64 + 64) * 32 * 2),
            (Precision::Bfloat16, _) => ([32, 64], 128, 8 * (32 + 64) * 32 * 2),
        }
    }

    fn check(&self, precision: Precision) -> Result<()> {
        // What lies side by side is read in pieces of 16 bytes.
        let piece = 16 / precision.size();
        let strides = [self.a.stride, self.b.stride, self.a.batch, self.b.batch];
        let side_by_side = match self.form {
            Form::Forward => [self.k, self.k],
            Form::Backward => [self.k, self.n],
            Form::Weights => [self.m, self.n],
        };
        let whole = |&size: &usize| size.is_multiple_of(piece);
        ensure!(
            strides.iter().all(whole) && side_by_side.iter().all(whole),
            "a product's widths must be multiples of {piece}"
        );
        // So is the result written.
        let of_result = [self.n, self.c.stride, self.c.batch];
        ensure!(
            self.form == Form::Weights || of_result.iter().all(whole),
            "a product's width must be a multiple of {piece}"
        );
        ensure!(self.form == Form::Weights || self.splits == 1, "only gradients of weights are split");
        Ok(())
    }

    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernel has run.
    pub unsafe fn run(&self, device: &Device, lane: Lane, precision: Precision) -> Result<()> {
        self.check(precision)?;
        let ([rows, columns], threads, shared) = self.shape(device, precision);
        let arguments = Arguments {
            a: self.a.address,
            b: self.b.address,
            c: self.c.address,
            bias: self.bias,
            shares: self.shares,
            sums: self.sums,
            kept: self.kept,
            added: self.added,
            rows: self.rows,
            column_sums: self.column_sums,
            sum_factors: self.sum_factors,
            batch_a: self.a.batch as i64,
            batch_b: self.b.batch as i64,
            batch_c: self.c.batch as i64,
            split_c: self.part_size() as i64,
            m: self.m as i32,
            n: self.n as i32,
            k: self.k as i32,
            lda: self.a.stride as i32,
            ldb: self.b.stride as i32,
            ldc: self.c.stride as i32,
            activation: number_of(self.activation),
            batches: self.batches as i32,
            splits: self.splits as i32,
        };
        let blocks = (self.n.div_ceil(columns), self.m.div_ceil(rows), self.batches * self.splits);
        let name = format!("product_{}_{rows}_{}", precision.name(), self.form.name());
        // SAFETY: the caller's.
        unsafe { device.launch(lane, &name, Grid { blocks, threads, shared }, &[from_ref(&arguments).cast()]) }
    }
}

fn tile_of_weights([m, n, k]: [usize; 3]) -> usize {
    if k >= 4096 && m >= 128 && n >= 128 { 128 } else { 64 }
}

/// How many stretches of k fill the GPU where a weight's gradient [M, N] is summed over k rows, each worth a block.
pub fn splits_for(device: &Device, [m, n, k]: [usize; 3], batches: usize) -> usize {
    let tile = tile_of_weights([m, n, k]);
    let tiles = m.div_ceil(tile) * n.div_ceil(tile) * batches;
    // Half of the GPU: parts cost memory, and the main lane has the other half.
    (device.multiprocessors / 2 / tiles).clamp(1, k.div_ceil(128).max(1))
}
