//! Every CUDA kernel against the CPU's: `cargo test --features cuda --test cuda`. Says so and ends well where there is no
//! GPU. A program of its own, since all checks share one device.

mod attention;
mod families;
mod packed;
mod products;
mod reference;
mod step;
mod support;

use entail_native::cuda::Precision;
use entail_native::cuda::device::Device;
use support::Gpu;

/// Far more than the checks need.
const LIMIT: usize = 8 << 30;

type Check = (&'static str, fn(&Gpu, Precision));

const CHECKS: [Check; 8] = [
    ("linear layers", products::linear_layers),
    ("products by head", products::by_head),
    ("norms", families::norms),
    ("attention", attention::attention),
    ("pooled attention", attention::pooled_attention),
    ("embeddings", families::embeddings),
    ("loss", families::losses),
    ("a whole step", step::whole_step),
];

fn main() {
    let device = match Device::open(LIMIT) {
        Ok(device) => device,
        Err(error) => return println!("CUDA kernels: not checked, {error}"),
    };
    println!("{}, compute capability {}", device.name, device.capability);
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|word| name.contains(word.as_str()));
    let gpu = Gpu::new(device);
    let mut precisions = vec![Precision::Float32];
    if gpu.device.capability >= 80 {
        precisions.push(Precision::Bfloat16);
    }
    for (name, check) in CHECKS.iter().filter(|(name, _)| wanted(name)) {
        for &precision in &precisions {
            println!("{name}, {precision:?}");
            check(&gpu, precision);
            gpu.forget();
        }
    }
    if wanted("adam") {
        println!("Adam");
        families::adam(&gpu);
        gpu.forget();
    }
    if wanted("memory") {
        println!("memory");
        step::memory(&gpu);
        gpu.forget();
    }
    let (compared, failures) = gpu.results();
    println!("{compared} comparisons, {failures} wrong");
    std::process::exit(i32::from(failures > 0));
}
