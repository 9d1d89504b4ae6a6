//! Products of matrices small enough to stay in a core's cache: scores, contexts and their gradients of one head. (Layers
//! go through `matmul`.) The right side is read in whole vectors, so its rows are padded; the left side may lie any way.

use crate::simd::{Kernel, Simd};

/// c [rows, columns] = factor · a [rows, inner] · b [inner, columns]
#[derive(Clone, Copy)]
pub struct Product<'a> {
    pub rows: usize,
    pub inner: usize,
    pub columns: usize,
    pub factor: f32,
    pub a: &'a [f32],
    /// From one row of a to the next, and from one column to the next.
    pub a_strides: (usize, usize),
    /// Its rows are readable to the end of the last vector.
    pub b: &'a [f32],
    pub b_stride: usize,
    /// Whether the product is added to what c holds.
    pub adds: bool,
}

/// # Safety
/// `rows` rows of `columns` floats, `stride` apart, can be written (and read, where it adds) from `c` on; nothing else is
/// touched.
#[inline(always)]
pub unsafe fn multiply<S: Simd>(s: S, product: &Product, c: *mut f32, stride: usize) {
    let &Product { rows, inner, columns, a, a_strides, b, b_stride, .. } = product;
    if rows == 0 || columns == 0 {
        return;
    }
    if inner > 0 {
        assert!((rows - 1) * a_strides.0 + (inner - 1) * a_strides.1 < a.len(), "a holds its elements");
        assert!((inner - 1) * b_stride + columns.next_multiple_of(S::LANES) <= b.len(), "b holds whole vectors");
    }
    let mut column = 0;
    while column < columns {
        let vectors = (columns - column).div_ceil(S::LANES);
        if S::TILE_VECTORS >= 24 && vectors >= 4 {
            s.call(Strip::<4> { product, c, stride, column });
            column += 4 * S::LANES;
        } else if vectors >= 2 {
            s.call(Strip::<2> { product, c, stride, column });
            column += 2 * S::LANES;
        } else {
            s.call(Strip::<1> { product, c, stride, column });
            column += S::LANES;
        }
    }
}

/// `VECTORS` vectors of columns from `column` on, all rows.
struct Strip<'a, const VECTORS: usize> {
    product: &'a Product<'a>,
    c: *mut f32,
    stride: usize,
    column: usize,
}

impl<const VECTORS: usize> Kernel for Strip<'_, VECTORS> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.product.rows;
        let most = (S::TILE_VECTORS / VECTORS).min(12);
        // Tiles of about one height: a low one at the end would wait for its own sums.
        let height = rows.div_ceil(rows.div_ceil(most));
        let mut row = 0;
        while row < rows {
            let height = height.min(rows - row);
            macro_rules! by_height {
                ($($known:literal)*) => {
                    match height {
                        $($known if $known <= most => self.tile::<S, $known>(s, row),)*
                        _ => unreachable!("a height that fits"),
                    }
                };
            }
            by_height!(1 2 3 4 5 6 7 8 9 10 11 12);
            row += height;
        }
    }
}

impl<const VECTORS: usize> Strip<'_, VECTORS> {
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize>(&self, s: S, row: usize) {
        let &Product { inner, columns, factor, a, a_strides, b, b_stride, adds, .. } = self.product;
        let mut sums = [[s.zero(); VECTORS]; ROWS];
        // SAFETY: `multiply` has checked that rows and columns lie in a and whole vectors in b, and has its caller's word
        // for c. The last steps of the two pointers, past the end, are never read.
        unsafe {
            let mut left = a.as_ptr().add(row * a_strides.0);
            let mut right = b.as_ptr().add(self.column);
            for _ in 0..inner {
                let mut vectors = [s.zero(); VECTORS];
                for v in 0..VECTORS {
                    vectors[v] = s.load_at(right.add(v * S::LANES));
                }
                for i in 0..ROWS {
                    let value = s.splat(*left.add(i * a_strides.0));
                    for v in 0..VECTORS {
                        sums[i][v] = s.fma(value, vectors[v], sums[i][v]);
                    }
                }
                left = left.wrapping_add(a_strides.1);
                right = right.wrapping_add(b_stride);
            }
            let factor = s.splat(factor);
            let last = (columns - self.column).min(VECTORS * S::LANES) - (VECTORS - 1) * S::LANES;
            let to = self.c.add(row * self.stride + self.column);
            // Short loops one after another, which the compiler unrolls: the sums then stay in registers.
            for i in 0..ROWS {
                for v in 0..VECTORS {
                    sums[i][v] = s.mul(factor, sums[i][v]);
                }
            }
            if adds {
                for i in 0..ROWS {
                    for v in 0..VECTORS {
                        let from = to.add(i * self.stride + v * S::LANES);
                        let count = if v + 1 < VECTORS { S::LANES } else { last };
                        sums[i][v] = s.add(s.load_some_at(from, count), sums[i][v]);
                    }
                }
            }
            if last == S::LANES {
                for i in 0..ROWS {
                    for v in 0..VECTORS {
                        s.store_at(to.add(i * self.stride + v * S::LANES), sums[i][v]);
                    }
                }
            } else {
                for i in 0..ROWS {
                    for v in 0..VECTORS - 1 {
                        s.store_at(to.add(i * self.stride + v * S::LANES), sums[i][v]);
                    }
                    s.store_some_at(to.add(i * self.stride + (VECTORS - 1) * S::LANES), last, sums[i][VECTORS - 1]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::testing::{Numbers, close};
    use crate::kernels::workspace::padded;
    use crate::simd::dispatch;

    struct Run<'a>(Product<'a>, &'a mut [f32], usize);
    impl Kernel for Run<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            assert!(self.0.rows * self.2 <= self.1.len() && self.0.columns <= self.2);
            // SAFETY: just checked.
            unsafe { multiply(s, &self.0, self.1.as_mut_ptr(), self.2) }
        }
    }

    #[test]
    fn any_sizes_any_side_and_nothing_beside_them() {
        let mut numbers = Numbers::new(1);
        for round in 0..300 {
            let (rows, inner, columns) = (numbers.below(30), numbers.below(40), numbers.below(90));
            let (transposed, adds) = (round % 2 == 0, round % 3 == 0);
            let strides = if transposed { (1, rows + 3) } else { (inner + 3, 1) };
            let a = numbers.list((rows + 3) * (inner + 3));
            let b = numbers.list(inner * padded(columns));
            let before = numbers.list(rows * (columns + 2) + 16);
            let product = Product {
                rows,
                inner,
                columns,
                factor: 0.5,
                a: &a,
                a_strides: strides,
                b: &b,
                b_stride: padded(columns),
                adds,
            };
            for cpu in Cpu::all() {
                let mut c = before.clone();
                dispatch(cpu, Run(product, &mut c, columns + 2));
                let mut expected: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
                for row in 0..rows {
                    for column in 0..columns {
                        let terms = (0..inner).map(|k| {
                            f64::from(a[row * strides.0 + k * strides.1]) * f64::from(b[k * padded(columns) + column])
                        });
                        let value = 0.5 * terms.sum::<f64>();
                        let place = &mut expected[row * (columns + 2) + column];
                        *place = value + if adds { *place } else { 0.0 };
                    }
                }
                close(&c, &expected, 1e-5);
            }
        }
    }
}
