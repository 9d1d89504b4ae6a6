//! Products of matrices: sums of float32 over factors of float32, or of bfloat16 where the processor multiplies it.
//!
//! The right side of a product is packed into panels (`panels.rs`) that stay in the nearest cache while tiles (`tile.rs`)
//! of c are computed one below the other (`rows.rs`). Where the inner dimension is long and c small, as for the gradient
//! of a weight, both sides are packed stretch by stretch (`outer.rs`). Every number of c is the sum of its terms in the
//! order of the inner dimension, wherever and in whatever tile it is computed.

pub mod batched;
mod bfloat16;
mod columns;
pub mod outer;
pub mod panels;
pub mod rows;
mod stretches;
mod tile;

use crate::cpu::Cpu;
use crate::error::Result;
use crate::{ensure, fail};

/// Of the factors; sums are always float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Float32,
    Bfloat16,
}

impl Precision {
    pub fn named(name: &str, cpu: Cpu) -> Result<Self> {
        match name {
            "fp32" => Ok(Self::Float32),
            "bf16" => {
                ensure!(cpu.bf16(), "this processor multiplies no bfloat16 (AVX512-BF16)");
                Ok(Self::Bfloat16)
            }
            other => fail!("there is no precision {other}"),
        }
    }

    /// Inner indices in a word of 32 bits.
    pub(crate) fn in_word(self) -> usize {
        match self {
            Self::Float32 => 1,
            Self::Bfloat16 => 2,
        }
    }
}

/// A matrix in a slice: element (i, j) at i · strides.0 + j · strides.1.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    pub numbers: &'a [f32],
    pub strides: (usize, usize),
}

impl<'a> Matrix<'a> {
    /// [rows, columns], row after row
    pub fn rows_of(numbers: &'a [f32], columns: usize) -> Self {
        Self { numbers, strides: (columns, 1) }
    }

    pub fn transposed(self) -> Self {
        Self { numbers: self.numbers, strides: (self.strides.1, self.strides.0) }
    }

    /// Panics unless rows · columns elements lie in the slice.
    fn check(&self, rows: usize, columns: usize) {
        if rows > 0 && columns > 0 {
            let last = (rows - 1) * self.strides.0 + (columns - 1) * self.strides.1;
            assert!(last < self.numbers.len(), "a matrix inside of its slice");
        }
    }
}

#[cfg(test)]
pub mod tests;
