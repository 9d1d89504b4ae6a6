//! LayerNorm over rows of W numbers, with its dropout and residual: dropout(x) + residual, then the norm (the end of both
//! halves of a block), or the norm, then dropout (embeddings of the Hugging Face variant). Variance without Bessel's
//! correction, ε inside the root, as torch has it.
//!
//! The gradient computes sums and dropout again from what the forward pass was given: only two statistics a row are
//! stored. Gradients of gamma and beta are summed over a fixed number of chunks of rows, then over the chunks in order (in
//! float64), so threads change no bit.

mod rows;
#[cfg(test)]
mod tests;

use super::layout::Layout;
use super::random::{Dropout, factors_space};
use super::workspace::padded;
use crate::compute::Compute;
use crate::pool::Block;
use crate::simd::dispatch;
use crate::threads::{Disjoint, Part};
use rows::{Backward, Forward};

#[derive(Clone, Copy)]
pub struct NormShape<'a> {
    pub layout: Layout<'a>,
    pub width: usize,
    pub eps: f32,
    pub dropout: Option<Dropout>,
    /// [R] rows of the residual that the rows of the batch read, where they repeat; else row r is r.
    pub residual_sources: Option<&'a [i32]>,
}

#[derive(Clone, Copy)]
pub struct NormInputs<'a> {
    /// [R, W]
    pub x: &'a [f32],
    /// [A, W] where x is dropped and this is added before the norm; None where the norm's result is dropped.
    pub residual: Option<&'a [f32]>,
    /// [W]
    pub gamma: &'a [f32],
}

pub struct NormGradients<'a> {
    /// [R, W]
    pub dx: &'a mut [f32],
    /// [R, W] where there is a residual
    pub dresidual: Option<&'a mut [f32]>,
    /// [W]
    pub dgamma: &'a mut [f32],
    pub dbeta: &'a mut [f32],
}

/// Rows are worked on in about so many chunks, whatever the number of threads.
const CHUNKS: usize = 64;
/// A chunk has at least so many rows.
const FEWEST: usize = 8;

fn chunk_of(rows: usize) -> usize {
    rows.div_ceil(CHUNKS).max(FEWEST)
}

/// A row of numbers and a row of dropout factors.
fn space(width: usize) -> usize {
    padded(width) + padded(factors_space(width))
}

fn check(inputs: &NormInputs, shape: &NormShape) {
    let (rows, width) = (shape.layout.rows(), shape.width);
    assert!(width > 0 && inputs.x.len() == rows * width && inputs.gamma.len() == width);
    match (inputs.residual, shape.residual_sources) {
        (Some(residual), Some(sources)) => {
            assert_eq!(sources.len(), rows);
            assert!(sources.iter().all(|&row| (row as usize) < residual.len() / width), "sources name rows");
        }
        (Some(residual), None) => assert_eq!(residual.len(), rows * width),
        (None, sources) => assert!(sources.is_none(), "sources of a residual"),
    }
}

/// -> y [R, W], statistics [R, 2]: mean and 1 / σ; beta [W]
pub fn norm(
    compute: &Compute,
    inputs: NormInputs,
    beta: &[f32],
    shape: &NormShape,
    y: &mut [f32],
    statistics: &mut [f32],
) {
    check(&inputs, shape);
    let (rows, width) = (shape.layout.rows(), shape.width);
    assert!(y.len() == rows * width && statistics.len() == 2 * rows && beta.len() == width);
    let (y, statistics) = (Disjoint::new(y), Disjoint::new(statistics));
    for_rows(compute, shape, |Part { range, .. }, workspace| {
        // SAFETY: chunks of rows do not overlap.
        let (y, statistics) = unsafe {
            (y.part(range.start * width..range.end * width), statistics.part(2 * range.start..2 * range.end))
        };
        dispatch(compute.cpu, Forward { rows: range, inputs, beta, shape, y, statistics, workspace });
    });
}

/// dy [R, W], statistics as `norm` wrote them
pub fn norm_gradient(
    compute: &Compute,
    dy: &[f32],
    inputs: NormInputs,
    statistics: &[f32],
    shape: &NormShape,
    gradients: NormGradients,
) {
    check(&inputs, shape);
    let (rows, width) = (shape.layout.rows(), shape.width);
    let NormGradients { dx, dresidual, dgamma, dbeta } = gradients;
    assert!(dy.len() == rows * width && dx.len() == rows * width && statistics.len() == 2 * rows);
    assert!(dgamma.len() == width && dbeta.len() == width);
    assert!(dresidual.as_ref().map(|d| d.len()) == inputs.residual.map(|_| rows * width));
    let wide = padded(width);
    // [chunks, 2, padded W]: of gamma and of beta
    let chunks = rows.div_ceil(chunk_of(rows));
    let mut sums: Block<f32> = compute.pool.take(chunks * 2 * wide);
    {
        let sums = Disjoint::new(&mut sums);
        let (dx, dresidual) = (Disjoint::new(dx), dresidual.map(Disjoint::new));
        for_rows(compute, shape, |Part { range, index, .. }, workspace| {
            let numbers = || range.start * width..range.end * width;
            // SAFETY: chunks of rows, and what belongs to a chunk, do not overlap.
            let (dx, dresidual, sums) = unsafe {
                let dresidual = dresidual.as_ref().map(|d| d.part(numbers()));
                (dx.part(numbers()), dresidual, sums.part(2 * index * wide..2 * (index + 1) * wide))
            };
            let rows = range.clone();
            dispatch(compute.cpu, Backward { rows, dy, inputs, statistics, shape, dx, dresidual, sums, workspace });
        });
    }
    let column = |at: usize| sums.iter().skip(at).step_by(2 * wide).fold(0.0, |sum, &part| sum + f64::from(part));
    dgamma.iter_mut().enumerate().for_each(|(at, sum)| *sum = column(at) as f32);
    dbeta.iter_mut().enumerate().for_each(|(at, sum)| *sum = column(wide + at) as f32);
}

fn for_rows(compute: &Compute, shape: &NormShape, body: impl Fn(Part, &mut [f32]) + Sync) {
    let space = space(shape.width);
    let mut workspace = compute.pool.take(compute.threads.count() * space);
    let workspaces = Disjoint::new(&mut workspace);
    let rows = shape.layout.rows();
    compute.threads.for_chunks(rows, chunk_of(rows), |part| {
        // SAFETY: a worker runs one chunk at a time.
        let workspace = unsafe { workspaces.part(part.worker * space..(part.worker + 1) * space) };
        body(part, workspace);
    });
}
