//! Layouts, dropouts and indices as JavaScript passes them. Typed arrays are copied before they are checked: JavaScript
//! may share their memory with other threads.

use super::arguments::Size;
use crate::buffers::copied;
use crate::ensure;
use crate::error::{Error, Result};
use crate::kernels::layout::Layout;
use crate::kernels::random;
use crate::pool::{Block, Pool};
use napi::bindgen_prelude::Int32Array;
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct NativeDropout {
    pub seed: Size,
    pub step: Size,
    pub place: Size,
    pub threshold: Size,
    pub scale: f64,
}

impl NativeDropout {
    pub fn check(&self) -> Result<random::Dropout> {
        let word = |what: &str, value: Size| {
            u32::try_from(value.0).map_err(|_| Error(format!("the dropout's {what} is {}, not below 2³²", value.0)))
        };
        Ok(random::Dropout {
            seed: word("seed", self.seed)?,
            step: word("step", self.step)?,
            place: word("place", self.place)?,
            threshold: word("threshold", self.threshold)?,
            scale: self.scale as f32,
        })
    }
}

pub fn check_dropout(dropout: &Option<NativeDropout>) -> Result<Option<random::Dropout>> {
    dropout.as_ref().map(NativeDropout::check).transpose()
}

/// Own copies of what a layout is made of.
pub struct LayoutNumbers {
    offsets: Block<i32>,
    pair_indices: Block<i32>,
}

impl LayoutNumbers {
    pub fn new(pool: &Pool, offsets: &Int32Array, pair_indices: &Int32Array) -> Self {
        Self { offsets: copied(pool, offsets), pair_indices: copied(pool, pair_indices) }
    }

    pub fn layout(&self) -> Result<Layout<'_>> {
        Layout::new(&self.offsets, &self.pair_indices)
    }
}

/// An own copy of indices from 0 to below `limit`; `what` names them in the error.
pub fn indices(pool: &Pool, from: &[i32], limit: usize, what: &str) -> Result<Block<i32>> {
    let block = copied(pool, from);
    let wrong = block.iter().find(|&&index| usize::try_from(index).map_or(true, |index| index >= limit));
    ensure!(wrong.is_none(), "{what} have {}, which is not from 0 to below {limit}", wrong.unwrap_or(&0));
    Ok(block)
}
