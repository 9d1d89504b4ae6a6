//! Sums that keep what rounding takes from them. Gradients of weights are sums over thousands of rows whose terms largely
//! cancel; what a plain sum rounds away is little beside its terms, but much beside what is left of them, and so two
//! processes that take half of the rows each would not have the gradient of one. After Knuth, The Art of Computer
//! Programming 2, 4.2.2 (the error of an addition is itself a float) and Ogita, Rump, Oishi, "Accurate sum and dot
//! product" (2005), `Sum2`: as exact as sums of twice the precision, rounded once.

use super::workspace::{part, put};
use crate::compute::Compute;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::Disjoint;
use std::ops::Range;

/// Numbers that a thread works on at a time.
const CHUNK: usize = 1 << 14;

/// sum + more, and `rest` with what that rounded away. (NaN and infinity reach both.)
#[inline(always)]
pub fn two_sum<S: Simd>(s: S, sum: S::F, rest: S::F, more: S::F) -> (S::F, S::F) {
    let whole = s.add(sum, more);
    let taken = s.sub(whole, sum);
    let lost = s.add(s.sub(sum, s.sub(whole, taken)), s.sub(more, taken));
    (whole, s.add(rest, lost))
}

/// sum + more -> y, and rest + what that rounds away -> y_rest; all of one size.
pub fn add_keeping_rest(
    compute: &Compute,
    sum: &[f32],
    rest: &[f32],
    more: &[f32],
    (y, y_rest): (&mut [f32], &mut [f32]),
) {
    let count = sum.len();
    assert!(rest.len() == count && more.len() == count, "lists of one length");
    assert!(y.len() == count && y_rest.len() == count, "lists of one length");
    let (y, y_rest) = (Disjoint::new(y), Disjoint::new(y_rest));
    compute.threads.for_chunks(count, CHUNK, |chunk| {
        // SAFETY: chunks do not overlap.
        let (y, y_rest) = unsafe { (y.part(chunk.range.clone()), y_rest.part(chunk.range.clone())) };
        dispatch(compute.cpu, Add { sum, rest, more, range: chunk.range, y, y_rest });
    });
}

struct Add<'a> {
    sum: &'a [f32],
    rest: &'a [f32],
    more: &'a [f32],
    range: Range<usize>,
    y: &'a mut [f32],
    y_rest: &'a mut [f32],
}

impl Kernel for Add<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { sum, rest, more, range, y, y_rest } = self;
        let (sum, rest, more) = (&sum[range.clone()], &rest[range.clone()], &more[range]);
        for at in (0..sum.len()).step_by(S::LANES) {
            let (whole, lost) = two_sum(s, part(s, sum, at), part(s, rest, at), part(s, more, at));
            put(s, y, at, whole);
            put(s, y_rest, at, lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::testing::{Numbers, same_bits};

    #[test]
    fn what_is_rounded_away_is_kept() {
        let mut numbers = Numbers::new(4);
        for cpu in Cpu::all() {
            for size in [0, 1, 7, 33, 40_000] {
                // Large terms that cancel, and what is left of them.
                let terms: Vec<Vec<f32>> = (0..9).map(|_| numbers.list(size)).collect();
                let large: Vec<f32> = terms[0].iter().map(|x| x * 4096.0).collect();
                let minus: Vec<f32> = large.iter().map(|x| -x).collect();
                let all: Vec<&Vec<f32>> = [&large].into_iter().chain(&terms).chain([&minus]).collect();
                let run = |threads| {
                    let compute = Compute::on(cpu, threads);
                    let (mut sum, mut rest) = (all[0].clone(), vec![0.0; size]);
                    for more in &all[1..] {
                        let (mut y, mut y_rest) = (vec![f32::NAN; size], vec![f32::NAN; size]);
                        add_keeping_rest(&compute, &sum, &rest, more, (&mut y, &mut y_rest));
                        (sum, rest) = (y, y_rest);
                    }
                    sum.iter().zip(&rest).map(|(sum, rest)| sum + rest).collect::<Vec<f32>>()
                };
                let one = run(1);
                for (at, &sum) in one.iter().enumerate() {
                    let expected: f64 = terms.iter().map(|list| f64::from(list[at])).sum();
                    assert!((f64::from(sum) - expected).abs() < 1e-6, "{sum} is not {expected}");
                }
                same_bits(&one, &run(2));
            }
        }
    }
}
