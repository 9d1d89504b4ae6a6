//! Linear layers, projections and products of matrices.

use super::arguments::{Named, Size};
use super::call;
use crate::buffers::{Buffers, Handle};
use crate::compute::Compute;
use crate::engine::Engine;
use crate::ensure;
use crate::error::Result;
use crate::kernels::activation::Activation;
use crate::kernels::linear::{self, LinearGradients, LinearInputs};
use crate::kernels::matmul::Precision;
use crate::kernels::matmul::batched::{self, MatmulOptions};
use crate::kernels::matmul::panels::Panels;
use crate::pool::Block;
use napi_derive::napi;
use std::rc::Rc;

#[napi(object, object_to_js = false)]
pub struct LinearShape {
    pub rows: Size,
    pub into: Size,
    pub out: Size,
    pub activation: String,
    pub precision: String,
}

impl LinearShape {
    fn checked(&self, compute: &Compute) -> Result<linear::LinearShape> {
        Ok(linear::LinearShape {
            rows: self.rows.0,
            into: self.into.0,
            out: self.out.0,
            activation: Activation::named(&self.activation)?,
            precision: Precision::named(&self.precision, compute.cpu)?,
        })
    }
}

/// A product of two sizes that is a size.
fn times(a: usize, b: usize) -> Result<usize> {
    match a.checked_mul(b).filter(|&size| size <= isize::MAX as usize / 16) {
        Some(size) => Ok(size),
        None => crate::fail!("{a} times {b} numbers are too many"),
    }
}

/// Under which a weight's packing is kept: a buffer has no shape, so one of the same size but another width is another
/// matrix.
fn packing_key(shape: &linear::LinearShape) -> u64 {
    (shape.into as u64) << 1 | u64::from(shape.precision == Precision::Bfloat16)
}

/// The weight packed for x · Wᵀ, once until it changes or a gradient has gone through it.
fn packed_forward(engine: &Engine, weight: Handle, shape: &linear::LinearShape) -> Result<Rc<Panels>> {
    let numbers = engine.buffers.float32_of(weight, times(shape.into, shape.out)?, "weight")?;
    let pack = || linear::pack_forward(&engine.compute, shape, numbers);
    Ok(engine.buffers.get(weight)?.derived(packing_key(shape), pack))
}

/// The weight packed for dy · W, for one product. A step goes through a weight forward, then backward, then changes it: what
/// was packed for the way forward has served, and the weight's gradient finds its memory free. Kept, both packings of all
/// weights would be as much memory as Adam's moments; packing costs about a hundredth of the product.
fn packed_backward(engine: &Engine, weight: Handle, shape: &linear::LinearShape) -> Result<Panels> {
    let numbers = engine.buffers.float32_of(weight, times(shape.into, shape.out)?, "weight")?;
    Ok(linear::pack_backward(&engine.compute, shape, numbers))
}

fn forget_packed(engine: &Engine, weight: Handle, shape: &linear::LinearShape) -> Result<()> {
    engine.buffers.get(weight)?.forget_derived(packing_key(shape));
    Ok(())
}

#[napi(object, object_from_js = false)]
pub struct LinearOutput {
    pub y: Named,
    pub before: Option<Named>,
}

#[napi]
pub fn linear(x: Named, weight: Named, bias: Named, shape: LinearShape) -> napi::Result<LinearOutput> {
    call("linear", |engine| {
        let compute = &engine.compute;
        let shape = shape.checked(compute)?;
        let x = engine.buffers.float32_of(x.0, times(shape.rows, shape.into)?, "x")?;
        let bias = engine.buffers.float32_of(bias.0, shape.out, "bias")?;
        let weight = packed_forward(engine, weight.0, &shape)?;
        let size = times(shape.rows, shape.out)?;
        let keeps = shape.activation.keeps_sums();
        let (mut y, mut sums) = (compute.pool.take(size), compute.pool.take(if keeps { size } else { 0 }));
        linear::linear(compute, &shape, x, &weight, bias, &mut y, &mut sums);
        Ok(LinearOutput {
            y: Named(engine.buffers.insert(y)),
            before: keeps.then(|| Named(engine.buffers.insert(sums))),
        })
    })
}

#[napi(object, object_to_js = false)]
pub struct LinearGradientInputs {
    pub dy: Named,
    pub x: Named,
    pub weight: Named,
    pub output: Named,
    pub wants_x: bool,
}

#[napi(object, object_from_js = false)]
pub struct LinearGradientOutput {
    pub dx: Option<Named>,
    pub d_weight: Named,
    pub d_bias: Named,
}

#[napi]
pub fn linear_gradient(inputs: LinearGradientInputs, shape: LinearShape) -> napi::Result<LinearGradientOutput> {
    call("linearGradient", |engine| {
        let compute = &engine.compute;
        let shape = shape.checked(compute)?;
        let size = times(shape.rows, shape.out)?;
        let dy = engine.buffers.float32_of(inputs.dy.0, size, "dy")?;
        let x = engine.buffers.float32_of(inputs.x.0, times(shape.rows, shape.into)?, "x")?;
        let kept = match shape.activation {
            Activation::None => &[],
            _ => engine.buffers.float32_of(inputs.output.0, size, "output")?,
        };
        forget_packed(engine, inputs.weight.0, &shape)?;
        let mut d_weight = compute.pool.take(times(shape.into, shape.out)?);
        let mut d_bias = compute.pool.take(shape.out);
        let weight = inputs.wants_x.then(|| packed_backward(engine, inputs.weight.0, &shape)).transpose()?;
        let mut dx = compute.pool.take(if inputs.wants_x { x.len() } else { 0 });
        let gradients = LinearGradients {
            dx: weight.as_ref().map(|weight| (&mut dx[..], weight)),
            d_weight: &mut d_weight,
            d_bias: &mut d_bias,
        };
        linear::linear_gradient(compute, &shape, &LinearInputs { dy, x, kept }, gradients);
        Ok(LinearGradientOutput {
            dx: inputs.wants_x.then(|| Named(engine.buffers.insert(dx))),
            d_weight: Named(engine.buffers.insert(d_weight)),
            d_bias: Named(engine.buffers.insert(d_bias)),
        })
    })
}

#[napi(object, object_to_js = false)]
pub struct Projection {
    pub weight: Named,
    pub bias: Named,
}

#[napi]
pub fn projections(x: Named, layers: Vec<Projection>, shape: LinearShape) -> napi::Result<Vec<Named>> {
    call("projections", |engine| {
        let compute = &engine.compute;
        let shape = without_activation(shape.checked(compute)?)?;
        let x = engine.buffers.float32_of(x.0, times(shape.rows, shape.into)?, "x")?;
        let size = times(shape.rows, shape.out)?;
        let mut weights = Vec::with_capacity(layers.len());
        for layer in &layers {
            let bias = engine.buffers.float32_of(layer.bias.0, shape.out, "bias")?;
            weights.push((packed_forward(engine, layer.weight.0, &shape)?, bias));
        }
        let sides: Vec<(&Panels, &[f32])> = weights.iter().map(|(weight, bias)| (&**weight, *bias)).collect();
        let mut ys: Vec<Block<f32>> = layers.iter().map(|_| compute.pool.take(size)).collect();
        let mut places: Vec<&mut [f32]> = ys.iter_mut().map(|y| &mut y[..]).collect();
        linear::projections(compute, &shape, x, &sides, &mut places);
        drop(weights);
        Ok(named(&mut engine.buffers, ys))
    })
}

fn named(buffers: &mut Buffers, blocks: Vec<Block<f32>>) -> Vec<Named> {
    blocks.into_iter().map(|block| Named(buffers.insert(block))).collect()
}

fn without_activation(shape: linear::LinearShape) -> Result<linear::LinearShape> {
    ensure!(shape.activation == Activation::None, "projections have no activation");
    Ok(shape)
}

#[napi(object, object_to_js = false)]
pub struct ProjectionsGradientInputs {
    pub dys: Vec<Named>,
    pub x: Named,
    pub weights: Vec<Named>,
    pub wants_x: bool,
}

#[napi(object, object_from_js = false)]
pub struct ProjectionsGradientOutput {
    pub dx: Option<Named>,
    pub d_weights: Vec<Named>,
    pub d_biases: Vec<Named>,
}

#[napi]
pub fn projections_gradient(
    inputs: ProjectionsGradientInputs,
    shape: LinearShape,
) -> napi::Result<ProjectionsGradientOutput> {
    call("projectionsGradient", |engine| {
        let compute = &engine.compute;
        let shape = without_activation(shape.checked(compute)?)?;
        let layers = inputs.weights.len();
        ensure!(layers > 0 && inputs.dys.len() == layers, "{} gradients for {layers} layers", inputs.dys.len());
        let x = engine.buffers.float32_of(inputs.x.0, times(shape.rows, shape.into)?, "x")?;
        let size = times(shape.rows, shape.out)?;
        let dys =
            inputs.dys.iter().map(|dy| engine.buffers.float32_of(dy.0, size, "dy")).collect::<Result<Vec<_>>>()?;
        for weight in &inputs.weights {
            forget_packed(engine, weight.0, &shape)?;
        }
        let mut dx = None;
        if inputs.wants_x {
            let pack = |weight: &Named| packed_backward(engine, weight.0, &shape);
            let weights = inputs.weights.iter().map(pack).collect::<Result<Vec<_>>>()?;
            let sides: Vec<_> = dys.iter().zip(&weights).map(|(dy, weight)| (*dy, weight)).collect();
            linear::projections_dx(compute, &shape, &sides, dx.insert(compute.pool.take(x.len())));
        }
        let (mut d_weights, mut d_biases) = (Vec::new(), Vec::new());
        for dy in dys {
            let (mut d_weight, mut d_bias) =
                (compute.pool.take(times(shape.into, shape.out)?), compute.pool.take(shape.out));
            linear::weight_gradient(compute, &shape, dy, x, &mut d_weight, &mut d_bias);
            d_weights.push(d_weight);
            d_biases.push(d_bias);
        }
        let buffers = &mut engine.buffers;
        Ok(ProjectionsGradientOutput {
            dx: dx.map(|dx| Named(buffers.insert(dx))),
            d_weights: named(buffers, d_weights),
            d_biases: named(buffers, d_biases),
        })
    })
}

#[napi(object, object_to_js = false)]
pub struct MatmulShape {
    pub batch: Size,
    pub rows: Size,
    pub inner: Size,
    pub columns: Size,
    pub transpose_a: bool,
    pub transpose_b: bool,
    pub broadcast_a: bool,
    pub broadcast_b: bool,
    pub precision: String,
}

#[napi]
pub fn matmul(a: Named, b: Named, shape: MatmulShape) -> napi::Result<Named> {
    call("matmul", |engine| {
        let compute = &engine.compute;
        let options = MatmulOptions {
            batch: shape.batch.0,
            rows: shape.rows.0,
            inner: shape.inner.0,
            columns: shape.columns.0,
            transpose: (shape.transpose_a, shape.transpose_b),
            broadcast: (shape.broadcast_a, shape.broadcast_b),
            precision: Precision::named(&shape.precision, compute.cpu)?,
        };
        let of = |broadcast: bool| if broadcast { 1 } else { options.batch };
        let a_size = times(of(shape.broadcast_a), times(options.rows, options.inner)?)?;
        let b_size = times(of(shape.broadcast_b), times(options.inner, options.columns)?)?;
        let c_size = times(options.batch, times(options.rows, options.columns)?)?;
        let a = engine.buffers.float32_of(a.0, a_size, "a")?;
        let b = engine.buffers.float32_of(b.0, b_size, "b")?;
        let mut c = compute.pool.take(c_size);
        batched::matmul(compute, &options, a, b, &mut c);
        Ok(Named(engine.buffers.insert(c)))
    })
}
