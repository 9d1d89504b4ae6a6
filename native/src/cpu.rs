//! Which instructions the processor has, found out once. Binaries are built for the oldest processor of a platform and
//! choose at run time.

use std::sync::OnceLock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// AVX-512 F, VL, BW and DQ, with FMA
    Avx512,
    /// AVX2 and FMA
    Avx2,
    Neon,
    /// What the platform's oldest processor has
    Scalar,
}

impl InstructionSet {
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Scalar => "scalar",
        }
    }
}

/// What kernels may use. Only `Cpu::detect` and its descendants make one, so having a value with `Avx512` in it proves
/// that the processor runs AVX-512.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu {
    set: InstructionSet,
    bf16: bool,
}

impl Cpu {
    /// The widest that this processor has.
    pub fn detect() -> Self {
        static DETECTED: OnceLock<Cpu> = OnceLock::new();
        *DETECTED.get_or_init(detect)
    }

    /// This processor, and narrower instruction sets that it also runs: what tests go through.
    pub fn all() -> Vec<Self> {
        let widest = Self::detect();
        let narrower: &[InstructionSet] = match widest.set {
            InstructionSet::Avx512 => &[InstructionSet::Avx2, InstructionSet::Scalar],
            InstructionSet::Avx2 | InstructionSet::Neon => &[InstructionSet::Scalar],
            InstructionSet::Scalar => &[],
        };
        let others = narrower.iter().map(|&set| Self { set, bf16: false });
        std::iter::once(widest).chain(others).collect()
    }

    pub fn set(self) -> InstructionSet {
        self.set
    }

    /// Whether it multiplies bfloat16 pairs (AVX512-BF16).
    pub fn bf16(self) -> bool {
        self.bf16
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Cpu {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = avx2
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq");
    let set = match (avx512, avx2) {
        (true, _) => InstructionSet::Avx512,
        (_, true) => InstructionSet::Avx2,
        _ => InstructionSet::Scalar,
    };
    Cpu { set, bf16: avx512 && is_x86_feature_detected!("avx512bf16") }
}

/// Every aarch64 processor has NEON.
#[cfg(target_arch = "aarch64")]
fn detect() -> Cpu {
    Cpu { set: InstructionSet::Neon, bf16: false }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn detect() -> Cpu {
    Cpu { set: InstructionSet::Scalar, bf16: false }
}

/// Cores that compute: physical ones, as two threads of one core share its multipliers, and no more than this process
/// may use.
pub fn physical_cores() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, |count| count.get());
    num_cpus::get_physical().clamp(1, allowed)
}
