//! The kernels, one file a family: pure functions on slices, with a plain float64 reference beside each fast one.
//! Letters for shapes: P pairs, R rows, H hidden, N heads, D = H / N, W any width, I and O widths into and out of a layer.
//! Outputs are written in full, never added to, unless a function says so.

pub mod activation;
pub mod attention;
pub mod cast;
pub mod elementwise;
pub mod embed;
pub mod layout;
pub mod linear;
pub mod loss;
pub mod matmul;
pub mod normalise;
pub mod optimizer;
pub mod pooled_attention;
pub mod product;
pub mod random;
pub mod reduce;
pub mod shape;
pub mod softmax;
pub mod strided;
#[cfg(test)]
mod testing;
pub mod two_sum;
pub mod workspace;
