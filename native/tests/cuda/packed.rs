//! A packed batch as both sides' kernels take it.

use crate::support::{DROPOUT, Gpu, offsets_of};
use entail_native::cuda::embed::Layout as OnGpu;
use entail_native::cuda::{Address, Counts};
use entail_native::kernels::layout::Layout;

/// A packed batch on both sides.
pub struct Packed {
    pub offsets: Vec<i32>,
    pub pair_indices: Vec<i32>,
    pub counts: Address,
    pub on_gpu: OnGpu,
}

impl Packed {
    /// Room for more than there is, as a recorded graph has.
    pub fn new(gpu: &Gpu, lengths: &[usize]) -> Self {
        let offsets = offsets_of(lengths);
        let pair_indices: Vec<i32> = (0..lengths.len() as i32).map(|pair| 1000 - 7 * pair).collect();
        let (rows, pairs) = (offsets[lengths.len()], lengths.len() as i32);
        let counts = gpu.send_counts(Counts { step: DROPOUT.step, rows, pairs, distinct: 0 });
        let ints = |count: usize| gpu.send_ints(&vec![-1; count]);
        let on_gpu = OnGpu {
            offsets: gpu.send_ints(&offsets),
            pair_indices: gpu.send_ints(&pair_indices),
            places: ints(2 * rows as usize),
            first_places: ints(2 * pairs as usize),
            counts,
        };
        // SAFETY: the buffers have these sizes.
        unsafe { on_gpu.place(&gpu.device, lengths.len() + 3) }.expect("places");
        Self { offsets, pair_indices, counts, on_gpu }
    }

    pub fn layout(&self) -> Layout<'_> {
        Layout::new(&self.offsets, &self.pair_indices).expect("a layout")
    }

    pub fn rows(&self) -> usize {
        self.layout().rows()
    }
}
