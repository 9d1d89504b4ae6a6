//! Speed of products at the sizes of the book's model, forward and for both gradients, in GFLOP/s a thread.
//! `cargo bench --bench products [-- THREADS] [-- ROWS]`

use entail_native::compute::Compute;
use entail_native::kernels::activation::Activation;
use entail_native::kernels::linear::{
    LinearShape, linear, pack_backward, pack_forward, projections_dx, weight_gradient,
};
use entail_native::kernels::matmul::Precision;
use std::time::Instant;

const ROUNDS: usize = 30;
const WEIGHTS: [(usize, usize); 8] =
    [(64, 64), (128, 128), (256, 256), (256, 512), (512, 256), (384, 1536), (768, 768), (768, 3072)];

fn list(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// Median and best of some rounds, in GFLOP/s.
fn speed(flops: f64, mut body: impl FnMut()) -> String {
    body();
    let mut taken: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            body();
            begin.elapsed().as_secs_f64()
        })
        .collect();
    taken.sort_by(f64::total_cmp);
    format!("{:6.1} (best {:6.1})", flops / taken[ROUNDS / 2] / 1e9, flops / taken[0] / 1e9)
}

fn main() {
    let mut words = std::env::args().filter_map(|word| word.parse().ok());
    let threads = words.next().unwrap_or(2);
    let rows = words.next().unwrap_or(13_000);
    let compute = Compute::new(threads);
    println!("{rows} rows, {threads} threads, {:?}: GFLOP/s a thread", compute.cpu);
    for precision in [Precision::Float32, Precision::Bfloat16] {
        if precision == Precision::Bfloat16 && !compute.cpu.bf16() {
            continue;
        }
        for (into, out) in WEIGHTS {
            let shape = LinearShape { rows, into, out, activation: Activation::Relu, precision };
            let (x, dy, weight, bias) = (list(rows * into), list(rows * out), list(into * out), list(out));
            let (mut y, mut dx) = (list(rows * out), list(rows * into));
            let (mut d_weight, mut d_bias) = (list(into * out), list(out));
            let (forward, backward) =
                (pack_forward(&compute, &shape, &weight), pack_backward(&compute, &shape, &weight));
            let flops = 2.0 * (rows * into * out) as f64 / threads as f64;
            let forward = speed(flops, || linear(&compute, &shape, &x, &forward, &bias, &mut y, &mut []));
            let to_x = speed(flops, || projections_dx(&compute, &shape, &[(&dy, &backward)], &mut dx));
            let to_weight = speed(flops, || weight_gradient(&compute, &shape, &dy, &x, &mut d_weight, &mut d_bias));
            println!("{precision:?} {into:4} -> {out:4}: forward {forward}  dx {to_x}  dWeight {to_weight}");
        }
    }
}
