//! What a step does with its gradients: clipping, a rate for each parameter, decay, and going on from a checkpoint.

use crate::reference::Reference;
use crate::step::{Lists, SIZES, options, parameters};
use crate::support::{Gpu, Numbers};
use entail_native::compute::Compute;
use entail_native::cuda::Precision;
use entail_native::cuda::optimizer::{Clipping, Rate};
use entail_native::cuda::step::batch::Batch;
use entail_native::cuda::step::{StepOptions, TOKEN_TABLE, TrainingStep};
use entail_native::kernels::activation::Activation;
use entail_native::kernels::optimizer::{AdamParameter, AdamStep, Gradient, adam};
use std::collections::HashMap;

const RATE: f64 = 1e-3;
const STEP: u32 = 7;

fn clipped() -> StepOptions {
    let clipping = Some(Clipping { scale: 1.0 / 40.0, most: 0.5 });
    StepOptions { clipping, ..options(Precision::Float32, Activation::Gelu) }
}

/// Lower layers learn more slowly; weights decay, biases and norms do not.
fn rate_of(name: &str) -> Rate {
    let share = if name.contains("blks.0") || name.contains("embedding") { 0.25 } else { 1.0 };
    let decays = name.ends_with("weight") && !name.contains(".ln.");
    Rate { share, decay: if decays { 0.125 } else { 0.0 } }
}

/// One step against the CPU's Adam on the CPU's gradients.
fn one_step(gpu: &Gpu, values: &HashMap<String, Vec<f32>>, lists: &Lists, batch: &Batch) {
    let options = clipped();
    let mut step = TrainingStep::new(gpu.device.clone(), options, None).expect("a step");
    values.iter().for_each(|(name, list)| step.set(name, list).expect("a parameter"));
    step.set_rates(rate_of).expect("rates");
    step.run(batch, STEP, RATE).expect("a step");
    let mut reference = Reference::new(options, STEP, values, lists.packed());
    reference.run();
    // Keys' biases have no gradient but what rounding leaves.
    let keys = |name: &str| name.ends_with("W_k.bias");
    let all = reference.gradients.iter().filter(|(name, _)| !keys(name)).flat_map(|(_, list)| list);
    let norm = all.map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt() / 40.0;
    gpu.compare("norm", &step.gradient_norms(5).expect("norms"), &[norm as f32], 1e-5);
    let factor = (0.5 / (norm + 1e-6)).min(1.0) as f32;
    gpu.same(&format!("the norm {norm} is clipped"), factor < 0.9);
    let (done, compute) = (f64::from(STEP) + 1.0, Compute::new(1));
    for (name, value) in values.iter().filter(|(name, _)| !keys(name)) {
        let (rate, mut expected) = (rate_of(name), value.clone());
        let (mut first, mut second) = (vec![0.0; value.len()], vec![0.0; value.len()]);
        let gradient: Vec<f32> = reference.gradients[name].iter().map(|x| x * factor).collect();
        let of = AdamStep {
            size: RATE * f64::from(rate.share) / (1.0 - 0.9f64.powf(done)),
            inverse_root: 1.0 / (1.0 - 0.999f64.powf(done)).sqrt(),
            keep: 1.0 - RATE * f64::from(rate.share) * f64::from(rate.decay),
        };
        let parameter = AdamParameter {
            value: &mut expected,
            first: &mut first,
            second: &mut second,
            gradient: Gradient::Dense(&gradient),
            step: of,
        };
        adam(&compute, &options.adam, &mut [parameter]);
        let found = step.saved(name).expect("a parameter");
        let moved = |list: &[f32]| list.iter().zip(value).map(|(new, old)| new - old).collect::<Vec<_>>();
        gpu.compare(&format!("{name} first moment"), &found.first, &first, 2e-5);
        gpu.compare(&format!("{name} second moment"), &found.second, &second, 4e-5);
        // A gradient near 0 moves as far as any other, either way.
        gpu.compare_norm(&format!("{name} update"), &moved(&found.value), &moved(&expected), 2e-2);
    }
}

/// A run that is saved and restored goes on to the bit, as if it had never ended.
fn restored(gpu: &Gpu, values: &HashMap<String, Vec<f32>>, batches: [&Batch; 2]) {
    let new = || {
        let mut step = TrainingStep::new(gpu.device.clone(), clipped(), None).expect("a step");
        step.set_rates(rate_of).expect("rates");
        step
    };
    let run = |step: &mut TrainingStep, numbers: std::ops::Range<u32>| {
        for number in numbers {
            step.run(batches[number as usize % 2], number, RATE).expect("a step");
        }
    };
    let mut whole = new();
    values.iter().for_each(|(name, list)| whole.set(name, list).expect("a parameter"));
    run(&mut whole, 0..3);
    let names: Vec<String> = whole.names().into_iter().map(|(name, _)| name).collect();
    let saved: Vec<_> = names.iter().map(|name| whole.saved(name).expect("a parameter")).collect();
    run(&mut whole, 3..7);
    let mut other = new();
    names.iter().zip(&saved).for_each(|(name, saved)| other.restore(name, saved).expect("a parameter"));
    run(&mut other, 3..7);
    let same = names.iter().all(|name| whole.saved(name).expect("one") == other.saved(name).expect("one"));
    gpu.same("a restored run goes on to the bit", same);
    gpu.same("with the same norms", whole.gradient_norms(4).expect("norms") == other.gradient_norms(4).expect("norms"));
    let wrong = other.set(TOKEN_TABLE, &[1.0]).is_err() && other.set("nothing", &[]).is_err();
    gpu.same("what does not fit is refused", wrong);
    let uneven = other.set_rates(|name| Rate { share: if name.contains("W_q") { 1.0 } else { 0.5 }, decay: 0.0 });
    gpu.same(&format!("{:?}", uneven.as_ref().err()), uneven.is_err());
}

/// Gathering the gradient within Adam's pass changes nothing, nor does a norm that is only measured.
fn in_one_pass(gpu: &Gpu, values: &HashMap<String, Vec<f32>>, batch: &Batch) {
    let run = |clipping| {
        let options = StepOptions { clipping, ..clipped() };
        let mut step = TrainingStep::new(gpu.device.clone(), options, None).expect("a step");
        values.iter().for_each(|(name, list)| step.set(name, list).expect("a parameter"));
        (0..2).for_each(|number| step.run(batch, number, RATE).expect("a step"));
        let names = step.names();
        let saved: Vec<_> = names.iter().map(|(name, _)| step.saved(name).expect("a parameter")).collect();
        (saved, step.gradient("output.weight").expect("a gradient"))
    };
    gpu.same("the same bits in one pass", run(None) == run(Some(Clipping { scale: 1.0, most: 0.0 })));
}

pub fn updates(gpu: &Gpu) {
    let mut numbers = Numbers::new(31);
    let options = clipped();
    let mut step = TrainingStep::new(gpu.device.clone(), options, None).expect("a step");
    let values = parameters(&mut numbers, &mut step);
    let [lists, others] = [40, 17].map(|pairs| Lists::new(&mut numbers, pairs));
    let [batch, other] =
        [&lists, &others].map(|lists| Batch::new(&SIZES, &options.capacity, &lists.packed()).expect("a batch"));
    one_step(gpu, &values, &lists, &batch);
    in_one_pass(gpu, &values, &batch);
    restored(gpu, &values, [&batch, &other]);
}
