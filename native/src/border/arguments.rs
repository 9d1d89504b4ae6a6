//! What JavaScript passes, checked as it comes in: numbers that must be whole and not negative.

use crate::buffers::Handle;
use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValidateNapiValue, ValueType};
use napi::sys::{napi_env, napi_value};

/// Whole numbers that a JavaScript number holds exactly.
const LARGEST: f64 = 9_007_199_254_740_991.0;

macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl FromNapiValue for $name {
            unsafe fn from_napi_value(env: napi_env, value: napi_value) -> napi::Result<Self> {
                // SAFETY: passed on as it came.
                let number = unsafe { f64::from_napi_value(env, value) }?;
                if !(0.0..=LARGEST).contains(&number) || number.fract() != 0.0 {
                    let reason = format!("{number} is no {}", $what);
                    return Err(napi::Error::new(napi::Status::InvalidArg, reason));
                }
                Ok(Self(number as $inner))
            }
        }

        impl TypeName for $name {
            fn type_name() -> &'static str {
                "number"
            }
            fn value_type() -> ValueType {
                ValueType::Number
            }
        }

        impl ValidateNapiValue for $name {}

        impl ToNapiValue for $name {
            unsafe fn to_napi_value(env: napi_env, value: Self) -> napi::Result<napi_value> {
                // SAFETY: passed on as it came.
                unsafe { f64::to_napi_value(env, value.0 as f64) }
            }
        }
    };
}

whole_number!(
    /// A handle, in or out.
    Named, Handle, "handle of a buffer"
);
whole_number!(
    /// A count, a width, a number of rows.
    Size, usize, "size"
);
