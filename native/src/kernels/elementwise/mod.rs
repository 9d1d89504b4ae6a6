//! Functions of one number and of two, element by element, with numpy's broadcasting, as tfjs defines them.

mod binary;
mod broadcast;
mod unary;

pub use binary::{Binary, Comparison, binary, compare, logical, select};
pub use broadcast::Broadcast;
pub use unary::{Unary, each, unary};

/// Numbers that a thread works on at a time.
const CHUNK: usize = 1 << 14;
