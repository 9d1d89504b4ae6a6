//! Functions of vectors, each within a few units of the last place of float32. NaN stays NaN.

use super::Simd;

/// Σ coefficients[i] · x^(n-1-i), as Horner has it.
#[inline(always)]
pub fn polynomial<S: Simd, const N: usize>(s: S, x: S::F, coefficients: [f32; N]) -> S::F {
    let mut sum = s.splat(coefficients[0]);
    for coefficient in &coefficients[1..] {
        sum = s.fma(sum, x, s.splat(*coefficient));
    }
    sum
}

/// eˣ (Cephes: 2ⁿ · eʳ with |r| ≤ ½ ln 2)
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    // Constants first, so that NaN passes.
    let x = s.min(s.splat(89.0), s.max(s.splat(-104.0), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.neg_fma(n, s.splat(-2.121_944_4e-4), s.neg_fma(n, s.splat(0.693_359_4), x));
    let p = polynomial(s, r, [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5]);
    let e = s.add(s.fma(p, s.mul(r, r), r), s.splat(1.0));
    s.scale(e, n)
}

/// Hyperbolic tangent: a polynomial near 0, where 1 - 2 / (e²ˣ + 1) would lose its digits (Cephes).
#[inline(always)]
pub fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let square = s.mul(x, x);
    let p = polynomial(s, square, [-5.704_988_7e-3, 2.063_908_8e-2, -5.373_971_6e-2, 1.333_144_3e-1, -3.333_328e-1]);
    let near = s.fma(s.mul(p, square), x, x);
    let e = exp(s, s.add(x, x));
    let far = s.sub(s.splat(1.0), s.div(s.splat(2.0), s.add(e, s.splat(1.0))));
    s.select(s.less(s.abs(x), s.splat(0.625)), near, far)
}

/// Error function: an odd rational function, flat beyond ±4 (as in Eigen and XLA).
#[inline(always)]
pub fn erf<S: Simd>(s: S, x: S::F) -> S::F {
    let x = s.min(s.splat(4.0), s.max(s.splat(-4.0), x));
    let square = s.mul(x, x);
    let above = polynomial(
        s,
        square,
        [
            -2.726_142_3e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_4e-5,
            -7.349_906_3e-4,
            -2.954_6e-3,
            -1.609_603_3e-2,
        ],
    );
    let below =
        polynomial(s, square, [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_2e-3, -1.426_473_9e-2]);
    s.div(s.mul(x, above), below)
}
