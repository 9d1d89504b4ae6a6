//! Rows by index, losses of rows, and dropout masks of rows.

use super::arguments::{Indices, Named, Size};
use super::call;
use super::dropout::NativeDropout;
use crate::ensure;
use crate::kernels::embed::{self, EmbeddingInputs};
use crate::kernels::layout::Layout;
use crate::kernels::loss;
use crate::kernels::random;
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct EmbeddingSumInputs {
    pub token_rows: Named,
    pub segment_table: Named,
    pub position_table: Named,
}

#[napi(object, object_to_js = false)]
pub struct EmbeddingSumShape {
    pub width: Size,
    pub segments: Indices,
    pub positions: Indices,
}

#[napi]
pub fn embedding_sum(inputs: EmbeddingSumInputs, shape: EmbeddingSumShape) -> napi::Result<Named> {
    call("embeddingSum", |engine| {
        let (width, rows, buffers) = (shape.width.0, shape.segments.len(), &engine.buffers);
        ensure!(width > 0, "rows have no width");
        ensure!(shape.positions.len() == rows, "{} positions for {rows} rows", shape.positions.len());
        let token_rows = buffers.float32(inputs.token_rows.0)?;
        ensure!(
            token_rows.len().is_multiple_of(width) && token_rows.len() / width == rows,
            "token rows have {} numbers for {rows} rows of {width}",
            token_rows.len()
        );
        let (segment_table, position_table) =
            (buffers.float32(inputs.segment_table.0)?, buffers.float32(inputs.position_table.0)?);
        for (what, table) in [("segment", &segment_table), ("position", &position_table)] {
            ensure!(table.len().is_multiple_of(width), "the {what} table has {} numbers, rows of {width}", table.len());
        }
        let compute = &engine.compute;
        let segments = shape.segments.below(segment_table.len() / width, "segments")?;
        let positions = shape.positions.below(position_table.len() / width, "positions")?;
        let inputs = EmbeddingInputs { token_rows, segment_table, segments, position_table, positions };
        let mut y = compute.pool.take(token_rows.len());
        embed::embedding_sum(compute, &inputs, width, &mut y);
        Ok(Named(engine.buffers.insert(y)))
    })
}

#[napi]
pub fn gather_rows(x: Named, width: Size, index: Indices) -> napi::Result<Named> {
    call("gatherRows", |engine| {
        let (x, width, compute) = (engine.buffers.float32(x.0)?, width.0, &engine.compute);
        ensure!(width > 0 && x.len().is_multiple_of(width), "{} numbers are no rows of {width}", x.len());
        let index = index.below(x.len() / width + 1, "indices")?;
        let size = index.len().checked_mul(width);
        ensure!(size.is_some(), "{} rows of {width} are too many", index.len());
        let mut y = compute.pool.take(size.unwrap_or(0));
        embed::gather_rows(compute, x, width, index, &mut y);
        Ok(Named(engine.buffers.insert(y)))
    })
}

#[napi]
pub fn sum_rows(rows: Named, width: Size, targets: Indices, count: Size) -> napi::Result<Named> {
    call("sumRows", |engine| {
        let (rows, width, count, compute) = (engine.buffers.float32(rows.0)?, width.0, count.0, &engine.compute);
        ensure!(
            width > 0 && rows.len().is_multiple_of(width) && rows.len() / width == targets.len(),
            "{} numbers are not {} rows of {width}",
            rows.len(),
            targets.len()
        );
        let size = count.checked_mul(width).filter(|_| i32::try_from(count).is_ok());
        ensure!(size.is_some(), "{count} rows of {width} are too many");
        let targets = targets.below(count, "targets")?;
        let mut y = compute.pool.take(size.unwrap_or(0));
        embed::sum_rows(compute, rows, width, targets, count, &mut y);
        Ok(Named(engine.buffers.insert(y)))
    })
}

#[napi(object, object_from_js = false)]
pub struct CrossEntropy {
    pub losses: Named,
    pub residuals: Named,
}

#[napi]
pub fn cross_entropy(logits: Named, labels: Indices, classes: Size) -> napi::Result<CrossEntropy> {
    call("crossEntropy", |engine| {
        let (classes, pool) = (classes.0, &engine.compute.pool);
        let logits = engine.buffers.float32(logits.0)?;
        ensure!(
            labels.len().checked_mul(classes) == Some(logits.len()),
            "logits are not [{}, {classes}]",
            labels.len()
        );
        let labels = labels.below(classes, "labels")?;
        let (mut losses, mut residuals) = (pool.take(labels.len()), pool.take(logits.len()));
        loss::cross_entropy(logits, labels, classes, &mut losses, &mut residuals);
        let (losses, residuals) = (engine.buffers.insert(losses), engine.buffers.insert(residuals));
        Ok(CrossEntropy { losses: Named(losses), residuals: Named(residuals) })
    })
}

#[napi]
pub fn count_correct(logits: Named, labels: Indices, classes: Size) -> napi::Result<Named> {
    call("countCorrect", |engine| {
        let (classes, pool) = (classes.0, &engine.compute.pool);
        let logits = engine.buffers.float32(logits.0)?;
        ensure!(
            labels.len().checked_mul(classes) == Some(logits.len()),
            "logits are not [{}, {classes}]",
            labels.len()
        );
        let labels = labels.below(classes, "labels")?;
        let count = pool.take_filled(1, loss::count_correct(logits, labels, classes) as f32);
        Ok(Named(engine.buffers.insert(count)))
    })
}

#[napi(object, object_to_js = false)]
pub struct NativeLayout {
    pub offsets: Indices,
    pub pair_indices: Indices,
}

#[napi]
pub fn dropout_rows(layout: NativeLayout, width: Size, dropout: NativeDropout) -> napi::Result<Named> {
    call("dropoutRows", |engine| {
        let (compute, width) = (&engine.compute, width.0);
        let layout = Layout::new(&layout.offsets, &layout.pair_indices)?;
        let elements = layout.longest().checked_mul(width);
        ensure!(elements.is_some_and(|count| u32::try_from(count).is_ok()), "a pair is too long");
        let dropout = dropout.check()?;
        let mut y = compute.pool.take(layout.rows() * width);
        random::dropout_rows(compute, &layout, width, &dropout, &mut y);
        Ok(Named(engine.buffers.insert(y)))
    })
}
