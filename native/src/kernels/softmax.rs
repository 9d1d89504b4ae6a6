//! Softmax: of rows of a tensor, and of padded rows inside of attention.

use super::workspace::{part, put};
use crate::compute::Compute;
use crate::simd::math::exp;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::Disjoint;

/// Numbers that a thread works on at a time.
const CHUNK: usize = 1 << 14;

/// x [outer, inner] -> y [outer, inner]: softmax over inner, or its logarithm
pub fn softmax(compute: &Compute, x: &[f32], inner: usize, logarithm: bool, y: &mut [f32]) {
    assert!(x.len() == y.len() && inner > 0 && x.len().is_multiple_of(inner));
    let out = Disjoint::new(y);
    compute.threads.for_chunks(x.len() / inner, CHUNK / inner, |chunk| {
        let numbers = chunk.range.start * inner..chunk.range.end * inner;
        // SAFETY: chunks of rows do not overlap.
        let y = unsafe { out.part(numbers.clone()) };
        dispatch(compute.cpu, Rows { x: &x[numbers], inner, logarithm, y });
    });
}

struct Rows<'a> {
    x: &'a [f32],
    inner: usize,
    logarithm: bool,
    y: &'a mut [f32],
}

impl Kernel for Rows<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (x, y) in self.x.chunks(self.inner).zip(self.y.chunks_mut(self.inner)) {
            let lowest = s.splat(f32::NEG_INFINITY);
            let mut largest = lowest;
            for at in (0..x.len()).step_by(S::LANES) {
                let value = s.select(s.first((x.len() - at).min(S::LANES)), part(s, x, at), lowest);
                largest = s.max(largest, value);
            }
            let centre = s.splat(s.largest(largest));
            let mut sum = s.zero();
            for at in (0..x.len()).step_by(S::LANES) {
                let e = exp(s, s.sub(part(s, x, at), centre));
                let e = s.select(s.first((x.len() - at).min(S::LANES)), e, s.zero());
                sum = s.add(sum, e);
                put(s, y, at, e);
            }
            let sum = s.sum(sum);
            let (shift, inverse) = (s.splat(sum.ln()), s.splat(1.0 / sum));
            for at in (0..x.len()).step_by(S::LANES) {
                let value = if self.logarithm {
                    s.sub(s.sub(part(s, x, at), centre), shift)
                } else {
                    s.mul(part(s, y, at), inverse)
                };
                put(s, y, at, value);
            }
        }
    }
}

/// A padded row of `length` scores becomes its softmax, zeros behind. -> largest score, 1 / Σ e^(score - largest)
#[inline(always)]
pub fn softmax_row<S: Simd>(s: S, row: &mut [f32], length: usize) -> (f32, f32) {
    let lowest = s.splat(f32::NEG_INFINITY);
    let vectors = length.div_ceil(S::LANES);
    let last = s.first(length - (vectors - 1) * S::LANES);
    let mut largest = lowest;
    for v in 0..vectors {
        let scores = s.load(&row[v * S::LANES..]);
        let scores = if v + 1 == vectors { s.select(last, scores, lowest) } else { scores };
        largest = s.max(largest, scores);
    }
    let largest = s.largest(largest);
    let centre = s.splat(largest);
    let mut sum = s.zero();
    for v in 0..vectors {
        let e = exp(s, s.sub(s.load(&row[v * S::LANES..]), centre));
        let e = if v + 1 == vectors { s.select(last, e, s.zero()) } else { e };
        sum = s.add(sum, e);
        s.store(&mut row[v * S::LANES..], e);
    }
    let inverse = 1.0 / s.sum(sum);
    for v in 0..vectors {
        let place = &mut row[v * S::LANES..];
        let weight = s.mul(s.load(place), s.splat(inverse));
        s.store(place, weight);
    }
    for v in vectors..row.len() / S::LANES {
        s.store(&mut row[v * S::LANES..], s.zero());
    }
    (largest, inverse)
}

/// Multiplies a row of weights by its dropout factors; `kept` gets the weights before, negative where they are dropped.
#[inline(always)]
pub fn drop_weights<S: Simd>(s: S, row: &mut [f32], factors: &[f32], length: usize, mut kept: Option<&mut [f32]>) {
    for at in (0..length).step_by(S::LANES) {
        let weight = s.load(&row[at..]);
        let factor = s.load(&factors[at..]);
        if let Some(kept) = kept.as_deref_mut() {
            let marked = s.select(s.equal(factor, s.zero()), s.splat(-0.0), weight);
            s.store(&mut kept[at..], s.with_sign(weight, marked));
        }
        s.store(&mut row[at..], s.mul(weight, factor));
    }
    if let Some(kept) = kept {
        for at in (length.next_multiple_of(S::LANES)..kept.len()).step_by(S::LANES) {
            s.store(&mut kept[at..], s.zero());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::testing::{Numbers, close, same_bits};

    fn reference(x: &[f32], inner: usize, logarithm: bool) -> Vec<f64> {
        let row = |x: &[f32]| {
            let largest = x.iter().fold(f64::NEG_INFINITY, |largest, &x| largest.max(f64::from(x)));
            let sum: f64 = x.iter().map(|&x| (f64::from(x) - largest).exp()).sum();
            let log = move |x: f32| f64::from(x) - largest - sum.ln();
            x.iter().map(|&x| if logarithm { log(x) } else { log(x).exp() }).collect::<Vec<_>>()
        };
        x.chunks(inner).flat_map(row).collect()
    }

    #[test]
    fn any_shape_on_every_instruction_set_and_number_of_threads() {
        let mut numbers = Numbers::new(1);
        for round in 0..60 {
            let (outer, inner, logarithm) = (numbers.below(300), 1 + numbers.below(100), round % 2 == 0);
            let x: Vec<f32> = numbers.list(outer * inner).iter().map(|x| x * 20.0).collect();
            let expected = reference(&x, inner, logarithm);
            for cpu in Cpu::all() {
                let run = |threads| {
                    let mut y = vec![f32::NAN; x.len()];
                    softmax(&Compute::on(cpu, threads), &x, inner, logarithm, &mut y);
                    y
                };
                let one = run(1);
                close(&one, &expected, 2e-6);
                same_bits(&one, &run(3));
            }
        }
    }

    #[test]
    fn far_scores_underflow_and_what_is_no_number_fills_its_row() {
        let x = [0.0, -200.0, f32::NEG_INFINITY, f32::NAN, 1.0, 2.0, f32::INFINITY, 1.0, 2.0];
        for cpu in Cpu::all() {
            let mut y = [0.0; 9];
            softmax(&Compute::on(cpu, 1), &x, 3, false, &mut y);
            assert_eq!(y[..3], [1.0, 0.0, 0.0]);
            assert!(y[3..].iter().all(|y| y.is_nan()));
        }
    }
}
