//! Adam as PyTorch defines it (Kingma and Ba, 2015; ε added after the bias correction) with decoupled weight decay
//! (Loshchilov and Hutter, 2019), over all parameters of a step in one call and in place; norm and sum of gradients.

use crate::compute::Compute;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::Disjoint;
use std::ops::Range;

#[derive(Debug, Clone, Copy)]
pub struct AdamNumbers {
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
}

/// What the step is for one parameter.
#[derive(Debug, Clone, Copy)]
pub struct AdamStep {
    /// α / (1 - β₁ᵗ)
    pub size: f64,
    /// 1 / √(1 - β₂ᵗ)
    pub inverse_root: f64,
    /// 1 - lr · decay
    pub keep: f64,
}

pub enum Gradient<'a> {
    /// Like the value
    Dense(&'a [f32]),
    /// Of some rows of a table [V, W]
    Rows {
        width: usize,
        /// Ascending and distinct, below V
        ids: &'a [i32],
        /// [ids, W]
        rows: &'a [f32],
        /// [V] whether a row's moments may differ from 0. One that never had a gradient does not move, and is not even
        /// read: most of a vocabulary, most of the time.
        moving: &'a mut [bool],
    },
}

/// One parameter with its moments, all of one size.
pub struct AdamParameter<'a> {
    pub value: &'a mut [f32],
    pub first: &'a mut [f32],
    pub second: &'a mut [f32],
    pub gradient: Gradient<'a>,
    pub step: AdamStep,
}

/// Numbers that one thread updates at a time.
const CHUNK: usize = 1 << 14;
/// Moments below this are set to 0: far too small to move anything, and soon too small for the processor's fast way.
const NOTHING: f32 = 1e-37;

/// Which rows of a table [V, W] have moments other than 0.
pub fn moving_rows(first: &[f32], second: &[f32], width: usize) -> Vec<bool> {
    let still = |row: &[f32]| row.iter().all(|&x| x == 0.0);
    let rows = first.chunks_exact(width).zip(second.chunks_exact(width));
    rows.map(|(first, second)| !(still(second) && still(first))).collect()
}

/// A parameter as threads share it.
struct Shared<'a> {
    value: Disjoint<'a, f32>,
    first: Disjoint<'a, f32>,
    second: Disjoint<'a, f32>,
    size: usize,
    gradient: SharedGradient<'a>,
    step: AdamStep,
}

enum SharedGradient<'a> {
    Dense(&'a [f32]),
    Rows { width: usize, ids: &'a [i32], rows: &'a [f32], moving: &'a [bool] },
}

impl Shared<'_> {
    /// Numbers, or rows times their width, of a chunk
    fn chunk(&self) -> usize {
        match self.gradient {
            SharedGradient::Dense(_) => CHUNK,
            SharedGradient::Rows { width, .. } => width * CHUNK.div_ceil(width),
        }
    }
}

pub fn adam(compute: &Compute, numbers: &AdamNumbers, parameters: &mut [AdamParameter]) {
    let shared: Vec<Shared> = parameters.iter_mut().map(share).collect();
    // Where each parameter's chunks begin in the list of all.
    let mut begins = vec![0];
    for parameter in &shared {
        begins.push(begins[begins.len() - 1] + parameter.size.div_ceil(parameter.chunk()));
    }
    compute.threads.for_chunks(begins[shared.len()], 1, |part| {
        let which = begins.partition_point(|&begin| begin <= part.index) - 1;
        let parameter = &shared[which];
        let begin = (part.index - begins[which]) * parameter.chunk();
        let range = begin..(begin + parameter.chunk()).min(parameter.size);
        // SAFETY: chunks do not overlap.
        let [value, first, second] =
            [&parameter.value, &parameter.first, &parameter.second].map(|all| unsafe { all.part(range.clone()) });
        let update = Update { numbers, step: &parameter.step, value, first, second, range, from: &parameter.gradient };
        dispatch(compute.cpu, update);
    });
}

fn share<'a>(parameter: &'a mut AdamParameter) -> Shared<'a> {
    let size = parameter.value.len();
    assert!(parameter.first.len() == size && parameter.second.len() == size, "moments like the value");
    let gradient = match &mut parameter.gradient {
        Gradient::Dense(gradient) => {
            assert!(gradient.len() == size, "a gradient like the value");
            SharedGradient::Dense(gradient)
        }
        Gradient::Rows { width, ids, rows, moving } => {
            assert!(*width > 0 && size == moving.len() * *width && rows.len() == ids.len() * *width, "rows of a table");
            assert!(ids.windows(2).all(|two| two[0] < two[1]), "rows in order");
            for &id in *ids {
                moving[id as usize] = true;
            }
            SharedGradient::Rows { width: *width, ids, rows, moving }
        }
    };
    Shared {
        value: Disjoint::new(parameter.value),
        first: Disjoint::new(parameter.first),
        second: Disjoint::new(parameter.second),
        size,
        gradient,
        step: parameter.step,
    }
}

/// A chunk of one parameter.
struct Update<'a> {
    numbers: &'a AdamNumbers,
    step: &'a AdamStep,
    value: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    /// Of the parameter's numbers
    range: Range<usize>,
    from: &'a SharedGradient<'a>,
}

impl Kernel for Update<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let constants = Constants::new(s, self.numbers, self.step);
        match self.from {
            SharedGradient::Dense(gradient) => {
                constants.update(s, self.value, self.first, self.second, Some(&gradient[self.range]));
            }
            &SharedGradient::Rows { width, ids, rows, moving } => {
                let first_row = self.range.start / width;
                let mut slot = ids.partition_point(|&id| (id as usize) < first_row);
                let moments = self.first.chunks_exact_mut(width).zip(self.second.chunks_exact_mut(width));
                let table = self.value.chunks_exact_mut(width).zip(moments);
                for (row, (value, (first, second))) in table.enumerate() {
                    let row = first_row + row;
                    let has_one = ids.get(slot).is_some_and(|&id| id as usize == row);
                    let gradient = has_one.then(|| &rows[slot * width..][..width]);
                    slot += usize::from(has_one);
                    let stays = !moving[row] && self.step.keep == 1.0 && self.numbers.eps > 0.0;
                    if !stays {
                        constants.update(s, value, first, second, gradient);
                    }
                }
            }
        }
    }
}

struct Constants<S: Simd> {
    beta1: S::F,
    beta2: S::F,
    /// 1 - β, rounded once: the difference of two rounded numbers would be 1e-5 off.
    other1: S::F,
    other2: S::F,
    eps: S::F,
    size: S::F,
    inverse_root: S::F,
    keep: S::F,
}

impl<S: Simd> Constants<S> {
    #[inline(always)]
    fn new(s: S, numbers: &AdamNumbers, step: &AdamStep) -> Self {
        let splat = |number: f64| s.splat(number as f32);
        Self {
            beta1: splat(numbers.beta1),
            beta2: splat(numbers.beta2),
            other1: splat(1.0 - numbers.beta1),
            other2: splat(1.0 - numbers.beta2),
            eps: splat(numbers.eps),
            size: splat(step.size),
            inverse_root: splat(step.inverse_root),
            keep: splat(step.keep),
        }
    }

    /// All of one length; no gradient stands for zeros.
    #[inline(always)]
    fn update(&self, s: S, value: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: Option<&[f32]>) {
        let count = value.len();
        assert!(
            first.len() == count && second.len() == count && gradient.is_none_or(|gradient| gradient.len() == count)
        );
        let mut begin = 0;
        while begin < count {
            let end = (begin + S::LANES).min(count);
            let g = gradient.map_or(s.zero(), |gradient| s.load_some(&gradient[begin..end]));
            let place = begin..end;
            let (value, first, second) = (&mut value[place.clone()], &mut first[place.clone()], &mut second[place]);
            self.update_vector(s, value, first, second, g);
            begin = end;
        }
    }

    #[inline(always)]
    fn update_vector(&self, s: S, value: &mut [f32], first: &mut [f32], second: &mut [f32], g: S::F) {
        let m = s.fma(self.other1, g, s.mul(self.beta1, s.load_some(first)));
        let v = s.fma(s.mul(self.other2, g), g, s.mul(self.beta2, s.load_some(second)));
        let m = self.without_nothing(s, m);
        let v = self.without_nothing(s, v);
        s.store_some(first, m);
        s.store_some(second, v);
        let divisor = s.fma(s.sqrt(v), self.inverse_root, self.eps);
        let kept = s.mul(s.load_some(value), self.keep);
        s.store_some(value, s.neg_fma(self.size, s.div(m, divisor), kept));
    }

    #[inline(always)]
    fn without_nothing(&self, s: S, x: S::F) -> S::F {
        s.select(s.less(s.abs(x), s.splat(NOTHING)), s.zero(), x)
    }
}

/// √ Σ over all lists of Σ x², in float64: chunk by chunk, and the chunks' sums in order.
pub fn norm(compute: &Compute, lists: &[&[f32]]) -> f32 {
    let chunks: Vec<&[f32]> = lists.iter().flat_map(|list| list.chunks(CHUNK)).collect();
    let mut sums = compute.pool.take::<f64>(chunks.len());
    let places = Disjoint::new(&mut sums);
    compute.threads.for_chunks(chunks.len(), 1, |part| {
        // SAFETY: each chunk has its own place.
        let place = unsafe { places.part(part.index..part.index + 1) };
        place[0] = dispatch(compute.cpu, SumOfSquares(chunks[part.index]));
    });
    sums.iter().sum::<f64>().sqrt() as f32
}

struct SumOfSquares<'a>(&'a [f32]);

impl Kernel for SumOfSquares<'_> {
    type Output = f64;
    /// In plain Rust, which the compiler turns into vectors: 16 sums, the same on every instruction set.
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f64 {
        let mut sums = [0.0f64; 16];
        let chunks = self.0.chunks_exact(16);
        for (sum, &x) in sums.iter_mut().zip(chunks.remainder()) {
            *sum += f64::from(x) * f64::from(x);
        }
        for chunk in chunks {
            for (sum, &x) in sums.iter_mut().zip(chunk) {
                *sum += f64::from(x) * f64::from(x);
            }
        }
        sums.iter().sum()
    }
}

/// Σ over lists of one length, in order -> y. There is at least one.
pub fn add_all(compute: &Compute, lists: &[&[f32]], y: &mut [f32]) {
    assert!(!lists.is_empty() && lists.iter().all(|list| list.len() == y.len()), "lists of one length");
    let count = y.len();
    let out = Disjoint::new(y);
    compute.threads.for_chunks(count, CHUNK, |part| {
        // SAFETY: chunks do not overlap.
        let y = unsafe { out.part(part.range.clone()) };
        dispatch(compute.cpu, AddAll { lists, range: part.range, y });
    });
}

struct AddAll<'a> {
    lists: &'a [&'a [f32]],
    range: Range<usize>,
    y: &'a mut [f32],
}

impl Kernel for AddAll<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (vector, y) in self.y.chunks_mut(S::LANES).enumerate() {
            let begin = self.range.start + vector * S::LANES;
            let place = begin..begin + y.len();
            let mut sum = s.load_some(&self.lists[0][place.clone()]);
            for list in &self.lists[1..] {
                sum = s.add(sum, s.load_some(&list[place.clone()]));
            }
            s.store_some(y, sum);
        }
    }
}

#[cfg(test)]
mod tests;
