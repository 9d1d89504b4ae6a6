//! The engine's CUDA device: kernels of its own, compiled ahead to PTX, on a driver that is looked for at run time. A machine
//! without NVIDIA's driver loads the crate all the same and is told so by `Device::open`.
//!
//! Each family of `kernels/*.cu` has a file here with the same name that knows its arguments and its grids. Nothing waits:
//! kernels are put into a stream, and only `Buffer::read` and `Device::finish` wait for what came before.

pub mod attention;
pub mod device;
pub mod dropout;
pub mod embed;
pub mod loss;
pub mod memory;
pub mod normalise;
pub mod optimizer;
pub mod pooled_attention;
pub mod products;
mod ptx;
pub mod step;

/// What numbers are kept in between kernels. Sums and parameters are in float32 in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Float32,
    /// Products on the tensor cores, from compute capability 8.0 on.
    Bfloat16,
}

impl Precision {
    /// Bytes of a number.
    pub fn size(self) -> usize {
        match self {
            Precision::Float32 => 4,
            Precision::Bfloat16 => 2,
        }
    }

    /// What kernels for it are called by.
    fn name(self) -> &'static str {
        match self {
            Precision::Float32 => "fp32",
            Precision::Bfloat16 => "bf16",
        }
    }
}

/// An address on the GPU; 0 is none.
pub type Address = u64;

/// What belongs to the batch of a step, at the beginning of its numbers on the GPU (`kernels/numbers.cuh`).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub step: u32,
    pub rows: i32,
    pub pairs: i32,
    /// Token ids that differ
    pub distinct: i32,
}

/// Addresses of the numbers in a `Counts`.
pub fn address_of_rows(counts: Address) -> Address {
    counts + std::mem::offset_of!(Counts, rows) as u64
}

pub fn address_of_pairs(counts: Address) -> Address {
    counts + std::mem::offset_of!(Counts, pairs) as u64
}
