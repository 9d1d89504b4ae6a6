//! Time of the kernels on packed rows at the sizes of the book's model: 512 pairs of SNLI's lengths, H 256, 4 heads.
//! `cargo bench --bench packed [-- THREADS] [WORD OF A NAME]`

use entail_native::compute::Compute;
use entail_native::kernels::attention::{AttentionShape, Projected, ProjectedGradients, attention, attention_gradient};
use entail_native::kernels::embed::{gather_rows, sum_rows};
use entail_native::kernels::layout::Layout;
use entail_native::kernels::normalise::{NormGradients, NormInputs, NormShape, norm, norm_gradient};
use entail_native::kernels::pooled_attention::{PooledShape, pooled_attention, pooled_attention_gradient};
use entail_native::kernels::random::{Dropout, dropout_rows};
use entail_native::pool::Block;
use std::time::Instant;

const HIDDEN: usize = 256;
const HEADS: usize = 4;
const ROUNDS: usize = 40;
/// p = 0.1
const DROPOUT: Dropout = Dropout { seed: 1, step: 2, place: 3, threshold: 429_496_729, scale: 1.0 / 0.9 };

/// Some numbers between -1 and 1.
struct Numbers(u32);

impl Numbers {
    fn number(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 as f32 / 2_147_483_648.0 - 1.0
    }

    /// About normal.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.number()).sum::<f32>() / 2.0
    }

    /// In memory of the pool, whose blocks begin with a cache line.
    fn list(&mut self, compute: &Compute, count: usize) -> Block<f32> {
        let mut block = compute.pool.take(count);
        block.iter_mut().for_each(|number| *number = self.number());
        block
    }
}

/// Lengths of 512 pairs as SNLI has them: 26 on average, from 8 to 93.
fn lengths(numbers: &mut Numbers) -> Vec<i32> {
    let premise = |numbers: &mut Numbers| (14.1 + 6.0 * numbers.normal()).round().clamp(3.0, 60.0);
    let hypothesis = |numbers: &mut Numbers| (8.3 + 3.2 * numbers.normal()).round().clamp(2.0, 30.0);
    (0..512).map(|_| (premise(numbers) + hypothesis(numbers) + 3.0) as i32).collect()
}

/// Median milliseconds of a call, where the command line asks for it.
fn time(name: &str, mut body: impl FnMut()) {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word.parse::<usize>().is_err()).collect();
    let asked = |word: &String| word.starts_with('-') || name.contains(word.as_str());
    if !words.iter().all(asked) {
        return;
    }
    body();
    let mut taken: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            body();
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    taken.sort_by(f64::total_cmp);
    println!("{name:32} {:7.2} ms (best {:.2})", taken[ROUNDS / 2], taken[0]);
}

fn main() {
    let threads = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(2);
    let compute = Compute::new(threads);
    let mut numbers = Numbers(7);
    let mut offsets = vec![0];
    for length in lengths(&mut numbers) {
        offsets.push(offsets[offsets.len() - 1] + length);
    }
    let pair_indices: Vec<i32> = (0..512).collect();
    let layout = Layout::new(&offsets, &pair_indices).expect("a layout");
    let rows = layout.rows();
    println!("{}, {threads} threads, {rows} rows", compute.cpu.set().name());
    bench_attention(&compute, layout, &mut numbers);
    bench_norm(&compute, layout, &mut numbers);
    bench_pooled(&compute, layout, &mut numbers);
    bench_rows(&compute, layout, &mut numbers);
}

fn bench_attention(compute: &Compute, layout: Layout, numbers: &mut Numbers) {
    let size = layout.rows() * HIDDEN;
    let [q, k, v, dy] = [(); 4].map(|()| numbers.list(compute, size));
    let [mut context, mut dq, mut dk, mut dv] = [(); 4].map(|()| compute.pool.take_filled(size, 0.0));
    for dropout in [Some(DROPOUT), None] {
        let scale = 1.0 / ((HIDDEN / HEADS) as f32).sqrt();
        let shape = AttentionShape { layout, hidden: HIDDEN, heads: HEADS, scale, sources: None, dropout };
        let mut saved = compute.pool.take_filled(shape.saved_size(), 0.0);
        let projected = Projected { q: &q, k: &k, v: &v };
        let kind = if dropout.is_some() { "dropout" } else { "no dropout" };
        time(&format!("attention, {kind}"), || {
            attention(compute, projected, &shape, &mut context, Some(&mut saved));
        });
        time(&format!("its gradient, {kind}"), || {
            let gradients = ProjectedGradients { dq: &mut dq, dk: &mut dk, dv: &mut dv };
            attention_gradient(compute, &dy, projected, &saved, &shape, gradients);
        });
    }
}

fn bench_norm(compute: &Compute, layout: Layout, numbers: &mut Numbers) {
    let rows = layout.rows();
    let size = rows * HIDDEN;
    let [x, residual, dy] = [(); 3].map(|()| numbers.list(compute, size));
    let [gamma, beta] = [(); 2].map(|()| numbers.list(compute, HIDDEN));
    let [mut y, mut dx, mut dresidual] = [(); 3].map(|()| compute.pool.take_filled(size, 0.0));
    let [mut dgamma, mut dbeta] = [(); 2].map(|()| compute.pool.take_filled(HIDDEN, 0.0));
    let mut statistics = compute.pool.take_filled(2 * rows, 0.0);
    let inputs = NormInputs { x: &x, residual: Some(&residual), gamma: &gamma };
    for dropout in [Some(DROPOUT), None] {
        let shape = NormShape { layout, width: HIDDEN, eps: 1e-5, dropout, residual_sources: None };
        let kind = if dropout.is_some() { "dropout" } else { "no dropout" };
        time(&format!("norm, {kind}"), || norm(compute, inputs, &beta, &shape, &mut y, &mut statistics));
        time(&format!("its gradient, {kind}"), || {
            let gradients =
                NormGradients { dx: &mut dx, dresidual: Some(&mut dresidual), dgamma: &mut dgamma, dbeta: &mut dbeta };
            norm_gradient(compute, &dy, inputs, &statistics, &shape, gradients);
        });
    }
    time("dropout mask of all rows", || dropout_rows(compute, &layout, HIDDEN, &DROPOUT, &mut y));
}

fn bench_pooled(compute: &Compute, layout: Layout, numbers: &mut Numbers) {
    let (size, queries) = (layout.rows() * HIDDEN, layout.pairs() * HEADS);
    let x = numbers.list(compute, size);
    let query = numbers.list(compute, queries * HIDDEN);
    let dy = numbers.list(compute, queries * (HIDDEN + 1));
    let [mut dx, mut dquery, mut pooled] = [size, query.len(), dy.len()].map(|count| compute.pool.take(count));
    let shape = PooledShape { layout, hidden: HIDDEN, heads: HEADS, scale: 0.125, dropout: Some(DROPOUT) };
    let mut saved = compute.pool.take_filled(shape.saved_size(), 0.0);
    time("pooled attention", || pooled_attention(compute, &x, &query, &shape, &mut pooled, &mut saved));
    time("its gradient", || {
        let gradients = (&mut dx[..], &mut dquery[..]);
        pooled_attention_gradient(compute, &dy, &x, &query, &saved, &shape, gradients);
    });
}

fn bench_rows(compute: &Compute, layout: Layout, numbers: &mut Numbers) {
    let rows = layout.rows();
    let x = numbers.list(compute, rows * HIDDEN);
    let mut y = compute.pool.take_filled(rows * HIDDEN, 0.0);
    for count in [2, 93, 1750, 5600] {
        let targets: Vec<i32> = (0..rows).map(|_| ((numbers.number() + 1.0) * 0.49 * count as f32) as i32).collect();
        let sums = &mut y[..count * HIDDEN];
        time(&format!("sum of rows to {count}"), || sum_rows(compute, &x, HIDDEN, &targets, count, sums));
        time(&format!("rows gathered from {count}"), || gather_rows(compute, &x, HIDDEN, &targets, &mut y));
    }
}
