use super::*;
use crate::kernels::testing::Numbers;

/// Index of a flat place on each axis.
fn index_of(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        (index[axis], flat) = (flat % shape[axis], flat / shape[axis]);
    }
    index
}

fn flat_of(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |flat, (&at, &size)| flat * size + at)
}

fn size_of(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn random_shape(numbers: &mut Numbers) -> Vec<usize> {
    (0..numbers.below(5)).map(|_| [1, 2, 3, 5, 40][numbers.below(5)]).collect()
}

/// Runs a move into -1s and compares with a function of the index in the result.
fn check(of: Move, x: &[i32], shape: &[usize], expected: impl Fn(&[usize]) -> i32) {
    for threads in [1, 3] {
        let mut y = vec![-1; of.size()];
        of.run(&Compute::new(threads), x, &mut y);
        assert_eq!(y.len(), size_of(shape));
        for (flat, &y) in y.iter().enumerate() {
            assert_eq!(y, expected(&index_of(flat, shape)), "at {flat} of {shape:?}");
        }
    }
}

#[test]
fn transposes_any_permutation() {
    let mut numbers = Numbers::new(1);
    for _ in 0..100 {
        let shape = random_shape(&mut numbers);
        let mut permutation: Vec<usize> = (0..shape.len()).collect();
        (1..shape.len()).for_each(|last| permutation.swap(last, numbers.below(last + 1)));
        let x: Vec<i32> = (0..size_of(&shape) as i32).collect();
        let result: Vec<usize> = permutation.iter().map(|&axis| shape[axis]).collect();
        check(Move::transpose(&shape, &permutation).unwrap(), &x, &result, |index| {
            let mut from = vec![0; shape.len()];
            permutation.iter().zip(index).for_each(|(&axis, &at)| from[axis] = at);
            x[flat_of(&from, &shape)]
        });
    }
    assert!(Move::transpose(&[2, 3], &[0, 0]).is_err() && Move::transpose(&[2, 3], &[1, 2]).is_err());
}

#[test]
fn slices_pads_and_tiles_any_shape() {
    let mut numbers = Numbers::new(2);
    for _ in 0..100 {
        let shape = random_shape(&mut numbers);
        let x: Vec<i32> = (0..size_of(&shape) as i32).collect();
        let begin: Vec<usize> = shape.iter().map(|&size| numbers.below(size + 1)).collect();
        let size: Vec<usize> =
            shape.iter().zip(&begin).map(|(&size, &begin)| numbers.below(size - begin + 1)).collect();
        check(Move::slice(&shape, &begin, &size).unwrap(), &x, &size, |index| {
            let from: Vec<usize> = index.iter().zip(&begin).map(|(at, begin)| at + begin).collect();
            x[flat_of(&from, &shape)]
        });
        let paddings: Vec<[usize; 2]> = shape.iter().map(|_| [numbers.below(3), numbers.below(3)]).collect();
        let padded: Vec<usize> = shape.iter().zip(&paddings).map(|(size, [a, b])| size + a + b).collect();
        check(Move::pad(&shape, &paddings).unwrap(), &x, &padded, |index| {
            let inside = |axis: usize| (paddings[axis][0]..paddings[axis][0] + shape[axis]).contains(&index[axis]);
            if !(0..shape.len()).all(inside) {
                return -1;
            }
            let from: Vec<usize> = index.iter().zip(&paddings).map(|(at, [before, _])| at - before).collect();
            x[flat_of(&from, &shape)]
        });
        let repetitions: Vec<usize> = shape.iter().map(|_| numbers.below(4)).collect();
        let tiled: Vec<usize> = shape.iter().zip(&repetitions).map(|(size, times)| size * times).collect();
        check(Move::tile(&shape, &repetitions).unwrap(), &x, &tiled, |index| {
            let from: Vec<usize> = index.iter().zip(&shape).map(|(at, size)| at % size).collect();
            x[flat_of(&from, &shape)]
        });
    }
    assert!(Move::slice(&[4], &[2], &[3]).is_err() && Move::slice(&[4], &[usize::MAX], &[2]).is_err());
}

#[test]
fn nothing_is_moved_of_empty_tensors() {
    check(Move::transpose(&[0, 3], &[1, 0]).unwrap(), &[], &[3, 0], |_| 0);
    check(Move::pad(&[0], &[[1, 1]]).unwrap(), &[], &[2], |_| -1);
    concat::<u8>(&Compute::new(1), &[&[], &[]], &[0, 0], &mut []);
}

#[test]
fn concatenates_rows() {
    let (a, b) = ([1u8, 2, 3, 4], [5u8, 6]);
    let mut y = [0; 6];
    concat(&Compute::new(2), &[&a, &b], &[2, 1], &mut y);
    assert_eq!(y, [1, 2, 5, 3, 4, 6]);
}

#[test]
fn one_hot_leaves_places_that_are_not_there() {
    let mut y = [9.0; 12];
    one_hot(&[2, -1, 0, 3], 3, [1.0, 0.5], &mut y);
    assert_eq!(y, [0.5, 0.5, 1.0, 0.5, 0.5, 0.5, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5]);
}
