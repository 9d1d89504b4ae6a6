//! Multi-head attention on packed rows: every pair attends to itself, no padding between pairs. For each pair and head,
//! with T rows of D numbers: context = dropout(softmax(scale · q kᵀ)) · v.
//!
//! Each pair and head is computed on its own in the same way wherever it runs, so threads change no bit. Its rows are
//! copied side by side first (they lie H apart, which would crowd a few sets of the cache, and may repeat by `sources`).
//! Queries go in blocks, so that what a thread works on stays in its cache however long the pair.
//!
//! What the gradient needs (`saved`): of short pairs with dropout the softmax, a dropped weight being negative, so that
//! neither need be computed again; of longer ones, and where nothing is dropped, largest score and 1 / Σ of each row, from
//! which the weights are computed again. Offsets into it come from `Saved`.
//!
//! Keeping the softmax is a choice for speed: reading it costs less than scores, exponentials and dropout once more, and
//! up to `LONGEST_KEPT` rows it is no larger than q, k, v and the context of heads of 64 numbers. The mask then comes for
//! nothing, in a sign that a weight has no use for. Of longer pairs nothing is kept that grows with the square of the
//! length.

mod backward;
mod forward;
#[cfg(test)]
mod tests;

use super::layout::Layout;
use super::random::{Dropout, factors_space};
use super::workspace::{AHEAD, MOST_LANES, padded, prefetch_row};
use crate::compute::Compute;
use crate::pool::Block;
use crate::simd::Simd;
use crate::threads::{Disjoint, Part};
use backward::Backward;
use forward::Forward;
use std::ops::Range;

#[derive(Clone, Copy)]
pub struct AttentionShape<'a> {
    pub layout: Layout<'a>,
    pub hidden: usize,
    pub heads: usize,
    /// Of q·k: 1 / √D
    pub scale: f32,
    /// [R] rows of q, k and v (and of them alone) that the rows of the batch read, where they repeat; else row r is r.
    pub sources: Option<&'a [i32]>,
    pub dropout: Option<Dropout>,
}

/// q, k, v [A, H], where A is R unless there are sources
#[derive(Clone, Copy)]
pub struct Projected<'a> {
    pub q: &'a [f32],
    pub k: &'a [f32],
    pub v: &'a [f32],
}

/// dq, dk, dv [R, H]
pub struct ProjectedGradients<'a> {
    pub dq: &'a mut [f32],
    pub dk: &'a mut [f32],
    pub dv: &'a mut [f32],
}

/// Up to this length the softmax is kept for the gradient, with the dropout mask in its signs.
const LONGEST_KEPT: usize = 256;
/// Queries that are worked on at a time.
const BLOCK: usize = 64;
/// Floats of a tensor that are copied together.
const GROUP: usize = 1 << 15;
/// From so many pairs on, a thread takes whole pairs; of fewer, single heads.
const MANY_PAIRS: usize = 32;

impl AttentionShape<'_> {
    fn width(&self) -> usize {
        self.hidden / self.heads
    }

    /// How many heads are copied together: as many as a core's cache holds.
    fn group(&self, length: usize) -> usize {
        (GROUP / (length * padded(self.width())).max(1)).clamp(1, self.heads)
    }

    fn keeps_softmax(&self, length: usize) -> bool {
        self.dropout.is_some() && length <= LONGEST_KEPT
    }

    /// Floats that are saved of one head of a pair.
    fn saved_of(&self, length: usize) -> usize {
        if self.keeps_softmax(length) { length * padded(length) } else { padded(2 * length) }
    }

    /// Floats of `saved`.
    pub fn saved_size(&self) -> usize {
        (0..self.layout.pairs()).map(|pair| self.heads * self.saved_of(self.layout.length(pair))).sum()
    }

    /// Whether everything has the sizes that the kernels read and write; sources must be checked against A.
    fn check(&self, projected: &Projected) {
        assert!(self.heads > 0 && self.hidden > 0 && self.hidden.is_multiple_of(self.heads), "heads divide the width");
        let rows = projected.q.len() / self.hidden;
        assert!([projected.q, projected.k, projected.v].iter().all(|x| x.len() == rows * self.hidden));
        match self.sources {
            Some(sources) => {
                assert_eq!(sources.len(), self.layout.rows());
                assert!(sources.iter().all(|&row| (row as usize) < rows), "sources name rows");
            }
            None => assert_eq!(rows, self.layout.rows()),
        }
    }
}

/// Where each pair's part of `saved` begins, in vectors.
struct Saved(Block<u32>);

impl Saved {
    fn new(compute: &Compute, shape: &AttentionShape) -> Self {
        let mut begins = compute.pool.take(shape.layout.pairs());
        let mut at = 0;
        for (pair, begin) in begins.iter_mut().enumerate() {
            *begin = u32::try_from(at).expect("a size of memory that exists");
            at += shape.heads * shape.saved_of(shape.layout.length(pair)) / MOST_LANES;
        }
        Self(begins)
    }

    /// Of a unit: its heads one after another.
    fn range(&self, shape: &AttentionShape, unit: Unit) -> Range<usize> {
        let size = shape.saved_of(unit.length);
        let begin = self.0[unit.pair] as usize * MOST_LANES + unit.head * size;
        begin..begin + unit.heads * size
    }
}

/// Some heads of one pair, whose numbers are copied together, since rows are read fastest in one stretch.
#[derive(Clone, Copy)]
struct Unit {
    pair: usize,
    /// First head
    head: usize,
    heads: usize,
    /// First row
    begin: usize,
    length: usize,
}

impl Unit {
    fn new(shape: &AttentionShape, pair: usize, head: usize, heads: usize) -> Self {
        let rows = shape.layout.range(pair);
        Self { pair, head, heads, begin: rows.start, length: rows.len() }
    }

    /// Element of its pair that the weight of a query's first key is: dropout is defined by it.
    fn element(&self, head: usize, query: usize) -> u32 {
        ((head * self.length + query) * self.length) as u32
    }

    /// The queries in blocks of about one size.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let length = self.length;
        let size = length.div_ceil(length.div_ceil(BLOCK).max(1)).max(1);
        (0..length).step_by(size).map(move |first| first..(first + size).min(length))
    }

    /// Range of its numbers in a [R, H] tensor from its first row's to its last row's.
    fn span(&self, shape: &AttentionShape) -> Range<usize> {
        let first = self.begin * shape.hidden + self.head * shape.width();
        first..first + (self.length - 1) * shape.hidden + self.heads * shape.width()
    }

    /// Its rows of x [A, H] head by head: [heads, T, padded D], zeros behind D.
    #[inline(always)]
    fn gather<S: Simd>(&self, s: S, shape: &AttentionShape, sources: Option<&[i32]>, x: &[f32], to: &mut [f32]) {
        let width = shape.width();
        let stride = padded(width);
        let whole = width / S::LANES * S::LANES;
        for row in 0..self.length {
            let source = match sources {
                Some(sources) => {
                    if let Some(&later) = sources.get(self.begin + row + AHEAD) {
                        prefetch_row(s, x, later as usize, shape.hidden);
                    }
                    sources[self.begin + row] as usize
                }
                None => self.begin + row,
            };
            let from = &x[source * shape.hidden + self.head * width..][..self.heads * width];
            for head in 0..self.heads {
                let from = &from[head * width..][..width];
                let to = &mut to[(head * self.length + row) * stride..][..stride];
                // SAFETY: whole ≤ width, and padded widths are multiples of LANES.
                unsafe {
                    for at in (0..whole).step_by(S::LANES) {
                        s.store_at(to.as_mut_ptr().add(at), s.load_at(from.as_ptr().add(at)));
                    }
                    for at in (whole..stride).step_by(S::LANES) {
                        let rest = s.load_some(&from[at.min(width)..]);
                        s.store_at(to.as_mut_ptr().add(at), rest);
                    }
                }
            }
        }
    }

    /// [T, padded D] -> [padded D, padded T]
    #[inline(always)]
    fn transpose<S: Simd>(&self, s: S, width: usize, from: &[f32], to: &mut [f32]) {
        let (wide, long) = (padded(width), padded(self.length));
        assert!(from.len() >= self.length * wide && to.len() >= wide * long);
        for row in (0..long).step_by(S::LANES) {
            let rows = self.length.saturating_sub(row).min(S::LANES);
            // Only whole columns of vectors that hold something.
            for column in (0..width).step_by(S::LANES) {
                // SAFETY: column + LANES ≤ wide and row + LANES ≤ long, as both are multiples of LANES; a row beyond the
                // last is not read.
                unsafe {
                    let from = from.as_ptr().wrapping_add(row * wide + column);
                    s.transpose_at(from, wide, rows, to.as_mut_ptr().add(column * long + row), long);
                }
            }
        }
    }
}

/// Runs `body` for every pair, in units of some heads, with `space` floats of its own.
fn for_units(compute: &Compute, shape: &AttentionShape, space: usize, body: impl Fn(Unit, &mut [f32]) + Sync) {
    let (pairs, heads, threads) = (shape.layout.pairs(), shape.heads, &compute.threads);
    let mut workspace = compute.pool.take(threads.count() * space);
    let workspaces = Disjoint::new(&mut workspace);
    let chunk = if pairs < MANY_PAIRS { 1 } else { heads };
    threads.for_chunks(pairs * heads, chunk, |Part { worker, range, .. }| {
        // SAFETY: a worker runs one chunk at a time.
        let workspace = unsafe { workspaces.part(worker * space..(worker + 1) * space) };
        let pair = range.start / heads;
        let length = shape.layout.length(pair);
        if length == 0 {
            return;
        }
        let first = pair * heads;
        for head in range.clone().step_by(shape.group(length)) {
            let count = shape.group(length).min(range.end - head);
            body(Unit::new(shape, pair, head - first, count), workspace);
        }
    });
}

/// Sizes of the pieces of a workspace.
struct Sizes {
    /// [heads, T, padded D]
    rows: usize,
    /// [padded D, padded T]
    columns: usize,
    /// [block, padded T]
    weights: usize,
    factors: usize,
}

impl Sizes {
    /// The largest of any pair.
    fn new(shape: &AttentionShape) -> Self {
        let rows = |pair| Self::new_for(shape, shape.layout.length(pair), shape.heads).rows;
        let most = (0..shape.layout.pairs()).map(rows).max().unwrap_or(0);
        Self { rows: most, ..Self::new_for(shape, shape.layout.longest(), 1) }
    }

    /// For some heads of a pair.
    fn new_for(shape: &AttentionShape, length: usize, heads: usize) -> Self {
        let (long, wide) = (padded(length), padded(shape.width()));
        let block = length.min(BLOCK);
        Self {
            rows: heads.min(shape.group(length)) * length * wide,
            columns: wide * long,
            weights: block * long,
            factors: padded(factors_space(block * length)),
        }
    }
}

/// -> context [R, H], and `saved` of `saved_size()`, where the gradient will be asked for
pub fn attention(
    compute: &Compute,
    projected: Projected,
    shape: &AttentionShape,
    context: &mut [f32],
    saved: Option<&mut [f32]>,
) {
    shape.check(&projected);
    assert_eq!(context.len(), shape.layout.rows() * shape.hidden);
    assert!(saved.as_ref().is_none_or(|saved| saved.len() == shape.saved_size()));
    let begins = Saved::new(compute, shape);
    let context = Disjoint::new(context);
    let saved = saved.map(Disjoint::new);
    let sizes = Sizes::new(shape);
    for_units(compute, shape, sizes.forward(), |unit, workspace| {
        let range = begins.range(shape, unit);
        // SAFETY: each head of each pair has a range of its own.
        let saved = saved.as_ref().map(|saved| unsafe { saved.part(range) });
        let context = context.pointer(unit.span(shape));
        crate::simd::dispatch(compute.cpu, Forward { unit, shape, projected, context, saved, workspace });
    });
}

/// dy [R, H] -> dq, dk, dv [R, H], by row of the batch also where sources repeat
pub fn attention_gradient(
    compute: &Compute,
    dy: &[f32],
    projected: Projected,
    saved: &[f32],
    shape: &AttentionShape,
    gradients: ProjectedGradients,
) {
    shape.check(&projected);
    let size = shape.layout.rows() * shape.hidden;
    let ProjectedGradients { dq, dk, dv } = gradients;
    assert!([dy.len(), dq.len(), dk.len(), dv.len()] == [size; 4] && saved.len() == shape.saved_size());
    let begins = Saved::new(compute, shape);
    let (dq, dk, dv) = (Disjoint::new(dq), Disjoint::new(dk), Disjoint::new(dv));
    let sizes = Sizes::new(shape);
    for_units(compute, shape, sizes.backward(), |unit, workspace| {
        let saved = &saved[begins.range(shape, unit)];
        let span = || unit.span(shape);
        let to = [dq.pointer(span()), dk.pointer(span()), dv.pointer(span())];
        crate::simd::dispatch(compute.cpu, Backward { unit, shape, projected, dy, saved, to, workspace });
    });
}
