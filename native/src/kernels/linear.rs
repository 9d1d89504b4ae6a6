//! Linear layers, y = activation(x · Wᵀ + b), and several of them on one x. R rows, I and O widths into and out of them.
//! The weight comes packed (`Panels`), as it serves many products until it changes.

use super::activation::{Activation, apply, apply_here, gradient_of, gradient_on_threads};
use super::matmul::outer::Outer;
use super::matmul::panels::Panels;
use super::matmul::rows::{Product, for_blocks};
use super::matmul::{Matrix, Precision};
use crate::compute::Compute;
use crate::threads::Disjoint;
use std::ops::Range;

#[derive(Debug, Clone, Copy)]
pub struct LinearShape {
    pub rows: usize,
    pub into: usize,
    pub out: usize,
    pub activation: Activation,
    pub precision: Precision,
}

/// weight [O, I] -> the right side of x · Wᵀ
pub fn pack_forward(compute: &Compute, shape: &LinearShape, weight: &[f32]) -> Panels {
    let right = Matrix::rows_of(weight, shape.into).transposed();
    Panels::pack(compute, shape.precision, right, shape.into, shape.out)
}

/// weight [O, I] -> the right side of dy · W
pub fn pack_backward(compute: &Compute, shape: &LinearShape, weight: &[f32]) -> Panels {
    Panels::pack(compute, shape.precision, Matrix::rows_of(weight, shape.into), shape.out, shape.into)
}

/// Rows of a matrix [.., width] as a stretch of its numbers.
fn stretch(rows: &Range<usize>, width: usize) -> Range<usize> {
    rows.start * width..rows.end * width
}

/// x [R, I], forward-packed weight, bias [O] -> y [R, O]; `sums` [R, O] also gets what y is the activation of, which
/// its gradient needs (`Activation::keeps_sums`), and is empty otherwise.
pub fn linear(
    compute: &Compute,
    shape: &LinearShape,
    x: &[f32],
    weight: &Panels,
    bias: &[f32],
    y: &mut [f32],
    sums: &mut [f32],
) {
    let &LinearShape { rows, into, out, activation, .. } = shape;
    assert!(x.len() == rows * into && y.len() == rows * out, "sizes that fit");
    assert!((weight.inner, weight.columns) == (into, out), "a weight packed for this product");
    assert!(sums.len() == if activation.keeps_sums() { rows * out } else { 0 }, "room for sums where they are kept");
    if y.is_empty() {
        return;
    }
    let product = Product {
        bias: Some(bias),
        relu: activation == Activation::Relu,
        ..Product::of(Matrix::rows_of(x, into), weight)
    };
    let (y, sums) = (Disjoint::new(y), Disjoint::new(sums));
    for_blocks(compute, rows, |part, scratch| {
        let place = stretch(&part.range, out);
        // SAFETY: blocks do not overlap.
        let y = unsafe { y.part(place.clone()) };
        match activation {
            Activation::None | Activation::Relu => product.block(compute.cpu, part.range, y, scratch),
            Activation::Tanh => {
                product.block(compute.cpu, part.range, y, scratch);
                apply_here(compute.cpu, activation, y);
            }
            Activation::Gelu | Activation::GeluTanh => {
                // SAFETY: blocks do not overlap.
                let sums = unsafe { sums.part(place) };
                product.block(compute.cpu, part.range, sums, scratch);
                apply(compute.cpu, activation, sums, y);
            }
        }
    });
}

/// What the gradient of a layer is computed from.
pub struct LinearInputs<'a> {
    /// [R, O]
    pub dy: &'a [f32],
    /// [R, I]
    pub x: &'a [f32],
    /// [R, O]: y, or the sums where they are kept; empty without activation
    pub kept: &'a [f32],
}

pub struct LinearGradients<'a> {
    /// [R, I], with the backward-packed weight; absent where it is not wanted
    pub dx: Option<(&'a mut [f32], &'a Panels)>,
    /// [O, I]
    pub d_weight: &'a mut [f32],
    /// [O]
    pub d_bias: &'a mut [f32],
}

pub fn linear_gradient(compute: &Compute, shape: &LinearShape, inputs: &LinearInputs, gradients: LinearGradients) {
    let &LinearShape { rows, into, out, activation, precision } = shape;
    let &LinearInputs { dy, x, kept } = inputs;
    let LinearGradients { dx, d_weight, d_bias } = gradients;
    let through = activation != Activation::None;
    assert!(dy.len() == rows * out && x.len() == rows * into, "sizes that fit");
    assert!(kept.len() == if through { dy.len() } else { 0 }, "what the activation keeps");
    // Gradient by the sums, made block by block on the way to dx.
    let mut dz = compute.pool.take::<f32>(kept.len());
    match dx {
        // Neither a gradient by x nor one by the sums, however many rows.
        Some((dx, _)) if dx.is_empty() && dz.is_empty() => (),
        Some((dx, weight)) => {
            assert!((weight.inner, weight.columns) == (out, into), "a weight packed for this product");
            let (dx, dz) = (Disjoint::new(dx), Disjoint::new(&mut dz));
            for_blocks(compute, rows, |part, scratch| {
                // SAFETY: blocks do not overlap.
                let dx = unsafe { dx.part(stretch(&part.range, into)) };
                if !through {
                    return Product::of(Matrix::rows_of(dy, out), weight).block(compute.cpu, part.range, dx, scratch);
                }
                let place = stretch(&part.range, out);
                // SAFETY: as above.
                let dz = unsafe { dz.part(place.clone()) };
                gradient_of(compute.cpu, activation, &dy[place.clone()], &kept[place], dz);
                let rows = 0..part.range.len();
                Product::of(Matrix::rows_of(dz, out), weight).block(compute.cpu, rows, dx, scratch);
            });
        }
        None if through => gradient_on_threads(compute, activation, dy, kept, &mut dz),
        None => (),
    }
    let left = if through { &dz[..] } else { dy };
    let outer = Outer { rows, left, m: out, right: x, n: into, precision };
    outer.multiply(compute, d_weight, Some(d_bias));
}

/// x [R, I] -> for each layer (forward-packed weight, bias [O]) its y [R, O], without activation
pub fn projections(
    compute: &Compute,
    shape: &LinearShape,
    x: &[f32],
    layers: &[(&Panels, &[f32])],
    ys: &mut [&mut [f32]],
) {
    let &LinearShape { rows, into, out, .. } = shape;
    assert!(x.len() == rows * into && layers.len() == ys.len(), "sizes that fit");
    if rows * out == 0 {
        return;
    }
    let ys: Vec<Disjoint<f32>> = ys.iter_mut().map(|y| Disjoint::new(y)).collect();
    for_blocks(compute, rows, |part, scratch| {
        for (&(weight, bias), y) in layers.iter().zip(&ys) {
            let product = Product { bias: Some(bias), ..Product::of(Matrix::rows_of(x, into), weight) };
            // SAFETY: blocks do not overlap.
            let y = unsafe { y.part(stretch(&part.range, out)) };
            product.block(compute.cpu, part.range.clone(), y, scratch);
        }
    });
}

/// dx [R, I] = Σ over layers of dy [R, O] · W (backward-packed)
pub fn projections_dx(compute: &Compute, shape: &LinearShape, layers: &[(&[f32], &Panels)], dx: &mut [f32]) {
    let &LinearShape { rows, into, out, .. } = shape;
    assert!(dx.len() == rows * into && !layers.is_empty(), "sizes that fit");
    if dx.is_empty() {
        return;
    }
    let dx = Disjoint::new(dx);
    for_blocks(compute, rows, |part, scratch| {
        // SAFETY: blocks do not overlap.
        let dx = unsafe { dx.part(stretch(&part.range, into)) };
        for (layer, &(dy, weight)) in layers.iter().enumerate() {
            let product = Product { adds: layer > 0, ..Product::of(Matrix::rows_of(dy, out), weight) };
            product.block(compute.cpu, part.range.clone(), dx, scratch);
        }
    });
}

/// dy [R, O], x [R, I] -> d_weight [O, I], d_bias [O]
pub fn weight_gradient(
    compute: &Compute,
    shape: &LinearShape,
    dy: &[f32],
    x: &[f32],
    d_weight: &mut [f32],
    d_bias: &mut [f32],
) {
    let &LinearShape { rows, into, out, precision, .. } = shape;
    let outer = Outer { rows, left: dy, m: out, right: x, n: into, precision };
    outer.multiply(compute, d_weight, Some(d_bias));
}

#[cfg(test)]
mod tests;
