//! Products by cuBLASLt and what is done beside them, against plain sums in float64.

use crate::support::{Gpu, Numbers, kept, summed, tolerance};
use entail_native::compute::Compute;
use entail_native::cuda::Precision;
use entail_native::cuda::cublaslt::{CublasLt, Float32Products, LibraryProduct};
use entail_native::cuda::device::Lane;
use entail_native::cuda::linear_ends::{self, LinearEnd, PARTS, Tail, clear_tails};
use entail_native::cuda::products::{Form, Matrix};
use entail_native::kernels::activation::{Activation, apply, gradient_of};

/// x [M, K], y [N, K] -> x · yᵀ [M, N]
fn along(x: &[f32], y: &[f32], [m, n, k]: [usize; 3]) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32;
    (0..m * n).map(|at| dot(&x[at / n * k..][..k], &y[at % n * k..][..k])).collect()
}

/// [rows, columns] -> [columns, rows]
fn turned(x: &[f32], columns: usize) -> Vec<f32> {
    let rows = x.len() / columns;
    (0..x.len()).map(|at| x[at % rows * columns + at / rows]).collect()
}

/// All three forms, with everything that comes in the same pass.
fn layer(gpu: &Gpu, library: &CublasLt, precision: Precision, tolerances: [f64; 2], [rows, into, out]: [usize; 3]) {
    let mut numbers = Numbers::new((rows + out) as u32);
    let [x, weight, dy] = [rows * into, out * into, rows * out].map(|count| numbers.kept(precision, count));
    let [bias, added] = [out, rows * into].map(|count| numbers.kept(precision, count));
    let [on_x, on_weight, on_dy, on_bias] = [&x, &weight, &dy, &bias].map(|list| gpu.send(precision, list));
    let (on_y, on_dx) = (gpu.room(precision, rows * out), gpu.send(precision, &added));
    let (d_weight, name) = (gpu.floats(out * into), format!("{rows} x {into} -> {out}"));
    let rows_of = Matrix::rows;
    let operands = [rows_of(on_x, into), rows_of(on_weight, into), rows_of(on_y.address(), out)];
    let forward =
        LibraryProduct { bias: on_bias, relu: true, ..LibraryProduct::new(Form::Forward, [rows, out, into], operands) };
    // Added to in place.
    let operands = [rows_of(on_dy, out), rows_of(on_weight, into), rows_of(on_dx, into)];
    let backward = LibraryProduct { added: on_dx, ..LibraryProduct::new(Form::Backward, [rows, into, out], operands) };
    let operands = [rows_of(on_dy, out), rows_of(on_x, into), rows_of(d_weight.address(), into)];
    let weights = LibraryProduct::new(Form::Weights, [out, into, rows], operands);
    for product in [forward, backward, weights] {
        // SAFETY: all buffers have these sizes and live until the results are read.
        if let Err(error) = unsafe { library.run(&gpu.device, Lane::Main, precision, &product) } {
            return gpu.same(&format!("{name}: {error}"), false);
        }
    }
    let biased = |at: usize, sum: f32| (sum + bias[at % out]).max(0.0);
    let y: Vec<f32> =
        along(&x, &weight, [rows, out, into]).into_iter().enumerate().map(|(at, sum)| biased(at, sum)).collect();
    let dx = along(&dy, &turned(&weight, into), [rows, into, out]);
    let dx: Vec<f32> = dx.iter().zip(&added).map(|(dx, added)| dx + added).collect();
    let of_weight = along(&turned(&dy, out), &turned(&x, into), [out, into, rows]);
    let [stored, in_float] = tolerances;
    gpu.compare(&format!("{name} y"), &on_y.read(), &y, stored);
    gpu.compare(&format!("{name} dx"), &gpu.read(precision, on_dx, rows * into), &dx, stored);
    gpu.compare(&format!("{name} d_weight"), &d_weight.read(), &of_weight, in_float);
}

pub fn products(gpu: &Gpu, library: &CublasLt, float32: Float32Products) {
    let in_bfloat16 = ("bfloat16", Precision::Bfloat16, [4e-3, 1e-5]);
    let in_float32 = match float32 {
        Float32Products::Exact => ("float32", Precision::Float32, [1e-5, 1e-5]),
        Float32Products::Tf32 => ("TF32", Precision::Float32, [3e-3, 3e-3]),
    };
    for (name, precision, tolerances) in [in_float32, in_bfloat16] {
        println!("{}, {name}", library.title());
        for sizes in [[256, 64, 64], [768, 256, 512], [300, 512, 256]] {
            layer(gpu, library, precision, tolerances, sizes);
        }
        gpu.forget();
    }
}

/// Activations, sums for biases, zeros behind the last row.
pub fn ends(gpu: &Gpu, precision: Precision) {
    let (rows, most, width) = (203, 256, 264);
    let mut numbers = Numbers::new(21);
    let [sums, dy] = [most * width, most * width].map(|count| numbers.kept(precision, count));
    let count = gpu.send_ints(&[rows as i32]);
    let (device, allowed) = (&*gpu.device, tolerance(precision, 1e-5, 4e-3));
    for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
        let (on_sums, on_y) = (gpu.send(precision, &sums), gpu.room(precision, most * width));
        let of_rows = (count, most);
        // SAFETY: all buffers have these sizes and live until the results are read.
        unsafe { linear_ends::activate(device, precision, [on_sums, on_y.address()], of_rows, width, activation) }
            .expect("a kernel");
        let compute = Compute::new(1);
        let mut y = vec![0.0; sums.len()];
        apply(compute.cpu, activation, &sums, &mut y);
        gpu.compare(&format!("{activation:?}"), &on_y.read()[..rows * width], &y[..rows * width], allowed);
        let (on_dy, parts) = (gpu.send(precision, &dy), gpu.floats(PARTS * width));
        let end = LinearEnd { dy: on_dy, kept: on_sums, parts: parts.address(), rows: count, width, activation };
        // SAFETY: as above.
        unsafe { end.run(device, Lane::Main, precision) }.expect("a kernel");
        let mut expected = vec![0.0; dy.len()];
        gradient_of(compute.cpu, activation, &dy, &sums, &mut expected);
        let found = gpu.read(precision, on_dy, most * width);
        let name = format!("through {activation:?}");
        gpu.compare(&name, &found[..rows * width], &expected[..rows * width], allowed);
        gpu.same("rows behind the last stay", found[rows * width..] == dy[rows * width..]);
        gpu.compare("sums of columns", &summed(&parts.read(), width), &summed(&expected[..rows * width], width), 1e-5);
    }
    let on_dy = gpu.send(precision, &dy);
    let tails = [Tail { begin: on_dy, row: (width * precision.size()) as i64 }];
    let on_tails = gpu.send_tails(&tails);
    // SAFETY: as above.
    unsafe { clear_tails(device, (on_tails, 1), count, most - 3) }.expect("a kernel");
    let found = gpu.read(precision, on_dy, most * width);
    let mut expected = kept(precision, dy);
    expected[rows * width..(most - 3) * width].fill(0.0);
    gpu.same("zeros behind the last row, up to a bucket's end", found == expected);
}
