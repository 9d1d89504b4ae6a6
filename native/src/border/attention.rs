//! Attention over whole pairs, and of their first rows.

use super::arguments::{Indices, Named, Size};
use super::call;
use super::dropout::{NativeDropout, check_dropout};
use crate::buffers::Buffers;
use crate::engine::Engine;
use crate::ensure;
use crate::error::Result;
use crate::kernels::attention::{self, AttentionShape, Projected, ProjectedGradients};
use crate::kernels::layout::Layout;
use crate::kernels::pooled_attention::{self, PooledShape};
use crate::kernels::random::Dropout;
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct NativeAttentionShape {
    pub offsets: Indices,
    pub pair_indices: Indices,
    pub hidden: Size,
    pub heads: Size,
    pub scale: f64,
    pub sources: Option<Indices>,
    pub dropout: Option<NativeDropout>,
    pub precision: String,
}

/// Widest rows, and most heads: far more than any model has, and few enough that sizes of them can be counted.
const WIDEST: usize = 1 << 20;

/// A shape that has been checked.
struct Checked<'a> {
    layout: Layout<'a>,
    sources: Option<&'a [i32]>,
    dropout: Option<Dropout>,
    rows: usize,
    pairs: usize,
    hidden: usize,
    heads: usize,
    scale: f32,
}

impl<'a> Checked<'a> {
    /// `source_rows`: rows that sources may name.
    fn new(engine: &Engine, shape: &'a NativeAttentionShape, source_rows: usize) -> Result<Self> {
        let (hidden, heads) = (shape.hidden.0, shape.heads.0);
        ensure!(hidden <= WIDEST, "rows of {hidden} numbers are too wide");
        ensure!(hidden > 0 && heads > 0 && hidden.is_multiple_of(heads), "{heads} heads do not divide {hidden}");
        ensure!(matches!(shape.precision.as_str(), "fp32" | "bf16"), "there is no precision {}", shape.precision);
        ensure!(shape.precision == "fp32" || engine.compute.cpu.bf16(), "this processor has no bfloat16");
        let layout = Layout::new(&shape.offsets, &shape.pair_indices)?;
        let (rows, pairs) = (layout.rows(), layout.pairs());
        let longest = layout.longest();
        let elements = heads.checked_mul(longest).and_then(|count| count.checked_mul(longest));
        ensure!(elements.is_some_and(|count| u32::try_from(count).is_ok()), "a pair of {longest} rows is too long");
        let sources = match &shape.sources {
            Some(sources) => {
                ensure!(sources.len() == rows, "{} sources for {rows} rows", sources.len());
                Some(sources.below(source_rows, "sources")?)
            }
            None => None,
        };
        let dropout = check_dropout(&shape.dropout)?;
        Ok(Self { layout, sources, dropout, rows, pairs, hidden, heads, scale: shape.scale as f32 })
    }

    fn shape(&self) -> AttentionShape<'a> {
        let &Self { layout, sources, dropout, hidden, heads, scale, .. } = self;
        AttentionShape { layout, hidden, heads, scale, sources, dropout }
    }

    fn pooled_shape(&self) -> Result<PooledShape<'a>> {
        ensure!(self.sources.is_none(), "sources are for attention over whole pairs");
        let &Self { layout, dropout, hidden, heads, scale, .. } = self;
        Ok(PooledShape { layout, hidden, heads, scale, dropout })
    }

    /// Numbers of all pairs' and heads' rows of some width.
    fn of_queries(&self, width: usize) -> Result<usize> {
        let size = (self.pairs * self.heads).checked_mul(width);
        ensure!(size.is_some(), "{} pairs with {} heads are too many", self.pairs, self.heads);
        Ok(size.unwrap_or(0))
    }
}

/// q, k and v, of as many rows each, and the checked shape.
fn projected<'a>(
    engine: &'a Engine,
    [q, k, v]: [Named; 3],
    shape: &'a NativeAttentionShape,
) -> Result<(Projected<'a>, Checked<'a>)> {
    let buffers: &Buffers = &engine.buffers;
    let q = buffers.float32(q.0)?;
    let source_rows = q.len() / shape.hidden.0.max(1);
    let checked = Checked::new(engine, shape, source_rows)?;
    let rows = if checked.sources.is_some() { source_rows } else { checked.rows };
    let size = rows * checked.hidden;
    ensure!(q.len() == size, "q has {} numbers, not {size}", q.len());
    let (k, v) = (buffers.float32_of(k.0, size, "k")?, buffers.float32_of(v.0, size, "v")?);
    Ok((Projected { q, k, v }, checked))
}

#[napi(object, object_from_js = false)]
pub struct Attended {
    pub context: Named,
    pub saved: Named,
}

#[napi]
pub fn attention(q: Named, k: Named, v: Named, shape: NativeAttentionShape) -> napi::Result<Attended> {
    call("attention", |engine| {
        let (projected, checked) = projected(engine, [q, k, v], &shape)?;
        let shape = checked.shape();
        let compute = &engine.compute;
        let mut context = compute.pool.take(checked.rows * checked.hidden);
        let mut saved = compute.pool.take(shape.saved_size());
        attention::attention(compute, projected, &shape, &mut context, Some(&mut saved));
        let (context, saved) = (engine.buffers.insert(context), engine.buffers.insert(saved));
        Ok(Attended { context: Named(context), saved: Named(saved) })
    })
}

#[napi(object, object_to_js = false)]
pub struct AttentionGradientInputs {
    pub dy: Named,
    pub q: Named,
    pub k: Named,
    pub v: Named,
    pub saved: Named,
}

#[napi(object, object_from_js = false)]
pub struct AttentionGradients {
    pub dq: Named,
    pub dk: Named,
    pub dv: Named,
}

#[napi]
pub fn attention_gradient(
    inputs: AttentionGradientInputs,
    shape: NativeAttentionShape,
) -> napi::Result<AttentionGradients> {
    call("attentionGradient", |engine| {
        let (projected, checked) = projected(engine, [inputs.q, inputs.k, inputs.v], &shape)?;
        let shape = checked.shape();
        let size = checked.rows * checked.hidden;
        let dy = engine.buffers.float32_of(inputs.dy.0, size, "dy")?;
        let saved = engine.buffers.float32_of(inputs.saved.0, shape.saved_size(), "saved")?;
        let compute = &engine.compute;
        let [mut dq, mut dk, mut dv] = [(); 3].map(|()| compute.pool.take(size));
        let gradients = ProjectedGradients { dq: &mut dq, dk: &mut dk, dv: &mut dv };
        attention::attention_gradient(compute, dy, projected, saved, &shape, gradients);
        let [dq, dk, dv] = [dq, dk, dv].map(|block| Named(engine.buffers.insert(block)));
        Ok(AttentionGradients { dq, dk, dv })
    })
}

#[napi(object, object_from_js = false)]
pub struct Pooled {
    pub pooled: Named,
    pub saved: Named,
}

#[napi]
pub fn pooled_attention(x: Named, query: Named, shape: NativeAttentionShape) -> napi::Result<Pooled> {
    call("pooledAttention", |engine| {
        let checked = Checked::new(engine, &shape, 0)?;
        let shape = checked.pooled_shape()?;
        let x = engine.buffers.float32_of(x.0, checked.rows * checked.hidden, "x")?;
        let query = engine.buffers.float32_of(query.0, checked.of_queries(checked.hidden)?, "query")?;
        let compute = &engine.compute;
        let mut pooled = compute.pool.take(checked.of_queries(checked.hidden + 1)?);
        let mut saved = compute.pool.take(shape.saved_size());
        pooled_attention::pooled_attention(compute, x, query, &shape, &mut pooled, &mut saved);
        let (pooled, saved) = (engine.buffers.insert(pooled), engine.buffers.insert(saved));
        Ok(Pooled { pooled: Named(pooled), saved: Named(saved) })
    })
}

#[napi(object, object_to_js = false)]
pub struct PooledGradientInputs {
    pub dy: Named,
    pub x: Named,
    pub query: Named,
    pub saved: Named,
}

#[napi(object, object_from_js = false)]
pub struct PooledGradients {
    pub dx: Named,
    pub d_query: Named,
}

#[napi]
pub fn pooled_attention_gradient(
    inputs: PooledGradientInputs,
    shape: NativeAttentionShape,
) -> napi::Result<PooledGradients> {
    call("pooledAttentionGradient", |engine| {
        let checked = Checked::new(engine, &shape, 0)?;
        let shape = checked.pooled_shape()?;
        let (hidden, buffers) = (checked.hidden, &engine.buffers);
        let dy = buffers.float32_of(inputs.dy.0, checked.of_queries(hidden + 1)?, "dy")?;
        let x = buffers.float32_of(inputs.x.0, checked.rows * hidden, "x")?;
        let query = buffers.float32_of(inputs.query.0, checked.of_queries(hidden)?, "query")?;
        let saved = buffers.float32_of(inputs.saved.0, shape.saved_size(), "saved")?;
        let compute = &engine.compute;
        let (mut dx, mut dquery) = (compute.pool.take(x.len()), compute.pool.take(query.len()));
        let gradients = (&mut dx[..], &mut dquery[..]);
        pooled_attention::pooled_attention_gradient(compute, dy, x, query, saved, &shape, gradients);
        let (dx, d_query) = (Named(engine.buffers.insert(dx)), Named(engine.buffers.insert(dquery)));
        Ok(PooledGradients { dx, d_query })
    })
}
