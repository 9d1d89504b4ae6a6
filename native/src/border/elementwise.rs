//! Functions of single numbers.

use super::arguments::{Named, Size};
use super::call;
use crate::buffers::Values;
use crate::compute::Compute;
use crate::error::Result;
use crate::kernels::elementwise::{self, Binary, Broadcast, Comparison, Unary};
use crate::pool::Block;
use crate::{ensure, fail};
use napi_derive::napi;

fn unary_of(name: &str) -> Result<Unary> {
    Ok(match name {
        "abs" => Unary::Abs,
        "ceil" => Unary::Ceil,
        "cos" => Unary::Cos,
        "erf" => Unary::Erf,
        "exp" => Unary::Exp,
        "expm1" => Unary::Expm1,
        "floor" => Unary::Floor,
        "log" => Unary::Log,
        "log1p" => Unary::Log1p,
        "neg" => Unary::Neg,
        "reciprocal" => Unary::Reciprocal,
        "relu" => Unary::Relu,
        "round" => Unary::Round,
        "rsqrt" => Unary::Rsqrt,
        "sigmoid" => Unary::Sigmoid,
        "sign" => Unary::Sign,
        "sin" => Unary::Sin,
        "softplus" => Unary::Softplus,
        "sqrt" => Unary::Sqrt,
        "square" => Unary::Square,
        "tanh" => Unary::Tanh,
        other => return fail!("there is no function {other} of one number"),
    })
}

#[napi]
pub fn unary(operation: String, x: Named) -> napi::Result<Named> {
    call("unary", |engine| {
        let (compute, x) = (&engine.compute, engine.buffers.get(x.0)?);
        let told = |x: &[f32], of: fn(f32) -> bool| {
            let mut y = compute.pool.take(x.len());
            elementwise::each(compute, x, &mut y, |x| u8::from(of(x)));
            Values::from(y)
        };
        let values = match operation.as_str() {
            "isFinite" => told(x.float32()?, f32::is_finite),
            "isNaN" => told(x.float32()?, f32::is_nan),
            "logicalNot" => {
                let x = x.bool()?;
                let mut y = compute.pool.take(x.len());
                elementwise::each(compute, x, &mut y, |x: u8| u8::from(x == 0));
                y.into()
            }
            other => {
                let (operation, x) = (unary_of(other)?, x.float32()?);
                let mut y = compute.pool.take(x.len());
                elementwise::unary(compute, operation, x, &mut y);
                y.into()
            }
        };
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi(object, object_to_js = false)]
pub struct Shapes {
    pub a: Vec<Size>,
    pub b: Vec<Size>,
}

pub fn sizes(shape: &[Size]) -> Vec<usize> {
    shape.iter().map(|size| size.0).collect()
}

fn comparison_of(name: &str) -> Option<Comparison> {
    Some(match name {
        "equal" => Comparison::Equal,
        "notEqual" => Comparison::NotEqual,
        "less" => Comparison::Less,
        "lessEqual" => Comparison::LessEqual,
        "greater" => Comparison::Greater,
        "greaterEqual" => Comparison::GreaterEqual,
        _ => return None,
    })
}

fn binary_of(name: &str) -> Result<Binary> {
    Ok(match name {
        "add" => Binary::Add,
        "sub" => Binary::Sub,
        "mul" => Binary::Mul,
        "div" => Binary::Div,
        "maximum" => Binary::Maximum,
        "minimum" => Binary::Minimum,
        "pow" => Binary::Pow,
        "squaredDifference" => Binary::SquaredDifference,
        "mod" => Binary::Mod,
        other => return fail!("there is no function {other} of these two"),
    })
}

fn compared<T: PartialOrd + Copy + Sync>(
    compute: &Compute,
    operation: Comparison,
    (a, b): (&[T], &[T]),
    broadcast: &Broadcast,
) -> Values {
    let mut y: Block<u8> = compute.pool.take(broadcast.size());
    elementwise::compare(compute, operation, a, b, broadcast, &mut y);
    y.into()
}

#[napi]
pub fn binary(operation: String, a: Named, b: Named, shapes: Shapes) -> napi::Result<Named> {
    call("binary", |engine| {
        let (compute, buffers) = (&engine.compute, &engine.buffers);
        let (a, b) = (buffers.get(a.0)?.values(), buffers.get(b.0)?.values());
        let broadcast = Broadcast::new(&sizes(&shapes.a), &sizes(&shapes.b))?;
        let has = [a.size(), b.size()];
        ensure!(broadcast.sides() == has, "{has:?} numbers are not of the shapes {:?}", broadcast.sides());
        let values = match (a, b, comparison_of(&operation)) {
            (Values::Float32(a), Values::Float32(b), Some(of)) => compared(compute, of, (&a[..], b), &broadcast),
            (Values::Int32(a), Values::Int32(b), Some(of)) => compared(compute, of, (&a[..], b), &broadcast),
            (Values::Bool(a), Values::Bool(b), Some(of)) => compared(compute, of, (&a[..], b), &broadcast),
            (Values::Float32(a), Values::Float32(b), None) => {
                let operation = binary_of(&operation)?;
                let mut y = compute.pool.take(broadcast.size());
                elementwise::binary(compute, operation, a, b, &broadcast, &mut y);
                y.into()
            }
            (Values::Bool(a), Values::Bool(b), None) => {
                let mut y = compute.pool.take(broadcast.size());
                match operation.as_str() {
                    "logicalAnd" => elementwise::logical(compute, true, a, b, &broadcast, &mut y),
                    "logicalOr" => elementwise::logical(compute, false, a, b, &broadcast, &mut y),
                    other => return fail!("there is no function {other} of two bools"),
                }
                y.into()
            }
            (a, b, _) => return fail!("{operation} of {} and {}", a.kind().name(), b.kind().name()),
        };
        Ok(Named(engine.buffers.insert(values)))
    })
}

#[napi]
pub fn select(condition: Named, a: Named, b: Named) -> napi::Result<Named> {
    call("select", |engine| {
        let (compute, buffers) = (&engine.compute, &engine.buffers);
        let condition = buffers.get(condition.0)?.bool()?;
        let a = buffers.float32_of(a.0, condition.len(), "a")?;
        let b = buffers.float32_of(b.0, condition.len(), "b")?;
        let mut y = compute.pool.take(condition.len());
        elementwise::select(compute, condition, a, b, &mut y);
        Ok(Named(engine.buffers.insert(y)))
    })
}
