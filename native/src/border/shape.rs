//! Reductions, softmax, and kernels that only move numbers.

use super::arguments::{Named, Size};
use super::call;
use super::elementwise::sizes;
use crate::buffers::Values;
use crate::compute::Compute;
use crate::error::Result;
use crate::kernels::reduce::{self, Place, Reduction};
use crate::kernels::shape::{self, Move};
use crate::kernels::softmax;
use crate::pool::Plain;
use crate::{ensure, fail};
use napi_derive::napi;

#[napi]
pub fn reduce(operation: String, x: Named, inner: Size) -> napi::Result<Named> {
    call("reduce", |engine| {
        let (compute, x, inner) = (&engine.compute, engine.buffers.get(x.0)?, inner.0);
        let size = x.values().size();
        ensure!(inner > 0 && size.is_multiple_of(inner), "{size} numbers are no rows of {inner}");
        let rows = size / inner;
        let reduction = match operation.as_str() {
            "sum" => Some(Reduction::Sum),
            "mean" => Some(Reduction::Mean),
            "max" => Some(Reduction::Max),
            "min" => Some(Reduction::Min),
            "prod" => Some(Reduction::Prod),
            _ => None,
        };
        let values: Values = match (reduction, operation.as_str()) {
            (Some(reduction), _) => {
                let mut y = compute.pool.take(rows);
                reduce::reduce(compute, reduction, x.float32()?, inner, &mut y);
                y.into()
            }
            (None, "argMax" | "argMin") => {
                let of = if operation == "argMax" { Place::ArgMax } else { Place::ArgMin };
                let mut y = compute.pool.take(rows);
                reduce::place(compute, of, x.float32()?, inner, &mut y);
                y.into()
            }
            (None, "all" | "any") => {
                let mut y = compute.pool.take(rows);
                reduce::quantify(operation == "all", x.bool()?, inner, &mut y);
                y.into()
            }
            (None, other) => return fail!("there is no reduction {other}"),
        };
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn softmax(x: Named, inner: Size, logarithm: bool) -> napi::Result<Named> {
    call("softmax", |engine| {
        let (compute, x, inner) = (&engine.compute, engine.buffers.float32(x.0)?, inner.0);
        ensure!(inner > 0 && x.len().is_multiple_of(inner), "{} numbers are no rows of {inner}", x.len());
        let mut y = compute.pool.take(x.len());
        softmax::softmax(compute, x, inner, logarithm, &mut y);
        Ok(Named(engine.buffers.insert(y)))
    })
}

/// `x` moved, with `rest` where nothing is moved to.
fn moved(compute: &Compute, x: &Values, of: &Move, rest: Option<f64>) -> Result<Values> {
    fn run<T: Plain>(compute: &Compute, x: &[T], of: &Move, rest: Option<T>) -> Result<Values>
    where
        Values: From<crate::pool::Block<T>>,
    {
        ensure!(x.len() == of.from_size(), "{} numbers are not of a shape with {}", x.len(), of.from_size());
        let mut y = match rest {
            Some(rest) => compute.pool.take_filled(of.size(), rest),
            None => compute.pool.take(of.size()),
        };
        of.run(compute, x, &mut y);
        Ok(y.into())
    }
    match x {
        Values::Float32(x) => run(compute, x, of, rest.map(|rest| rest as f32)),
        Values::Int32(x) => run(compute, x, of, rest.map(|rest| rest as i32)),
        Values::Bool(x) => run(compute, x, of, rest.map(|rest| u8::from(rest != 0.0))),
    }
}

#[napi]
pub fn transpose(x: Named, shape: Vec<Size>, permutation: Vec<Size>) -> napi::Result<Named> {
    call("transpose", |engine| {
        let of = Move::transpose(&sizes(&shape), &sizes(&permutation))?;
        let values = moved(&engine.compute, engine.buffers.get(x.0)?.values(), &of, None)?;
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn slice(x: Named, shape: Vec<Size>, begin: Vec<Size>, size: Vec<Size>) -> napi::Result<Named> {
    call("slice", |engine| {
        let of = Move::slice(&sizes(&shape), &sizes(&begin), &sizes(&size))?;
        let values = moved(&engine.compute, engine.buffers.get(x.0)?.values(), &of, None)?;
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn pad(x: Named, shape: Vec<Size>, paddings: Vec<Vec<Size>>, value: f64) -> napi::Result<Named> {
    call("pad", |engine| {
        let two = |padding: &Vec<Size>| match padding[..] {
            [before, after] => Ok([before.0, after.0]),
            _ => fail!("a padding is two numbers"),
        };
        let paddings = paddings.iter().map(two).collect::<Result<Vec<_>>>()?;
        let of = Move::pad(&sizes(&shape), &paddings)?;
        let values = moved(&engine.compute, engine.buffers.get(x.0)?.values(), &of, Some(value))?;
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn tile(x: Named, shape: Vec<Size>, repetitions: Vec<Size>) -> napi::Result<Named> {
    call("tile", |engine| {
        let of = Move::tile(&sizes(&shape), &sizes(&repetitions))?;
        let values = moved(&engine.compute, engine.buffers.get(x.0)?.values(), &of, None)?;
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn concat(buffers: Vec<Named>, inners: Vec<Size>) -> napi::Result<Named> {
    call("concat", |engine| {
        let inners = sizes(&inners);
        let all = buffers.iter().map(|buffer| Ok(engine.buffers.get(buffer.0)?.values()));
        let all = all.collect::<Result<Vec<_>>>()?;
        ensure!(!all.is_empty() && all.len() == inners.len(), "{} buffers and {} widths", all.len(), inners.len());
        let outer = all[0].size().checked_div(inners[0]).unwrap_or(0);
        let whole = all.iter().zip(&inners).all(|(x, &inner)| outer.checked_mul(inner) == Some(x.size()));
        ensure!(whole, "buffers have no rows of the widths {inners:?}, as many each");
        macro_rules! joined {
            ($kind:ident) => {{
                let all = all.iter().map(|x| match x {
                    Values::$kind(x) => Ok(&x[..]),
                    other => fail!("buffers of several types, {} among them", other.kind().name()),
                });
                let all = all.collect::<Result<Vec<_>>>()?;
                let mut y = engine.compute.pool.take(all.iter().map(|x| x.len()).sum());
                shape::concat(&engine.compute, &all, &inners, &mut y);
                Values::from(y)
            }};
        }
        let values = match all[0] {
            Values::Float32(_) => joined!(Float32),
            Values::Int32(_) => joined!(Int32),
            Values::Bool(_) => joined!(Bool),
        };
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn one_hot(indices: Named, depth: Size, on_value: f64, off_value: f64) -> napi::Result<Named> {
    call("oneHot", |engine| {
        let indices = engine.buffers.get(indices.0)?.int32()?;
        let size = indices.len().checked_mul(depth.0);
        ensure!(size.is_some(), "{} times {} numbers are too many", indices.len(), depth.0);
        let mut y = engine.compute.pool.take(size.unwrap_or(0));
        shape::one_hot(indices, depth.0, [on_value as f32, off_value as f32], &mut y);
        Ok(Named(engine.buffers.insert(y)))
    })
}
