//! What Adam and the gathering of gradients work on: the flat buffer, the token table, and where gradients' parts lie.

use super::TrainingStep;
use super::layers::Buffers;
use super::parameters::{FlatParameters, Stretch};
use crate::cuda::memory::Buffer;
use crate::cuda::optimizer::{self, Adam, BLOCK, Flat, History, Segment, Table};
use crate::error::Result;
use crate::kernels::optimizer::AdamNumbers;

impl TrainingStep {
    /// The flat buffer's copy for products, after values were set.
    pub(super) fn round(&self) -> Result<()> {
        if self.copy.count() == 0 {
            return Ok(());
        }
        // SAFETY: the buffers are of one size.
        unsafe { optimizer::round_parameters(&self.device, &self.flat()) }
    }

    pub(super) fn adam(&self) -> Adam {
        let AdamNumbers { beta1, beta2, eps } = self.options.adam;
        Adam {
            beta1: beta1 as f32,
            other1: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            other2: (1.0 - beta2) as f32,
            eps: eps as f32,
            keep: (1.0 - self.options.decay) as f32,
            numbers: self.inbox.place(self.inbox.places.adam),
        }
    }

    pub(super) fn flat(&self) -> Flat {
        let [value, gradient, first, second] = self.flat.each_ref().map(Buffer::address);
        let copy = if self.copy.count() == 0 { 0 } else { self.copy.address() };
        Flat { value, first, second, gradient, copy, blocks: self.parameters.size / BLOCK }
    }

    pub(super) fn table(&self) -> Table {
        let [value, first, second] = self.table.each_ref().map(Buffer::address);
        Table {
            value,
            first,
            second,
            gradient: self.buffers.token_rows.address(),
            ids: self.inbox.place(self.inbox.places.distinct),
            done: self.done.address(),
            history: self.history(),
            counts: self.inbox.address(),
            rows: self.options.sizes.vocabulary as i32,
            width: self.options.sizes.hidden as i32,
        }
    }

    pub(super) fn history(&self) -> History {
        History { numbers: self.history.address(), count: self.updates.address() }
    }
}

/// Which parts each stretch's gradient is put together from, and which stretch each block of the flat buffer belongs to.
pub(super) fn segments_of(parameters: &FlatParameters, buffers: &Buffers) -> (Vec<Segment>, Vec<i32>) {
    let segment = |stretch: &Stretch| {
        let parts = &buffers.parts[stretch.index];
        Segment {
            parts: parts.as_ref().map_or(0, |parts| parts.buffer.address()),
            step: stretch.size as i64,
            count: parts.as_ref().map_or(0, |parts| parts.count as i32),
            size: stretch.size as i32,
            first_block: (stretch.begin / BLOCK) as i32,
        }
    };
    let segments = parameters.stretches.iter().map(segment).collect();
    let of = |stretch: &Stretch| vec![stretch.index as i32; stretch.size.div_ceil(BLOCK)];
    (segments, parameters.stretches.iter().flat_map(of).collect())
}
