//! Walking over two tensors at once, each with a stride for every axis: what broadcasting, transposing, slicing, padding
//! and tiling have in common.

use crate::ensure;
use crate::error::Result;
use std::ops::Range;

/// tfjs has up to six axes; tiling needs two for each.
const MOST: usize = 12;

#[derive(Debug, Clone, Copy, Default)]
pub struct Axis {
    pub size: usize,
    /// Steps in the first and the second tensor.
    pub a: usize,
    pub b: usize,
}

/// Axes, outermost first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Walk {
    axes: [Axis; MOST],
    count: usize,
}

impl Walk {
    /// Elements of a shape.
    pub fn product(shape: &[usize]) -> Result<usize> {
        let size = shape.iter().try_fold(1usize, |size, &of| size.checked_mul(of));
        ensure!(size.is_some(), "[{shape:?}] has more elements than can be counted");
        Ok(size.unwrap_or(0))
    }

    pub fn push(&mut self, size: usize, a: usize, b: usize) -> Result<()> {
        ensure!(self.count < MOST, "a shape of more than {MOST} axes");
        self.axes[self.count] = Axis { size, a, b };
        self.count += 1;
        Ok(())
    }

    pub fn axes(&self) -> &[Axis] {
        &self.axes[..self.count]
    }

    /// The same steps with as few axes as possible: those of size 1 left out, neighbours that are one in both tensors
    /// joined. At least one axis.
    pub fn simplified(&self) -> Self {
        let mut simple = Self::default();
        for &axis in self.axes().iter().filter(|axis| axis.size != 1) {
            let joined = simple.count.checked_sub(1).map(|last| &mut simple.axes[last]);
            match joined {
                Some(outer) if outer.a == axis.a * axis.size && outer.b == axis.b * axis.size => {
                    *outer = Axis { size: outer.size * axis.size, ..axis };
                }
                _ => {
                    simple.axes[simple.count] = axis;
                    simple.count += 1;
                }
            }
        }
        if simple.count == 0 {
            simple.axes[0] = Axis { size: 1, a: 1, b: 1 };
            simple.count = 1;
        }
        simple
    }

    pub fn size(&self) -> usize {
        self.axes().iter().map(|axis| axis.size).product()
    }

    /// The innermost axis; a walk has one when simplified.
    pub fn inner(&self) -> Axis {
        self.axes[self.count - 1]
    }

    /// How often the innermost axis is walked along.
    pub fn runs(&self) -> usize {
        self.axes()[..self.count - 1].iter().map(|axis| axis.size).product()
    }

    /// Where runs begin in both tensors.
    pub fn begins(&self, runs: Range<usize>) -> impl Iterator<Item = (usize, [usize; 2])> {
        let mut index = [0; MOST];
        let mut rest = runs.start;
        for axis in (0..self.count - 1).rev() {
            let size = self.axes[axis].size.max(1);
            (index[axis], rest) = (rest % size, rest / size);
        }
        runs.map(move |run| {
            let outer = &self.axes[..self.count - 1];
            let places = outer.iter().zip(index).fold([0, 0], |[a, b], (axis, at)| [a + axis.a * at, b + axis.b * at]);
            for axis in (0..self.count - 1).rev() {
                index[axis] += 1;
                if index[axis] < self.axes[axis].size {
                    break;
                }
                index[axis] = 0;
            }
            (run, places)
        })
    }
}
