//! Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) and dropout by place: whether a
//! value is kept depends on seed, place, step, the pair's index in the optimizer batch and the element inside the pair
//! (main/model/dropout.ts draws the same bits). No mask is stored on its own: where it is needed again, it is drawn again,
//! unless the softmax that it belongs to is kept anyway and has it in its signs (attention of short pairs, and of pooled
//! rows), which costs nothing and spares the drawing.
//!
//! Element e of pair p: key (seed, place), counter (⌊e / 4⌋, p, step, 0), word e mod 4, kept if word ≥ threshold.

use super::layout::Layout;
use super::workspace::{MOST_LANES, padded};
use crate::compute::Compute;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::Disjoint;

const ROUNDS: usize = 10;
const MULTIPLIER_0: u32 = 0xd251_1f53;
const MULTIPLIER_1: u32 = 0xcd9e_8d57;
const WEYL_0: u32 = 0x9e37_79b9;
const WEYL_1: u32 = 0xbb67_ae85;

/// One dropout of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    pub seed: u32,
    pub step: u32,
    pub place: u32,
    /// ⌊p · 2³²⌋: a word below it drops its value
    pub threshold: u32,
    /// 1 / (1 - p), rounded to f32
    pub scale: f32,
}

/// Floats that `factors` may need for `count` elements.
pub const fn factors_space(count: usize) -> usize {
    // Three before the first, to the beginning of its block; whole strides of two vectors at the end.
    padded(count + 3) + 2 * MOST_LANES
}

/// Writes what the elements `element .. element + count` of a pair are multiplied by, 0 or the scale. They begin at the
/// returned place of `out` (0 to 3), which has room for `factors_space(count)`.
#[inline(always)]
pub fn factors<S: Simd>(s: S, dropout: &Dropout, pair: u32, element: u32, count: usize, out: &mut [f32]) -> usize {
    let skip = (element & 3) as usize;
    let stride = 2 * S::LANES;
    assert!(out.len() >= (skip + count).next_multiple_of(stride), "room for whole strides");
    let stream = Stream::new(s, dropout, pair);
    let mut block = element >> 2;
    let mut at = 0;
    while at < skip + count {
        let (low, high) = stream.draw(block);
        // SAFETY: `at` is a multiple of the stride and below skip + count, so the stride fits into `out`.
        unsafe {
            s.store_at(out.as_mut_ptr().add(at), low);
            s.store_at(out.as_mut_ptr().add(at + S::LANES), high);
        }
        block = block.wrapping_add(S::LANES as u32 / 2);
        at += stride;
    }
    skip
}

/// The same for elements from 0 on, straight into a mask that has room for just `count`.
#[inline(always)]
fn mask<S: Simd>(s: S, dropout: &Dropout, pair: u32, out: &mut [f32]) {
    let whole = out.len() / (2 * S::LANES) * (2 * S::LANES);
    let (body, rest) = out.split_at_mut(whole);
    factors(s, dropout, pair, 0, whole, body);
    if !rest.is_empty() {
        let mut last = [0.0; 2 * MOST_LANES];
        factors(s, dropout, pair, whole as u32, rest.len(), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// -> y [R, W]: what each number of packed rows is multiplied by
pub fn dropout_rows(compute: &Compute, layout: &Layout, width: usize, dropout: &Dropout, y: &mut [f32]) {
    assert_eq!(y.len(), layout.rows() * width);
    let out = Disjoint::new(y);
    compute.threads.for_chunks(layout.pairs(), 1, |chunk| {
        let rows = layout.range(chunk.index);
        // SAFETY: rows of different pairs do not overlap.
        let out = unsafe { out.part(rows.start * width..rows.end * width) };
        dispatch(compute.cpu, Mask { dropout, pair: layout.pair_index(chunk.index), out });
    });
}

struct Mask<'a> {
    dropout: &'a Dropout,
    pair: u32,
    out: &'a mut [f32],
}

impl Kernel for Mask<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        mask(s, self.dropout, self.pair, self.out);
    }
}

/// The numbers of one pair, LANES / 2 blocks at a time. A block's words live in the low halves of wide lanes; the high
/// halves hold what is left of products and never count.
struct Stream<S: Simd> {
    s: S,
    keys: [(S::U, S::U); ROUNDS],
    pair: S::U,
    step: S::U,
    threshold: S::U,
    scale: S::F,
}

impl<S: Simd> Stream<S> {
    #[inline(always)]
    fn new(s: S, dropout: &Dropout, pair: u32) -> Self {
        let mut keys = [(s.splat_u(0), s.splat_u(0)); ROUNDS];
        let (mut key_0, mut key_1) = (dropout.seed, dropout.place);
        for key in &mut keys {
            *key = (s.splat_wide(key_0.into()), s.splat_wide(key_1.into()));
            key_0 = key_0.wrapping_add(WEYL_0);
            key_1 = key_1.wrapping_add(WEYL_1);
        }
        Self {
            s,
            keys,
            pair: s.splat_wide(pair.into()),
            step: s.splat_wide(dropout.step.into()),
            threshold: s.splat_u(dropout.threshold),
            scale: s.splat(dropout.scale),
        }
    }

    /// Factors of the 2 · LANES elements from 4 · `block` on.
    #[inline(always)]
    fn draw(&self, block: u32) -> (S::F, S::F) {
        let s = self.s;
        let low = s.splat_wide(0xffff_ffff);
        let (times_0, times_1) = (s.splat_wide(MULTIPLIER_0.into()), s.splat_wide(MULTIPLIER_1.into()));
        let mut c0 = s.add_u(s.count_up_wide(), s.splat_wide(block.into()));
        let mut c1 = self.pair;
        let mut c2 = self.step;
        let mut c3 = s.splat_u(0);
        let mut round = 0;
        while round < ROUNDS - 1 {
            let (product_0, product_1) = (s.multiply_low_halves(c0, times_0), s.multiply_low_halves(c2, times_1));
            c0 = s.xor_u(s.swap_halves(product_1), s.xor_u(c1, self.keys[round].0));
            c2 = s.xor_u(s.swap_halves(product_0), s.xor_u(c3, self.keys[round].1));
            (c1, c3) = (product_1, product_0);
            round += 1;
        }
        // The last round puts the words side by side: a swapped product has its high half, which the first word comes
        // from, below its low half, which is the second word.
        let (product_0, product_1) = (s.multiply_low_halves(c0, times_0), s.multiply_low_halves(c2, times_1));
        let first = s.xor_u(s.swap_halves(product_1), s.and_u(s.xor_u(c1, self.keys[round].0), low));
        let second = s.xor_u(s.swap_halves(product_0), s.and_u(s.xor_u(c3, self.keys[round].1), low));
        let (early, late) = s.interleave(first, second);
        let dropped = (s.less_u(early, self.threshold), s.less_u(late, self.threshold));
        (s.select(dropped.0, s.zero(), self.scale), s.select(dropped.1, s.zero(), self.scale))
    }
}

/// The plain form.
#[cfg(test)]
pub mod reference {
    use super::*;

    pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
        let [mut c0, mut c1, mut c2, mut c3] = counter;
        let [mut k0, mut k1] = key;
        for _ in 0..ROUNDS {
            let product_0 = u64::from(MULTIPLIER_0) * u64::from(c0);
            let product_1 = u64::from(MULTIPLIER_1) * u64::from(c2);
            c0 = (product_1 >> 32) as u32 ^ c1 ^ k0;
            c1 = product_1 as u32;
            c2 = (product_0 >> 32) as u32 ^ c3 ^ k1;
            c3 = product_0 as u32;
            k0 = k0.wrapping_add(WEYL_0);
            k1 = k1.wrapping_add(WEYL_1);
        }
        [c0, c1, c2, c3]
    }

    pub fn factor(dropout: &Dropout, pair: u32, element: u32) -> f32 {
        let words = philox4x32([element / 4, pair, dropout.step, 0], [dropout.seed, dropout.place]);
        if words[element as usize % 4] >= dropout.threshold { dropout.scale } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use serde_json::Value;

    /// test/golden/philox.json, which the TypeScript of the model is tested by too.
    fn golden() -> Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../test/golden/philox.json");
        serde_json::from_str(&std::fs::read_to_string(path).expect("golden vectors")).expect("JSON")
    }

    fn words<const N: usize>(value: &Value) -> [u32; N] {
        let list = value.as_array().expect("a list");
        std::array::from_fn(|index| list[index].as_u64().expect("a word") as u32)
    }

    struct Factors<'a>(&'a Dropout, u32, u32, usize, &'a mut [f32]);
    impl Kernel for Factors<'_> {
        type Output = usize;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> usize {
            factors(s, self.0, self.1, self.2, self.3, self.4)
        }
    }

    #[test]
    fn the_plain_form_has_the_published_words() {
        for vector in golden()["vectors"].as_array().expect("vectors") {
            let found = reference::philox4x32(words(&vector["counter"]), words(&vector["key"]));
            assert_eq!(found, words::<4>(&vector["words"]));
        }
    }

    #[test]
    fn masks_are_those_of_the_model_on_every_instruction_set() {
        let golden = golden();
        for case in golden["masks"].as_array().expect("masks") {
            let number = |name: &str| case[name].as_f64().expect("a number");
            let dropout = Dropout {
                seed: number("seed") as u32,
                step: number("step") as u32,
                place: number("place") as u32,
                threshold: (number("probability") * 4_294_967_296.0) as u32,
                scale: (1.0 / (1.0 - number("probability"))) as f32,
            };
            let keep = case["keep"].as_str().expect("text").as_bytes();
            for cpu in Cpu::all() {
                let mut out = vec![f32::NAN; keep.len()];
                let (offsets, pair_indices) = ([0, keep.len() as i32], [number("pair") as u32 as i32]);
                let layout = Layout::new(&offsets, &pair_indices).unwrap();
                dropout_rows(&Compute::on(cpu, 2), &layout, 1, &dropout, &mut out);
                for (value, keep) in out.iter().zip(keep) {
                    assert_eq!(*value, if *keep == b'1' { dropout.scale } else { 0.0 });
                }
            }
        }
    }

    #[test]
    fn any_stretch_is_a_piece_of_the_whole() {
        let dropout = Dropout { seed: 7, step: 0xffff_fffe, place: 35, threshold: 1 << 30, scale: 4.0 / 3.0 };
        for cpu in Cpu::all() {
            for (element, count) in [(0, 1), (1, 1), (3, 2), (5, 31), (62, 64), (1021, 300), (0xffff_fff0, 16)] {
                let mut out = vec![0.0; factors_space(count)];
                let at = dispatch(cpu, Factors(&dropout, 9, element, count, &mut out));
                for index in 0..count {
                    assert_eq!(out[at + index], reference::factor(&dropout, 9, element + index as u32));
                }
            }
        }
    }
}
