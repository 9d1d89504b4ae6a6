//! Products of linear layers against kernels/linear.rs.

use crate::support::{Gpu, Numbers, summed, tolerance};
use entail_native::compute::Compute;
use entail_native::cuda::Precision;
use entail_native::cuda::device::Lane;
use entail_native::cuda::products::{Form, Matrix, Product, splits_for};
use entail_native::kernels::activation::{Activation, gradient_of};
use entail_native::kernels::linear::{self, LinearGradients, LinearInputs, LinearShape};
use entail_native::kernels::matmul;

/// One layer: forward, gradients by input, weight and bias.
fn layer(gpu: &Gpu, precision: Precision, [rows, into, out]: [usize; 3], activation: Activation) {
    let mut numbers = Numbers::new((rows + out) as u32);
    let compute = Compute::new(2);
    let shape = LinearShape { rows, into, out, activation, precision: matmul::Precision::Float32 };
    let [x, weight, dy] = [rows * into, out * into, rows * out].map(|count| numbers.kept(precision, count));
    let bias = numbers.list(out);
    let [mut y, mut dx] = [rows * out, rows * into].map(|count| vec![0.0; count]);
    let mut sums = vec![0.0; if activation.keeps_sums() { y.len() } else { 0 }];
    let packed = linear::pack_forward(&compute, &shape, &weight);
    linear::linear(&compute, &shape, &x, &packed, &bias, &mut y, &mut sums);
    let [mut d_weight, mut d_bias] = [out * into, out].map(|count| vec![0.0; count]);
    // Without an activation: its slope is checked by itself below.
    let plain = LinearShape { activation: Activation::None, ..shape };
    let packed = linear::pack_backward(&compute, &plain, &weight);
    let gradients = LinearGradients { dx: Some((&mut dx, &packed)), d_weight: &mut d_weight, d_bias: &mut d_bias };
    linear::linear_gradient(&compute, &plain, &LinearInputs { dy: &dy, x: &x, kept: &[] }, gradients);

    // Room for more rows than there are, as a recorded graph has.
    let most = rows + 70;
    let longer = |numbers: &[f32], width: usize| {
        let mut list = numbers.to_vec();
        list.resize(most * width, f32::NAN);
        gpu.send(precision, &list)
    };
    let (on_x, on_dy, on_weight) = (longer(&x, into), longer(&dy, out), gpu.send(precision, &weight));
    let count = gpu.send_ints(&[rows as i32]);
    let [on_y, on_sums, on_dx] = [most * out, most * out, most * into].map(|count| gpu.room(precision, count));
    let (device, name) = (&*gpu.device, format!("{rows} x {into} -> {out} {activation:?}"));
    let operands = [Matrix::rows(on_x, into), Matrix::rows(on_weight, into), Matrix::rows(on_y.address(), out)];
    let forward = Product {
        rows: count,
        bias: gpu.send_floats(&bias),
        activation,
        sums: if activation.keeps_sums() { on_sums.address() } else { 0 },
        ..Product::new(Form::Forward, [most, out, into], operands)
    };
    let operands = [Matrix::rows(on_dy, out), Matrix::rows(on_weight, into), Matrix::rows(on_dx.address(), into)];
    let backward = Product { rows: count, ..Product::new(Form::Backward, [most, into, out], operands) };
    let splits = splits_for(device, [out, into, most], 1);
    let [parts, column_sums] = [splits * out * into, splits * out].map(|count| gpu.floats(count));
    let operands = [Matrix::rows(on_dy, out), Matrix::rows(on_x, into), Matrix::rows(parts.address(), into)];
    let weights = Product {
        rows: count,
        splits,
        column_sums: column_sums.address(),
        ..Product::new(Form::Weights, [out, into, most], operands)
    };
    for product in [forward, backward, weights] {
        // SAFETY: all buffers have these sizes and live until the results are read.
        unsafe { product.run(device, Lane::Main, precision) }.expect("a product");
    }
    let stored = tolerance(precision, 1e-5, 4e-3);
    gpu.compare(&format!("{name} y"), &on_y.read()[..rows * out], &y, stored);
    if activation.keeps_sums() {
        gpu.compare(&format!("{name} sums"), &on_sums.read()[..rows * out], &sums, stored);
    }
    gpu.compare(&format!("{name} dx"), &on_dx.read()[..rows * into], &dx, stored);
    gpu.compare(&format!("{name} d_weight"), &summed(&parts.read(), out * into), &d_weight, 1e-5);
    gpu.compare(&format!("{name} d_bias"), &summed(&column_sums.read(), out), &d_bias, 1e-5);
    through_activation(gpu, precision, [rows, into, out], activation);
}

/// A gradient that passes through an activation and is added to something.
fn through_activation(gpu: &Gpu, precision: Precision, [rows, into, out]: [usize; 3], activation: Activation) {
    let mut numbers = Numbers::new(77);
    let compute = Compute::new(2);
    let [dy, weight, before, added] =
        [rows * out, out * into, rows * into, rows * into].map(|count| numbers.kept(precision, count));
    let shape = LinearShape { rows, into, out, activation: Activation::None, precision: matmul::Precision::Float32 };
    let mut dx = vec![0.0; rows * into];
    let packed = linear::pack_backward(&compute, &shape, &weight);
    linear::projections_dx(&compute, &shape, &[(&dy, &packed)], &mut dx);
    if activation != Activation::None {
        let by_input = dx.clone();
        gradient_of(compute.cpu, activation, &by_input, &before, &mut dx);
    }
    let expected: Vec<f32> = dx.iter().zip(&added).map(|(dx, added)| dx + added).collect();
    let result = gpu.room(precision, rows * into);
    let operands = [
        Matrix::rows(gpu.send(precision, &dy), out),
        Matrix::rows(gpu.send(precision, &weight), into),
        Matrix::rows(result.address(), into),
    ];
    let product = Product {
        activation,
        kept: gpu.send(precision, &before),
        added: gpu.send(precision, &added),
        ..Product::new(Form::Backward, [rows, into, out], operands)
    };
    // SAFETY: all buffers have these sizes and live until the result is read.
    unsafe { product.run(&gpu.device, Lane::Main, precision) }.expect("a product");
    let name = format!("{rows} x {into} -> {out} through {activation:?}");
    gpu.compare(&name, &result.read(), &expected, tolerance(precision, 1e-5, 4e-3));
}

pub fn linear_layers(gpu: &Gpu, precision: Precision) {
    layer(gpu, precision, [1, 64, 64], Activation::None);
    layer(gpu, precision, [37, 256, 512], Activation::Relu);
    layer(gpu, precision, [512, 256, 256], Activation::Tanh);
    layer(gpu, precision, [130, 40, 72], Activation::GeluTanh);
    layer(gpu, precision, [300, 96, 384], Activation::Gelu);
    // Large tiles.
    layer(gpu, precision, [9001, 256, 768], Activation::Relu);
    layer(gpu, precision, [13_000, 512, 256], Activation::None);
}

/// q·W_k of each head, W_v·sums with shares of a bias, and their gradients of weights, against plain loops.
pub fn by_head(gpu: &Gpu, precision: Precision) {
    let (pairs, heads, width) = (77, 4, 64);
    let hidden = heads * width;
    let mut numbers = Numbers::new(5);
    let [q, weight, sums] =
        [pairs * hidden, hidden * hidden, pairs * heads * hidden].map(|n| numbers.kept(precision, n));
    let (bias, shares) = (numbers.list(hidden), numbers.list(pairs * heads));
    let dot = |n: usize, a: &dyn Fn(usize) -> f32, b: &dyn Fn(usize) -> f32| {
        (0..n).map(|i| f64::from(a(i)) * f64::from(b(i))).sum::<f64>()
    };
    let mut absorbed = vec![0.0f32; pairs * heads * hidden];
    let mut values = vec![0.0f32; pairs * hidden];
    let [mut d_weight, mut d_bias] = [hidden * hidden, hidden].map(|n| vec![0.0f32; n]);
    for head in 0..heads {
        for p in 0..pairs {
            for c in 0..hidden {
                let row = |d: usize| q[p * hidden + head * width + d];
                absorbed[(p * heads + head) * hidden + c] =
                    dot(width, &row, &|d| weight[(head * width + d) * hidden + c]) as f32;
            }
            for d in 0..width {
                let row = head * width + d;
                let sum = dot(hidden, &|c| sums[(p * heads + head) * hidden + c], &|c| weight[row * hidden + c]);
                values[p * hidden + row] = (sum + f64::from(shares[p * heads + head]) * f64::from(bias[row])) as f32;
            }
        }
        for d in 0..width {
            let row = head * width + d;
            for c in 0..hidden {
                d_weight[row * hidden + c] =
                    dot(pairs, &|p| q[p * hidden + row], &|p| sums[(p * heads + head) * hidden + c]) as f32;
            }
            d_bias[row] = dot(pairs, &|p| q[p * hidden + row], &|p| shares[p * heads + head]) as f32;
        }
    }
    let columns = |address| Matrix { address, stride: hidden, batch: width };
    let each = |address| Matrix { address, stride: heads * hidden, batch: hidden };
    let rows_of = |address| Matrix { address, stride: hidden, batch: width * hidden };
    let [on_q, on_weight, on_sums] = [&q, &weight, &sums].map(|numbers| gpu.send(precision, numbers));
    let on_shares = gpu.send_floats(&shares);
    let [on_absorbed, on_values] = [absorbed.len(), values.len()].map(|count| gpu.room(precision, count));
    let splits = 3;
    let [parts, column_sums] = [splits * hidden * hidden, splits * hidden].map(|count| gpu.floats(count));
    let operands = [columns(on_q), rows_of(on_weight), each(on_absorbed.address())];
    let first = Product { batches: heads, ..Product::new(Form::Backward, [pairs, hidden, width], operands) };
    let operands = [each(on_sums), rows_of(on_weight), columns(on_values.address())];
    let second = Product {
        batches: heads,
        bias: gpu.send_floats(&bias),
        shares: on_shares,
        ..Product::new(Form::Forward, [pairs, width, hidden], operands)
    };
    let operands = [columns(on_q), each(on_sums), rows_of(parts.address())];
    let third = Product {
        batches: heads,
        splits,
        column_sums: column_sums.address(),
        sum_factors: on_shares,
        ..Product::new(Form::Weights, [width, hidden, pairs], operands)
    };
    for product in [first, second, third] {
        // SAFETY: all buffers have these sizes and live until the results are read.
        unsafe { product.run(&gpu.device, Lane::Main, precision) }.expect("a product");
    }
    let stored = tolerance(precision, 1e-5, 4e-3);
    gpu.compare("absorbed", &on_absorbed.read(), &absorbed, stored);
    gpu.compare("values", &on_values.read(), &values, stored);
    gpu.compare("d_weight", &summed(&parts.read(), hidden * hidden), &d_weight, 1e-5);
    gpu.compare("d_bias", &summed(&column_sums.read(), hidden), &d_bias, 1e-5);
}
