//! Every CUDA kernel against the CPU's: `cargo test --features cuda --test cuda`. Says so and ends well where there is no
//! GPU. A program of its own, since all checks share one device.

mod attention;
mod cublaslt;
mod families;
mod packed;
mod products;
mod reference;
mod step;
mod support;
mod updates;

use entail_native::cuda::Precision;
use entail_native::cuda::cublaslt::{CublasLt, Float32Products};
use entail_native::cuda::device::Device;
use entail_native::cuda::step::by_library::{LibraryProducts, LibraryUse};
use support::Gpu;

/// Far more than the checks need.
const LIMIT: usize = 8 << 30;

type Check = (&'static str, fn(&Gpu, Precision));

const CHECKS: [Check; 9] = [
    ("linear layers", products::linear_layers),
    ("products by head", products::by_head),
    ("norms", families::norms),
    ("attention", attention::attention),
    ("pooled attention", attention::pooled_attention),
    ("embeddings", families::embeddings),
    ("loss", families::losses),
    ("ends of linear layers", cublaslt::ends),
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
    if wanted("updates") {
        println!("updates");
        updates::updates(&gpu);
        gpu.forget();
    }
    if wanted("cublaslt") && gpu.device.capability >= 80 {
        with_library(&gpu);
    }
    if wanted("memory") {
        println!("memory");
        step::memory(&gpu);
        gpu.forget();
    }
    if wanted("overlap") && gpu.device.capability >= 90 {
        gpu.device.set_overlap(true);
        gpu.device.set_main_first(true).expect("no work");
        for &precision in &precisions {
            println!("a whole step of kernels that overlap, {precision:?}");
            step::whole_step(&gpu, precision);
            gpu.forget();
        }
        gpu.device.set_overlap(false);
        gpu.device.set_main_first(false).expect("work that went well");
    }
    let (compared, failures) = gpu.results();
    println!("{compared} comparisons, {failures} wrong");
    std::process::exit(i32::from(failures > 0));
}

/// Products by cuBLASLt and whole steps with them, where the machine has it.
fn with_library(gpu: &Gpu) {
    for float32 in [Float32Products::Exact, Float32Products::Tf32] {
        let library = match CublasLt::open(gpu.device.clone(), &[], float32) {
            Ok(library) => library,
            Err(error) => return println!("cuBLASLt: not checked, {error}"),
        };
        cublaslt::products(gpu, &library, float32);
        if float32 == Float32Products::Exact {
            for which in [LibraryProducts::All, LibraryProducts::WeightGradients] {
                let by = LibraryUse { library: library.clone(), which };
                for precision in [Precision::Float32, Precision::Bfloat16] {
                    println!("a whole step by cuBLASLt, {which:?}, {precision:?}");
                    step::whole_step_by(gpu, precision, Some(&by));
                    gpu.forget();
                }
            }
        }
    }
}
