//! Pairs a second of whole training steps on the GPU: 512 pairs of SNLI's lengths a batch, dropout 0.1, Adam.
//! `cargo bench --features cuda --bench cuda_step [-- small|base] [fp32|bf16] [once]`; `once` runs a single step without a
//! graph, for a profiler.

use entail_native::cuda::Precision;
use entail_native::cuda::device::Device;
use entail_native::cuda::step::batch::{Batch, Capacity, Packed};
use entail_native::cuda::step::parameters::Sizes;
use entail_native::cuda::step::{StepOptions, TrainingStep};
use entail_native::error::Result;
use entail_native::kernels::activation::Activation;
use entail_native::kernels::optimizer::AdamNumbers;
use std::rc::Rc;
use std::time::Instant;

const PAIRS: usize = 512;
/// Batches that take turns, so that neither lengths nor caches stay the same.
const BATCHES: usize = 16;
const WARM_UP: u32 = 50;
const ROUNDS: u32 = 7;
const STEPS: u32 = 200;

const SMALL: Sizes =
    Sizes { layers: 2, hidden: 256, feed_forward: 512, heads: 4, vocabulary: 60_005, positions: 512, classes: 3 };
const BASE: Sizes =
    Sizes { layers: 12, hidden: 768, feed_forward: 3072, heads: 12, vocabulary: 30_522, positions: 512, classes: 3 };

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

    fn below(&mut self, limit: usize) -> usize {
        ((f64::from(self.number()) + 1.0) / 2.0 * limit as f64) as usize
    }
}

/// A batch with SNLI's lengths and with words as frequent as Zipf has them.
fn batch(numbers: &mut Numbers, sizes: &Sizes, capacity: &Capacity) -> Result<Batch> {
    let [mut ids, mut segments, mut offsets, mut labels] = [vec![], vec![], vec![0], vec![]];
    for _ in 0..PAIRS {
        let premise = (14.1 + 6.0 * numbers.normal()).round().clamp(3.0, 60.0) as i32;
        let hypothesis = (8.3 + 3.2 * numbers.normal()).round().clamp(2.0, 30.0) as i32;
        for row in 0..premise + hypothesis + 3 {
            let rank = (sizes.vocabulary as f64).powf((f64::from(numbers.number()) + 1.0) / 2.0);
            ids.push((rank as i32 - 1).clamp(0, sizes.vocabulary as i32 - 1));
            segments.push(i32::from(row > premise + 1));
        }
        offsets.push(ids.len() as i32);
        labels.push(numbers.below(sizes.classes) as i32);
    }
    let pair_indices: Vec<i32> = (0..PAIRS as i32).collect();
    let packed =
        Packed { ids: &ids, segments: &segments, offsets: &offsets, pair_indices: &pair_indices, labels: &labels };
    Batch::new(sizes, capacity, &packed)
}

fn run(name: &str, sizes: Sizes, precision: Precision, once: bool) -> Result<()> {
    let device = Rc::new(Device::open(60 << 30)?);
    let capacity = Capacity { rows: 14_336, pairs: PAIRS, longest: 96 };
    let options = StepOptions {
        sizes,
        capacity,
        precision,
        activation: if name == "base" { Activation::Gelu } else { Activation::Relu },
        norm_eps: 1e-5,
        dropout: 0.1,
        seed: 1,
        adam: AdamNumbers { beta1: 0.9, beta2: 0.999, eps: 1e-8 },
        decay: 0.0,
        loss_scale: 1.0,
    };
    let mut step = TrainingStep::new(device.clone(), options)?;
    let mut numbers = Numbers(1);
    for (name, size) in step.names() {
        let offset = if name.contains("ln.weight") { 1.0 } else { 0.0 };
        let list: Vec<f32> = (0..size).map(|_| numbers.number() * 0.06 + offset).collect();
        step.set(&name, &list)?;
    }
    let begin = Instant::now();
    let batches = (0..BATCHES).map(|_| batch(&mut numbers, &sizes, &capacity)).collect::<Result<Vec<_>>>()?;
    let prepared = begin.elapsed().as_secs_f64() * 1e3 / BATCHES as f64;
    let rows: i32 = batches.iter().map(|batch| batch.counts.rows).sum::<i32>() / BATCHES as i32;
    if once {
        return step.differentiate(&batches[0], 0);
    }
    let mut number = 0;
    let mut many = |step: &mut TrainingStep, count: u32| -> Result<f64> {
        let begin = Instant::now();
        for _ in 0..count {
            step.run(&batches[number as usize % BATCHES], number, 1e-4)?;
            number += 1;
        }
        device.finish()?;
        Ok(begin.elapsed().as_secs_f64() * 1e3 / f64::from(count))
    };
    let steps = if name == "base" { STEPS / 20 } else { STEPS };
    many(&mut step, WARM_UP.min(steps))?;
    step.take_metrics()?;
    let mut taken = (0..ROUNDS).map(|_| many(&mut step, steps)).collect::<Result<Vec<_>>>()?;
    taken.sort_by(f64::total_cmp);
    let [loss, right] = step.take_metrics()?;
    let pairs = f64::from(ROUNDS * steps) * PAIRS as f64;
    let median = taken[taken.len() / 2];
    println!(
        "{name} {precision:?} on {}: {median:.3} ms a step (best {:.3}, worst {:.3}), {:.0} pairs/s, {rows} rows, loss {:.3}, right {:.3}, {} MiB, a batch prepared in {prepared:.2} ms",
        device.name,
        taken[0],
        taken[taken.len() - 1],
        PAIRS as f64 / median * 1e3,
        loss / pairs,
        right / pairs,
        device.memory.used().1 >> 20,
    );
    // Without the host: the same graph again and again.
    let replayed = device.time(|| step.replay_only(steps))? / steps as f32;
    println!("{name} {precision:?}: {replayed:.3} ms a step of the graph alone");
    Ok(())
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = |word: &str, others: &[&str]| {
        words.iter().any(|given| given == word) || !words.iter().any(|given| others.contains(&given.as_str()))
    };
    for (name, sizes, other) in [("small", SMALL, "base"), ("base", BASE, "small")] {
        for (kind, precision, other_kind) in
            [("bf16", Precision::Bfloat16, "fp32"), ("fp32", Precision::Float32, "bf16")]
        {
            if !asked(name, &[other]) || !asked(kind, &[other_kind]) {
                continue;
            }
            if let Err(error) = run(name, sizes, precision, words.iter().any(|word| word == "once")) {
                println!("{name} {kind}: {error}");
            }
        }
    }
}
