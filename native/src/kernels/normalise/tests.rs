use super::*;
use crate::cpu::Cpu;
use crate::kernels::random::reference::factor;
use crate::kernels::testing::{Numbers, close, differences, same_bits, wide};

struct Case {
    offsets: Vec<i32>,
    pair_indices: Vec<i32>,
    width: usize,
    dropout: Option<Dropout>,
    sources: Option<Vec<i32>>,
    x: Vec<f32>,
    residual: Option<Vec<f32>>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    dy: Vec<f32>,
}

const EPS: f32 = 1e-5;
const DROPOUT: Dropout = Dropout { seed: 9, step: 3, place: 1, threshold: 1 << 30, scale: 4.0 / 3.0 };

impl Case {
    fn new(numbers: &mut Numbers, lengths: &[usize], width: usize, added: bool, dropout: Option<Dropout>) -> Self {
        let mut offsets = vec![0];
        lengths.iter().for_each(|&length| offsets.push(offsets[offsets.len() - 1] + length as i32));
        let size = offsets[lengths.len()] as usize * width;
        Self {
            pair_indices: (0..lengths.len()).map(|_| numbers.below(1000) as i32).collect(),
            offsets,
            width,
            dropout,
            sources: None,
            x: numbers.list(size),
            residual: added.then(|| numbers.list(size)),
            gamma: numbers.list(width),
            beta: numbers.list(width),
            dy: numbers.list(size),
        }
    }

    fn shape(&self) -> NormShape<'_> {
        NormShape {
            layout: Layout::new(&self.offsets, &self.pair_indices).unwrap(),
            width: self.width,
            eps: EPS,
            dropout: self.dropout,
            residual_sources: self.sources.as_deref(),
        }
    }

    /// -> y, dx, dresidual (empty without), dgamma, dbeta
    fn run(&self, compute: &Compute) -> [Vec<f32>; 5] {
        let shape = self.shape();
        let (size, width) = (self.x.len(), self.width);
        let inputs = NormInputs { x: &self.x, residual: self.residual.as_deref(), gamma: &self.gamma };
        let mut y = vec![f32::NAN; size];
        let mut statistics = vec![f32::NAN; 2 * shape.layout.rows()];
        norm(compute, inputs, &self.beta, &shape, &mut y, &mut statistics);
        let [mut dx, mut dresidual] =
            [vec![f32::NAN; size], vec![f32::NAN; if self.residual.is_some() { size } else { 0 }]];
        let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![f32::NAN; width]);
        let gradients = NormGradients {
            dx: &mut dx,
            dresidual: self.residual.is_some().then_some(&mut dresidual[..]),
            dgamma: &mut dgamma,
            dbeta: &mut dbeta,
        };
        norm_gradient(compute, &self.dy, inputs, &statistics, &shape, gradients);
        [y, dx, dresidual, dgamma, dbeta]
    }

    fn factor(&self, row: usize, column: usize) -> f64 {
        let layout = self.shape().layout;
        let pair = layout.pair_of(row);
        let element = (row - layout.range(pair).start) * self.width + column;
        let drawn = |dropout| f64::from(factor(dropout, layout.pair_index(pair), element as u32));
        self.dropout.as_ref().map_or(1.0, drawn)
    }

    /// x, residual by row of the batch, gamma, beta one after another.
    fn inputs(&self) -> Vec<f64> {
        let rows = self.x.len() / self.width;
        let residual_row = |row: usize| {
            let source = self.sources.as_ref().map_or(row, |sources| sources[row] as usize);
            self.residual.as_ref().map(|residual| wide(&residual[source * self.width..][..self.width]))
        };
        let residual = (0..rows).filter_map(residual_row).flatten().collect();
        [wide(&self.x), residual, wide(&self.gamma), wide(&self.beta)].concat()
    }

    fn split<'a>(&self, inputs: &'a [f64]) -> [&'a [f64]; 4] {
        let size = self.x.len();
        let (x, rest) = inputs.split_at(size);
        let (residual, rest) = rest.split_at(if self.residual.is_some() { size } else { 0 });
        let (gamma, beta) = rest.split_at(self.width);
        [x, residual, gamma, beta]
    }

    /// Normal form of a row, and 1 / σ.
    fn normal(&self, inputs: &[f64], row: usize) -> (Vec<f64>, f64) {
        let [x, residual, ..] = self.split(inputs);
        let width = self.width as f64;
        let z = |column: usize| {
            let at = row * self.width + column;
            if residual.is_empty() { x[at] } else { x[at] * self.factor(row, column) + residual[at] }
        };
        let z: Vec<f64> = (0..self.width).map(z).collect();
        let mean = z.iter().sum::<f64>() / width;
        let variance = z.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>() / width;
        let inverse = 1.0 / (variance + f64::from(EPS)).sqrt();
        (z.iter().map(|z| (z - mean) * inverse).collect(), inverse)
    }

    fn after(&self, row: usize, column: usize) -> f64 {
        if self.residual.is_some() { 1.0 } else { self.factor(row, column) }
    }

    fn reference(&self, inputs: &[f64]) -> Vec<f64> {
        let [.., gamma, beta] = self.split(inputs);
        let row = |row: usize| {
            let (normal, _) = self.normal(inputs, row);
            (0..self.width).map(move |c| (normal[c] * gamma[c] + beta[c]) * self.after(row, c)).collect::<Vec<_>>()
        };
        (0..self.x.len() / self.width).flat_map(row).collect()
    }

    /// Like `inputs`.
    fn reference_gradient(&self) -> Vec<f64> {
        let inputs = self.inputs();
        let [.., gamma, _] = self.split(&inputs);
        let width = self.width;
        let [mut dx, mut dresidual] = [(); 2].map(|()| vec![0.0; self.x.len()]);
        let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![0.0; width]);
        for row in 0..self.x.len() / width {
            let (normal, inverse) = self.normal(&inputs, row);
            let up: Vec<f64> = (0..width).map(|c| f64::from(self.dy[row * width + c]) * self.after(row, c)).collect();
            let mean = |f: &dyn Fn(usize) -> f64| (0..width).map(f).sum::<f64>() / width as f64;
            let sum = mean(&|c| up[c] * gamma[c]);
            let product = mean(&|c| up[c] * gamma[c] * normal[c]);
            for c in 0..width {
                let gradient = inverse * (up[c] * gamma[c] - sum - normal[c] * product);
                dresidual[row * width + c] = gradient;
                dx[row * width + c] = gradient * if self.residual.is_some() { self.factor(row, c) } else { 1.0 };
                dgamma[c] += up[c] * normal[c];
                dbeta[c] += up[c];
            }
        }
        if self.residual.is_none() {
            dresidual.clear();
        }
        [dx, dresidual, dgamma, dbeta].concat()
    }

    fn check(&self) {
        let expected = self.reference(&self.inputs());
        let gradient = self.reference_gradient();
        for cpu in Cpu::all() {
            let [y, dx, dresidual, dgamma, dbeta] = self.run(&Compute::on(cpu, 1));
            close(&y, &expected, 1e-5);
            for (found, part) in [dx, dresidual, dgamma, dbeta].iter().zip(self.split(&gradient)) {
                close(found, part, 2e-5);
            }
        }
    }
}

#[test]
fn the_reference_is_its_own_derivative() {
    let mut numbers = Numbers::new(1);
    for added in [true, false] {
        let case = Case::new(&mut numbers, &[2, 1], 7, added, Some(DROPOUT));
        let by_differences = differences(&case.inputs(), &wide(&case.dy), |inputs| case.reference(inputs));
        for (found, expected) in case.reference_gradient().iter().zip(by_differences) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }
}

#[test]
fn random_shapes_with_and_without_dropout_and_residual() {
    let mut numbers = Numbers::new(2);
    for round in 0..60 {
        let lengths: Vec<usize> = (0..numbers.below(5)).map(|_| numbers.below(40)).collect();
        let width = 2 + numbers.below(if round < 50 { 70 } else { 800 });
        Case::new(&mut numbers, &lengths, width, round % 2 == 0, [None, Some(DROPOUT)][round / 2 % 2]).check();
    }
}

#[test]
fn a_residual_whose_rows_repeat_by_index() {
    let mut numbers = Numbers::new(3);
    let mut case = Case::new(&mut numbers, &[9, 30], 24, true, Some(DROPOUT));
    case.sources = Some((0..39).map(|_| numbers.below(5) as i32).collect());
    case.residual.as_mut().unwrap().truncate(5 * 24);
    case.check();
}

#[test]
fn threads_change_no_bit() {
    let mut numbers = Numbers::new(4);
    for (lengths, added) in [(vec![20; 40], true), (vec![3, 500], false), (vec![], true)] {
        let case = Case::new(&mut numbers, &lengths, 64, added, Some(DROPOUT));
        let one = case.run(&Compute::new(1));
        for threads in [2, 3] {
            for (a, b) in one.iter().zip(case.run(&Compute::new(threads))) {
                same_bits(a, &b);
            }
        }
    }
}

#[test]
fn what_is_no_number_stays_in_its_row() {
    let mut numbers = Numbers::new(5);
    for bad in [f32::NAN, f32::INFINITY] {
        let mut case = Case::new(&mut numbers, &[3], 20, true, None);
        case.x[25] = bad;
        let [y, dx, _, dgamma, _] = case.run(&Compute::new(1));
        for found in [y, dx] {
            for (row, numbers) in found.chunks(20).enumerate() {
                assert!(numbers.iter().all(|x| x.is_nan() == (row == 1)));
            }
        }
        assert!(dgamma.iter().all(|x| x.is_nan()));
    }
}
