//! What all checks share: one GPU, numbers from nowhere in particular, and comparisons.

use entail_native::cuda::Precision;
use entail_native::cuda::device::Device;
use entail_native::cuda::memory::Buffer;
use entail_native::cuda::{Address, Counts};
use entail_native::kernels::random::Dropout;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

pub struct Gpu {
    pub device: Rc<Device>,
    /// What could not be dropped yet: buffers of the check that runs
    held: RefCell<Vec<Box<dyn std::any::Any>>>,
    failures: Cell<usize>,
    compared: Cell<usize>,
}

/// p = 1/4
pub const DROPOUT: Dropout = Dropout { seed: 9, step: 3, place: 1, threshold: 1 << 30, scale: 4.0 / 3.0 };

impl Gpu {
    pub fn new(device: Device) -> Self {
        Self { device: Rc::new(device), held: RefCell::default(), failures: Cell::new(0), compared: Cell::new(0) }
    }

    /// Numbers as kernels of a precision keep them.
    pub fn send(&self, precision: Precision, numbers: &[f32]) -> Address {
        match precision {
            Precision::Float32 => self.keep(Buffer::from(&self.device.memory, numbers).expect("memory")),
            Precision::Bfloat16 => {
                let rounded: Vec<u16> = numbers.iter().map(|&x| to_bf16(x)).collect();
                self.keep(Buffer::from(&self.device.memory, &rounded).expect("memory"))
            }
        }
    }

    pub fn send_floats(&self, numbers: &[f32]) -> Address {
        self.send(Precision::Float32, numbers)
    }

    pub fn send_ints(&self, numbers: &[i32]) -> Address {
        self.keep(Buffer::from(&self.device.memory, numbers).expect("memory"))
    }

    /// Of a `Counts`.
    pub fn send_counts(&self, counts: Counts) -> Address {
        self.send_ints(&[counts.step as i32, counts.rows, counts.pairs, counts.distinct])
    }

    /// A place for numbers of a precision, poisoned.
    pub fn room(&self, precision: Precision, count: usize) -> Room {
        match precision {
            Precision::Float32 => Room::Float32(Buffer::filled(&self.device.memory, count, 0xff).expect("memory")),
            Precision::Bfloat16 => Room::Bfloat16(Buffer::filled(&self.device.memory, count, 0xff).expect("memory")),
        }
    }

    pub fn floats(&self, count: usize) -> Room {
        self.room(Precision::Float32, count)
    }

    fn keep<T: entail_native::cuda::memory::Number + 'static>(&self, buffer: Buffer<T>) -> Address {
        let address = buffer.address();
        self.held.borrow_mut().push(Box::new(buffer));
        address
    }

    /// Ends a check: its buffers go back.
    pub fn forget(&self) {
        self.device.finish().expect("work that went well");
        self.held.borrow_mut().clear();
    }

    /// Says how far numbers are off, by the largest expected one.
    pub fn compare(&self, what: &str, found: &[f32], expected: &[f32], tolerance: f64) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let largest = expected.iter().fold(1e-30f64, |largest, &x| largest.max(f64::from(x).abs()));
        let off = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).abs() / largest;
        let mut worst = (0, 0.0f64);
        for (place, two) in found.iter().zip(expected).enumerate() {
            let off = off(two);
            if off > worst.1 || off.is_nan() && !worst.1.is_nan() {
                worst = (place, off);
            }
        }
        let good = worst.1 <= tolerance;
        self.compared.set(self.compared.get() + 1);
        if !good {
            self.failures.set(self.failures.get() + 1);
            let bad = found.iter().zip(expected).filter(|&two| off(two) > tolerance || off(two).is_nan()).count();
            let (place, count) = (worst.0, found.len());
            println!(
                "  WRONG {what}: {bad} of {count} numbers, most at {place}: {} for {}",
                found[place], expected[place]
            );
        } else {
            println!("  {what}: off by {:.1e} (allowed {tolerance:.0e})", worst.1);
        }
    }

    /// Says how far numbers are off as a whole: ‖found - expected‖ / ‖expected‖.
    pub fn compare_norm(&self, what: &str, found: &[f32], expected: &[f32], tolerance: f64) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
        let off = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
        let off = off / norm(&mut expected.iter().map(|&x| f64::from(x))).max(1e-30);
        self.same(&format!("{what}: off by {off:.1e} as a whole (allowed {tolerance:.0e})"), off <= tolerance);
    }

    pub fn same(&self, what: &str, good: bool) {
        self.compared.set(self.compared.get() + 1);
        if !good {
            self.failures.set(self.failures.get() + 1);
        }
        println!("  {}{what}", if good { "" } else { "WRONG " });
    }

    /// Comparisons, and how many of them failed.
    pub fn results(&self) -> (usize, usize) {
        (self.compared.get(), self.failures.get())
    }
}

/// Where a kernel writes.
pub enum Room {
    Float32(Buffer<f32>),
    Bfloat16(Buffer<u16>),
}

impl Room {
    pub fn address(&self) -> Address {
        match self {
            Room::Float32(buffer) => buffer.address(),
            Room::Bfloat16(buffer) => buffer.address(),
        }
    }

    pub fn read(&self) -> Vec<f32> {
        match self {
            Room::Float32(buffer) => buffer.read().expect("numbers"),
            Room::Bfloat16(buffer) => buffer.read().expect("numbers").into_iter().map(from_bf16).collect(),
        }
    }
}

/// Rounded to nearest even.
pub fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

pub fn from_bf16(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}

/// What numbers are after they were kept in a precision.
pub fn kept(precision: Precision, numbers: Vec<f32>) -> Vec<f32> {
    match precision {
        Precision::Float32 => numbers,
        Precision::Bfloat16 => numbers.into_iter().map(|x| from_bf16(to_bf16(x))).collect(),
    }
}

/// A reproducible source.
pub struct Numbers(u32);

impl Numbers {
    pub fn new(seed: u32) -> Self {
        Self(seed.wrapping_mul(2_654_435_761) | 1)
    }

    pub fn word(&mut self) -> u32 {
        // xorshift32
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.word() as usize % limit
    }

    /// -1 to 1
    pub fn number(&mut self) -> f32 {
        self.word() as f32 / 2_147_483_648.0 - 1.0
    }

    pub fn list(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }

    /// As a precision keeps them.
    pub fn kept(&mut self, precision: Precision, count: usize) -> Vec<f32> {
        kept(precision, self.list(count))
    }
}

pub fn offsets_of(lengths: &[usize]) -> Vec<i32> {
    let mut offsets = vec![0];
    lengths.iter().for_each(|&length| offsets.push(offsets[offsets.len() - 1] + length as i32));
    offsets
}

/// The kernels' dropout for the CPU's; `step` of a `Counts`.
pub fn on_gpu(dropout: Option<Dropout>, step: Address) -> entail_native::cuda::dropout::Dropout {
    use entail_native::cuda::dropout::Dropout as OnGpu;
    dropout.map_or(OnGpu::NONE, |dropout| {
        let Dropout { seed, place, threshold, scale, .. } = dropout;
        OnGpu { step, seed, place, threshold, scale }
    })
}

/// Parts of a gradient added up.
pub fn summed(parts: &[f32], size: usize) -> Vec<f32> {
    let mut sums = vec![0.0f32; size];
    parts.chunks(size).for_each(|part| sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part));
    sums
}

/// A tolerance for sums in float32, and one for results kept in bfloat16.
pub fn tolerance(precision: Precision, float32: f64, bfloat16: f64) -> f64 {
    if precision == Precision::Float32 { float32 } else { bfloat16 }
}
