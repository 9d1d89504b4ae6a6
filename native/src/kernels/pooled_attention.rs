//! Attention of one query a pair and head straight on the layer's input rows (architecture.md, idea 2). For each pair with
//! T rows: weights = dropout(softmax(scale · query xᵀ)) [N, T]; pooled = weights · x, and Σ weights in a last column.
//!
//! A pair's heads are computed together, so that x is read once. `saved` [R · N] has the softmax of each pair [N, T], a
//! dropped weight being negative: one query a head makes it linear in length, so it is kept for any, and its signs hold
//! the mask for nothing.

use super::layout::Layout;
use super::product::{Product, multiply};
use super::random::{Dropout, factors, factors_space};
use super::softmax::{drop_weights, softmax_row};
use super::workspace::{cut, padded, part};
use crate::compute::Compute;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::{Disjoint, Part};
use std::ops::Range;

#[derive(Clone, Copy)]
pub struct PooledShape<'a> {
    pub layout: Layout<'a>,
    pub hidden: usize,
    pub heads: usize,
    /// Of query·x: 1 / √D, where D is the width that a head's query had before W_k was absorbed
    pub scale: f32,
    pub dropout: Option<Dropout>,
}

impl PooledShape<'_> {
    /// Floats of `saved`.
    pub fn saved_size(&self) -> usize {
        self.layout.rows() * self.heads
    }

    /// A pair's numbers in a [P, N, width] tensor.
    fn of_pair(&self, pair: usize, width: usize) -> Range<usize> {
        pair * self.heads * width..(pair + 1) * self.heads * width
    }

    /// Its numbers in x [R, H], or in `saved`.
    fn of_rows(&self, pair: usize, width: usize) -> Range<usize> {
        let rows = self.layout.range(pair);
        rows.start * width..rows.end * width
    }

    fn check(&self, x: &[f32], query: &[f32]) {
        assert!(self.heads > 0 && self.hidden > 0);
        assert_eq!(x.len(), self.layout.rows() * self.hidden);
        assert_eq!(query.len(), self.layout.pairs() * self.heads * self.hidden);
    }
}

/// x [R, H], query [P, N, H] -> pooled [P, N, H + 1], saved
pub fn pooled_attention(
    compute: &Compute,
    x: &[f32],
    query: &[f32],
    shape: &PooledShape,
    pooled: &mut [f32],
    saved: &mut [f32],
) {
    shape.check(x, query);
    assert_eq!(pooled.len(), shape.layout.pairs() * shape.heads * (shape.hidden + 1));
    assert_eq!(saved.len(), shape.saved_size());
    let (pooled, saved) = (Disjoint::new(pooled), Disjoint::new(saved));
    for_pairs(compute, shape, |pair, workspace| {
        // SAFETY: what belongs to different pairs does not overlap.
        let (pooled, saved) = unsafe {
            (pooled.part(shape.of_pair(pair, shape.hidden + 1)), saved.part(shape.of_rows(pair, shape.heads)))
        };
        let x = &x[shape.of_rows(pair, shape.hidden)];
        let query = &query[shape.of_pair(pair, shape.hidden)];
        dispatch(compute.cpu, Forward { pair, shape, x, query, pooled, saved, workspace });
    });
}

/// dy [P, N, H + 1] -> dx [R, H], dquery [P, N, H]
pub fn pooled_attention_gradient(
    compute: &Compute,
    dy: &[f32],
    x: &[f32],
    query: &[f32],
    saved: &[f32],
    shape: &PooledShape,
    (dx, dquery): (&mut [f32], &mut [f32]),
) {
    shape.check(x, query);
    assert_eq!(dy.len(), shape.layout.pairs() * shape.heads * (shape.hidden + 1));
    assert!(saved.len() == shape.saved_size() && dx.len() == x.len() && dquery.len() == query.len());
    let (dx, dquery) = (Disjoint::new(dx), Disjoint::new(dquery));
    for_pairs(compute, shape, |pair, workspace| {
        // SAFETY: what belongs to different pairs does not overlap.
        let (dx, dquery) =
            unsafe { (dx.part(shape.of_rows(pair, shape.hidden)), dquery.part(shape.of_pair(pair, shape.hidden))) };
        let dy = &dy[shape.of_pair(pair, shape.hidden + 1)];
        let x = &x[shape.of_rows(pair, shape.hidden)];
        let query = &query[shape.of_pair(pair, shape.hidden)];
        let saved = &saved[shape.of_rows(pair, shape.heads)];
        dispatch(compute.cpu, Backward { pair, shape, dy, x, query, saved, dx, dquery, workspace });
    });
}

fn for_pairs(compute: &Compute, shape: &PooledShape, body: impl Fn(usize, &mut [f32]) + Sync) {
    let (longest, heads, wide) = (shape.layout.longest(), shape.heads, padded(shape.hidden));
    // Rows of x padded (where they are not); two matrices of weights; dropout factors of a row; dy and query side by side.
    let space = longest * wide + 2 * heads * padded(longest) + padded(factors_space(longest)) + 2 * heads * wide;
    let mut workspace = compute.pool.take(compute.threads.count() * space);
    let workspaces = Disjoint::new(&mut workspace);
    compute.threads.for_chunks(shape.layout.pairs(), 1, |Part { worker, index, .. }| {
        // SAFETY: a worker runs one chunk at a time.
        body(index, unsafe { workspaces.part(worker * space..(worker + 1) * space) });
    });
}

struct Forward<'a> {
    pair: usize,
    shape: &'a PooledShape<'a>,
    // Of the pair
    x: &'a [f32],
    query: &'a [f32],
    pooled: &'a mut [f32],
    saved: &'a mut [f32],
    workspace: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { pair, shape, x, query, pooled, saved, mut workspace } = self;
        let (length, hidden, heads) = (shape.layout.length(pair), shape.hidden, shape.heads);
        if length == 0 {
            pooled.fill(0.0);
            return;
        }
        let long = padded(length);
        let (x, stride) = padded_rows(x, hidden, &mut workspace);
        let weights = cut(&mut workspace, heads * long);
        let kept = cut(&mut workspace, long);
        let drawn = cut(&mut workspace, padded(factors_space(length)));
        dots(s, [query, x], [hidden, stride], [heads, length], hidden, weights);
        for head in 0..heads {
            let row = &mut weights[head * long..][..long];
            for at in (0..long).step_by(S::LANES) {
                let place = &mut row[at..];
                s.store(place, s.mul(s.load(place), s.splat(shape.scale)));
            }
            softmax_row(s, row, length);
            if let Some(dropout) = &shape.dropout {
                // The query is the pair's first row: element (head · T + 0) · T + key.
                let element = (head * length * length) as u32;
                let skip = factors(s, dropout, shape.layout.pair_index(pair), element, length, drawn);
                drop_weights(s, row, &drawn[skip..], length, Some(&mut *kept));
                saved[head * length..][..length].copy_from_slice(&kept[..length]);
            } else {
                saved[head * length..][..length].copy_from_slice(&row[..length]);
            }
            let total: f32 = row[..length].iter().sum();
            pooled[head * (hidden + 1) + hidden] = total;
        }
        let sums = Product {
            rows: heads,
            inner: length,
            columns: hidden,
            factor: 1.0,
            a: weights,
            a_strides: (long, 1),
            b: x,
            b_stride: stride,
            adds: false,
        };
        // SAFETY: pooled holds a row of H + 1 for each head.
        unsafe { multiply(s, &sums, pooled.as_mut_ptr(), hidden + 1) };
    }
}

struct Backward<'a> {
    pair: usize,
    shape: &'a PooledShape<'a>,
    // Of the pair
    dy: &'a [f32],
    x: &'a [f32],
    query: &'a [f32],
    saved: &'a [f32],
    dx: &'a mut [f32],
    dquery: &'a mut [f32],
    workspace: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { pair, shape, dy, x, query, saved, dx, dquery, mut workspace } = self;
        let (length, hidden, heads) = (shape.layout.length(pair), shape.hidden, shape.heads);
        let (long, wide) = (padded(length), padded(hidden));
        let (x, stride) = padded_rows(x, hidden, &mut workspace);
        // What x was multiplied by, then gradients of the scores: [2 N, padded T]
        let both = cut(&mut workspace, 2 * heads * long);
        let (weights, slopes) = both.split_at_mut(heads * long);
        // What each is the factor of in dx: dy, then the queries [2 N, padded H]
        let upstream = cut(&mut workspace, 2 * heads * wide);
        for head in 0..heads {
            upstream[head * wide..][..hidden].copy_from_slice(&dy[head * (hidden + 1)..][..hidden]);
            upstream[(heads + head) * wide..][..hidden].copy_from_slice(&query[head * hidden..][..hidden]);
        }
        dots(s, [upstream, x], [wide, stride], [heads, length], hidden, slopes);
        let scale = shape.dropout.map_or(1.0, |dropout| dropout.scale);
        for head in 0..heads {
            let saved = &saved[head * length..][..length];
            let (weights, slopes) = (&mut weights[head * long..][..long], &mut slopes[head * long..][..long]);
            let of_total = s.splat(dy[head * (hidden + 1) + hidden]);
            let mut sum = s.zero();
            for at in (0..length).step_by(S::LANES) {
                let marked = part(s, saved, at);
                let factor = s.select(s.negative(marked), s.zero(), s.splat(scale));
                let slope = s.mul(s.add(s.load(&slopes[at..]), of_total), factor);
                s.store(&mut weights[at..], s.mul(s.abs(marked), factor));
                s.store(&mut slopes[at..], slope);
                // Beyond the pair the saved weight is 0; the slope there may be no number, where the total's gradient is.
                let product = s.mul(slope, s.abs(marked));
                sum = s.add(sum, s.select(s.first((length - at).min(S::LANES)), product, s.zero()));
            }
            let mean = s.splat(s.sum(sum));
            for at in (0..length).step_by(S::LANES) {
                let weight = s.mul(s.abs(part(s, saved, at)), s.splat(shape.scale));
                let slopes = &mut slopes[at..];
                s.store(slopes, s.mul(weight, s.sub(s.load(slopes), mean)));
            }
        }
        let of_query = Product {
            rows: heads,
            inner: length,
            columns: hidden,
            factor: 1.0,
            a: slopes,
            a_strides: (long, 1),
            b: x,
            b_stride: stride,
            adds: false,
        };
        // SAFETY: dquery holds its rows.
        unsafe { multiply(s, &of_query, dquery.as_mut_ptr(), hidden) };
        let of_rows = Product {
            rows: length,
            inner: 2 * heads,
            columns: hidden,
            factor: 1.0,
            a: both,
            a_strides: (1, long),
            b: upstream,
            b_stride: wide,
            adds: false,
        };
        // SAFETY: dx holds its rows.
        unsafe { multiply(s, &of_rows, dx.as_mut_ptr(), hidden) };
    }
}

/// Rows of x [T, H] whose vectors are whole: as they are, or copied into the workspace. -> rows, stride
#[inline(always)]
fn padded_rows<'a>(x: &'a [f32], hidden: usize, workspace: &mut &'a mut [f32]) -> (&'a [f32], usize) {
    let wide = padded(hidden);
    if wide == hidden {
        return (x, hidden);
    }
    let rows = cut(workspace, x.len() / hidden * wide);
    for (from, to) in x.chunks(hidden).zip(rows.chunks_mut(wide)) {
        to[..hidden].copy_from_slice(from);
        to[hidden..].fill(0.0);
    }
    (rows, wide)
}

/// Scalar products of rows of a, `strides.0` apart, with rows of b, `strides.1` apart -> [a's rows, padded b's rows],
/// zeros behind. Rows of b are at most read to their width.
#[inline(always)]
fn dots<S: Simd>(s: S, [a, b]: [&[f32]; 2], strides: [usize; 2], rows: [usize; 2], width: usize, to: &mut [f32]) {
    let long = padded(rows[1]);
    let mut head = 0;
    while head < rows[0] {
        let count = (rows[0] - head).min(4);
        let a = &a[head * strides[0]..];
        let to = &mut to[head * long..];
        // Four rows of a share what is read of b.
        match count {
            4 => dots_of::<S, 4>(s, [a, b], strides, rows[1], width, to),
            3 => dots_of::<S, 3>(s, [a, b], strides, rows[1], width, to),
            2 => dots_of::<S, 2>(s, [a, b], strides, rows[1], width, to),
            _ => dots_of::<S, 1>(s, [a, b], strides, rows[1], width, to),
        }
        head += count;
    }
}

#[inline(always)]
fn dots_of<S: Simd, const ROWS: usize>(
    s: S,
    [a, b]: [&[f32]; 2],
    strides: [usize; 2],
    rows: usize,
    width: usize,
    to: &mut [f32],
) {
    let long = padded(rows);
    let a: [&[f32]; ROWS] = std::array::from_fn(|i| &a[i * strides[0]..][..width]);
    let mut row = 0;
    while row < rows {
        // Two rows of b at a time; the last alone.
        let next = if row + 1 < rows { row + 1 } else { row };
        let b = [&b[row * strides[1]..][..width], &b[next * strides[1]..][..width]];
        let mut sums = [[s.zero(); 2]; ROWS];
        for at in (0..width).step_by(S::LANES) {
            let right = [part(s, b[0], at), part(s, b[1], at)];
            for i in 0..ROWS {
                let left = part(s, a[i], at);
                sums[i][0] = s.fma(left, right[0], sums[i][0]);
                sums[i][1] = s.fma(left, right[1], sums[i][1]);
            }
        }
        for i in 0..ROWS {
            to[i * long + row] = s.sum(sums[i][0]);
            to[i * long + next] = s.sum(sums[i][1]);
        }
        row += 2;
    }
    for i in 0..ROWS {
        to[i * long + rows..(i + 1) * long].fill(0.0);
    }
}

#[cfg(test)]
#[path = "pooled_attention_tests.rs"]
mod tests;
