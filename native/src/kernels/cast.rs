//! Conversions between types, as tfjs has them: to int32 towards zero, to bool 0 or 1.

use crate::compute::Compute;
use crate::threads::Disjoint;

/// Numbers that one thread converts at a time.
const CHUNK: usize = 1 << 16;

/// x [n] -> y [n]
pub fn convert<A: Copy + Sync, B: Send>(compute: &Compute, x: &[A], y: &mut [B], of: impl Fn(A) -> B + Sync) {
    assert_eq!(x.len(), y.len());
    let out = Disjoint::new(y);
    compute.threads.for_chunks(x.len(), CHUNK, |part| {
        // SAFETY: chunks do not overlap.
        let y = unsafe { out.part(part.range.clone()) };
        for (x, y) in x[part.range].iter().zip(y) {
            *y = of(*x);
        }
    });
}

/// Towards zero; NaN is 0, what is too large the largest.
pub fn to_int(value: f32) -> i32 {
    value as i32
}

pub fn to_bool(value: f32) -> u8 {
    u8::from(value != 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_every_number_on_any_number_of_threads() {
        let x: Vec<f32> = (0..200_000).map(|i| i as f32 * 0.5 - 1000.0).collect();
        for threads in 1..=3 {
            let compute = Compute::new(threads);
            let mut y = vec![0; x.len()];
            convert(&compute, &x, &mut y, to_int);
            assert!(x.iter().zip(&y).all(|(x, y)| x.trunc() as i32 == *y));
            let mut truth = vec![9; x.len()];
            convert(&compute, &x, &mut truth, to_bool);
            assert!(x.iter().zip(&truth).all(|(x, y)| (*x != 0.0) == (*y == 1)));
        }
        assert_eq!((to_int(-1.9), to_int(f32::NAN), to_bool(f32::NAN)), (-1, 0, 1));
    }
}
