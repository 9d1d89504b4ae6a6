//! Some heads of one pair: context and what the gradient needs.

use super::{AttentionShape, Projected, Sizes, Unit};
use crate::kernels::product::{Product, multiply};
use crate::kernels::random::factors;
use crate::kernels::softmax::{drop_weights, softmax_row};
use crate::kernels::workspace::{cut, padded};
use crate::simd::{Kernel, Simd};
use std::ops::Range;

pub struct Forward<'a> {
    pub unit: Unit,
    pub shape: &'a AttentionShape<'a>,
    pub projected: Projected<'a>,
    /// The unit's first number of context [R, H]
    pub context: *mut f32,
    pub saved: Option<&'a mut [f32]>,
    pub workspace: &'a mut [f32],
}

impl Sizes {
    pub fn forward(&self) -> usize {
        3 * self.rows + self.columns + self.weights + self.factors
    }
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { unit, shape, projected, context, mut saved, mut workspace } = self;
        let (length, width) = (unit.length, shape.width());
        let wide = padded(width);
        let sizes = Sizes::new_for(shape, length, unit.heads);
        let [q, k, v] = [(); 3].map(|()| cut(&mut workspace, sizes.rows));
        let keys = cut(&mut workspace, sizes.columns);
        let weights = cut(&mut workspace, sizes.weights);
        let drawn = cut(&mut workspace, sizes.factors);
        unit.gather(s, shape, shape.sources, projected.q, q);
        unit.gather(s, shape, shape.sources, projected.k, k);
        unit.gather(s, shape, shape.sources, projected.v, v);
        let of_head = shape.saved_of(length);
        for head in 0..unit.heads {
            let rows = head * length * wide..(head + 1) * length * wide;
            unit.transpose(s, width, &k[rows.clone()], keys);
            let (q, v) = (&q[rows.clone()], &v[rows]);
            let saved = saved.as_deref_mut().map(|saved| &mut saved[head * of_head..][..of_head]);
            let mut of_head = Head { unit, head: unit.head + head, shape, q, v, keys, weights, drawn, saved };
            for block in unit.blocks() {
                // SAFETY: the caller gave the place of the unit's rows in context, which are H apart and nobody else's.
                unsafe { of_head.block(s, block, context.add(head * width)) };
            }
        }
    }
}

/// One head.
struct Head<'a> {
    unit: Unit,
    head: usize,
    shape: &'a AttentionShape<'a>,
    /// [T, padded D]
    q: &'a [f32],
    v: &'a [f32],
    /// [padded D, padded T]
    keys: &'a [f32],
    weights: &'a mut [f32],
    drawn: &'a mut [f32],
    saved: Option<&'a mut [f32]>,
}

impl Head<'_> {
    /// # Safety
    /// The head's rows of context can be written, H apart.
    #[inline(always)]
    unsafe fn block<S: Simd>(&mut self, s: S, block: Range<usize>, context: *mut f32) {
        let Self { unit, head, shape, q, v, keys, .. } = *self;
        let (rows, length, hidden) = (block.len(), unit.length, shape.hidden);
        let long = padded(length);
        let keeps = shape.keeps_softmax(length);
        let scores = scores_of(q, keys, shape, unit, &block);
        // SAFETY: weights hold a block of padded rows.
        unsafe { multiply(s, &scores, self.weights.as_mut_ptr(), long) };
        let skip = draw(s, shape, unit, head, &block, self.drawn);
        for row in 0..rows {
            let weights = &mut self.weights[row * long..][..long];
            let (largest, inverse) = softmax_row(s, weights, length);
            let query = block.start + row;
            let saved = self.saved.as_deref_mut();
            if let Some(skip) = skip {
                let kept = saved.filter(|_| keeps).map(|saved| &mut saved[query * long..][..long]);
                drop_weights(s, weights, &self.drawn[skip + row * length..], length, kept);
            }
            if let Some(saved) = self.saved.as_deref_mut().filter(|_| !keeps) {
                (saved[2 * query], saved[2 * query + 1]) = (largest, inverse);
            }
        }
        let context_of = Product {
            rows,
            inner: length,
            columns: shape.width(),
            factor: 1.0,
            a: self.weights,
            a_strides: (long, 1),
            b: v,
            b_stride: padded(shape.width()),
            adds: false,
        };
        // SAFETY: the caller's word.
        unsafe { multiply(s, &context_of, context.add(block.start * hidden), hidden) };
    }
}

/// Draws the dropout factors of a block of queries. -> where they begin, None where nothing is dropped
#[inline(always)]
pub fn draw<S: Simd>(
    s: S,
    shape: &AttentionShape,
    unit: Unit,
    head: usize,
    block: &Range<usize>,
    to: &mut [f32],
) -> Option<usize> {
    // No closure: it would be compiled without the instruction set's features.
    let Some(dropout) = &shape.dropout else { return None };
    let pair = shape.layout.pair_index(unit.pair);
    Some(factors(s, dropout, pair, unit.element(head, block.start), block.len() * unit.length, to))
}

/// scale · q kᵀ of a block of queries; q [T, padded D], keys [padded D, padded T]
pub fn scores_of<'a>(
    q: &'a [f32],
    keys: &'a [f32],
    shape: &AttentionShape,
    unit: Unit,
    block: &Range<usize>,
) -> Product<'a> {
    let wide = padded(shape.width());
    Product {
        rows: block.len(),
        inner: shape.width(),
        columns: padded(unit.length),
        factor: shape.scale,
        a: &q[block.start * wide..],
        a_strides: (wide, 1),
        b: keys,
        b_stride: padded(unit.length),
        adds: false,
    }
}
