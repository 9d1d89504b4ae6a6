//! Pairs a second of whole training steps on the GPU: 512 pairs of SNLI's lengths a batch, dropout 0.1, Adam.
//! `cargo bench --features cuda --bench cuda_step [-- small|base] [fp32|tf32|bf16] [WAY..] [once|profile]`. A way is `own` (the
//! crate's own products), `weights` (gradients of weights by cuBLASLt) or `library` (all rows' products by it), and may go on with
//! `-twice` (attention computes its weights twice on the way back), `-overlap` (kernels come before the one before them has
//! ended) and `-first` (the side lane makes way). `once` runs a single step without a graph, for a profiler; `profile` says what
//! one step's kernels take, one after another.

use entail_native::cuda::Precision;
use entail_native::cuda::attention::AttentionGradient;
use entail_native::cuda::cublaslt::{CublasLt, Float32Products};
use entail_native::cuda::device::Device;
use entail_native::cuda::profile::Profiled;
use entail_native::cuda::step::batch::{Batch, Capacity, Packed};
use entail_native::cuda::step::by_library::{LibraryProducts, LibraryUse};
use entail_native::cuda::step::parameters::Sizes;
use entail_native::cuda::step::{StepOptions, TrainingStep};
use entail_native::error::{Error, Result};
use entail_native::kernels::activation::Activation;
use entail_native::kernels::optimizer::AdamNumbers;
use std::process::ExitCode;
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

/// What is measured.
#[derive(Clone, Copy)]
struct Measured<'a> {
    size: &'a str,
    sizes: Sizes,
    kind: &'a str,
    precision: Precision,
    way: &'a str,
}

/// Which products are the library's in a way.
fn products_of(way: &str) -> Result<Option<LibraryProducts>> {
    match way.split('-').next() {
        Some("own") => Ok(None),
        Some("weights") => Ok(Some(LibraryProducts::WeightGradients)),
        Some("library") => Ok(Some(LibraryProducts::All)),
        _ => Err(Error(format!("there is no way {way}"))),
    }
}

fn run(device: &Rc<Device>, measured: Measured, words: &[String]) -> Result<()> {
    let Measured { size, sizes, kind, precision, way } = measured;
    let has = |word: &str| way.split('-').any(|part| part == word);
    device.set_overlap(has("overlap"));
    device.set_main_first(has("first"))?;
    let name = format!("{size} {kind} {way}");
    let capacity = Capacity { rows: 14_336, pairs: PAIRS, longest: 96 };
    let options = StepOptions {
        sizes,
        capacity,
        precision,
        activation: if size == "base" { Activation::Gelu } else { Activation::Relu },
        norm_eps: 1e-5,
        dropout: 0.1,
        seed: 1,
        adam: AdamNumbers { beta1: 0.9, beta2: 0.999, eps: 1e-8 },
        attention: if has("twice") { AttentionGradient::Twice } else { AttentionGradient::Once },
        clipping: None,
        loss_scale: 1.0,
    };
    let float32 = if kind == "tf32" { Float32Products::Tf32 } else { Float32Products::Exact };
    let library = match products_of(way)? {
        Some(which) => Some(LibraryUse { library: CublasLt::open(device.clone(), &[], float32)?, which }),
        None => None,
    };
    if let Some(LibraryUse { library, .. }) = &library {
        println!("{name}: {}", library.title());
    }
    let mut step = TrainingStep::new(device.clone(), options, library)?;
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
    if words.iter().any(|word| word == "once") {
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
    let steps = if size == "base" { STEPS / 20 } else { STEPS };
    // Every batch at least once: those of another bucket record a graph of their own.
    many(&mut step, WARM_UP.min(steps).max(BATCHES as u32))?;
    step.take_metrics()?;
    let mut taken = (0..ROUNDS).map(|_| many(&mut step, steps)).collect::<Result<Vec<_>>>()?;
    taken.sort_by(f64::total_cmp);
    let [loss, right] = step.take_metrics()?;
    let pairs = f64::from(ROUNDS * steps) * PAIRS as f64;
    let median = taken[taken.len() / 2];
    println!(
        "{name} on {}: {median:.3} ms a step (best {:.3}, worst {:.3}), {:.0} pairs/s, {rows} rows, loss {:.3}, right {:.3}, {} MiB, a batch prepared in {prepared:.2} ms",
        device.name,
        taken[0],
        taken[taken.len() - 1],
        PAIRS as f64 / median * 1e3,
        loss / pairs,
        right / pairs,
        device.memory.used().0 >> 20,
    );
    // Without the host: the same graph again and again.
    let replayed = device.time(|| step.replay_only(steps))? / steps as f32;
    println!("{name}: {replayed:.3} ms a step of the graph alone");
    if words.iter().any(|word| word == "profile") {
        profile(device, &mut step, &batches[0])?;
    }
    Ok(())
}

/// What one step's kernels take, one after another.
fn profile(device: &Device, step: &mut TrainingStep, batch: &Batch) -> Result<()> {
    step.differentiate(batch, 0)?;
    let mut kernels = device.profile(|| step.differentiate(batch, 0))?;
    kernels.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
    let all: f32 = kernels.iter().map(|kernel| kernel.milliseconds).sum();
    println!("  {:.0} µs in all, Adam not included", all * 1e3);
    for Profiled { name, count, milliseconds } in kernels {
        println!("  {:8.1} µs {count:4} × {name}", milliseconds * 1e3);
    }
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = |word: &str, all: &[&str]| {
        words.iter().any(|given| given == word) || !words.iter().any(|given| all.contains(&given.as_str()))
    };
    let device = match Device::open(60 << 30) {
        Ok(device) => Rc::new(device),
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let kinds = [("bf16", Precision::Bfloat16), ("fp32", Precision::Float32), ("tf32", Precision::Float32)];
    let others = ["small", "base", "bf16", "fp32", "tf32", "once", "profile"];
    // cargo adds options of its own.
    let named = words.iter().map(String::as_str).filter(|word| !others.contains(word) && !word.starts_with('-'));
    let mut ways: Vec<&str> = named.collect();
    if ways.is_empty() {
        ways = vec!["own", "weights", "library"];
    }
    let mut code = ExitCode::SUCCESS;
    for (size, sizes) in [("small", SMALL), ("base", BASE)] {
        for (kind, precision) in kinds {
            for way in &ways {
                let wanted = asked(size, &["small", "base"]) && asked(kind, &kinds.map(|(kind, _)| kind));
                // The crate's own kernels have no TF32.
                if !wanted || kind == "tf32" && way.starts_with("own") {
                    continue;
                }
                if let Err(error) = run(&device, Measured { size, sizes, kind, precision, way }, &words) {
                    println!("{size} {kind} {way}: {error}");
                    code = ExitCode::FAILURE;
                }
            }
        }
    }
    code
}
