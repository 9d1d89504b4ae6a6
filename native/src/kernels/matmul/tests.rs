use super::outer::Outer;
use super::panels::Panels;
use super::rows::{Product, for_blocks};
use super::*;
use crate::compute::Compute;
use crate::kernels::testing::{Numbers, close, same_bits};
use crate::threads::Disjoint;

/// a [rows, inner] · b [inner, columns] in float64
pub fn reference(a: Matrix, b: Matrix, (rows, inner, columns): (usize, usize, usize)) -> Vec<f64> {
    let at = |m: Matrix, i: usize, j: usize| f64::from(m.numbers[i * m.strides.0 + j * m.strides.1]);
    let mut c = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            c.push((0..inner).map(|k| at(a, row, k) * at(b, k, column)).sum());
        }
    }
    c
}

/// To the nearest bfloat16, halves to even.
fn rounded(numbers: &[f32]) -> Vec<f32> {
    let round = |x: f32| f32::from_bits((x.to_bits() + 0x7fff + (x.to_bits() >> 16 & 1)) & 0xffff_0000);
    numbers.iter().map(|&x| round(x)).collect()
}

fn whole(compute: &Compute, product: &Product, rows: usize, c: &mut [f32]) {
    let columns = product.right.columns;
    let out = Disjoint::new(c);
    for_blocks(compute, rows, |part, scratch| {
        // SAFETY: blocks do not overlap.
        let c = unsafe { out.part(part.range.start * columns..part.range.end * columns) };
        product.block(compute.cpu, part.range, c, scratch);
    });
}

fn precisions(cpu: Cpu) -> Vec<Precision> {
    if cpu.bf16() { vec![Precision::Float32, Precision::Bfloat16] } else { vec![Precision::Float32] }
}

const SIZES: [(usize, usize, usize); 14] = [
    (1, 1, 1),
    (0, 5, 3),
    (3, 0, 5),
    (5, 7, 0),
    (12, 32, 32),
    (13, 33, 31),
    (97, 256, 70),
    (25, 1025, 3),
    (30, 1024, 17),
    (7, 2048, 33),
    (200, 3, 257),
    (1, 300, 129),
    (300, 64, 64),
    (111, 90, 12),
];

#[test]
fn products_of_any_sizes_and_sides_agree_with_float64() {
    let mut numbers = Numbers::new(2);
    for cpu in Cpu::all() {
        let compute = Compute::on(cpu, 2);
        for (rows, inner, columns) in SIZES {
            let (mut a, mut b) = (numbers.list(rows * inner), numbers.list(inner * columns));
            let bias = numbers.list(columns);
            let before = numbers.list(rows * columns);
            for precision in precisions(cpu) {
                if precision == Precision::Bfloat16 {
                    (a, b) = (rounded(&a), rounded(&b));
                }
                for sides in 0..4 {
                    let left = if sides & 1 == 0 {
                        Matrix::rows_of(&a, inner)
                    } else {
                        Matrix::rows_of(&a, rows).transposed()
                    };
                    let right = if sides & 2 == 0 {
                        Matrix::rows_of(&b, columns)
                    } else {
                        Matrix::rows_of(&b, inner).transposed()
                    };
                    let expected = reference(left, right, (rows, inner, columns));
                    let panels = Panels::pack(&compute, precision, right, inner, columns);
                    let mut c = vec![f32::NAN; rows * columns];
                    whole(&compute, &Product::of(left, &panels), rows, &mut c);
                    close(&c, &expected, 1e-5);
                    let with_bias = Product { bias: Some(&bias), relu: true, ..Product::of(left, &panels) };
                    whole(&compute, &with_bias, rows, &mut c);
                    let sum = |i: usize| (expected[i] + f64::from(bias[i % columns])).max(0.0);
                    close(&c, &(0..c.len()).map(sum).collect::<Vec<_>>(), 1e-5);
                    c.copy_from_slice(&before);
                    whole(&compute, &Product { adds: true, ..Product::of(left, &panels) }, rows, &mut c);
                    let sum = |i: usize| expected[i] + f64::from(before[i]);
                    close(&c, &(0..c.len()).map(sum).collect::<Vec<_>>(), 1e-5);
                }
            }
        }
    }
}

#[test]
fn products_over_rows_agree_with_float64() {
    let mut numbers = Numbers::new(3);
    for cpu in Cpu::all() {
        // With few multiplications and with many, in one group of rows and in several.
        for (rows, m, n) in [
            (1, 1, 1),
            (0, 4, 5),
            (5, 0, 3),
            (9, 4, 0),
            (33, 17, 18),
            (600, 33, 70),
            (257, 12, 32),
            (1000, 3, 256),
            (130, 400, 300),
            (4200, 40, 33),
        ] {
            let (mut left, mut right) = (numbers.list(rows * m), numbers.list(rows * n));
            for precision in precisions(cpu) {
                if precision == Precision::Bfloat16 {
                    (left, right) = (rounded(&left), rounded(&right));
                }
                let outer = Outer { rows, left: &left, m, right: &right, n, precision };
                let sides = (Matrix::rows_of(&left, m).transposed(), Matrix::rows_of(&right, n));
                let expected = reference(sides.0, sides.1, (m, rows, n));
                let ones = vec![1.0; rows];
                let expected_sums = reference(sides.0, Matrix::rows_of(&ones, 1), (m, rows, 1));
                for threads in 1..=4 {
                    let compute = Compute::on(cpu, threads);
                    let (mut c, mut sums) = (vec![f32::NAN; m * n], vec![f32::NAN; m]);
                    outer.multiply(&compute, &mut c, Some(&mut sums));
                    close(&c, &expected, 1e-6);
                    close(&sums, &expected_sums, 1e-6);
                    let mut alone = vec![f32::NAN; m * n];
                    outer.multiply(&Compute::on(cpu, 1), &mut alone, None);
                    same_bits(&c, &alone);
                }
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let mut numbers = Numbers::new(4);
    let (rows, inner, columns) = (531, 700, 97);
    let (a, b) = (numbers.list(rows * inner), numbers.list(inner * columns));
    for cpu in Cpu::all() {
        for precision in precisions(cpu) {
            let results: Vec<Vec<f32>> = (1..=4)
                .map(|threads| {
                    let compute = Compute::on(cpu, threads);
                    let panels = Panels::pack(&compute, precision, Matrix::rows_of(&b, columns), inner, columns);
                    let mut c = vec![0.0; rows * columns];
                    whole(&compute, &Product::of(Matrix::rows_of(&a, inner), &panels), rows, &mut c);
                    c
                })
                .collect();
            results.iter().for_each(|c| same_bits(c, &results[0]));
        }
    }
}

#[test]
fn what_is_no_number_spreads_to_its_row_and_column() {
    for cpu in Cpu::all() {
        let compute = Compute::on(cpu, 2);
        for precision in precisions(cpu) {
            let (rows, inner, columns) = (20, 40, 35);
            let (mut a, mut b) = (vec![1.0f32; rows * inner], vec![1.0f32; inner * columns]);
            a[3 * inner + 5] = f32::NAN;
            a[7 * inner] = f32::INFINITY;
            b[6 * columns + 34] = f32::NEG_INFINITY;
            let panels = Panels::pack(&compute, precision, Matrix::rows_of(&b, columns), inner, columns);
            let mut c = vec![0.0; rows * columns];
            let product = Product { relu: true, ..Product::of(Matrix::rows_of(&a, inner), &panels) };
            whole(&compute, &product, rows, &mut c);
            for (place, &c) in c.iter().enumerate() {
                match (place / columns, place % columns) {
                    (3, _) | (7, 34) => assert!(c.is_nan()),
                    (7, _) => assert!(c == f32::INFINITY),
                    (_, 34) => assert!(c == 0.0),
                    _ => assert!(c == inner as f32),
                }
            }
        }
    }
}
