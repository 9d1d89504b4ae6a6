//! Functions of one number and of two, element by element, with numpy's broadcasting, as tfjs defines them.

use super::strided::Walk;
use super::workspace::{part, put};
use crate::compute::Compute;
use crate::ensure;
use crate::error::Result;
use crate::simd::{Kernel, Simd, dispatch, math};
use crate::threads::Disjoint;

/// Numbers that a thread works on at a time.
const CHUNK: usize = 1 << 14;

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
    super::cast::convert(compute, x, y, of);
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

/// Functions of two float32 by tfjs' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Maximum,
    Minimum,
    Pow,
    SquaredDifference,
    Mod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// a, b broadcast to one shape -> y of `broadcast.size()`
pub fn binary(compute: &Compute, operation: Binary, a: &[f32], b: &[f32], broadcast: &Broadcast, y: &mut [f32]) {
    let pass_nan = |a: f32, b: f32, chosen: f32| if a.is_nan() || b.is_nan() { f32::NAN } else { chosen };
    match operation {
        Binary::Add => broadcast.each(compute, a, b, y, |a, b| a + b),
        Binary::Sub => broadcast.each(compute, a, b, y, |a, b| a - b),
        Binary::Mul => broadcast.each(compute, a, b, y, |a, b| a * b),
        Binary::Div => broadcast.each(compute, a, b, y, |a, b| a / b),
        Binary::Maximum => broadcast.each(compute, a, b, y, |a, b| pass_nan(a, b, a.max(b))),
        Binary::Minimum => broadcast.each(compute, a, b, y, |a, b| pass_nan(a, b, a.min(b))),
        Binary::Pow => broadcast.each(compute, a, b, y, f32::powf),
        Binary::SquaredDifference => broadcast.each(compute, a, b, y, |a, b| (a - b) * (a - b)),
        Binary::Mod => broadcast.each(compute, a, b, y, floored_remainder),
    }
}

/// The remainder with the sign of the divisor.
fn floored_remainder(a: f32, b: f32) -> f32 {
    let remainder = a % b;
    if (a < 0.0) == (b < 0.0) { remainder } else { (remainder + b) % b }
}

/// The same for what is told of two numbers: 0 or 1.
pub fn compare<T: PartialOrd + Copy + Sync>(
    compute: &Compute,
    operation: Comparison,
    a: &[T],
    b: &[T],
    broadcast: &Broadcast,
    y: &mut [u8],
) {
    match operation {
        Comparison::Equal => broadcast.each(compute, a, b, y, |a, b| u8::from(a == b)),
        Comparison::NotEqual => broadcast.each(compute, a, b, y, |a, b| u8::from(a != b)),
        Comparison::Less => broadcast.each(compute, a, b, y, |a, b| u8::from(a < b)),
        Comparison::LessEqual => broadcast.each(compute, a, b, y, |a, b| u8::from(a <= b)),
        Comparison::Greater => broadcast.each(compute, a, b, y, |a, b| u8::from(a > b)),
        Comparison::GreaterEqual => broadcast.each(compute, a, b, y, |a, b| u8::from(a >= b)),
    }
}

/// The same for bools: whether both are 1, or either.
pub fn logical(compute: &Compute, both: bool, a: &[u8], b: &[u8], broadcast: &Broadcast, y: &mut [u8]) {
    if both {
        broadcast.each(compute, a, b, y, |a, b| u8::from(a != 0 && b != 0));
    } else {
        broadcast.each(compute, a, b, y, |a, b| u8::from(a != 0 || b != 0));
    }
}

/// condition [n] ? a : b -> y [n]
pub fn select(compute: &Compute, condition: &[u8], a: &[f32], b: &[f32], y: &mut [f32]) {
    assert!([condition.len(), a.len(), b.len()] == [y.len(); 3]);
    let out = Disjoint::new(y);
    compute.threads.for_chunks(a.len(), CHUNK, |chunk| {
        let (condition, a, b) = (&condition[chunk.range.clone()], &a[chunk.range.clone()], &b[chunk.range.clone()]);
        // SAFETY: chunks do not overlap.
        let y = unsafe { out.part(chunk.range) };
        for (((&condition, &a), &b), y) in condition.iter().zip(a).zip(b).zip(y) {
            *y = if condition != 0 { a } else { b };
        }
    });
}

/// How two shapes become one.
#[derive(Debug, Clone, Copy)]
pub struct Broadcast {
    walk: Walk,
    sizes: [usize; 2],
}

impl Broadcast {
    pub fn new(a: &[usize], b: &[usize]) -> Result<Self> {
        let rank = a.len().max(b.len());
        let size = |shape: &[usize]| Walk::product(shape);
        let mut walk = Walk::default();
        let mut strides = [size(a)?, size(b)?];
        let sizes = strides;
        let mut whole = [0; 16];
        ensure!(rank <= whole.len(), "a shape of {rank} axes");
        for axis in 0..rank {
            let dimension = |shape: &[usize]| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
            let of = [dimension(a), dimension(b)];
            ensure!(of[0] == of[1] || of[0] == 1 || of[1] == 1, "[{a:?}] and [{b:?}] are no shapes that broadcast");
            strides = [0, 1].map(|side| strides[side] / of[side].max(1));
            let together = if of[0] == 1 { of[1] } else { of[0] };
            let step = [0, 1].map(|side| if of[side] == 1 { 0 } else { strides[side] });
            walk.push(together, step[0], step[1])?;
            whole[axis] = together;
        }
        // Each side lies in memory; both together need not even be countable.
        size(&whole[..rank])?;
        Ok(Self { walk: walk.simplified(), sizes })
    }

    /// Elements of a and of b.
    pub fn sides(&self) -> [usize; 2] {
        self.sizes
    }

    /// Elements of the result.
    pub fn size(&self) -> usize {
        self.walk.size()
    }

    fn each<T: Copy + Sync, U: Send>(
        &self,
        compute: &Compute,
        a: &[T],
        b: &[T],
        y: &mut [U],
        of: impl Fn(T, T) -> U + Sync,
    ) {
        assert!([a.len(), b.len()] == self.sizes && y.len() == self.size());
        if y.is_empty() {
            return;
        }
        let inner = self.walk.inner();
        let out = Disjoint::new(y);
        compute.threads.for_chunks(self.walk.runs(), (CHUNK / inner.size.max(1)).max(1), |chunk| {
            for (run, [from_a, from_b]) in self.walk.begins(chunk.range) {
                // SAFETY: runs do not overlap.
                let y = unsafe { out.part(run * inner.size..(run + 1) * inner.size) };
                match (inner.a, inner.b) {
                    (1, 1) => {
                        let (a, b) = (&a[from_a..][..y.len()], &b[from_b..][..y.len()]);
                        a.iter().zip(b).zip(y).for_each(|((&a, &b), y)| *y = of(a, b));
                    }
                    (1, 0) => {
                        let b = b[from_b];
                        a[from_a..].iter().zip(y).for_each(|(&a, y)| *y = of(a, b));
                    }
                    (0, 1) => {
                        let a = a[from_a];
                        b[from_b..].iter().zip(y).for_each(|(&b, y)| *y = of(a, b));
                    }
                    (step_a, step_b) => {
                        for (at, y) in y.iter_mut().enumerate() {
                            *y = of(a[from_a + at * step_a], b[from_b + at * step_b]);
                        }
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::testing::{Numbers, close, same_bits};

    #[test]
    fn shapes_without_numbers_cost_nothing_and_those_beyond_counting_are_refused() {
        let broadcast = Broadcast::new(&[1 << 50, 1, 0], &[1, 7, 1]).unwrap();
        binary(&Compute::new(1), Binary::Add, &[], &[0.0; 7], &broadcast, &mut []);
        assert!(Broadcast::new(&[1 << 32, 1], &[1, 1 << 32]).is_err());
    }

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

    /// The place of a broadcast element, the long way.
    fn place(index: &[usize], shape: &[usize]) -> usize {
        let own = &index[index.len() - shape.len()..];
        own.iter().zip(shape).fold(0, |place, (&at, &size)| place * size + if size == 1 { 0 } else { at })
    }

    #[test]
    fn random_shapes_broadcast() {
        let mut numbers = Numbers::new(2);
        for _ in 0..300 {
            let shape: Vec<usize> = (0..numbers.below(5)).map(|_| numbers.below(6)).collect();
            let side = |numbers: &mut Numbers| -> Vec<usize> {
                let from = numbers.below(shape.len() + 1);
                shape[from..].iter().map(|&size| if numbers.below(3) == 0 { 1 } else { size }).collect()
            };
            let (a_shape, mut b_shape) = (side(&mut numbers), side(&mut numbers));
            if numbers.below(3) == 0 {
                b_shape = a_shape.clone();
            }
            let size = |shape: &[usize]| shape.iter().product::<usize>();
            let (a, b) = (numbers.list(size(&a_shape)), numbers.list(size(&b_shape)));
            let broadcast = Broadcast::new(&a_shape, &b_shape).unwrap();
            let rank = a_shape.len().max(b_shape.len());
            let of = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
            let whole: Vec<usize> = (0..rank)
                .map(|axis| if of(&a_shape, axis) == 1 { of(&b_shape, axis) } else { of(&a_shape, axis) })
                .collect();
            assert_eq!(broadcast.size(), size(&whole));
            let mut y = vec![f32::NAN; size(&whole)];
            let mut told = vec![9; y.len()];
            binary(&Compute::new(2), Binary::Sub, &a, &b, &broadcast, &mut y);
            compare(&Compute::new(2), Comparison::Less, &a, &b, &broadcast, &mut told);
            for flat in 0..y.len() {
                let mut rest = flat;
                let mut index = vec![0; rank];
                for axis in (0..rank).rev() {
                    (index[axis], rest) = (rest % whole[axis], rest / whole[axis]);
                }
                let (a, b) = (a[place(&index, &a_shape)], b[place(&index, &b_shape)]);
                assert_eq!((y[flat], told[flat]), (a - b, u8::from(a < b)));
            }
        }
        assert!(Broadcast::new(&[2, 3], &[2]).is_err());
    }

    #[test]
    fn functions_of_two_numbers() {
        let broadcast = Broadcast::new(&[6], &[6]).unwrap();
        let (a, b) = ([5.0, -5.0, 5.0, 2.0, f32::NAN, 1.0], [3.0, 3.0, -3.0, 2.0, 1.0, f32::NAN]);
        let run = |operation| {
            let mut y = [0.0; 6];
            binary(&Compute::new(1), operation, &a, &b, &broadcast, &mut y);
            y
        };
        assert_eq!(run(Binary::Mod)[..4], [2.0, 1.0, -1.0, 0.0]);
        assert_eq!(run(Binary::Pow)[..4], [125.0, -125.0, 0.008, 4.0]);
        assert_eq!(run(Binary::Maximum)[..4], [5.0, 3.0, 5.0, 2.0]);
        assert_eq!(run(Binary::SquaredDifference)[..4], [4.0, 64.0, 64.0, 0.0]);
        for operation in [Binary::Add, Binary::Mul, Binary::Div, Binary::Maximum, Binary::Minimum, Binary::Mod] {
            assert!(run(operation)[4..].iter().all(|y| y.is_nan()), "{operation:?}");
        }
    }

    #[test]
    fn threads_change_no_bit_and_select_chooses() {
        let mut numbers = Numbers::new(3);
        let (a, b) = (numbers.list(50_000), numbers.list(50_000));
        let condition: Vec<u8> = (0..50_000).map(|_| numbers.below(2) as u8).collect();
        let run = |threads| {
            let compute = Compute::new(threads);
            let [mut exp, mut chosen] = [(); 2].map(|()| vec![f32::NAN; a.len()]);
            unary(&compute, Unary::Exp, &a, &mut exp);
            select(&compute, &condition, &a, &b, &mut chosen);
            (exp, chosen)
        };
        let one = run(1);
        for (at, &y) in one.1.iter().enumerate() {
            assert_eq!(y, if condition[at] == 1 { a[at] } else { b[at] });
        }
        let three = run(3);
        same_bits(&one.0, &three.0);
        same_bits(&one.1, &three.1);
    }
}
