//! LayerNorm with what stands before or behind it.

use super::arguments::{Indices, Named, Size};
use super::call;
use super::dropout::{NativeDropout, check_dropout};
use crate::engine::Engine;
use crate::ensure;
use crate::error::Result;
use crate::kernels::layout::Layout;
use crate::kernels::normalise::{NormGradients, NormInputs, NormShape, norm, norm_gradient};
use crate::kernels::random::Dropout;
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct NativeNormShape {
    pub offsets: Indices,
    pub pair_indices: Indices,
    pub width: Size,
    pub eps: f64,
    pub dropout: Option<NativeDropout>,
    pub residual_sources: Option<Indices>,
}

/// What a norm reads: a checked shape, and tensors.
struct Checked<'a> {
    layout: Layout<'a>,
    sources: Option<&'a [i32]>,
    dropout: Option<Dropout>,
    rows: usize,
    width: usize,
    eps: f32,
    inputs: NormInputs<'a>,
}

impl<'a> Checked<'a> {
    fn new(
        engine: &'a Engine,
        [x, gamma]: [Named; 2],
        residual: Option<Named>,
        shape: &'a NativeNormShape,
    ) -> Result<Self> {
        let (width, buffers) = (shape.width.0, &engine.buffers);
        ensure!(width > 0, "rows have no width");
        let layout = Layout::new(&shape.offsets, &shape.pair_indices)?;
        let rows = layout.rows();
        let elements = layout.longest().checked_mul(width);
        ensure!(elements.is_some_and(|count| u32::try_from(count).is_ok()), "a pair is too long");
        let x = buffers.float32_of(x.0, rows * width, "x")?;
        let gamma = buffers.float32_of(gamma.0, width, "gamma")?;
        let residual = residual.map(|residual| buffers.float32(residual.0)).transpose()?;
        let sources = match (&shape.residual_sources, residual) {
            (Some(sources), Some(residual)) => {
                ensure!(sources.len() == rows, "{} sources for {rows} rows", sources.len());
                ensure!(residual.len().is_multiple_of(width), "the residual has no whole rows");
                Some(sources.below(residual.len() / width, "sources")?)
            }
            (Some(_), None) => return crate::fail!("sources are for a residual"),
            (None, Some(residual)) => {
                ensure!(residual.len() == x.len(), "the residual has {} numbers, not {}", residual.len(), x.len());
                None
            }
            (None, None) => None,
        };
        let dropout = check_dropout(&shape.dropout)?;
        let inputs = NormInputs { x, residual, gamma };
        Ok(Self { layout, sources, dropout, rows, width, eps: shape.eps as f32, inputs })
    }

    fn shape(&self) -> NormShape<'a> {
        let &Self { layout, sources, dropout, width, eps, .. } = self;
        NormShape { layout, width, eps, dropout, residual_sources: sources }
    }
}

#[napi(object, object_from_js = false)]
pub struct Normalised {
    pub y: Named,
    pub statistics: Named,
}

fn forward(
    engine: &mut Engine,
    x_and_gamma: [Named; 2],
    residual: Option<Named>,
    beta: Named,
    shape: &NativeNormShape,
) -> Result<Normalised> {
    let checked = Checked::new(engine, x_and_gamma, residual, shape)?;
    let beta = engine.buffers.float32_of(beta.0, checked.width, "beta")?;
    let compute = &engine.compute;
    let mut y = compute.pool.take(checked.rows * checked.width);
    let mut statistics = compute.pool.take(2 * checked.rows);
    norm(compute, checked.inputs, beta, &checked.shape(), &mut y, &mut statistics);
    let (y, statistics) = (engine.buffers.insert(y), engine.buffers.insert(statistics));
    Ok(Normalised { y: Named(y), statistics: Named(statistics) })
}

/// dx, dResidual where there is a residual, dGamma, dBeta
fn backward(
    engine: &mut Engine,
    [x, gamma, dy, statistics]: [Named; 4],
    residual: Option<Named>,
    shape: &NativeNormShape,
) -> Result<(Named, Option<Named>, Named, Named)> {
    let checked = Checked::new(engine, [x, gamma], residual, shape)?;
    let size = checked.rows * checked.width;
    let dy = engine.buffers.float32_of(dy.0, size, "dy")?;
    let statistics = engine.buffers.float32_of(statistics.0, 2 * checked.rows, "statistics")?;
    let compute = &engine.compute;
    let mut dx = compute.pool.take(size);
    let mut dresidual = residual.map(|_| compute.pool.take(size));
    let [mut dgamma, mut dbeta] = [(); 2].map(|()| compute.pool.take(checked.width));
    let gradients =
        NormGradients { dx: &mut dx, dresidual: dresidual.as_deref_mut(), dgamma: &mut dgamma, dbeta: &mut dbeta };
    norm_gradient(compute, dy, checked.inputs, statistics, &checked.shape(), gradients);
    let buffers = &mut engine.buffers;
    let [dx, dgamma, dbeta] = [dx, dgamma, dbeta].map(|block| Named(buffers.insert(block)));
    Ok((dx, dresidual.map(|block| Named(buffers.insert(block))), dgamma, dbeta))
}

#[napi(object, object_to_js = false)]
pub struct AddDropoutNormInputs {
    pub x: Named,
    pub residual: Named,
    pub gamma: Named,
    pub beta: Named,
}

#[napi]
pub fn add_dropout_norm(inputs: AddDropoutNormInputs, shape: NativeNormShape) -> napi::Result<Normalised> {
    call("addDropoutNorm", |engine| {
        forward(engine, [inputs.x, inputs.gamma], Some(inputs.residual), inputs.beta, &shape)
    })
}

#[napi(object, object_to_js = false)]
pub struct AddDropoutNormGradientInputs {
    pub dy: Named,
    pub x: Named,
    pub residual: Named,
    pub gamma: Named,
    pub statistics: Named,
}

#[napi(object, object_from_js = false)]
pub struct AddDropoutNormGradients {
    pub dx: Named,
    pub d_residual: Named,
    pub d_gamma: Named,
    pub d_beta: Named,
}

#[napi]
pub fn add_dropout_norm_gradient(
    inputs: AddDropoutNormGradientInputs,
    shape: NativeNormShape,
) -> napi::Result<AddDropoutNormGradients> {
    call("addDropoutNormGradient", |engine| {
        let read = [inputs.x, inputs.gamma, inputs.dy, inputs.statistics];
        let (dx, d_residual, d_gamma, d_beta) = backward(engine, read, Some(inputs.residual), &shape)?;
        let d_residual = d_residual.expect("a gradient of the residual that was given");
        Ok(AddDropoutNormGradients { dx, d_residual, d_gamma, d_beta })
    })
}

#[napi(object, object_to_js = false)]
pub struct NormDropoutInputs {
    pub x: Named,
    pub gamma: Named,
    pub beta: Named,
}

#[napi]
pub fn norm_dropout(inputs: NormDropoutInputs, shape: NativeNormShape) -> napi::Result<Normalised> {
    call("normDropout", |engine| forward(engine, [inputs.x, inputs.gamma], None, inputs.beta, &shape))
}

#[napi(object, object_to_js = false)]
pub struct NormDropoutGradientInputs {
    pub dy: Named,
    pub x: Named,
    pub gamma: Named,
    pub statistics: Named,
}

#[napi(object, object_from_js = false)]
pub struct NormDropoutGradients {
    pub dx: Named,
    pub d_gamma: Named,
    pub d_beta: Named,
}

#[napi]
pub fn norm_dropout_gradient(
    inputs: NormDropoutGradientInputs,
    shape: NativeNormShape,
) -> napi::Result<NormDropoutGradients> {
    call("normDropoutGradient", |engine| {
        let read = [inputs.x, inputs.gamma, inputs.dy, inputs.statistics];
        let (dx, _, d_gamma, d_beta) = backward(engine, read, None, &shape)?;
        Ok(NormDropoutGradients { dx, d_gamma, d_beta })
    })
}
