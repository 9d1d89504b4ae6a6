//! Time of the kernels on packed rows at the sizes of the book's model: 512 pairs of SNLI's lengths, H 256, 4 heads.
//! `cargo bench --bench packed [-- THREADS]`

use entail_native::compute::Compute;
use entail_native::kernels::attention::{AttentionShape, Projected, ProjectedGradients, attention, attention_gradient};
use entail_native::kernels::layout::Layout;
use entail_native::kernels::random::Dropout;
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

    fn list(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }
}

/// Lengths of 512 pairs as SNLI has them: 26 on average, from 8 to 93.
fn lengths(numbers: &mut Numbers) -> Vec<i32> {
    let premise = |numbers: &mut Numbers| (14.1 + 6.0 * numbers.normal()).round().clamp(3.0, 60.0);
    let hypothesis = |numbers: &mut Numbers| (8.3 + 3.2 * numbers.normal()).round().clamp(2.0, 30.0);
    (0..512).map(|_| (premise(numbers) + hypothesis(numbers) + 3.0) as i32).collect()
}

/// Median milliseconds of a call.
fn time(name: &str, mut body: impl FnMut()) {
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
}

fn bench_attention(compute: &Compute, layout: Layout, numbers: &mut Numbers) {
    let size = layout.rows() * HIDDEN;
    let [q, k, v, dy] = [(); 4].map(|()| numbers.list(size));
    let [mut context, mut dq, mut dk, mut dv] = [(); 4].map(|()| vec![0.0; size]);
    for dropout in [Some(DROPOUT), None] {
        let scale = 1.0 / ((HIDDEN / HEADS) as f32).sqrt();
        let shape = AttentionShape { layout, hidden: HIDDEN, heads: HEADS, scale, sources: None, dropout };
        let mut saved = vec![0.0; shape.saved_size()];
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
