//! Sums of a matrix' columns: gradients of biases.

use crate::compute::Compute;
use crate::kernels::two_sum::two_sum;
use crate::simd::{Kernel, Simd, dispatch};

/// Rows that are added up in single precision.
const STRETCH: usize = 8;

/// sums += the sums of columns `begin`.. of x [rows, stride], and `rest` what that rounds away
pub struct AddColumns<'a, 'b> {
    pub x: &'a [f32],
    pub stride: usize,
    pub begin: usize,
    pub sums: &'b mut [f32],
    pub rest: &'b mut [f32],
}

impl Kernel for AddColumns<'_, '_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Several vectors at a time, so that additions need not wait for each other.
        const TOGETHER: usize = 4;
        let Self { x, stride, begin, sums, rest } = self;
        let rows = x.len() / stride.max(1);
        assert!(begin + sums.len() <= stride && rest.len() == sums.len());
        let together = TOGETHER * S::LANES;
        for (group, (sums, rest)) in sums.chunks_mut(together).zip(rest.chunks_mut(together)).enumerate() {
            let count = sums.len();
            let lanes = |v: usize| count.saturating_sub(v * S::LANES).min(S::LANES);
            for first in (0..rows).step_by(STRETCH) {
                let mut totals = [s.zero(); TOGETHER];
                for row in first..(first + STRETCH).min(rows) {
                    for v in 0..TOGETHER {
                        let from = x.as_ptr().wrapping_add(row * stride + begin + group * together + v * S::LANES);
                        // SAFETY: as many numbers as there are sums lie in the row.
                        totals[v] = s.add(totals[v], unsafe { s.load_some_at(from, lanes(v)) });
                    }
                }
                let vectors = sums.chunks_mut(S::LANES).zip(rest.chunks_mut(S::LANES));
                for (total, (sums, rest)) in totals.into_iter().zip(vectors) {
                    let (sum, lost) = two_sum(s, s.load_some(sums), s.load_some(rest), total);
                    s.store_some(sums, sum);
                    s.store_some(rest, lost);
                }
            }
        }
    }
}

/// -> sums: of the columns of x [rows, width], on the calling thread
pub fn column_sums(compute: &Compute, x: &[f32], width: usize, sums: &mut [f32]) {
    sums.fill(0.0);
    let mut rest = compute.pool.take_filled(width, 0.0);
    dispatch(compute.cpu, AddColumns { x, stride: width, begin: 0, sums, rest: &mut rest });
    sums.iter_mut().zip(rest.iter()).for_each(|(sum, rest)| *sum += rest);
}
