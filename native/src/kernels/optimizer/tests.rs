use super::*;
use crate::cpu::Cpu;
use crate::kernels::testing::{Numbers, close, same_bits, wide};

const NUMBERS: AdamNumbers = AdamNumbers { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

fn step(t: i32, decay: f64) -> AdamStep {
    let lr = 1e-3;
    AdamStep {
        size: lr / (1.0 - 0.9f64.powi(t)),
        inverse_root: 1.0 / (1.0 - 0.999f64.powi(t)).sqrt(),
        keep: 1.0 - lr * decay,
    }
}

/// One step in float64: p, m, v and g are numbers of one parameter.
fn reference(step: &AdamStep, p: &mut [f64], m: &mut [f64], v: &mut [f64], g: &[f64]) {
    let AdamNumbers { beta1, beta2, eps } = NUMBERS;
    for i in 0..p.len() {
        m[i] = beta1 * m[i] + (1.0 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1.0 - beta2) * g[i] * g[i];
        p[i] = p[i] * step.keep - step.size * m[i] / (v[i].sqrt() * step.inverse_root + eps);
    }
}

/// A table [V, W] and a vector, four steps with different rows each.
struct Run {
    table: [Vec<f32>; 3],
    vector: [Vec<f32>; 3],
}

const ROWS: usize = 700;
const WIDTH: usize = 37;

fn run(compute: &Compute, decay: f64, sparse: bool) -> Run {
    let mut numbers = Numbers::new(10);
    let mut table = [numbers.list(ROWS * WIDTH), vec![0.0; ROWS * WIDTH], vec![0.0; ROWS * WIDTH]];
    let mut vector = [numbers.list(40_001), vec![0.0; 40_001], vec![0.0; 40_001]];
    let mut moving = moving_rows(&table[1], &table[2], WIDTH);
    for t in 1..=4 {
        let ids: Vec<i32> = (0..ROWS as i32).filter(|id| (id * 7 + t) % 11 < 2 && *id < 500).collect();
        let rows = numbers.list(ids.len() * WIDTH);
        let mut dense = vec![0.0; ROWS * WIDTH];
        for (id, row) in ids.iter().zip(rows.chunks(WIDTH)) {
            dense[*id as usize * WIDTH..][..WIDTH].copy_from_slice(row);
        }
        let gradient = numbers.list(40_001);
        let of_table = match sparse {
            true => Gradient::Rows { width: WIDTH, ids: &ids, rows: &rows, moving: &mut moving },
            false => Gradient::Dense(&dense),
        };
        let [value, first, second] = &mut table;
        let first = AdamParameter { value, first, second, gradient: of_table, step: step(t, decay) };
        let [value, m, second] = &mut vector;
        let gradient = Gradient::Dense(&gradient);
        let second = AdamParameter { value, first: m, second, gradient, step: step(t, decay) };
        adam(compute, &NUMBERS, &mut [first, second]);
    }
    Run { table, vector }
}

#[test]
fn four_steps_agree_with_float64_and_rows_with_the_whole_table() {
    for cpu in Cpu::all() {
        for decay in [0.0, 0.1] {
            let compute = Compute::on(cpu, 2);
            let sparse = run(&compute, decay, true);
            let dense = run(&compute, decay, false);
            for i in 0..3 {
                same_bits(&sparse.table[i], &dense.table[i]);
                same_bits(&sparse.vector[i], &dense.vector[i]);
            }
            let mut numbers = Numbers::new(10);
            let _ = numbers.list(ROWS * WIDTH);
            let mut p = wide(&numbers.list(40_001));
            let (mut m, mut v) = (vec![0.0; p.len()], vec![0.0; p.len()]);
            for t in 1..=4 {
                let ids = (0..ROWS as i32).filter(|id| (id * 7 + t) % 11 < 2 && *id < 500).count();
                let _ = numbers.list(ids * WIDTH);
                reference(&step(t, decay), &mut p, &mut m, &mut v, &wide(&numbers.list(40_001)));
            }
            close(&sparse.vector[0], &p, 1e-6);
            close(&sparse.vector[1], &m, 1e-6);
            close(&sparse.vector[2], &v, 1e-6);
        }
    }
}

#[test]
fn rows_without_a_gradient_move_by_their_moments_alone() {
    let compute = Compute::new(2);
    let sparse = run(&compute, 0.0, true);
    let begin = run_begin();
    let moved = |row: usize| sparse.table[0][row * WIDTH..][..WIDTH] != begin[row * WIDTH..][..WIDTH];
    assert!(moved(0) && !moved(600));
}

fn run_begin() -> Vec<f32> {
    Numbers::new(10).list(ROWS * WIDTH)
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for cpu in Cpu::all() {
        let alone = run(&Compute::on(cpu, 1), 0.1, true);
        for threads in 2..=4 {
            let run = run(&Compute::on(cpu, threads), 0.1, true);
            for i in 0..3 {
                same_bits(&run.table[i], &alone.table[i]);
                same_bits(&run.vector[i], &alone.vector[i]);
            }
        }
    }
}

#[test]
fn moments_that_are_almost_nothing_become_nothing() {
    for cpu in Cpu::all() {
        let (mut value, mut first, mut second) = ([1.0f32; 3], [1.05e-37f32, -2e-38, 0.5], [1e-38f32, f32::NAN, 0.5]);
        let parameter = AdamParameter {
            value: &mut value,
            first: &mut first,
            second: &mut second,
            gradient: Gradient::Dense(&[0.0; 3]),
            step: step(1000, 0.0),
        };
        adam(&Compute::on(cpu, 1), &NUMBERS, &mut [parameter]);
        assert_eq!(first, [0.0, 0.0, 0.45]);
        assert!(second[0] == 0.0 && second[1].is_nan() && value[1].is_nan() && value[0] == 1.0);
    }
}

#[test]
fn norms_and_sums_agree_with_float64_whatever_the_threads_and_the_instructions() {
    let mut numbers = Numbers::new(11);
    for sizes in [vec![], vec![0], vec![1, 5, 100_000], vec![33, 16_385]] {
        let lists: Vec<Vec<f32>> = sizes.iter().map(|&size| numbers.list(size)).collect();
        let lists: Vec<&[f32]> = lists.iter().map(|list| &list[..]).collect();
        let exact: f64 = lists.iter().flat_map(|list| list.iter()).map(|&x| f64::from(x) * f64::from(x)).sum();
        for cpu in Cpu::all() {
            for threads in 1..=3 {
                assert_eq!(norm(&Compute::on(cpu, threads), &lists), exact.sqrt() as f32);
            }
        }
    }
    let lists: Vec<Vec<f32>> = (0..5).map(|_| numbers.list(50_003)).collect();
    let lists: Vec<&[f32]> = lists.iter().map(|list| &list[..]).collect();
    let expected: Vec<f64> = (0..50_003).map(|i| lists.iter().map(|list| f64::from(list[i])).sum()).collect();
    for cpu in Cpu::all() {
        let mut y = vec![f32::NAN; 50_003];
        add_all(&Compute::on(cpu, 2), &lists, &mut y);
        close(&y, &expected, 1e-6);
    }
    assert!(norm(&Compute::new(2), &[&[1.0, f32::NAN]]).is_nan());
}
