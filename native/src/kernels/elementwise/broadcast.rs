//! Two shapes that become one, as numpy's do.

use super::CHUNK;
use crate::compute::Compute;
use crate::ensure;
use crate::error::Result;
use crate::kernels::strided::Walk;
use crate::threads::Disjoint;

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

    pub(super) fn each<T: Copy + Sync, U: Send>(
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
    use crate::kernels::elementwise::{Binary, Comparison, binary, compare};
    use crate::kernels::testing::Numbers;

    #[test]
    fn shapes_without_numbers_cost_nothing_and_those_beyond_counting_are_refused() {
        let broadcast = Broadcast::new(&[1 << 50, 1, 0], &[1, 7, 1]).unwrap();
        binary(&Compute::new(1), Binary::Add, &[], &[0.0; 7], &broadcast, &mut []);
        assert!(Broadcast::new(&[1 << 32, 1], &[1, 1 << 32]).is_err());
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
}
