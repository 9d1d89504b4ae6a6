//! Dropouts as JavaScript passes them.

use super::arguments::Size;
use crate::error::{Error, Result};
use crate::kernels::random;
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
