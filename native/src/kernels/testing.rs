//! What tests of kernels share: numbers from nowhere in particular, and comparisons with float64.

use super::random::reference::philox4x32;

/// A reproducible source of numbers.
pub struct Numbers {
    seed: u32,
    drawn: u32,
}

impl Numbers {
    pub fn new(seed: u32) -> Self {
        Self { seed, drawn: 0 }
    }

    pub fn word(&mut self) -> u32 {
        self.drawn += 1;
        philox4x32([self.drawn, 0, 0, 0], [self.seed, 0x4e54])[0]
    }

    /// 0 to limit - 1
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
}

pub fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// Equal within `tolerance` of the largest expected value.
pub fn close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1e-30f64, |largest, x| largest.max(x.abs()));
    for (place, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(found) - expected).abs() / largest;
        assert!(off <= tolerance, "{found} is not {expected} at {place} (largest {largest})");
    }
}

pub fn same_bits(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (place, (a, b)) in a.iter().zip(b).enumerate() {
        assert!(a.to_bits() == b.to_bits(), "{a} and {b} differ at {place}");
    }
}

/// Central differences of Σ weights · f(x) by every number of x.
pub fn differences(x: &[f64], weights: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let step = 1e-5;
    let mut moved = x.to_vec();
    let mut at = |place: usize, by: f64| {
        moved[place] = x[place] + by;
        let sum: f64 = f(&moved).iter().zip(weights).map(|(y, w)| y * w).sum();
        moved[place] = x[place];
        sum
    };
    (0..x.len()).map(|place| (at(place, step) - at(place, -step)) / (2.0 * step)).collect()
}
