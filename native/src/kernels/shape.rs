//! Kernels that only move numbers: transpose, slice, concat, pad, tile, one-hot. Of any type.

use super::strided::{Axis, Walk};
use crate::compute::Compute;
use crate::ensure;
use crate::error::Result;
use crate::threads::Disjoint;

/// Numbers that a thread moves at a time.
const CHUNK: usize = 1 << 14;
/// Side of the squares in which two axes are exchanged, so that both stay in the cache.
const SQUARE: usize = 32;

/// A copy between tensors with strides: from the first to the second.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    walk: Walk,
    /// First elements
    from: usize,
    to: usize,
    sizes: [usize; 2],
}

/// Row-major strides of a shape times `times`, innermost 1.
fn strides(shape: &[usize]) -> impl Fn(usize) -> usize {
    move |axis| shape[axis + 1..].iter().product()
}

impl Move {
    /// x of `shape` -> axis i of the result is axis `permutation[i]` of x
    pub fn transpose(shape: &[usize], permutation: &[usize]) -> Result<Self> {
        let mut found = [false; 16];
        ensure!(permutation.len() == shape.len() && shape.len() <= 16, "a permutation of {} axes", shape.len());
        for &axis in permutation {
            ensure!(axis < shape.len() && !std::mem::replace(&mut found[axis], true), "axes are named once each");
        }
        let size = Walk::product(shape)?;
        let stride = strides(shape);
        let mut walk = Walk::default();
        let mut to = size;
        for &axis in permutation {
            to /= shape[axis].max(1);
            walk.push(shape[axis], stride(axis), to)?;
        }
        Ok(Self { walk: walk.simplified(), from: 0, to: 0, sizes: [size, size] })
    }

    /// x of `shape` -> `size` elements of each axis from `begin` on
    pub fn slice(shape: &[usize], begin: &[usize], size: &[usize]) -> Result<Self> {
        ensure!(begin.len() == shape.len() && size.len() == shape.len(), "a begin and a size for each axis");
        let inside = |axis: usize| begin[axis].checked_add(size[axis]).is_some_and(|end| end <= shape[axis]);
        ensure!((0..shape.len()).all(inside), "{begin:?} and {size:?} do not lie in {shape:?}");
        let (stride, own) = (strides(shape), strides(size));
        let mut walk = Walk::default();
        for axis in 0..shape.len() {
            walk.push(size[axis], stride(axis), own(axis))?;
        }
        let from = (0..shape.len()).map(|axis| begin[axis] * stride(axis)).sum();
        let sizes = [Walk::product(shape)?, Walk::product(size)?];
        Ok(Self { walk: walk.simplified(), from, to: 0, sizes })
    }

    /// x of `shape` -> with `before` and `after` elements around it on each axis, which are not written
    pub fn pad(shape: &[usize], paddings: &[[usize; 2]]) -> Result<Self> {
        ensure!(paddings.len() == shape.len() && shape.len() <= 16, "a padding for each axis");
        let mut whole = [0; 16];
        for axis in 0..shape.len() {
            let [before, after] = paddings[axis];
            let size = shape[axis].checked_add(before).and_then(|size| size.checked_add(after));
            ensure!(size.is_some(), "a padding of {before} and {after}");
            whole[axis] = size.unwrap_or(0);
        }
        let whole = &whole[..shape.len()];
        let sizes = [Walk::product(shape)?, Walk::product(whole)?];
        let (stride, own) = (strides(shape), strides(whole));
        let mut walk = Walk::default();
        for axis in 0..shape.len() {
            walk.push(shape[axis], stride(axis), own(axis))?;
        }
        let to = (0..shape.len()).map(|axis| paddings[axis][0] * own(axis)).sum();
        Ok(Self { walk: walk.simplified(), from: 0, to, sizes })
    }

    /// x of `shape` -> each axis `repetitions` times
    pub fn tile(shape: &[usize], repetitions: &[usize]) -> Result<Self> {
        ensure!(repetitions.len() == shape.len(), "a repetition for each axis");
        let size = Walk::product(shape)?;
        let times = size.checked_mul(Walk::product(repetitions)?);
        ensure!(times.is_some(), "{shape:?} times {repetitions:?} has more elements than can be counted");
        let whole = times.unwrap_or(0);
        let stride = strides(shape);
        let mut walk = Walk::default();
        let mut to = whole;
        for axis in 0..shape.len() {
            to /= repetitions[axis].max(1);
            walk.push(repetitions[axis], 0, to)?;
            to /= shape[axis].max(1);
            walk.push(shape[axis], stride(axis), to)?;
        }
        Ok(Self { walk: walk.simplified(), from: 0, to: 0, sizes: [size, whole] })
    }

    /// Elements of x.
    pub fn from_size(&self) -> usize {
        self.sizes[0]
    }

    /// Elements of the result.
    pub fn size(&self) -> usize {
        self.sizes[1]
    }

    pub fn run<T: Copy + Send + Sync>(&self, compute: &Compute, x: &[T], y: &mut [T]) {
        assert!([x.len(), y.len()] == self.sizes);
        if self.walk.size() == 0 {
            return;
        }
        let inner = self.walk.inner();
        // Two axes are exchanged where x's neighbours lie on another axis than y's.
        let across = self.walk.axes().iter().rposition(|axis| axis.a == 1 && axis.size > 1);
        if let (Some(across), true) = (across, inner.a != 1 && inner.b == 1) {
            return self.exchange(compute, x, y, across);
        }
        let out = Disjoint::new(y);
        compute.threads.for_chunks(self.walk.runs(), (CHUNK / inner.size).max(1), |chunk| {
            for (_, [a, b]) in self.walk.begins(chunk.range) {
                let (a, b) = (self.from + a, self.to + b);
                let end = b + (inner.size - 1) * inner.b + 1;
                // SAFETY: no place of y is written twice: the walk's steps in it are those of a tensor's own axes.
                let y = unsafe { out.part(b..end) };
                match (inner.a, inner.b) {
                    (1, 1) => y.copy_from_slice(&x[a..][..inner.size]),
                    (0, 1) => y.fill(x[a]),
                    (from, to) => (0..inner.size).for_each(|at| y[at * to] = x[a + at * from]),
                }
            }
        });
    }

    /// Square by square of the innermost axis and `across`, whose neighbours are x's.
    fn exchange<T: Copy + Send + Sync>(&self, compute: &Compute, x: &[T], y: &mut [T], across: usize) {
        let inner = self.walk.inner();
        let mut outer = Walk::default();
        let mut other = Axis::default();
        for (place, &axis) in self.walk.axes().iter().enumerate() {
            if place == across {
                other = axis;
            } else if place + 1 < self.walk.axes().len() {
                outer.push(axis.size, axis.a, axis.b).expect("fewer axes than before");
            }
        }
        outer.push(1, 1, 1).expect("fewer axes than before");
        let squares = other.size.div_ceil(SQUARE);
        let out = Disjoint::new(y);
        compute.threads.for_chunks(outer.runs() * squares, (CHUNK / (SQUARE * inner.size)).max(1), |chunk| {
            for task in chunk.range {
                let (run, first) = (task / squares, task % squares * SQUARE);
                let Some((_, [a, b])) = outer.begins(run..run + 1).next() else { continue };
                let (a, b) = (self.from + a, self.to + b);
                let last = (first + SQUARE).min(other.size);
                for begin in (0..inner.size).step_by(SQUARE) {
                    let end = (begin + SQUARE).min(inner.size);
                    for row in first..last {
                        let to = b + row * other.b + begin;
                        // SAFETY: no place of y is written twice.
                        let y = unsafe { out.part(to..to + end - begin) };
                        let x = &x[a + row + begin * inner.a..];
                        (0..end - begin).for_each(|at| y[at] = x[at * inner.a]);
                    }
                }
            }
        });
    }
}

/// Each x is [outer, inners[i]] -> y [outer, Σ inners]
pub fn concat<T: Copy + Send + Sync>(compute: &Compute, xs: &[&[T]], inners: &[usize], y: &mut [T]) {
    let whole: usize = inners.iter().sum();
    let outer = y.len().checked_div(whole).unwrap_or(0);
    assert!(y.len() == outer * whole && xs.len() == inners.len());
    assert!(xs.iter().zip(inners).all(|(x, inner)| x.len() == outer * inner));
    let out = Disjoint::new(y);
    compute.threads.for_chunks(outer, (CHUNK / whole.max(1)).max(1), |chunk| {
        for row in chunk.range {
            // SAFETY: rows do not overlap.
            let mut y = unsafe { out.part(row * whole..(row + 1) * whole) };
            for (x, &inner) in xs.iter().zip(inners) {
                let (part, rest) = y.split_at_mut(inner);
                part.copy_from_slice(&x[row * inner..][..inner]);
                y = rest;
            }
        }
    });
}

/// indices [n] -> y [n, depth]: `on` at the index, `off` elsewhere (everywhere where there is no such place)
pub fn one_hot(indices: &[i32], depth: usize, [on, off]: [f32; 2], y: &mut [f32]) {
    assert_eq!(y.len(), indices.len() * depth);
    y.fill(off);
    for (row, &index) in indices.iter().enumerate() {
        if usize::try_from(index).is_ok_and(|index| index < depth) {
            y[row * depth + index as usize] = on;
        }
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
