//! A whole training step against one put together from the CPU's kernels; graphs, determinism and memory.

use crate::reference::Reference;
use crate::support::{Gpu, Numbers, offsets_of, tolerance};
use entail_native::cuda::Precision;
use entail_native::cuda::memory::Buffer;
use entail_native::cuda::step::batch::{Batch, Capacity, Packed};
use entail_native::cuda::step::parameters::Sizes;
use entail_native::cuda::step::{StepOptions, TOKEN_TABLE, TrainingStep};
use entail_native::kernels::activation::Activation;
use entail_native::kernels::optimizer::AdamNumbers;
use std::collections::HashMap;

const SIZES: Sizes =
    Sizes { layers: 3, hidden: 256, feed_forward: 512, heads: 4, vocabulary: 90, positions: 64, classes: 3 };

fn options(precision: Precision, activation: Activation) -> StepOptions {
    StepOptions {
        sizes: SIZES,
        capacity: Capacity { rows: 1500, pairs: 45, longest: 64 },
        precision,
        activation,
        norm_eps: 1e-5,
        dropout: 0.1,
        seed: 5,
        adam: AdamNumbers { beta1: 0.9, beta2: 0.999, eps: 1e-8 },
        decay: 0.0,
        loss_scale: 1.0,
    }
}

/// Lists of one batch.
struct Lists {
    ids: Vec<i32>,
    segments: Vec<i32>,
    offsets: Vec<i32>,
    pair_indices: Vec<i32>,
    labels: Vec<i32>,
}

impl Lists {
    fn new(numbers: &mut Numbers, pairs: usize) -> Self {
        let lengths: Vec<usize> = (0..pairs).map(|_| 3 + numbers.below(50)).collect();
        let offsets = offsets_of(&lengths);
        let rows = offsets[pairs] as usize;
        Self {
            ids: (0..rows).map(|_| numbers.below(SIZES.vocabulary - 20) as i32).collect(),
            segments: lengths.iter().flat_map(|&n| (0..n).map(move |row| i32::from(row > n / 2))).collect(),
            offsets,
            pair_indices: (0..pairs as i32).rev().collect(),
            labels: (0..pairs).map(|_| numbers.below(3) as i32).collect(),
        }
    }

    fn packed(&self) -> Packed<'_> {
        let Self { ids, segments, offsets, pair_indices, labels } = self;
        Packed { ids, segments, offsets, pair_indices, labels }
    }
}

/// Random parameters, set on the GPU too.
fn parameters(numbers: &mut Numbers, step: &mut TrainingStep) -> HashMap<String, Vec<f32>> {
    let mut values = HashMap::new();
    for (name, size) in step.names() {
        let offset = if name.contains("ln.weight") { 1.0 } else { 0.0 };
        let scale = if name.contains("embedding") { 1.0 } else { 0.08 };
        let list: Vec<f32> = numbers.list(size).iter().map(|x| x * scale + offset).collect();
        step.set(&name, &list).expect("a parameter");
        values.insert(name, list);
    }
    values
}

pub fn whole_step(gpu: &Gpu, precision: Precision) {
    for activation in [Activation::Relu, Activation::Gelu] {
        let mut numbers = Numbers::new(3);
        let options = options(precision, activation);
        let mut step = TrainingStep::new(gpu.device.clone(), options).expect("a step");
        let values = parameters(&mut numbers, &mut step);
        let lists = Lists::new(&mut numbers, 40);
        let batch = Batch::new(&SIZES, &options.capacity, &lists.packed()).expect("a batch");
        let mut reference = Reference::new(options, 7, &values, lists.packed());
        reference.run();
        step.differentiate(&batch, 7).expect("gradients");
        let (losses, logits) = step.losses(&batch).expect("losses");
        let allowed = tolerance(precision, 1e-5, 3e-2);
        gpu.compare(&format!("{activation:?} logits"), &logits, &reference.logits, allowed);
        gpu.compare(&format!("{activation:?} losses"), &losses, &reference.losses, allowed);
        for (name, size) in step.names() {
            let expected = &reference.gradients[&name];
            let (found, expected) = if name == TOKEN_TABLE {
                (step.gradient_of_rows(&batch).expect("rows"), rows_with_a_gradient(&lists.ids, expected))
            } else {
                (step.gradient(&name).expect("a gradient"), expected.clone())
            };
            assert!(name == TOKEN_TABLE || found.len() == size);
            // Keys' biases have none but what rounding leaves.
            if name.ends_with("W_k.bias") {
                let largest = found.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                gpu.same(&format!("{activation:?} {name}: {largest:.1e}"), largest < 0.5);
                continue;
            }
            let name = format!("{activation:?} {name}");
            match precision {
                Precision::Float32 => gpu.compare(&name, &found, &expected, 2e-5),
                // Single numbers may be far off, where a rounded sum lies on the other side of a relu.
                Precision::Bfloat16 => gpu.compare_norm(&name, &found, &expected, 5e-2),
            }
        }
        replays(gpu, options, &values, &batch, &losses);
    }
}

fn rows_with_a_gradient(ids: &[i32], table: &[f32]) -> Vec<f32> {
    let mut distinct = ids.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.iter().flat_map(|&id| table[id as usize * SIZES.hidden..][..SIZES.hidden].to_vec()).collect()
}

/// A recorded graph does what its kernels did, twice to the bit, for batches of other sizes too; and it learns.
fn replays(gpu: &Gpu, options: StepOptions, values: &HashMap<String, Vec<f32>>, batch: &Batch, losses: &[f32]) {
    let mut numbers = Numbers::new(11);
    let other = Lists::new(&mut numbers, 17);
    let other = Batch::new(&SIZES, &options.capacity, &other.packed()).expect("a batch");
    let run = || {
        let mut step = TrainingStep::new(gpu.device.clone(), options).expect("a step");
        values.iter().for_each(|(name, list)| step.set(name, list).expect("a parameter"));
        step.run(batch, 7, 1e-3).expect("a step");
        let first = step.losses(batch).expect("losses").0;
        step.run(&other, 8, 1e-3).expect("a step");
        (9..40).for_each(|number| step.run(batch, number, 1e-3).expect("a step"));
        let last: f32 = step.losses(batch).expect("losses").0.iter().sum();
        let metrics = step.take_metrics().expect("metrics");
        let names = step.names();
        (first, last, metrics, names.iter().map(|(name, _)| step.value(name).expect("a value")).collect::<Vec<_>>())
    };
    let (first, last, metrics, found) = run();
    gpu.same("a graph's losses are its kernels'", first == losses);
    let (before, precision) = (losses.iter().sum::<f32>(), options.precision);
    gpu.same(&format!("{precision:?} learns: {before} to {last}, metrics {metrics:?}"), last < 0.7 * before);
    let again = run();
    gpu.same("the same bits again", again.1 == last && again.2 == metrics && again.3 == found);
}

/// A limit, its error, and that nothing is lost.
pub fn memory(gpu: &Gpu) {
    let memory = &gpu.device.memory;
    let before = memory.used().0;
    let error = Buffer::<f32>::new(memory, 3 << 30).err().map(|error| error.to_string()).unwrap_or_default();
    gpu.same(&format!("more than the limit: {error}"), error.contains("does not suffice"));
    let most = |rows| Capacity { rows, pairs: 45, longest: 64 };
    for _ in 0..3 {
        let options = StepOptions { capacity: most(1500), ..options(Precision::Float32, Activation::Relu) };
        drop(TrainingStep::new(gpu.device.clone(), options).expect("a step"));
        gpu.same(&format!("{} bytes in use after a step is dropped", memory.used().0), memory.used().0 == before);
    }
    let options = StepOptions { capacity: most(30_000_000), ..options(Precision::Float32, Activation::Relu) };
    let refused = TrainingStep::new(gpu.device.clone(), options).err().map(|error| error.to_string());
    gpu.same(&format!("a step that is too large: {refused:?}"), refused.is_some() && memory.used().0 == before);
}
