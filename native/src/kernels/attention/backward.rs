//! Some heads of one pair: gradients of its queries, keys and values.

use super::forward::{draw, scores_of};
use super::{AttentionShape, Projected, Sizes, Unit};
use crate::kernels::product::{Product, multiply};
use crate::kernels::workspace::{cut, padded};
use crate::simd::math::exp;
use crate::simd::{Kernel, Simd};
use std::ops::Range;

pub struct Backward<'a> {
    pub unit: Unit,
    pub shape: &'a AttentionShape<'a>,
    pub projected: Projected<'a>,
    /// [R, H]
    pub dy: &'a [f32],
    /// Of this unit
    pub saved: &'a [f32],
    /// The unit's first numbers of dq, dk and dv [R, H]
    pub to: [*mut f32; 3],
    pub workspace: &'a mut [f32],
}

impl Sizes {
    pub fn backward(&self) -> usize {
        4 * self.rows + 2 * self.columns + 2 * self.weights + self.factors
    }
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { unit, shape, projected, dy, saved, to, mut workspace } = self;
        let (length, width) = (unit.length, shape.width());
        let sizes = Sizes::new_for(shape, length, unit.heads);
        let [q, k, v, up] = [(); 4].map(|()| cut(&mut workspace, sizes.rows));
        let [keys, values] = [(); 2].map(|()| cut(&mut workspace, sizes.columns));
        let [weights, slopes] = [(); 2].map(|()| cut(&mut workspace, sizes.weights));
        let drawn = cut(&mut workspace, sizes.factors);
        unit.gather(s, shape, shape.sources, projected.q, q);
        unit.gather(s, shape, shape.sources, projected.k, k);
        unit.gather(s, shape, shape.sources, projected.v, v);
        unit.gather(s, shape, None, dy, up);
        let of_head = shape.saved_of(length);
        for head in 0..unit.heads {
            let size = length * padded(width);
            let rows = head * size..(head + 1) * size;
            let [q, k, v, up] = [&*q, &*k, &*v, &*up].map(|x| &x[rows.clone()]);
            unit.transpose(s, width, v, values);
            if !shape.keeps_softmax(length) {
                unit.transpose(s, width, k, keys);
            }
            let saved = &saved[head * of_head..][..of_head];
            let of_unit = unit.head + head;
            let mut of_head =
                Head { unit, head: of_unit, shape, q, k, up, keys, values, saved, weights, slopes, drawn };
            for block in unit.blocks() {
                // SAFETY: the caller gave the places of the unit's rows in the three gradients, which are H apart and
                // nobody else's.
                unsafe { of_head.block(s, block, to.map(|to| to.add(head * width))) };
            }
        }
    }
}

/// One head.
struct Head<'a> {
    unit: Unit,
    head: usize,
    shape: &'a AttentionShape<'a>,
    /// [T, padded D], and of dy
    q: &'a [f32],
    k: &'a [f32],
    up: &'a [f32],
    /// [padded D, padded T]; keys only where the scores are computed again
    keys: &'a [f32],
    values: &'a [f32],
    saved: &'a [f32],
    /// [block, padded T] what v was multiplied by
    weights: &'a mut [f32],
    /// [block, padded T] gradients of the weights, then of the scores
    slopes: &'a mut [f32],
    drawn: &'a mut [f32],
}

impl Head<'_> {
    /// # Safety
    /// The head's rows of dq, dk and dv can be written, H apart; after the first block they hold what it wrote.
    #[inline(always)]
    unsafe fn block<S: Simd>(&mut self, s: S, block: Range<usize>, [dq, dk, dv]: [*mut f32; 3]) {
        let Self { unit, shape, q, k, up, values, .. } = *self;
        let (rows, length, width, hidden) = (block.len(), unit.length, shape.width(), shape.hidden);
        let (long, wide) = (padded(length), padded(width));
        let upstream = &up[block.start * wide..];
        // dWeights = dy · vᵀ
        let product = Product {
            rows,
            inner: width,
            columns: long,
            factor: 1.0,
            a: upstream,
            a_strides: (wide, 1),
            b: values,
            b_stride: long,
            adds: false,
        };
        // SAFETY: slopes hold a block of padded rows.
        unsafe { multiply(s, &product, self.slopes.as_mut_ptr(), long) };
        self.through_softmax(s, &block);
        let by_query = Product {
            rows,
            inner: length,
            columns: width,
            factor: 1.0,
            a: self.slopes,
            a_strides: (long, 1),
            b: k,
            b_stride: wide,
            adds: false,
        };
        let queries = &q[block.start * wide..];
        let by_key = Product { rows: length, inner: rows, a_strides: (1, long), adds: block.start > 0, ..by_query };
        // SAFETY: the caller's word; the first block writes dk and dv whole before others add.
        unsafe {
            multiply(s, &by_query, dq.add(block.start * hidden), hidden);
            multiply(s, &Product { b: queries, ..by_key }, dk, hidden);
            multiply(s, &Product { a: self.weights, b: upstream, ..by_key }, dv, hidden);
        }
    }

    /// slopes: gradients of the weights that met v -> of the scores; weights: -> those weights.
    #[inline(always)]
    fn through_softmax<S: Simd>(&mut self, s: S, block: &Range<usize>) {
        let Self { unit, head, shape, q, keys, saved, .. } = *self;
        let length = unit.length;
        let long = padded(length);
        if shape.keeps_softmax(length) {
            let scale = shape.dropout.map_or(1.0, |dropout| dropout.scale);
            for row in 0..block.len() {
                let kept = &saved[(block.start + row) * long..][..long];
                let weights = &mut self.weights[row * long..][..long];
                through_kept(s, kept, scale, shape.scale, weights, &mut self.slopes[row * long..][..long]);
            }
            return;
        }
        let scores = scores_of(q, keys, shape, unit, block);
        // SAFETY: weights hold a block of padded rows.
        unsafe { multiply(s, &scores, self.weights.as_mut_ptr(), long) };
        let skip = draw(s, shape, unit, head, block, self.drawn);
        for row in 0..block.len() {
            let query = block.start + row;
            let statistics = (saved[2 * query], saved[2 * query + 1]);
            let factors = skip.map(|skip| &self.drawn[skip + row * length..]);
            let weights = &mut self.weights[row * long..][..long];
            let slopes = &mut self.slopes[row * long..][..long];
            through_again(s, length, statistics, factors, shape.scale, weights, slopes);
        }
    }
}

/// One query. `kept`: the softmax, negative where dropped; slopes: gradient of the dropped weights -> of the scores;
/// weights: -> the dropped ones.
#[inline(always)]
fn through_kept<S: Simd>(s: S, kept: &[f32], scale: f32, of_scores: f32, weights: &mut [f32], slopes: &mut [f32]) {
    let mut sum = s.zero();
    for at in (0..kept.len()).step_by(S::LANES) {
        let marked = s.load(&kept[at..]);
        let factor = s.select(s.negative(marked), s.zero(), s.splat(scale));
        let weight = s.abs(marked);
        let slope = s.mul(s.load(&slopes[at..]), factor);
        s.store(&mut weights[at..], s.mul(weight, factor));
        s.store(&mut slopes[at..], slope);
        sum = s.fma(slope, weight, sum);
    }
    let mean = s.splat(s.sum(sum));
    for at in (0..kept.len()).step_by(S::LANES) {
        let weight = s.mul(s.abs(s.load(&kept[at..])), s.splat(of_scores));
        let slope = s.load(&slopes[at..]);
        s.store(&mut slopes[at..], s.mul(weight, s.sub(slope, mean)));
    }
}

/// The same where the scores were computed again into `weights`.
#[inline(always)]
fn through_again<S: Simd>(
    s: S,
    length: usize,
    (largest, inverse): (f32, f32),
    factors: Option<&[f32]>,
    of_scores: f32,
    weights: &mut [f32],
    slopes: &mut [f32],
) {
    let mut sum = s.zero();
    for at in (0..length).step_by(S::LANES) {
        let e = exp(s, s.sub(s.load(&weights[at..]), s.splat(largest)));
        let weight = s.select(s.first((length - at).min(S::LANES)), s.mul(e, s.splat(inverse)), s.zero());
        let factor = factor_at(s, factors, at);
        let slope = s.mul(s.load(&slopes[at..]), factor);
        s.store(&mut weights[at..], weight);
        s.store(&mut slopes[at..], slope);
        sum = s.fma(slope, weight, sum);
    }
    let mean = s.splat(s.sum(sum));
    for at in (0..length).step_by(S::LANES) {
        let weight = s.load(&weights[at..]);
        let factor = factor_at(s, factors, at);
        let slope = s.sub(s.load(&slopes[at..]), mean);
        s.store(&mut weights[at..], s.mul(weight, factor));
        s.store(&mut slopes[at..], s.mul(s.mul(weight, s.splat(of_scores)), slope));
    }
}

#[inline(always)]
fn factor_at<S: Simd>(s: S, factors: Option<&[f32]>, at: usize) -> S::F {
    match factors {
        Some(factors) => s.load(&factors[at..]),
        None => s.splat(1.0),
    }
}
