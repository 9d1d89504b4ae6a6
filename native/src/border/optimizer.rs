//! Adam, norm and sums of gradients.

use super::arguments::{Indices, Named};
use super::call;
use crate::buffers::{Buffer, Buffers, Handle};
use crate::ensure;
use crate::error::Result;
use crate::kernels::optimizer::{self, AdamStep, Gradient, moving_rows};
use crate::kernels::two_sum;
use napi_derive::napi;

#[napi(object, object_to_js = false)]
pub struct AdamNumbers {
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
}

#[napi(object, object_to_js = false)]
pub struct AdamParameter {
    pub value: Named,
    pub first: Named,
    pub second: Named,
    pub gradient: Named,
    pub ids: Option<Indices>,
    pub step_size: f64,
    pub inverse_root: f64,
    pub keep: f64,
}

/// Kind of what is derived from second moments: which rows of a table of some width move.
fn moving_key(width: usize) -> u64 {
    1 << 62 | width as u64
}

/// How a gradient belongs to its parameter.
#[derive(Clone, Copy)]
enum Layout {
    Dense,
    /// Of rows of a table of this width
    Rows(usize),
}

/// Refuses what does not fit together.
fn check(buffers: &Buffers, parameter: &AdamParameter) -> Result<Layout> {
    let size = buffers.float32(parameter.value.0)?.len();
    buffers.float32_of(parameter.first.0, size, "first")?;
    buffers.float32_of(parameter.second.0, size, "second")?;
    let gradient = buffers.float32(parameter.gradient.0)?.len();
    let Some(ids) = parameter.ids.as_deref() else {
        ensure!(gradient == size, "gradient has {gradient} numbers, not {size}");
        return Ok(Layout::Dense);
    };
    if ids.is_empty() {
        ensure!(gradient == 0, "gradient has {gradient} numbers for no rows");
        // Without rows the width is unknown, and does not matter: all of it is one row.
        return Ok(Layout::Rows(size.max(1)));
    }
    let (width, table) = (gradient / ids.len(), ids.len());
    let fits = width > 0 && gradient == width * table && size.is_multiple_of(width);
    ensure!(fits, "gradient has {gradient} numbers for {table} rows of a table of {size}");
    ensure!(ids.windows(2).all(|two| two[0] < two[1]), "ids do not ascend");
    let rows = size / width;
    ensure!(ids[0] >= 0 && (ids[table - 1] as usize) < rows, "an id is not below the {rows} rows of its table");
    Ok(Layout::Rows(width))
}

#[napi]
pub fn adam(parameters: Vec<AdamParameter>, numbers: AdamNumbers) -> napi::Result<()> {
    call("adam", |engine| {
        let numbers = optimizer::AdamNumbers { beta1: numbers.beta1, beta2: numbers.beta2, eps: numbers.eps };
        let handles = |parameter: &AdamParameter| [parameter.value.0, parameter.first.0, parameter.second.0];
        let changed: Vec<Handle> = parameters.iter().flat_map(handles).collect();
        ensure!(parameters.iter().all(|it| !changed.contains(&it.gradient.0)), "a gradient is also to be changed");
        let layouts = parameters.iter().map(|it| check(&engine.buffers, it)).collect::<Result<Vec<_>>>()?;
        let compute = &engine.compute;
        engine.buffers.with_taken(&changed, |taken, others| {
            let mut moving = take_moving(taken, &layouts)?;
            let sides = taken.chunks_exact_mut(3).zip(&mut moving).zip(parameters.iter().zip(&layouts));
            let kernel = sides.map(|((taken, moving), (parameter, layout))| {
                let [value, first, second] = taken else { unreachable!("three buffers a parameter") };
                let gradient = others.float32(parameter.gradient.0)?;
                let ids = parameter.ids.as_deref().unwrap_or_default();
                Ok(optimizer::AdamParameter {
                    value: value.float32_mut()?,
                    first: first.float32_mut()?,
                    second: second.float32_mut()?,
                    gradient: match *layout {
                        Layout::Dense => Gradient::Dense(gradient),
                        Layout::Rows(width) => Gradient::Rows { width, ids, rows: gradient, moving },
                    },
                    step: AdamStep {
                        size: parameter.step_size,
                        inverse_root: parameter.inverse_root,
                        keep: parameter.keep,
                    },
                })
            });
            optimizer::adam(compute, &numbers, &mut kernel.collect::<Result<Vec<_>>>()?);
            keep_moving(taken, &layouts, moving);
            Ok(())
        })?
    })
}

/// For each parameter with rows, which of them move: as known from the last step, or found out.
fn take_moving(taken: &mut [Buffer], layouts: &[Layout]) -> Result<Vec<Vec<bool>>> {
    let of = |(taken, layout): (&mut [Buffer], &Layout)| match *layout {
        Layout::Dense => Ok(Vec::new()),
        Layout::Rows(width) => match taken[2].take_derived(moving_key(width)) {
            Some(known) => Ok(known),
            None => Ok(moving_rows(taken[1].float32()?, taken[2].float32()?, width)),
        },
    };
    taken.chunks_exact_mut(3).zip(layouts).map(of).collect()
}

fn keep_moving(taken: &mut [Buffer], layouts: &[Layout], moving: Vec<Vec<bool>>) {
    for ((taken, layout), moving) in taken.chunks_exact_mut(3).zip(layouts).zip(moving) {
        if let Layout::Rows(width) = *layout {
            taken[2].put_derived(moving_key(width), moving);
        }
    }
}

#[napi]
pub fn gradient_norm(gradients: Vec<Named>) -> napi::Result<Named> {
    call("gradientNorm", |engine| {
        let lists = gradients.iter().map(|it| engine.buffers.float32(it.0)).collect::<Result<Vec<_>>>()?;
        let mut norm = engine.compute.pool.take(1);
        norm[0] = optimizer::norm(&engine.compute, &lists);
        Ok(Named(engine.buffers.insert(norm)))
    })
}

#[napi]
pub fn add_all(buffers: Vec<Named>) -> napi::Result<Named> {
    call("addAll", |engine| {
        ensure!(!buffers.is_empty(), "there is nothing to add");
        let size = engine.buffers.float32(buffers[0].0)?.len();
        let of = |it: &Named| engine.buffers.float32_of(it.0, size, "a buffer");
        let lists = buffers.iter().map(of).collect::<Result<Vec<_>>>()?;
        let mut sum = engine.compute.pool.take(size);
        optimizer::add_all(&engine.compute, &lists, &mut sum);
        Ok(Named(engine.buffers.insert(sum)))
    })
}

#[napi(object, object_from_js = false)]
pub struct KeptSum {
    pub sum: Named,
    pub rest: Named,
}

#[napi]
pub fn add_keeping_rest(sum: Named, rest: Named, more: Named) -> napi::Result<KeptSum> {
    call("addKeepingRest", |engine| {
        let before = engine.buffers.float32(sum.0)?;
        let size = before.len();
        let rest = engine.buffers.float32_of(rest.0, size, "rest")?;
        let more = engine.buffers.float32_of(more.0, size, "more")?;
        let (mut y, mut y_rest) = (engine.compute.pool.take(size), engine.compute.pool.take(size));
        let results = (&mut y[..], &mut y_rest[..]);
        two_sum::add_keeping_rest(&engine.compute, before, rest, more, results);
        Ok(KeptSum { sum: Named(engine.buffers.insert(y)), rest: Named(engine.buffers.insert(y_rest)) })
    })
}
