use super::*;
use crate::cpu::Cpu;
use crate::kernels::random::reference::factor;
use crate::kernels::testing::{Numbers, close, differences, same_bits, wide};

struct Case {
    offsets: Vec<i32>,
    pair_indices: Vec<i32>,
    hidden: usize,
    heads: usize,
    dropout: Option<Dropout>,
    x: Vec<f32>,
    query: Vec<f32>,
    dy: Vec<f32>,
}

const DROPOUT: Dropout = Dropout { seed: 4, step: 8, place: 6, threshold: 1 << 30, scale: 4.0 / 3.0 };

impl Case {
    fn new(numbers: &mut Numbers, lengths: &[usize], heads: usize, hidden: usize, dropout: Option<Dropout>) -> Self {
        let mut offsets = vec![0];
        lengths.iter().for_each(|&length| offsets.push(offsets[offsets.len() - 1] + length as i32));
        let (pairs, rows) = (lengths.len(), offsets[lengths.len()] as usize);
        Self {
            pair_indices: (0..pairs).map(|_| numbers.below(1000) as i32).collect(),
            offsets,
            hidden,
            heads,
            dropout,
            x: numbers.list(rows * hidden),
            query: numbers.list(pairs * heads * hidden),
            dy: numbers.list(pairs * heads * (hidden + 1)),
        }
    }

    fn shape(&self) -> PooledShape<'_> {
        PooledShape {
            layout: Layout::new(&self.offsets, &self.pair_indices).unwrap(),
            hidden: self.hidden,
            heads: self.heads,
            scale: 0.3,
            dropout: self.dropout,
        }
    }

    /// -> pooled, dx, dquery
    fn run(&self, compute: &Compute) -> [Vec<f32>; 3] {
        let shape = self.shape();
        let mut pooled = vec![f32::NAN; self.dy.len()];
        let mut saved = vec![f32::NAN; shape.saved_size()];
        pooled_attention(compute, &self.x, &self.query, &shape, &mut pooled, &mut saved);
        let (mut dx, mut dquery) = (vec![f32::NAN; self.x.len()], vec![f32::NAN; self.query.len()]);
        let gradients = (&mut dx[..], &mut dquery[..]);
        pooled_attention_gradient(compute, &self.dy, &self.x, &self.query, &saved, &shape, gradients);
        [pooled, dx, dquery]
    }

    /// x, then queries
    fn inputs(&self) -> Vec<f64> {
        [wide(&self.x), wide(&self.query)].concat()
    }

    /// Softmax of a pair and head, and its dropout factors.
    fn weights(&self, inputs: &[f64], pair: usize, head: usize) -> (Vec<f64>, Vec<f64>) {
        let (x, query) = inputs.split_at(self.x.len());
        let rows = self.shape().layout.range(pair);
        let query = &query[(pair * self.heads + head) * self.hidden..][..self.hidden];
        let score = |row: usize| {
            let x = &x[row * self.hidden..][..self.hidden];
            (f64::from(self.shape().scale) * query.iter().zip(x).map(|(a, b)| a * b).sum::<f64>()).exp()
        };
        let length = rows.len();
        let grown: Vec<f64> = rows.map(score).collect();
        let sum: f64 = grown.iter().sum();
        let drawn = |key: usize| {
            let element = (head * length * length + key) as u32;
            self.dropout.as_ref().map_or(1.0, |d| f64::from(factor(d, self.pair_indices[pair] as u32, element)))
        };
        (grown.iter().map(|e| e / sum).collect(), (0..length).map(drawn).collect())
    }

    fn reference(&self, inputs: &[f64]) -> Vec<f64> {
        let mut pooled = vec![];
        for pair in 0..self.pair_indices.len() {
            for head in 0..self.heads {
                let (weights, factors) = self.weights(inputs, pair, head);
                let kept: Vec<f64> = weights.iter().zip(&factors).map(|(w, f)| w * f).collect();
                let begin = self.shape().layout.range(pair).start;
                let of_column = |column: usize| {
                    kept.iter().enumerate().map(|(t, w)| w * inputs[(begin + t) * self.hidden + column]).sum::<f64>()
                };
                pooled.extend((0..self.hidden).map(of_column));
                pooled.push(kept.iter().sum());
            }
        }
        pooled
    }

    /// Like `inputs`.
    fn reference_gradient(&self) -> Vec<f64> {
        let inputs = self.inputs();
        let mut gradient = vec![0.0; inputs.len()];
        let (hidden, dy) = (self.hidden, wide(&self.dy));
        for pair in 0..self.pair_indices.len() {
            let rows = self.shape().layout.range(pair);
            for head in 0..self.heads {
                let (weights, factors) = self.weights(&inputs, pair, head);
                let dy = &dy[(pair * self.heads + head) * (hidden + 1)..][..hidden + 1];
                let query = self.x.len() + (pair * self.heads + head) * hidden;
                let slope = |t: usize| {
                    let x = &inputs[(rows.start + t) * hidden..][..hidden];
                    factors[t] * (dy.iter().zip(x).map(|(a, b)| a * b).sum::<f64>() + dy[hidden])
                };
                let slopes: Vec<f64> = (0..rows.len()).map(slope).collect();
                let mean: f64 = slopes.iter().zip(&weights).map(|(s, w)| s * w).sum();
                for t in 0..rows.len() {
                    let of_score = weights[t] * (slopes[t] - mean) * f64::from(self.shape().scale);
                    for column in 0..hidden {
                        let at = (rows.start + t) * hidden + column;
                        gradient[at] += weights[t] * factors[t] * dy[column] + of_score * inputs[query + column];
                        gradient[query + column] += of_score * inputs[at];
                    }
                }
            }
        }
        gradient
    }

    fn check(&self) {
        let expected = self.reference(&self.inputs());
        let gradient = self.reference_gradient();
        let (of_x, of_query) = gradient.split_at(self.x.len());
        for cpu in Cpu::all() {
            let [pooled, dx, dquery] = self.run(&Compute::on(cpu, 1));
            close(&pooled, &expected, 1e-5);
            close(&dx, of_x, 2e-5);
            close(&dquery, of_query, 2e-5);
        }
    }
}

#[test]
fn the_reference_is_its_own_derivative() {
    let mut numbers = Numbers::new(1);
    for dropout in [None, Some(DROPOUT)] {
        let case = Case::new(&mut numbers, &[3, 1, 4], 2, 5, dropout);
        let by_differences = differences(&case.inputs(), &wide(&case.dy), |inputs| case.reference(inputs));
        for (found, expected) in case.reference_gradient().iter().zip(by_differences) {
            assert!((found - expected).abs() < 1e-7, "{found} is not {expected}");
        }
    }
}

#[test]
fn random_shapes_with_and_without_dropout() {
    let mut numbers = Numbers::new(2);
    for round in 0..40 {
        let lengths: Vec<usize> = (0..numbers.below(4)).map(|_| numbers.below(60)).collect();
        let (heads, hidden) = (1 + numbers.below(6), 1 + numbers.below(100));
        Case::new(&mut numbers, &lengths, heads, hidden, [None, Some(DROPOUT)][round % 2]).check();
    }
    Case::new(&mut numbers, &[1, 512, 16], 4, 64, Some(DROPOUT)).check();
}

#[test]
fn threads_change_no_bit() {
    let mut numbers = Numbers::new(3);
    let lengths: Vec<usize> = (0..40).map(|_| 1 + numbers.below(60)).collect();
    let case = Case::new(&mut numbers, &lengths, 4, 64, Some(DROPOUT));
    let one = case.run(&Compute::new(1));
    for threads in [2, 3] {
        for (a, b) in one.iter().zip(case.run(&Compute::new(threads))) {
            same_bits(a, &b);
        }
    }
}

#[test]
fn what_is_no_number_stays_in_its_pair_and_is_seen_there() {
    let mut numbers = Numbers::new(4);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut case = Case::new(&mut numbers, &[5, 6], 2, 8, Some(DROPOUT));
        case.x[3] = bad;
        // Of the sign that makes the score of the first row the largest, in both heads.
        [3, 8 + 3].into_iter().for_each(|at| case.query[at] = 0.5f32.copysign(bad));
        let [pooled, dx, dquery] = case.run(&Compute::new(1));
        let (bad, good) = pooled.split_at(2 * 9);
        assert!(bad.iter().all(|x| x.is_nan()) && good.iter().all(|x| x.is_finite()));
        assert!(dx[0].is_nan() && dx[5 * 8..].iter().all(|x| x.is_finite()));
        assert!(dquery[0].is_nan() && dquery[2 * 8..].iter().all(|x| x.is_finite()));
    }
}

#[test]
fn what_is_kept_grows_with_the_length_and_no_faster() {
    let mut numbers = Numbers::new(5);
    for length in [16, 256, 257, 512] {
        let case = Case::new(&mut numbers, &[length, 3], 4, 8, Some(DROPOUT));
        assert_eq!(case.shape().saved_size(), (length + 3) * 4);
    }
}
