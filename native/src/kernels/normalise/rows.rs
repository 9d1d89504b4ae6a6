//! A chunk of rows.

use super::{NormInputs, NormShape};
use crate::kernels::random::{Dropout, factors};
use crate::kernels::workspace::{AHEAD, cut, padded, part, prefetch_row, put};
use crate::simd::{Kernel, Simd};
use std::ops::Range;

pub struct Forward<'a> {
    pub rows: Range<usize>,
    pub inputs: NormInputs<'a>,
    pub beta: &'a [f32],
    pub shape: &'a NormShape<'a>,
    /// Of these rows
    pub y: &'a mut [f32],
    pub statistics: &'a mut [f32],
    pub workspace: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { rows, inputs, beta, shape, y, statistics, mut workspace } = self;
        let width = shape.width;
        let z = cut(&mut workspace, padded(width));
        let mut source = Source::new(shape, rows.start, workspace);
        for (at, row) in rows.enumerate() {
            let drawn = source.draw(s, row);
            let x = &inputs.x[row * width..][..width];
            let residual = residual_of(s, &inputs, shape, row);
            let before = residual.and(drawn);
            let mut sum = s.zero();
            for at in (0..width).step_by(S::LANES) {
                let value = summed(s, x, residual, before, at);
                sum = s.add(sum, value);
                s.store(&mut z[at..], value);
            }
            let mean = s.sum(sum) / width as f32;
            let centre = s.splat(mean);
            let mut squares = s.zero();
            for at in (0..width).step_by(S::LANES) {
                let mut off = s.sub(s.load(&z[at..]), centre);
                if at + S::LANES > width {
                    off = s.select(s.first(width - at), off, s.zero());
                }
                squares = s.fma(off, off, squares);
                s.store(&mut z[at..], off);
            }
            let inverse = 1.0 / (s.sum(squares) / width as f32 + shape.eps).sqrt();
            let y = &mut y[at * width..][..width];
            let after = if residual.is_none() { drawn } else { None };
            for at in (0..width).step_by(S::LANES) {
                let normal = s.mul(s.load(&z[at..]), s.splat(inverse));
                let mut value = s.fma(normal, part(s, inputs.gamma, at), part(s, beta, at));
                if let Some(factors) = after {
                    value = s.mul(value, s.load(&factors[at..]));
                }
                put(s, y, at, value);
            }
            (statistics[2 * at], statistics[2 * at + 1]) = (mean, inverse);
        }
    }
}

pub struct Backward<'a> {
    pub rows: Range<usize>,
    pub dy: &'a [f32],
    pub inputs: NormInputs<'a>,
    /// Of all rows
    pub statistics: &'a [f32],
    pub shape: &'a NormShape<'a>,
    /// Of these rows
    pub dx: &'a mut [f32],
    pub dresidual: Option<&'a mut [f32]>,
    /// [2, padded W]: what these rows add to the gradients of gamma and beta
    pub sums: &'a mut [f32],
    pub workspace: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { rows, dy, inputs, statistics, shape, dx, mut dresidual, sums, mut workspace } = self;
        let width = shape.width;
        let normals = cut(&mut workspace, padded(width));
        let (of_gamma, of_beta) = sums.split_at_mut(padded(width));
        of_gamma.fill(0.0);
        of_beta.fill(0.0);
        let mut source = Source::new(shape, rows.start, workspace);
        for (at, row) in rows.enumerate() {
            let drawn = source.draw(s, row);
            let x = &inputs.x[row * width..][..width];
            let residual = residual_of(s, &inputs, shape, row);
            let (before, after) = if residual.is_some() { (drawn, None) } else { (None, drawn) };
            let dy = &dy[row * width..][..width];
            let (mean, inverse) = (s.splat(statistics[2 * row]), s.splat(statistics[2 * row + 1]));
            // Lanes beyond the width: upstream is 0 there, so nothing comes of them.
            let (mut sum, mut product) = (s.zero(), s.zero());
            for at in (0..width).step_by(S::LANES) {
                let normal = s.mul(s.sub(summed(s, x, residual, before, at), mean), inverse);
                let up = upstream(s, dy, after, at);
                let of_gamma = &mut of_gamma[at..];
                s.store(of_gamma, s.fma(up, normal, s.load(of_gamma)));
                let of_beta = &mut of_beta[at..];
                s.store(of_beta, s.add(up, s.load(of_beta)));
                let g = s.mul(up, part(s, inputs.gamma, at));
                sum = s.add(sum, g);
                product = s.fma(g, normal, product);
                s.store(&mut normals[at..], normal);
            }
            let sum = s.splat(s.sum(sum) / width as f32);
            let product = s.splat(s.sum(product) / width as f32);
            let dx = &mut dx[at * width..][..width];
            let mut dresidual = dresidual.as_deref_mut().map(|d| &mut d[at * width..][..width]);
            for at in (0..width).step_by(S::LANES) {
                let g = s.mul(upstream(s, dy, after, at), part(s, inputs.gamma, at));
                let off = s.neg_fma(s.load(&normals[at..]), product, s.sub(g, sum));
                let mut gradient = s.mul(inverse, off);
                if let Some(dresidual) = dresidual.as_deref_mut() {
                    put(s, dresidual, at, gradient);
                }
                if let Some(factors) = before {
                    gradient = s.mul(gradient, s.load(&factors[at..]));
                }
                put(s, dx, at, gradient);
            }
        }
    }
}

/// Which pair a row belongs to, as rows go by, and its dropout factors.
struct Source<'a> {
    shape: &'a NormShape<'a>,
    dropout: Option<Dropout>,
    pair: usize,
    drawn: &'a mut [f32],
}

impl<'a> Source<'a> {
    #[inline(always)]
    fn new(shape: &'a NormShape<'a>, row: usize, drawn: &'a mut [f32]) -> Self {
        Self { shape, dropout: shape.dropout, pair: shape.layout.pair_of(row), drawn }
    }

    /// Factors of a row [W], None where nothing is dropped. Rows come in order.
    #[inline(always)]
    fn draw<S: Simd>(&mut self, s: S, row: usize) -> Option<&[f32]> {
        let Some(dropout) = &self.dropout else { return None };
        let (layout, width) = (&self.shape.layout, self.shape.width);
        while row >= layout.range(self.pair).end {
            self.pair += 1;
        }
        let element = (row - layout.range(self.pair).start) * width;
        let pair = layout.pair_index(self.pair);
        let skip = factors(s, dropout, pair, element as u32, width, self.drawn);
        Some(&self.drawn[skip..])
    }
}

/// The row of the residual that a row of the batch reads.
#[inline(always)]
fn residual_of<'a, S: Simd>(s: S, inputs: &NormInputs<'a>, shape: &NormShape, row: usize) -> Option<&'a [f32]> {
    let residual = inputs.residual?;
    let row = match shape.residual_sources {
        Some(sources) => {
            if let Some(&later) = sources.get(row + AHEAD) {
                prefetch_row(s, residual, later as usize, shape.width);
            }
            sources[row] as usize
        }
        None => row,
    };
    Some(&residual[row * shape.width..][..shape.width])
}

/// What is normalised: x, or x · factors + residual.
#[inline(always)]
fn summed<S: Simd>(s: S, x: &[f32], residual: Option<&[f32]>, factors: Option<&[f32]>, at: usize) -> S::F {
    let x = part(s, x, at);
    let Some(residual) = residual else { return x };
    let residual = part(s, residual, at);
    match factors {
        Some(factors) => s.fma(x, s.load(&factors[at..]), residual),
        None => s.add(x, residual),
    }
}

/// dy, or dy · factors
#[inline(always)]
fn upstream<S: Simd>(s: S, dy: &[f32], factors: Option<&[f32]>, at: usize) -> S::F {
    let up = part(s, dy, at);
    match factors {
        Some(factors) => s.mul(up, s.load(&factors[at..])),
        None => up,
    }
}
