use super::*;

/// Applies a function of vectors to every number of a slice.
struct Each<'a, G> {
    x: &'a [f32],
    y: &'a mut [f32],
    function: G,
}

trait Function {
    fn of<S: Simd>(&self, s: S, x: S::F) -> S::F;
}

impl<G: Function> Kernel for Each<'_, G> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (x, y) in self.x.chunks(S::LANES).zip(self.y.chunks_mut(S::LANES)) {
            s.store_some(y, self.function.of(s, s.load_some(x)));
        }
    }
}

macro_rules! function {
    ($name:ident, $path:path) => {
        struct $name;
        impl Function for $name {
            #[inline(always)]
            fn of<S: Simd>(&self, s: S, x: S::F) -> S::F {
                $path(s, x)
            }
        }
    };
}
function!(Exp, math::exp);
function!(Tanh, math::tanh);
function!(Erf, math::erf);

fn apply(cpu: Cpu, function: impl Function, x: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    dispatch(cpu, Each { x, y: &mut y, function });
    y
}

/// By its series, or its continued fraction far from 0.
fn erf64(x: f64) -> f64 {
    if x.abs() > 3.0 {
        let tail = (1..=60).rev().fold(x.abs(), |below, k| x.abs() + f64::from(k) / 2.0 / below);
        return x.signum() * (1.0 - (-x * x).exp() / tail / std::f64::consts::PI.sqrt());
    }
    let mut term = x;
    let mut sum = x;
    for n in 1..100 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[test]
fn functions_agree_with_float64_on_every_instruction_set() {
    let x: Vec<f32> = (-120_000..=120_000).map(|i| i as f32 * 1e-3).collect();
    for cpu in Cpu::all() {
        for (x, y) in x.iter().zip(apply(cpu, Exp, &x)) {
            let exact = f64::from(*x).exp() as f32;
            let same = y == exact || (y - exact).abs() <= 3e-7 * exact || (y - exact).abs() < 1e-44;
            assert!(same, "{cpu:?} exp {x}: {y} {exact}");
        }
        for (x, y) in x.iter().zip(apply(cpu, Tanh, &x)) {
            let exact = f64::from(*x).tanh();
            assert!((f64::from(y) - exact).abs() <= 2.5e-7 * exact.abs(), "{cpu:?} tanh {x}: {y} {exact}");
        }
        for (x, y) in x.iter().zip(apply(cpu, Erf, &x)) {
            let exact = erf64(f64::from(*x));
            assert!((f64::from(y) - exact).abs() <= 6e-7 * exact.abs(), "{cpu:?} erf {x}: {y} {exact}");
        }
    }
}

#[test]
fn functions_keep_what_is_no_number() {
    let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 1.0];
    for cpu in Cpu::all() {
        let exp = apply(cpu, Exp, &x);
        assert!(exp[0].is_nan() && exp[1] == f32::INFINITY && exp[2] == 0.0 && exp[3] == 1.0);
        let tanh = apply(cpu, Tanh, &x);
        assert!(tanh[0].is_nan() && tanh[1] == 1.0 && tanh[2] == -1.0 && tanh[3] == 0.0);
        let erf = apply(cpu, Erf, &x);
        assert!(erf[0].is_nan() && (erf[1] - 1.0).abs() < 1e-6 && (erf[2] + 1.0).abs() < 1e-6 && erf[3] == 0.0);
    }
}

/// Everything a kernel may ask of integers and masks, lane by lane.
struct Integers<'a> {
    a: &'a [u32],
    b: &'a [u32],
}

impl Kernel for Integers<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut lanes = [0u32; 16];
        let mut expect = |value: S::U, of: &dyn Fn(usize) -> u32| {
            // SAFETY: sixteen lanes are the most there are.
            unsafe { s.store_u_at(lanes.as_mut_ptr(), value) };
            (0..S::LANES).for_each(|lane| assert_eq!(lanes[lane], of(lane)));
        };
        for begin in (0..self.a.len()).step_by(S::LANES) {
            let (x, y) = (&self.a[begin..], &self.b[begin..]);
            // SAFETY: the slices hold a multiple of sixteen numbers.
            let (a, b) = unsafe { (s.load_u_at(x.as_ptr()), s.load_u_at(y.as_ptr())) };
            let half = |wide: u64, lane: usize| if lane.is_multiple_of(2) { wide as u32 } else { (wide >> 32) as u32 };
            let product = |lane: usize| u64::from(x[lane & !1]) * u64::from(y[lane & !1]);
            expect(s.multiply_low_halves(a, b), &|lane| half(product(lane), lane));
            expect(s.swap_halves(a), &|lane| x[lane ^ 1]);
            expect(s.splat_wide(0x1_0000_0002), &|lane| [2, 1][lane % 2]);
            // Wide lanes a₀ b₀ a₂ b₂ … and a₁ b₁ a₃ b₃ …: put together, the order of `count_up_wide` becomes 0, 1, 2, …
            let (early, late) = s.interleave(a, b);
            let side = |lane: usize, odd: usize| [x, y][lane / 2 % 2][lane / 4 * 4 + 2 * odd + lane % 2];
            expect(early, &|lane| side(lane, 0));
            expect(late, &|lane| side(lane, 1));
            let (low, high) = s.interleave(s.count_up_wide(), s.splat_wide(0));
            expect(low, &|lane| if lane % 4 == 0 { lane as u32 / 4 } else { 0 });
            expect(high, &|lane| if lane % 4 == 0 { (S::LANES + lane) as u32 / 4 } else { 0 });
            expect(s.add_u(a, b), &|lane| x[lane].wrapping_add(y[lane]));
            expect(s.sub_u(a, b), &|lane| x[lane].wrapping_sub(y[lane]));
            expect(s.xor_u(a, b), &|lane| x[lane] ^ y[lane]);
            expect(s.and_u(a, b), &|lane| x[lane] & y[lane]);
            expect(s.or_u(a, b), &|lane| x[lane] | y[lane]);
            expect(s.shift_left::<5>(a), &|lane| x[lane] << 5);
            expect(s.shift_right::<7>(a), &|lane| x[lane] >> 7);
            expect(s.count_up(), &|lane| lane as u32);
            let (one, two) = (s.splat(1.0), s.splat(2.0));
            let less = s.less_u(a, b);
            let chosen = |yes: bool| if yes { 1.0f32 } else { 2.0 }.to_bits();
            expect(s.bits(s.select(less, one, two)), &|lane| chosen(x[lane] < y[lane]));
            expect(s.bits(s.select(s.not(less), one, two)), &|lane| chosen(x[lane] >= y[lane]));
            let float = s.from_bits(s.or_u(s.shift_right::<9>(a), s.splat_u(0x3f80_0000)));
            expect(s.to_int(s.mul(float, s.splat(-1000.0))), &|lane| {
                let float = f32::from_bits(x[lane] >> 9 | 0x3f80_0000);
                (float * -1000.0).round_ties_even() as i32 as u32
            });
        }
    }
}

#[test]
fn integers_agree_with_plain_rust() {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 32) as u32
    };
    let a: Vec<u32> = (0..160).map(|_| next()).collect();
    let b: Vec<u32> = (0..160).map(|_| next()).collect();
    for cpu in Cpu::all() {
        dispatch(cpu, Integers { a: &a, b: &b });
    }
}

/// Squares of numbers transposed, and masks by count and by sign.
struct Moves<'a> {
    /// [16, 20]
    x: &'a [f32],
}

impl Kernel for Moves<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let lanes = S::LANES;
        for count in 0..=lanes {
            let mut y = [f32::NAN; 16 * 18];
            // SAFETY: 16 rows of 20 hold `count` rows of LANES, and 16 of 18 as many columns.
            unsafe { s.transpose_at(self.x.as_ptr(), 20, count, y.as_mut_ptr(), 18) };
            for place in 0..y.len() {
                let (column, row) = (place / 18, place % 18);
                if column < lanes && row < lanes {
                    assert_eq!(y[place], if row < count { self.x[row * 20 + column] } else { 0.0 });
                } else {
                    assert!(y[place].is_nan(), "nothing is written beside the square");
                }
            }
            let mut chosen = [0.0; 16];
            s.store(&mut chosen, s.select(s.first(count), s.load(self.x), s.splat(7.0)));
            (0..lanes).for_each(|lane| assert_eq!(chosen[lane], if lane < count { self.x[lane] } else { 7.0 }));
        }
        let (mut signed, mut magnitude) = ([0.0; 16], [0.0; 16]);
        s.store(&mut signed, s.with_sign(s.load(&self.x[3..]), s.load(self.x)));
        s.store(&mut magnitude, s.select(s.negative(s.load(self.x)), s.splat(-1.0), s.splat(1.0)));
        for lane in 0..lanes {
            assert_eq!(signed[lane], self.x[3 + lane].copysign(self.x[lane]));
            assert_eq!(magnitude[lane], 1.0f32.copysign(self.x[lane]));
        }
    }
}

#[test]
fn squares_masks_and_signs() {
    let x: Vec<f32> = (0..320).map(|place| if place % 3 == 0 { -0.0 } else { 1.0 } - (place * 7 % 5) as f32).collect();
    for cpu in Cpu::all() {
        dispatch(cpu, Moves { x: &x });
    }
}
