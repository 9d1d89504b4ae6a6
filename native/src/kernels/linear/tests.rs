use super::*;
use crate::cpu::Cpu;
use crate::kernels::activation::reference::value;
use crate::kernels::testing::{Numbers, close, differences, same_bits, wide};

const ALL: [Activation; 5] =
    [Activation::None, Activation::Relu, Activation::Tanh, Activation::Gelu, Activation::GeluTanh];

/// x [R, I], weight [O, I], bias [O] -> y [R, O] in float64
fn reference(shape: &LinearShape, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let &LinearShape { rows, into, out, activation, .. } = shape;
    let mut y = Vec::with_capacity(rows * out);
    for row in 0..rows {
        for column in 0..out {
            let terms = (0..into).map(|k| x[row * into + k] * weight[column * into + k]);
            y.push(value(activation, bias[column] + terms.sum::<f64>()));
        }
    }
    y
}

struct Layer {
    shape: LinearShape,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

impl Layer {
    fn new(numbers: &mut Numbers, (rows, into, out): (usize, usize, usize), activation: Activation) -> Self {
        let shape = LinearShape { rows, into, out, activation, precision: Precision::Float32 };
        let [x, weight] = [rows * into, into * out].map(|count| numbers.list(count));
        let [bias, dy] = [out, rows * out].map(|count| numbers.list(count));
        Self { shape, x, weight, bias, dy }
    }

    /// -> y, and what the gradient needs of it
    fn forward(&self, compute: &Compute) -> (Vec<f32>, Vec<f32>) {
        let weight = pack_forward(compute, &self.shape, &self.weight);
        let mut y = vec![f32::NAN; self.dy.len()];
        let mut sums = vec![f32::NAN; if self.shape.activation.keeps_sums() { y.len() } else { 0 }];
        linear(compute, &self.shape, &self.x, &weight, &self.bias, &mut y, &mut sums);
        let kept = match self.shape.activation {
            Activation::None => Vec::new(),
            Activation::Relu | Activation::Tanh => y.clone(),
            Activation::Gelu | Activation::GeluTanh => sums,
        };
        (y, kept)
    }

    /// -> dx, d_weight, d_bias
    fn backward(&self, compute: &Compute, kept: &[f32], wants_x: bool) -> [Vec<f32>; 3] {
        let weight = pack_backward(compute, &self.shape, &self.weight);
        let [mut dx, mut d_weight, mut d_bias] =
            [&self.x, &self.weight, &self.bias].map(|like| vec![f32::NAN; like.len()]);
        let gradients = LinearGradients {
            dx: wants_x.then_some((&mut dx[..], &weight)),
            d_weight: &mut d_weight,
            d_bias: &mut d_bias,
        };
        linear_gradient(compute, &self.shape, &LinearInputs { dy: &self.dy, x: &self.x, kept }, gradients);
        [dx, d_weight, d_bias]
    }
}

#[test]
fn layers_and_their_gradients_agree_with_float64() {
    let mut numbers = Numbers::new(5);
    for cpu in Cpu::all() {
        let compute = Compute::on(cpu, 2);
        for activation in ALL {
            for sizes in [(1, 1, 1), (5, 7, 3), (20, 16, 33), (31, 40, 12)] {
                let layer = Layer::new(&mut numbers, sizes, activation);
                let (y, kept) = layer.forward(&compute);
                let [x, weight, bias, dy] = [&layer.x, &layer.weight, &layer.bias, &layer.dy].map(|list| wide(list));
                close(&y, &reference(&layer.shape, &x, &weight, &bias), 1e-5);
                let [dx, d_weight, d_bias] = layer.backward(&compute, &kept, true);
                close(&dx, &differences(&x, &dy, |x| reference(&layer.shape, x, &weight, &bias)), 1e-5);
                close(&d_weight, &differences(&weight, &dy, |weight| reference(&layer.shape, &x, weight, &bias)), 1e-5);
                close(&d_bias, &differences(&bias, &dy, |bias| reference(&layer.shape, &x, &weight, bias)), 1e-5);
                let [_, without_x, _] = layer.backward(&compute, &kept, false);
                same_bits(&without_x, &d_weight);
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits_and_no_rows_give_zeros() {
    let mut numbers = Numbers::new(6);
    for cpu in Cpu::all() {
        for activation in ALL {
            let layer = Layer::new(&mut numbers, (301, 50, 70), activation);
            let (y, kept) = layer.forward(&Compute::on(cpu, 1));
            let gradients = layer.backward(&Compute::on(cpu, 1), &kept, true);
            for threads in 2..=4 {
                let compute = Compute::on(cpu, threads);
                same_bits(&layer.forward(&compute).0, &y);
                for (a, b) in layer.backward(&compute, &kept, true).iter().zip(&gradients) {
                    same_bits(a, b);
                }
            }
            let empty = Layer::new(&mut numbers, (0, 5, 3), activation);
            let [dx, d_weight, d_bias] = empty.backward(&Compute::on(cpu, 2), &[], true);
            assert!(dx.is_empty() && d_weight == [0.0; 15] && d_bias == [0.0; 3]);
        }
    }
}

#[test]
fn projections_are_layers_on_one_input() {
    let mut numbers = Numbers::new(7);
    for cpu in Cpu::all() {
        let compute = Compute::on(cpu, 3);
        let layers: Vec<Layer> = (0..3).map(|_| Layer::new(&mut numbers, (143, 40, 24), Activation::None)).collect();
        let (shape, x) = (layers[0].shape, &layers[0].x);
        let packed: Vec<Panels> = layers.iter().map(|layer| pack_forward(&compute, &shape, &layer.weight)).collect();
        let sides: Vec<_> = layers.iter().zip(&packed).map(|(layer, weight)| (weight, &layer.bias[..])).collect();
        let mut ys = vec![vec![f32::NAN; 143 * 24]; 3];
        let mut places: Vec<&mut [f32]> = ys.iter_mut().map(|y| &mut y[..]).collect();
        projections(&compute, &shape, x, &sides, &mut places);
        let mut expected_dx = vec![0.0; x.len()];
        for (layer, y) in layers.iter().zip(&ys) {
            let [x, weight, bias, dy] = [x, &layer.weight, &layer.bias, &layer.dy].map(|list| wide(list));
            close(y, &reference(&shape, &x, &weight, &bias), 1e-5);
            let dx = differences(&x, &dy, |x| reference(&shape, x, &weight, &bias));
            expected_dx.iter_mut().zip(dx).for_each(|(sum, dx)| *sum += dx);
            let (mut d_weight, mut d_bias) = (vec![f32::NAN; 24 * 40], vec![f32::NAN; 24]);
            weight_gradient(&compute, &shape, &layer.dy, &layers[0].x, &mut d_weight, &mut d_bias);
            close(&d_weight, &differences(&weight, &dy, |weight| reference(&shape, &x, weight, &bias)), 1e-5);
        }
        let packed: Vec<Panels> = layers.iter().map(|layer| pack_backward(&compute, &shape, &layer.weight)).collect();
        let sides: Vec<_> = layers.iter().zip(&packed).map(|(layer, weight)| (&layer.dy[..], weight)).collect();
        let mut dx = vec![f32::NAN; x.len()];
        projections_dx(&compute, &shape, &sides, &mut dx);
        close(&dx, &expected_dx, 1e-5);
    }
}

#[test]
fn bfloat16_is_near() {
    let compute = Compute::new(2);
    if !compute.cpu.bf16() {
        return;
    }
    let mut numbers = Numbers::new(8);
    for activation in ALL {
        let mut layer = Layer::new(&mut numbers, (100, 65, 40), activation);
        layer.shape.precision = Precision::Bfloat16;
        let (y, kept) = layer.forward(&compute);
        let rounded = layer.backward(&compute, &kept, true);
        layer.shape.precision = Precision::Float32;
        close(&y, &wide(&layer.forward(&compute).0), 2e-2);
        for (rounded, exact) in rounded.iter().zip(layer.backward(&compute, &kept, true)) {
            close(rounded, &wide(&exact), 2e-2);
        }
    }
}

/// However many rows: were there a loop over them, it would take hours.
#[test]
fn rows_without_width_cost_nothing() {
    let shape =
        LinearShape { rows: 1 << 50, into: 0, out: 0, activation: Activation::Gelu, precision: Precision::Float32 };
    for compute in [Compute::new(1), Compute::new(2)] {
        let weight = pack_forward(&compute, &shape, &[]);
        linear(&compute, &shape, &[], &weight, &[], &mut [], &mut []);
        let gradients = LinearGradients { dx: Some((&mut [], &weight)), d_weight: &mut [], d_bias: &mut [] };
        linear_gradient(&compute, &shape, &LinearInputs { dy: &[], x: &[], kept: &[] }, gradients);
        projections(&compute, &shape, &[], &[(&weight, &[])], &mut [&mut []]);
        projections_dx(&compute, &shape, &[(&[], &weight)], &mut []);
        let wide = LinearShape { rows: 0, into: 1 << 50, ..shape };
        assert_eq!(pack_backward(&compute, &wide, &[]).columns, 1 << 50);
    }
}
