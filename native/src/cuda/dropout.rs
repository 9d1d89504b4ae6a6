//! One dropout of a step, as kernels take it.

use super::Address;

/// Laid out as in `kernels/numbers.cuh`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Of the step's number on the GPU; 0: nothing is dropped
    pub step: Address,
    pub seed: u32,
    pub place: u32,
    /// ⌊p · 2³²⌋: a word below it drops its value
    pub threshold: u32,
    /// 1 / (1 - p), rounded to f32
    pub scale: f32,
}

impl Dropout {
    pub const NONE: Self = Self { step: 0, seed: 0, place: 0, threshold: 0, scale: 1.0 };
}
