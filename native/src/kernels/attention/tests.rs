use super::*;
use crate::cpu::Cpu;
use crate::kernels::random::reference::factor;
use crate::kernels::testing::{Numbers, close, differences, same_bits, wide};

/// A batch and what it is given.
struct Case {
    offsets: Vec<i32>,
    pair_indices: Vec<i32>,
    hidden: usize,
    heads: usize,
    sources: Option<Vec<i32>>,
    dropout: Option<Dropout>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    dy: Vec<f32>,
}

const DROPOUT: Dropout = Dropout { seed: 5, step: 17, place: 3, threshold: 1 << 30, scale: 4.0 / 3.0 };

impl Case {
    fn new(numbers: &mut Numbers, lengths: &[usize], heads: usize, width: usize, dropout: Option<Dropout>) -> Self {
        let hidden = heads * width;
        let mut offsets = vec![0];
        lengths.iter().for_each(|&length| offsets.push(offsets[offsets.len() - 1] + length as i32));
        let size = offsets[lengths.len()] as usize * hidden;
        Self {
            pair_indices: (0..lengths.len()).map(|_| numbers.below(1000) as i32).collect(),
            offsets,
            hidden,
            heads,
            sources: None,
            dropout,
            q: numbers.list(size),
            k: numbers.list(size),
            v: numbers.list(size),
            dy: numbers.list(size),
        }
    }

    fn shape(&self) -> AttentionShape<'_> {
        AttentionShape {
            layout: Layout::new(&self.offsets, &self.pair_indices).unwrap(),
            hidden: self.hidden,
            heads: self.heads,
            scale: 1.0 / (self.width() as f32).sqrt(),
            sources: self.sources.as_deref(),
            dropout: self.dropout,
        }
    }

    fn width(&self) -> usize {
        self.hidden / self.heads
    }

    fn forward(&self, compute: &Compute) -> (Vec<f32>, Vec<f32>) {
        let shape = self.shape();
        let mut context = vec![f32::NAN; self.dy.len()];
        let mut saved = vec![f32::NAN; shape.saved_size()];
        let projected = Projected { q: &self.q, k: &self.k, v: &self.v };
        attention(compute, projected, &shape, &mut context, Some(&mut saved));
        (context, saved)
    }

    /// -> context, dq, dk, dv
    fn run(&self, compute: &Compute) -> [Vec<f32>; 4] {
        let (context, saved) = self.forward(compute);
        let [mut dq, mut dk, mut dv] = [(); 3].map(|()| vec![f32::NAN; self.dy.len()]);
        let gradients = ProjectedGradients { dq: &mut dq, dk: &mut dk, dv: &mut dv };
        let projected = Projected { q: &self.q, k: &self.k, v: &self.v };
        attention_gradient(compute, &self.dy, projected, &saved, &self.shape(), gradients);
        [context, dq, dk, dv]
    }

    /// Numbers of q, k and v by row of the batch, one after another, in float64.
    fn inputs(&self) -> Vec<f64> {
        let of = |x: &[f32]| match &self.sources {
            Some(sources) => {
                let row = |&row: &i32| wide(&x[row as usize * self.hidden..][..self.hidden]);
                sources.iter().flat_map(row).collect()
            }
            None => wide(x),
        };
        [of(&self.q), of(&self.k), of(&self.v)].concat()
    }

    /// The weights of a pair and head before dropout [T, T], and its dropout factors.
    fn weights(&self, inputs: &[f64], pair: usize, head: usize) -> (Vec<f64>, Vec<f64>) {
        let shape = self.shape();
        let rows = shape.layout.range(pair);
        let length = rows.len();
        let size = inputs.len() / 3;
        let at = |row: usize, d: usize| (rows.start + row) * self.hidden + head * self.width() + d;
        let mut weights = vec![0.0; length * length];
        let mut factors = vec![1.0; length * length];
        for query in 0..length {
            let row = &mut weights[query * length..][..length];
            for key in 0..length {
                let products = (0..self.width()).map(|d| inputs[at(query, d)] * inputs[size + at(key, d)]);
                row[key] = (products.sum::<f64>() * f64::from(shape.scale)).exp();
                if let Some(dropout) = &self.dropout {
                    let element = ((head * length + query) * length + key) as u32;
                    let kept = factor(dropout, shape.layout.pair_index(pair), element);
                    factors[query * length + key] = f64::from(kept);
                }
            }
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|weight| *weight /= sum);
        }
        (weights, factors)
    }

    fn reference(&self, inputs: &[f64]) -> Vec<f64> {
        let size = inputs.len() / 3;
        let mut context = vec![0.0; size];
        for pair in 0..self.pair_indices.len() {
            let rows = self.shape().layout.range(pair);
            let length = rows.len();
            for head in 0..self.heads {
                let (weights, factors) = self.weights(inputs, pair, head);
                for query in 0..length {
                    for d in 0..self.width() {
                        let at = |row: usize| (rows.start + row) * self.hidden + head * self.width() + d;
                        let place = |key: usize| query * length + key;
                        let terms = (0..length)
                            .map(|key| weights[place(key)] * factors[place(key)] * inputs[2 * size + at(key)]);
                        context[at(query)] = terms.sum();
                    }
                }
            }
        }
        context
    }

    /// dq, dk, dv one after another.
    fn reference_gradient(&self) -> Vec<f64> {
        let inputs = self.inputs();
        let size = inputs.len() / 3;
        let scale = f64::from(self.shape().scale);
        let dy = wide(&self.dy);
        let mut gradient = vec![0.0; 3 * size];
        for pair in 0..self.pair_indices.len() {
            let rows = self.shape().layout.range(pair);
            let length = rows.len();
            for head in 0..self.heads {
                let (weights, factors) = self.weights(&inputs, pair, head);
                let at = |row: usize, d: usize| (rows.start + row) * self.hidden + head * self.width() + d;
                for query in 0..length {
                    let slope = |key: usize| {
                        let terms = (0..self.width()).map(|d| dy[at(query, d)] * inputs[2 * size + at(key, d)]);
                        factors[query * length + key] * terms.sum::<f64>()
                    };
                    let slopes: Vec<f64> = (0..length).map(slope).collect();
                    let of_row = &weights[query * length..][..length];
                    let mean: f64 = slopes.iter().zip(of_row).map(|(s, w)| s * w).sum();
                    for key in 0..length {
                        let of_score = of_row[key] * (slopes[key] - mean) * scale;
                        let kept = of_row[key] * factors[query * length + key];
                        for d in 0..self.width() {
                            gradient[at(query, d)] += of_score * inputs[size + at(key, d)];
                            gradient[size + at(key, d)] += of_score * inputs[at(query, d)];
                            gradient[2 * size + at(key, d)] += kept * dy[at(query, d)];
                        }
                    }
                }
            }
        }
        gradient
    }

    fn check(&self) {
        let expected = self.reference(&self.inputs());
        let gradient = self.reference_gradient();
        let size = expected.len();
        for cpu in Cpu::all() {
            let [context, dq, dk, dv] = self.run(&Compute::on(cpu, 1));
            close(&context, &expected, 1e-5);
            for (found, part) in [dq, dk, dv].iter().zip(gradient.chunks(size.max(1))) {
                close(found, part, 2e-5);
            }
        }
    }
}

#[test]
fn the_reference_is_its_own_derivative() {
    let mut numbers = Numbers::new(2);
    for dropout in [None, Some(DROPOUT)] {
        let case = Case::new(&mut numbers, &[3, 1, 5], 2, 3, dropout);
        let by_differences = differences(&case.inputs(), &wide(&case.dy), |inputs| case.reference(inputs));
        for (found, expected) in case.reference_gradient().iter().zip(by_differences) {
            assert!((found - expected).abs() < 1e-7, "{found} is not {expected}");
        }
    }
}

#[test]
fn random_shapes_with_and_without_dropout() {
    let mut numbers = Numbers::new(3);
    for round in 0..40 {
        let lengths: Vec<usize> = (0..numbers.below(4)).map(|_| numbers.below(70)).collect();
        let (heads, width) = (1 + numbers.below(3), 1 + numbers.below(80));
        Case::new(&mut numbers, &lengths, heads, width, [None, Some(DROPOUT)][round % 2]).check();
    }
}

#[test]
fn lengths_at_the_borders_of_what_is_kept_and_worked_on_at_a_time() {
    let mut numbers = Numbers::new(4);
    for lengths in [&[1][..], &[16, 17], &[64], &[65], &[256], &[257], &[512, 1]] {
        Case::new(&mut numbers, lengths, 1, 16, Some(DROPOUT)).check();
    }
    Case::new(&mut numbers, &[512], 2, 8, None).check();
}

#[test]
fn what_is_kept_of_long_pairs_grows_with_the_length_and_no_faster() {
    let mut numbers = Numbers::new(10);
    for (length, dropout) in [(16, None), (256, None), (257, Some(DROPOUT)), (512, Some(DROPOUT))] {
        let case = Case::new(&mut numbers, &[length], 3, 4, dropout);
        assert_eq!(case.shape().saved_size(), 3 * padded(2 * length), "largest score and 1 / Σ of each row and head");
    }
}

#[test]
fn heads_of_pairs_without_rows_cost_nothing() {
    let layout = Layout::new(&[0; 41], &[0; 40]).unwrap();
    let many = 1 << 40;
    let shape = AttentionShape { layout, hidden: many, heads: many, scale: 1.0, sources: None, dropout: Some(DROPOUT) };
    let projected = Projected { q: &[], k: &[], v: &[] };
    attention(&Compute::new(1), projected, &shape, &mut [], None);
}

#[test]
fn no_pairs_and_pairs_without_rows() {
    let mut numbers = Numbers::new(5);
    Case::new(&mut numbers, &[], 2, 4, Some(DROPOUT)).check();
    Case::new(&mut numbers, &[0, 2, 0], 2, 4, Some(DROPOUT)).check();
}

#[test]
fn rows_that_repeat_by_index() {
    let mut numbers = Numbers::new(6);
    for length in [9, 300] {
        let mut case = Case::new(&mut numbers, &[length, 4], 2, 12, Some(DROPOUT));
        let rows = length + 4;
        case.sources = Some((0..rows).map(|_| numbers.below(7) as i32).collect());
        for x in [&mut case.q, &mut case.k, &mut case.v] {
            x.truncate(7 * 24);
        }
        case.check();
    }
}

#[test]
fn threads_change_no_bit() {
    let mut numbers = Numbers::new(7);
    let lengths: Vec<usize> = (0..50).map(|_| 1 + numbers.below(60)).collect();
    for lengths in [&lengths[..], &[300, 20, 70]] {
        let case = Case::new(&mut numbers, lengths, 4, 32, Some(DROPOUT));
        let one = case.run(&Compute::new(1));
        for threads in [2, 3] {
            for (a, b) in one.iter().zip(case.run(&Compute::new(threads))) {
                same_bits(a, &b);
            }
        }
    }
}

#[test]
fn what_is_no_number_stays_in_its_pair_and_is_seen_there() {
    let mut numbers = Numbers::new(8);
    for bad in [f32::NAN, f32::INFINITY] {
        for length in [5, 260] {
            let mut case = Case::new(&mut numbers, &[length, 6], 1, 8, Some(DROPOUT));
            case.q[0] = bad;
            let [context, dq, dk, dv] = case.run(&Compute::new(1));
            assert!(context[..8].iter().all(|x| x.is_nan()) && context[8..].iter().all(|x| x.is_finite()));
            assert!(dq[0].is_nan() && dk[0].is_nan() && dv[0].is_nan());
            for gradient in [dq, dk, dv] {
                assert!(gradient[length * 8..].iter().all(|x| x.is_finite()));
            }
        }
    }
}

#[test]
fn the_first_step_leaves_all_memory_in_the_pool() {
    let mut numbers = Numbers::new(9);
    let case = Case::new(&mut numbers, &[30, 12, 45], 2, 32, Some(DROPOUT));
    let compute = Compute::new(2);
    case.run(&compute);
    let before = compute.pool.counts();
    case.run(&compute);
    assert_eq!(compute.pool.counts(), before);
    assert_eq!(before.used_bytes, 0);
}
