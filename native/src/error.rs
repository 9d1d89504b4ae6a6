//! The one error type of the crate: a sentence about what the caller did wrong. The border puts the function's name in
//! front of it and throws it in JavaScript.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(pub String);

pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// `fail!("there are {} of them", n)` is `Err(Error(…))`.
#[macro_export]
macro_rules! fail {
    ($($part:tt)*) => { Err($crate::error::Error(format!($($part)*))) };
}

/// An error unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($part:tt)*) => {
        if !$condition { return $crate::fail!($($part)*); }
    };
}
