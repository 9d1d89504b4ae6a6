//! Products of many pairs of matrices, one after another in memory: what tfjs calls BatchMatMul.

use super::outer::Outer;
use super::panels::Panels;
use super::rows::{Product, TALLEST, for_blocks, scratch_words};
use super::{Matrix, Precision};
use crate::compute::Compute;
use crate::threads::Disjoint;

#[derive(Debug, Clone, Copy)]
pub struct MatmulOptions {
    pub batch: usize,
    pub rows: usize,
    pub inner: usize,
    pub columns: usize,
    /// Whether a lies as [inner, rows], b as [columns, inner].
    pub transpose: (bool, bool),
    /// Whether there is only one of a side, which serves for all.
    pub broadcast: (bool, bool),
    pub precision: Precision,
}

/// From this many rows of the inner dimension, a transposed left side goes the way of weights' gradients.
const LONG: usize = 2048;

/// a [batch, rows, inner] · b [batch, inner, columns] -> c [batch, rows, columns]
pub fn matmul(compute: &Compute, options: &MatmulOptions, a: &[f32], b: &[f32], c: &mut [f32]) {
    let &MatmulOptions { batch, rows, inner, columns, transpose, broadcast, precision } = options;
    let (a_size, b_size, c_size) = (rows * inner, inner * columns, rows * columns);
    let of = |size: usize, broadcast: bool| size * if broadcast { 1 } else { batch };
    assert!(a.len() == of(a_size, broadcast.0) && b.len() == of(b_size, broadcast.1), "sizes that fit");
    assert!(c.len() == batch * c_size, "sizes that fit");
    let left = |i: usize| {
        let a = if broadcast.0 { a } else { &a[i * a_size..(i + 1) * a_size] };
        if transpose.0 { Matrix::rows_of(a, rows).transposed() } else { Matrix::rows_of(a, inner) }
    };
    let right = |i: usize| {
        let b = if broadcast.1 { b } else { &b[i * b_size..(i + 1) * b_size] };
        if transpose.1 { Matrix::rows_of(b, inner).transposed() } else { Matrix::rows_of(b, columns) }
    };
    if c_size == 0 || batch == 0 {
        return;
    }
    if batch == 1 && transpose == (true, false) && inner >= LONG {
        return Outer { rows: inner, left: a, m: rows, right: b, n: columns, precision }.multiply(compute, c, None);
    }
    let c = Disjoint::new(c);
    let one = |left: Matrix, panels: &Panels, rows: usize, first: usize| {
        for_blocks(compute, rows, |part, scratch| {
            let place = (first + part.range.start) * columns..(first + part.range.end) * columns;
            // SAFETY: blocks do not overlap.
            let c = unsafe { c.part(place) };
            Product::of(left, panels).block(compute.cpu, part.range, c, scratch);
        });
    };
    if broadcast.1 {
        let panels = Panels::pack(compute, precision, right(0), inner, columns);
        if !broadcast.0 && !transpose.0 {
            // The left sides are one long matrix.
            return one(Matrix::rows_of(a, inner), &panels, batch * rows, 0);
        }
        return (0..batch).for_each(|i| one(left(i), &panels, rows, i * rows));
    }
    if batch < 2 * compute.threads.count() {
        for i in 0..batch {
            one(left(i), &Panels::pack(compute, precision, right(i), inner, columns), rows, i * rows);
        }
        return;
    }
    many(compute, options, &left, &right, &c);
}

/// Each thread takes whole products, packing their right sides as it goes.
fn many<'a>(
    compute: &Compute,
    options: &MatmulOptions,
    left: &(dyn Fn(usize) -> Matrix<'a> + Sync),
    right: &(dyn Fn(usize) -> Matrix<'a> + Sync),
    c: &Disjoint<f32>,
) {
    let &MatmulOptions { batch, rows, inner, columns, precision, .. } = options;
    let threads = compute.threads.count();
    let each = scratch_words(TALLEST);
    let mut scratch = compute.pool.take(each * threads);
    let spare = (0..threads).map(|_| Panels::spare(compute, precision, inner, columns));
    let mut own: Vec<(Panels, &mut [u32])> = spare.zip(scratch.chunks_exact_mut(each)).collect();
    compute.threads.for_chunks_with(batch, 1, &mut own, |part, (panels, scratch)| {
        panels.repack(compute.cpu, right(part.index));
        let product = Product::of(left(part.index), panels);
        for row in (0..rows).step_by(TALLEST) {
            let block = row..(row + TALLEST).min(rows);
            let begin = part.index * rows;
            // SAFETY: products do not overlap.
            let c = unsafe { c.part((begin + block.start) * columns..(begin + block.end) * columns) };
            product.block(compute.cpu, block, c, scratch);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::matmul::tests::reference;
    use crate::kernels::testing::{Numbers, close, same_bits};

    #[test]
    fn products_of_any_sides_and_sizes_agree_with_float64() {
        let mut numbers = Numbers::new(9);
        for cpu in Cpu::all() {
            for round in 0..160 {
                let (batch, rows, inner) = (numbers.below(20), numbers.below(130), numbers.below(50));
                let columns = numbers.below(70);
                let inner = if round == 7 { 3000 } else { inner };
                let (transpose, broadcast) = ((round & 1 > 0, round & 2 > 0), (round & 4 > 0, round & 8 > 0));
                let batch = if round < 32 { 1 } else { batch };
                let precision = Precision::Float32;
                let options = MatmulOptions { batch, rows, inner, columns, transpose, broadcast, precision };
                let a = numbers.list(rows * inner * if broadcast.0 { 1 } else { batch });
                let b = numbers.list(inner * columns * if broadcast.1 { 1 } else { batch });
                let run = |threads| {
                    let mut c = vec![f32::NAN; batch * rows * columns];
                    matmul(&Compute::on(cpu, threads), &options, &a, &b, &mut c);
                    c
                };
                let c = run(2);
                for i in 0..batch {
                    let a = &a[if broadcast.0 { 0 } else { i * rows * inner }..][..rows * inner];
                    let b = &b[if broadcast.1 { 0 } else { i * inner * columns }..][..inner * columns];
                    let left =
                        if transpose.0 { Matrix::rows_of(a, rows).transposed() } else { Matrix::rows_of(a, inner) };
                    let right =
                        if transpose.1 { Matrix::rows_of(b, inner).transposed() } else { Matrix::rows_of(b, columns) };
                    let expected = reference(left, right, (rows, inner, columns));
                    close(&c[i * rows * columns..][..rows * columns], &expected, 1e-5);
                }
                same_bits(&c, &run(1));
                same_bits(&c, &run(3));
            }
        }
    }
}
