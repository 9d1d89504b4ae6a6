//! Functions of one number.

use super::CHUNK;
use crate::compute::Compute;
use crate::kernels::cast;
use crate::kernels::workspace::{part, put};
use crate::simd::{Kernel, Simd, dispatch, math};
use crate::threads::Disjoint;

/// Functions from float32 to float32 by tfjs' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    Abs,
    Ceil,
    Cos,
    Erf,
    Exp,
    Expm1,
    Floor,
    Log,
    Log1p,
    Neg,
    Reciprocal,
    Relu,
    Round,
    Rsqrt,
    Sigmoid,
    Sign,
    Sin,
    Softplus,
    Sqrt,
    Square,
    Tanh,
}

/// x [n] -> y [n]
pub fn unary(compute: &Compute, operation: Unary, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    let out = Disjoint::new(y);
    compute.threads.for_chunks(x.len(), CHUNK, |chunk| {
        // SAFETY: chunks do not overlap.
        let y = unsafe { out.part(chunk.range.clone()) };
        dispatch(compute.cpu, Each { operation, x: &x[chunk.range], y });
    });
}

/// x [n] -> y [n]: any function, of any types
pub fn each<T: Copy + Sync, U: Send>(compute: &Compute, x: &[T], y: &mut [U], of: impl Fn(T) -> U + Sync) {
    cast::convert(compute, x, y, of);
}

struct Each<'a> {
    operation: Unary,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Each<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { operation, x, y } = self;
        macro_rules! vectors {
            ($v:ident => $value:expr) => {
                for at in (0..x.len()).step_by(S::LANES) {
                    let $v = part(s, x, at);
                    put(s, y, at, $value);
                }
            };
        }
        macro_rules! numbers {
            ($of:expr) => {
                x.iter().zip(y).for_each(|(&x, y)| *y = $of(x))
            };
        }
        match operation {
            Unary::Abs => vectors!(v => s.abs(v)),
            Unary::Erf => vectors!(v => math::erf(s, v)),
            Unary::Exp => vectors!(v => math::exp(s, v)),
            Unary::Neg => vectors!(v => s.mul(v, s.splat(-1.0))),
            Unary::Reciprocal => vectors!(v => s.div(s.splat(1.0), v)),
            // The number second, so that NaN passes.
            Unary::Relu => vectors!(v => s.max(s.zero(), v)),
            Unary::Round => vectors!(v => s.round(v)),
            Unary::Rsqrt => vectors!(v => s.div(s.splat(1.0), s.sqrt(v))),
            Unary::Sigmoid => vectors!(v => {
                let e = math::exp(s, s.mul(v, s.splat(-1.0)));
                s.div(s.splat(1.0), s.add(s.splat(1.0), e))
            }),
            Unary::Sqrt => vectors!(v => s.sqrt(v)),
            Unary::Square => vectors!(v => s.mul(v, v)),
            Unary::Tanh => vectors!(v => math::tanh(s, v)),
            Unary::Ceil => numbers!(f32::ceil),
            Unary::Cos => numbers!(f32::cos),
            Unary::Expm1 => numbers!(f32::exp_m1),
            Unary::Floor => numbers!(f32::floor),
            Unary::Log => numbers!(f32::ln),
            Unary::Log1p => numbers!(f32::ln_1p),
            Unary::Sign => numbers!(sign),
            Unary::Sin => numbers!(f32::sin),
            Unary::Softplus => numbers!(softplus),
        }
    }
}

/// -1, 0 or 1; NaN stays.
fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

/// ln(1 + eˣ) without overflow
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p() + if x.is_nan() { x } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::testing::{Numbers, close, same_bits};

    fn apply(cpu: Cpu, operation: Unary, x: &[f32]) -> Vec<f32> {
        let mut y = vec![f32::NAN; x.len()];
        unary(&Compute::on(cpu, 2), operation, x, &mut y);
        y
    }

    #[test]
    fn functions_of_one_number() {
        let mut numbers = Numbers::new(1);
        let any: Vec<f32> = numbers.list(40_001).iter().map(|x| x * 6.0).collect();
        let positive: Vec<f32> = any.iter().map(|x| x.abs() + 0.01).collect();
        type Of = fn(f64) -> f64;
        let of_any: [(Unary, Of); 15] = [
            (Unary::Abs, f64::abs),
            (Unary::Ceil, f64::ceil),
            (Unary::Cos, f64::cos),
            (Unary::Exp, f64::exp),
            (Unary::Expm1, f64::exp_m1),
            (Unary::Floor, f64::floor),
            (Unary::Neg, |x| -x),
            (Unary::Relu, |x| x.max(0.0)),
            (Unary::Round, f64::round_ties_even),
            (Unary::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
            (Unary::Sign, f64::signum),
            (Unary::Sin, f64::sin),
            (Unary::Softplus, |x| x.exp().ln_1p()),
            (Unary::Square, |x| x * x),
            (Unary::Tanh, f64::tanh),
        ];
        let of_positive: [(Unary, Of); 5] = [
            (Unary::Log, f64::ln),
            (Unary::Log1p, f64::ln_1p),
            (Unary::Reciprocal, |x| 1.0 / x),
            (Unary::Rsqrt, |x| 1.0 / x.sqrt()),
            (Unary::Sqrt, f64::sqrt),
        ];
        let cases = of_any.iter().map(|case| (case, &any)).chain(of_positive.iter().map(|case| (case, &positive)));
        for ((operation, of), x) in cases {
            let expected: Vec<f64> = x.iter().map(|&x| of(f64::from(x))).collect();
            for cpu in Cpu::all() {
                close(&apply(cpu, *operation, x), &expected, 1e-6);
            }
        }
        for cpu in Cpu::all() {
            let x = [f32::NAN; 3];
            for (operation, _) in of_any.iter().chain(&of_positive).chain(&[(Unary::Erf, f64::abs as Of)]) {
                assert!(apply(cpu, *operation, &x).iter().all(|y| y.is_nan()), "{operation:?}");
            }
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let x = Numbers::new(3).list(50_000);
        let run = |threads| {
            let mut y = vec![f32::NAN; x.len()];
            unary(&Compute::new(threads), Unary::Exp, &x, &mut y);
            y
        };
        same_bits(&run(1), &run(3));
    }
}
