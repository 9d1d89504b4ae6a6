//! Kernels for training BERT on a CPU, behind Node-API. The README beside this crate says how it is laid out and how a
//! family of kernels is added.

// In tests nothing registers its functions with Node.
#[cfg_attr(test, allow(dead_code))]
mod border;
pub mod buffers;
pub mod compute;
pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod engine;
pub mod error;
pub mod exchange;
pub mod kernels;
pub mod pool;
mod priority;
pub mod simd;
pub mod threads;
