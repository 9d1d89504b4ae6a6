//! Reductions of the innermost axis: x [outer, inner] -> [outer].
//!
//! A row is taken in stretches of a fixed size, whose results are put together in order, so threads change no bit. Sums
//! are taken in float32 inside of a stretch and in float64 over stretches.

use crate::compute::Compute;
use crate::kernels::workspace::part;
use crate::pool::Block;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::Disjoint;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    Sum,
    /// NaN of no numbers
    Mean,
    /// NaN where there is one; minus infinity of no numbers
    Max,
    Min,
    Prod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    ArgMax,
    ArgMin,
}

/// Numbers of a row that are reduced together.
const STRETCH: usize = 4096;
/// Numbers that a thread works on at a time.
const CHUNK: usize = 1 << 14;

/// -> y [outer]
pub fn reduce(compute: &Compute, reduction: Reduction, x: &[f32], inner: usize, y: &mut [f32]) {
    assert_eq!(x.len(), inner * y.len());
    let stretches = inner.div_ceil(STRETCH);
    let mut parts: Block<f64> = compute.pool.take(y.len() * stretches);
    {
        let out = Disjoint::new(&mut parts);
        let together = (CHUNK / inner.clamp(1, STRETCH)).max(1);
        compute.threads.for_chunks(y.len() * stretches, together, |chunk| {
            // SAFETY: chunks do not overlap.
            let parts = unsafe { out.part(chunk.range.clone()) };
            dispatch(compute.cpu, Stretches { reduction, x, inner, first: chunk.range.start, parts });
        });
    }
    let start = match reduction {
        Reduction::Sum | Reduction::Mean => 0.0,
        Reduction::Max => f64::NEG_INFINITY,
        Reduction::Min => f64::INFINITY,
        Reduction::Prod => 1.0,
    };
    for (row, y) in y.iter_mut().enumerate() {
        let whole = parts[row * stretches..(row + 1) * stretches].iter().fold(start, |whole, &part| match reduction {
            Reduction::Sum | Reduction::Mean => whole + part,
            Reduction::Max => larger(whole, part),
            Reduction::Min => -larger(-whole, -part),
            Reduction::Prod => whole * part,
        });
        *y = if reduction == Reduction::Mean { whole / inner as f64 } else { whole } as f32;
    }
}

/// NaN where one is.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

struct Stretches<'a> {
    reduction: Reduction,
    x: &'a [f32],
    inner: usize,
    first: usize,
    parts: &'a mut [f64],
}

impl Kernel for Stretches<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { reduction, x, inner, first, parts } = self;
        let stretches = inner.div_ceil(STRETCH);
        for (at, result) in parts.iter_mut().enumerate() {
            let (row, stretch) = ((first + at) / stretches, (first + at) % stretches);
            let begin = stretch * STRETCH;
            let x = &x[row * inner..][begin..(begin + STRETCH).min(inner)];
            *result = match reduction {
                Reduction::Sum | Reduction::Mean => f64::from(sum(s, x)),
                Reduction::Max => x.iter().fold(f64::NEG_INFINITY, |whole, &x| larger(whole, x.into())),
                Reduction::Min => -x.iter().fold(f64::NEG_INFINITY, |whole, &x| larger(whole, (-x).into())),
                Reduction::Prod => x.iter().map(|&x| f64::from(x)).product(),
            };
        }
    }
}

#[inline(always)]
fn sum<S: Simd>(s: S, x: &[f32]) -> f32 {
    // Four sums, so that additions need not wait for one another.
    let mut sums = [s.zero(); 4];
    let mut at = 0;
    while at < x.len() {
        for sum in &mut sums {
            if at < x.len() {
                *sum = s.add(*sum, part(s, x, at));
                at += S::LANES;
            }
        }
    }
    s.sum(s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3])))
}

/// -> y [outer]: where the largest or smallest is, the first of equals; NaN is never larger or smaller.
pub fn place(compute: &Compute, of: Place, x: &[f32], inner: usize, y: &mut [i32]) {
    assert_eq!(x.len(), inner * y.len());
    let out = Disjoint::new(y);
    compute.threads.for_chunks(x.len().checked_div(inner).unwrap_or(0), (CHUNK / inner.max(1)).max(1), |chunk| {
        let x = &x[chunk.range.start * inner..chunk.range.end * inner];
        // SAFETY: chunks do not overlap.
        let y = unsafe { out.part(chunk.range) };
        for (x, y) in x.chunks(inner).zip(y) {
            *y = first_of(of, x) as i32;
        }
    });
}

/// Where the largest or smallest number is; 0 where there is none.
pub fn first_of(of: Place, x: &[f32]) -> usize {
    let better = |a: f32, b: f32| if of == Place::ArgMax { a > b } else { a < b };
    (1..x.len()).fold(0, |best, at| if better(x[at], x[best]) { at } else { best })
}

/// x [outer, inner] of 0 and 1 -> y [outer]: whether all are 1, or any is.
pub fn quantify(all: bool, x: &[u8], inner: usize, y: &mut [u8]) {
    assert_eq!(x.len(), inner * y.len());
    for (row, y) in y.iter_mut().enumerate() {
        let x = &x[row * inner..(row + 1) * inner];
        *y = u8::from(if all { x.iter().all(|&x| x != 0) } else { x.iter().any(|&x| x != 0) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::testing::{Numbers, close, same_bits};

    fn reference(reduction: Reduction, x: &[f32]) -> f64 {
        let wide = x.iter().map(|&x| f64::from(x));
        match reduction {
            Reduction::Sum => wide.sum(),
            Reduction::Mean => wide.sum::<f64>() / x.len() as f64,
            Reduction::Max => wide.fold(f64::NEG_INFINITY, f64::max),
            Reduction::Min => wide.fold(f64::INFINITY, f64::min),
            Reduction::Prod => wide.product(),
        }
    }

    const ALL: [Reduction; 5] = [Reduction::Sum, Reduction::Mean, Reduction::Max, Reduction::Min, Reduction::Prod];

    #[test]
    fn any_shape_on_every_instruction_set_and_number_of_threads() {
        let mut numbers = Numbers::new(1);
        for (outer, inner) in [(1, 1), (3, 7), (500, 33), (2, 10_000), (1, 100_001), (0, 5)] {
            let x: Vec<f32> = numbers.list(outer * inner).iter().map(|x| 1.0 + x * 0.01).collect();
            for reduction in ALL {
                let expected: Vec<f64> =
                    (0..outer).map(|row| reference(reduction, &x[row * inner..][..inner])).collect();
                for cpu in Cpu::all() {
                    let run = |threads| {
                        let mut y = vec![f32::NAN; outer];
                        reduce(&Compute::on(cpu, threads), reduction, &x, inner, &mut y);
                        y
                    };
                    let one = run(1);
                    close(&one, &expected, 1e-6);
                    same_bits(&one, &run(3));
                }
            }
        }
    }

    #[test]
    fn no_numbers_and_what_is_no_number() {
        let compute = Compute::new(1);
        let run = |reduction, x: &[f32], inner| {
            let mut y = [7.0];
            reduce(&compute, reduction, x, inner, &mut y);
            y[0]
        };
        assert_eq!(run(Reduction::Sum, &[], 0), 0.0);
        assert_eq!(run(Reduction::Prod, &[], 0), 1.0);
        assert_eq!(run(Reduction::Max, &[], 0), f32::NEG_INFINITY);
        for reduction in ALL {
            for x in [[f32::NAN, 1.0, 2.0], [1.0, f32::NAN, 2.0], [1.0, 2.0, f32::NAN]] {
                assert!(run(reduction, &x, 3).is_nan());
            }
        }
    }

    #[test]
    fn places_and_quantifiers() {
        let compute = Compute::new(2);
        let x = [1.0, 3.0, 3.0, -1.0, -1.0, f32::NAN];
        let mut y = [9, 9];
        place(&compute, Place::ArgMax, &x, 3, &mut y);
        assert_eq!(y, [1, 0]);
        place(&compute, Place::ArgMin, &x, 3, &mut y);
        assert_eq!(y, [0, 0]);
        let mut told = [9, 9];
        quantify(true, &[1, 1, 1, 0], 2, &mut told);
        assert_eq!(told, [1, 0]);
        quantify(false, &[0, 0, 1, 0], 2, &mut told);
        assert_eq!(told, [0, 1]);
    }
}
