//! Activations of linear layers. Each is a function of the layer's sum; its derivative is computed from what the forward
//! pass keeps: the output (ReLU, tanh) or the sum (both forms of GELU; Hendrycks and Gimpel, 2016).

use crate::compute::Compute;
use crate::cpu::Cpu;
use crate::error::Result;
use crate::fail;
use crate::simd::{Kernel, Simd, dispatch, math};
use crate::threads::Disjoint;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    Tanh,
    /// x · Φ(x)
    Gelu,
    /// Its older form with tanh
    GeluTanh,
}

impl Activation {
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "none" => Ok(Self::None),
            "relu" => Ok(Self::Relu),
            "tanh" => Ok(Self::Tanh),
            "gelu" => Ok(Self::Gelu),
            "gelu_tanh" => Ok(Self::GeluTanh),
            other => fail!("there is no activation {other}"),
        }
    }

    /// Whether the derivative needs the sums, and not only what came of them.
    pub fn keeps_sums(self) -> bool {
        matches!(self, Self::Gelu | Self::GeluTanh)
    }
}

/// √(2 / π) and the cubic share of GELU's older form
const ROOT: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

#[inline(always)]
fn value<S: Simd>(s: S, activation: Activation, x: S::F) -> S::F {
    match activation {
        Activation::None => x,
        Activation::Relu => s.max(s.zero(), x),
        Activation::Tanh => math::tanh(s, x),
        Activation::Gelu => {
            let half = s.mul(s.splat(0.5), x);
            s.fma(half, math::erf(s, s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2))), half)
        }
        Activation::GeluTanh => {
            let half = s.mul(s.splat(0.5), x);
            s.fma(half, math::tanh(s, inner(s, x)), half)
        }
    }
}

/// √(2 / π) · (x + 0.044715 x³)
#[inline(always)]
fn inner<S: Simd>(s: S, x: S::F) -> S::F {
    let square = s.mul(x, x);
    s.mul(s.mul(s.splat(ROOT), x), s.fma(s.splat(CUBIC), square, s.splat(1.0)))
}

/// dy times the derivative, by what the forward pass kept
#[inline(always)]
fn gradient<S: Simd>(s: S, activation: Activation, dy: S::F, kept: S::F) -> S::F {
    let one = s.splat(1.0);
    match activation {
        Activation::None => dy,
        Activation::Relu => {
            // An output that is NaN passes itself on.
            let closed = s.select(s.equal(kept, kept), s.zero(), kept);
            s.select(s.less(s.zero(), kept), dy, closed)
        }
        Activation::Tanh => s.mul(dy, s.neg_fma(kept, kept, one)),
        Activation::Gelu => {
            // Φ(x) + x · φ(x)
            let half = s.splat(0.5);
            let cumulative = s.fma(half, math::erf(s, s.mul(kept, s.splat(std::f32::consts::FRAC_1_SQRT_2))), half);
            let density = math::exp(s, s.mul(s.mul(kept, kept), s.splat(-0.5)));
            s.mul(dy, s.fma(s.mul(kept, s.splat(0.398_942_3)), density, cumulative))
        }
        Activation::GeluTanh => {
            let tanh = math::tanh(s, inner(s, kept));
            let slope = s.fma(s.splat(3.0 * CUBIC * ROOT), s.mul(kept, kept), s.splat(ROOT));
            let half = s.splat(0.5);
            let rising = s.mul(s.mul(half, kept), s.mul(s.neg_fma(tanh, tanh, one), slope));
            s.mul(dy, s.add(s.fma(half, tanh, half), rising))
        }
    }
}

struct Apply<'a> {
    activation: Activation,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Apply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (x, y) in self.x.chunks(S::LANES).zip(self.y.chunks_mut(S::LANES)) {
            s.store_some(y, value(s, self.activation, s.load_some(x)));
        }
    }
}

/// In place
struct ApplyHere<'a> {
    activation: Activation,
    x: &'a mut [f32],
}

impl Kernel for ApplyHere<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for x in self.x.chunks_mut(S::LANES) {
            let y = value(s, self.activation, s.load_some(x));
            s.store_some(x, y);
        }
    }
}

struct Gradient<'a> {
    activation: Activation,
    dy: &'a [f32],
    kept: &'a [f32],
    dz: &'a mut [f32],
}

impl Kernel for Gradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let sides = self.dy.chunks(S::LANES).zip(self.kept.chunks(S::LANES));
        for ((dy, kept), dz) in sides.zip(self.dz.chunks_mut(S::LANES)) {
            s.store_some(dz, gradient(s, self.activation, s.load_some(dy), s.load_some(kept)));
        }
    }
}

/// x [n] -> y [n], on the calling thread
pub fn apply(cpu: Cpu, activation: Activation, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    dispatch(cpu, Apply { activation, x, y });
}

/// x [n] in place, on the calling thread
pub fn apply_here(cpu: Cpu, activation: Activation, x: &mut [f32]) {
    dispatch(cpu, ApplyHere { activation, x });
}

/// dy, kept [n] -> dz [n], on the calling thread
pub fn gradient_of(cpu: Cpu, activation: Activation, dy: &[f32], kept: &[f32], dz: &mut [f32]) {
    assert!(dy.len() == dz.len() && kept.len() == dz.len());
    dispatch(cpu, Gradient { activation, dy, kept, dz });
}

/// The same on all threads
pub fn gradient_on_threads(compute: &Compute, activation: Activation, dy: &[f32], kept: &[f32], dz: &mut [f32]) {
    assert!(dy.len() == dz.len() && kept.len() == dz.len());
    let out = Disjoint::new(dz);
    compute.threads.for_chunks(dy.len(), 1 << 14, |part| {
        // SAFETY: chunks do not overlap.
        let dz = unsafe { out.part(part.range.clone()) };
        gradient_of(compute.cpu, activation, &dy[part.range.clone()], &kept[part.range], dz);
    });
}

#[cfg(test)]
pub mod reference {
    use super::Activation;

    /// Error function by its series or, far from 0, its continued fraction.
    fn erf(x: f64) -> f64 {
        let root = std::f64::consts::PI.sqrt();
        if x.abs() > 2.5 {
            let tail = (1..=60).rev().fold(x.abs(), |below, k| x.abs() + f64::from(k) / 2.0 / below);
            return x.signum() * (1.0 - (-x * x).exp() / tail / root);
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..50 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / root
    }

    pub fn value(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::None => x,
            Activation::Relu => x.max(0.0),
            Activation::Tanh => x.tanh(),
            Activation::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Activation::GeluTanh => {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::close;

    const ALL: [Activation; 5] =
        [Activation::None, Activation::Relu, Activation::Tanh, Activation::Gelu, Activation::GeluTanh];

    #[test]
    fn values_and_derivatives_agree_with_float64() {
        let x: Vec<f32> = (-4000..=4000).map(|i| i as f32 / 1000.0 + 2e-4).collect();
        let dy: Vec<f32> = (0..x.len()).map(|i| (i % 13) as f32 - 6.0).collect();
        for cpu in Cpu::all() {
            for activation in ALL {
                let (mut y, mut here, mut dz) = (vec![0.0; x.len()], x.clone(), vec![0.0; x.len()]);
                apply(cpu, activation, &x, &mut y);
                apply_here(cpu, activation, &mut here);
                assert_eq!(y, here);
                let exact = |x: f64| reference::value(activation, x);
                close(&y, &x.iter().map(|&x| exact(x.into())).collect::<Vec<_>>(), 1e-6);
                gradient_of(cpu, activation, &dy, if activation.keeps_sums() { &x } else { &y }, &mut dz);
                let slope = |x: f64| (exact(x + 1e-5) - exact(x - 1e-5)) / 2e-5;
                let expected: Vec<f64> = x.iter().zip(&dy).map(|(&x, &dy)| f64::from(dy) * slope(x.into())).collect();
                close(&dz, &expected, 1e-6);
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_or_is_stopped() {
        let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        for cpu in Cpu::all() {
            for activation in ALL {
                let mut y = [0.0; 3];
                apply(cpu, activation, &x, &mut y);
                assert!(y[0].is_nan(), "{activation:?}");
                assert!(y[1] == if activation == Activation::Tanh { 1.0 } else { f32::INFINITY });
            }
        }
    }
}
