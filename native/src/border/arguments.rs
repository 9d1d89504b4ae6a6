//! What JavaScript passes, checked or copied as it comes in: numbers that must be whole and not negative, lists of
//! indices, and arrays that are read or written at once.

use super::caught;
use crate::buffers::Handle;
use crate::ensure;
use crate::error::Result;
use crate::pool::{Block, Pool};
use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValidateNapiValue, ValueType};
use napi::sys::{self, napi_env, napi_value};
use std::ffi::c_void;
use std::ops::Deref;
use std::ptr::{NonNull, null_mut};

/// Whole numbers that a JavaScript number holds exactly.
const LARGEST: f64 = 9_007_199_254_740_991.0;

fn refusal(reason: String) -> napi::Error {
    napi::Error::new(napi::Status::InvalidArg, reason)
}

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
                    return Err(refusal(format!("{number} is no {}", $what)));
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

/// An Int32Array, copied as soon as it is met. napi-rs would keep its address; but the getter of a field that is read
/// later may transfer the buffer and so free it, and a shared one may be written by another thread at any time: what is
/// checked must be what is used.
pub struct Indices(Block<i32>);

impl Indices {
    /// # Safety
    /// `from` can be read for `count` numbers; it need not be aligned, and others may write it meanwhile.
    unsafe fn copied(pool: &Pool, from: *const c_void, count: usize) -> Self {
        let mut block = pool.take::<i32>(count);
        if count > 0 {
            // SAFETY: the caller's word, and the block has room. Never a slice of what others may write.
            unsafe { from.cast::<u8>().copy_to_nonoverlapping(block.as_mut_ptr().cast(), count * size_of::<i32>()) };
        }
        Self(block)
    }

    /// All of them, if they go from 0 to below `limit`; `what` names them in the error.
    pub fn below(&self, limit: usize, what: &str) -> Result<&[i32]> {
        let wrong = self.iter().find(|&&index| usize::try_from(index).map_or(true, |index| index >= limit));
        ensure!(wrong.is_none(), "{what} have {}, which is not from 0 to below {limit}", wrong.unwrap_or(&0));
        Ok(self)
    }
}

impl Deref for Indices {
    type Target = [i32];
    fn deref(&self) -> &[i32] {
        &self.0
    }
}

impl FromNapiValue for Indices {
    unsafe fn from_napi_value(env: napi_env, value: napi_value) -> napi::Result<Self> {
        let (mut kind, mut count, mut data) = (0, 0, null_mut());
        // SAFETY: out parameters of the right types; what is not wanted may be null.
        let status = unsafe {
            sys::napi_get_typedarray_info(env, value, &mut kind, &mut count, &mut data, null_mut(), null_mut())
        };
        if status != sys::Status::napi_ok || kind != sys::TypedarrayType::int32_array {
            return Err(refusal("indices are no Int32Array".to_owned()));
        }
        // SAFETY: the array's own numbers, and no JavaScript runs before they are copied.
        caught(|engine| Ok(unsafe { Self::copied(&engine.compute.pool, data, count) }))
            .map_err(|error| refusal(error.to_string()))
    }
}

/// A Float32Array where it lies: read or written before any JavaScript runs again.
pub struct Floats {
    data: *mut u8,
    count: usize,
}

impl Floats {
    pub fn count(&self) -> usize {
        self.count
    }

    /// # Safety
    /// `to` has room for `count` numbers and does not overlap them; no JavaScript has run since the call began.
    pub unsafe fn copy_to(&self, to: *mut f32) {
        // SAFETY: the caller's word, and the array's own numbers. As bytes: others may write them meanwhile.
        unsafe { self.data.copy_to_nonoverlapping(to.cast(), self.count * size_of::<f32>()) };
    }

    /// # Safety
    /// As `copy_to`, the other way.
    pub unsafe fn copy_from(&self, from: *const f32) {
        // SAFETY: as above.
        unsafe { self.data.copy_from_nonoverlapping(from.cast(), self.count * size_of::<f32>()) };
    }
}

impl FromNapiValue for Floats {
    unsafe fn from_napi_value(env: napi_env, value: napi_value) -> napi::Result<Self> {
        let (mut kind, mut count, mut data) = (0, 0, null_mut());
        // SAFETY: out parameters of the right types; what is not wanted may be null.
        let status = unsafe {
            sys::napi_get_typedarray_info(env, value, &mut kind, &mut count, &mut data, null_mut(), null_mut())
        };
        if status != sys::Status::napi_ok || kind != sys::TypedarrayType::float32_array {
            return Err(refusal("numbers are no Float32Array".to_owned()));
        }
        // An array that was taken away has no memory.
        let (data, count) = if data.is_null() { (NonNull::dangling().as_ptr(), 0) } else { (data.cast(), count) };
        Ok(Self { data, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_copied_from_anywhere_and_stay_as_they_were() {
        let pool = Pool::new();
        let mut bytes = [0u8; 13];
        bytes[1..].copy_from_slice(&[3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0]);
        // SAFETY: twelve bytes from the second on.
        let indices = unsafe { Indices::copied(&pool, bytes[1..].as_ptr().cast(), 3) };
        bytes.fill(9);
        assert_eq!(indices[..], [3, -1, 256]);
        // SAFETY: nothing is read.
        assert!(unsafe { Indices::copied(&pool, null_mut(), 0) }.is_empty());
    }

    #[test]
    fn indices_beyond_their_limit_are_refused() {
        let pool = Pool::new();
        // SAFETY: numbers of an array.
        let of = |numbers: [i32; 2]| unsafe { Indices::copied(&pool, numbers.as_ptr().cast(), 2) };
        assert_eq!(of([0, 4]).below(5, "rows"), Ok(&[0, 4][..]));
        let error = |numbers| of(numbers).below(4, "rows").unwrap_err().0;
        assert_eq!(error([0, 4]), "rows have 4, which is not from 0 to below 4");
        assert_eq!(error([-1, 3]), "rows have -1, which is not from 0 to below 4");
    }
}
