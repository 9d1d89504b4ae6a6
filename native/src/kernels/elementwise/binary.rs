//! Functions of two numbers, and the choice between two.

use super::{Broadcast, CHUNK};
use crate::compute::Compute;
use crate::threads::Disjoint;

/// Functions of two float32 by tfjs' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Maximum,
    Minimum,
    Pow,
    SquaredDifference,
    Mod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// a, b broadcast to one shape -> y of `broadcast.size()`
pub fn binary(compute: &Compute, operation: Binary, a: &[f32], b: &[f32], broadcast: &Broadcast, y: &mut [f32]) {
    let pass_nan = |a: f32, b: f32, chosen: f32| if a.is_nan() || b.is_nan() { f32::NAN } else { chosen };
    match operation {
        Binary::Add => broadcast.each(compute, a, b, y, |a, b| a + b),
        Binary::Sub => broadcast.each(compute, a, b, y, |a, b| a - b),
        Binary::Mul => broadcast.each(compute, a, b, y, |a, b| a * b),
        Binary::Div => broadcast.each(compute, a, b, y, |a, b| a / b),
        Binary::Maximum => broadcast.each(compute, a, b, y, |a, b| pass_nan(a, b, a.max(b))),
        Binary::Minimum => broadcast.each(compute, a, b, y, |a, b| pass_nan(a, b, a.min(b))),
        Binary::Pow => broadcast.each(compute, a, b, y, f32::powf),
        Binary::SquaredDifference => broadcast.each(compute, a, b, y, |a, b| (a - b) * (a - b)),
        Binary::Mod => broadcast.each(compute, a, b, y, floored_remainder),
    }
}

/// The remainder with the sign of the divisor.
fn floored_remainder(a: f32, b: f32) -> f32 {
    let remainder = a % b;
    if (a < 0.0) == (b < 0.0) { remainder } else { (remainder + b) % b }
}

/// The same for what is told of two numbers: 0 or 1.
pub fn compare<T: PartialOrd + Copy + Sync>(
    compute: &Compute,
    operation: Comparison,
    a: &[T],
    b: &[T],
    broadcast: &Broadcast,
    y: &mut [u8],
) {
    match operation {
        Comparison::Equal => broadcast.each(compute, a, b, y, |a, b| u8::from(a == b)),
        Comparison::NotEqual => broadcast.each(compute, a, b, y, |a, b| u8::from(a != b)),
        Comparison::Less => broadcast.each(compute, a, b, y, |a, b| u8::from(a < b)),
        Comparison::LessEqual => broadcast.each(compute, a, b, y, |a, b| u8::from(a <= b)),
        Comparison::Greater => broadcast.each(compute, a, b, y, |a, b| u8::from(a > b)),
        Comparison::GreaterEqual => broadcast.each(compute, a, b, y, |a, b| u8::from(a >= b)),
    }
}

/// The same for bools: whether both are 1, or either.
pub fn logical(compute: &Compute, both: bool, a: &[u8], b: &[u8], broadcast: &Broadcast, y: &mut [u8]) {
    if both {
        broadcast.each(compute, a, b, y, |a, b| u8::from(a != 0 && b != 0));
    } else {
        broadcast.each(compute, a, b, y, |a, b| u8::from(a != 0 || b != 0));
    }
}

/// condition [n] ? a : b -> y [n]
pub fn select(compute: &Compute, condition: &[u8], a: &[f32], b: &[f32], y: &mut [f32]) {
    assert!([condition.len(), a.len(), b.len()] == [y.len(); 3]);
    let out = Disjoint::new(y);
    compute.threads.for_chunks(a.len(), CHUNK, |chunk| {
        let (condition, a, b) = (&condition[chunk.range.clone()], &a[chunk.range.clone()], &b[chunk.range.clone()]);
        // SAFETY: chunks do not overlap.
        let y = unsafe { out.part(chunk.range) };
        for (((&condition, &a), &b), y) in condition.iter().zip(a).zip(b).zip(y) {
            *y = if condition != 0 { a } else { b };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, same_bits};

    #[test]
    fn functions_of_two_numbers() {
        let broadcast = Broadcast::new(&[6], &[6]).unwrap();
        let (a, b) = ([5.0, -5.0, 5.0, 2.0, f32::NAN, 1.0], [3.0, 3.0, -3.0, 2.0, 1.0, f32::NAN]);
        let run = |operation| {
            let mut y = [0.0; 6];
            binary(&Compute::new(1), operation, &a, &b, &broadcast, &mut y);
            y
        };
        assert_eq!(run(Binary::Mod)[..4], [2.0, 1.0, -1.0, 0.0]);
        assert_eq!(run(Binary::Pow)[..4], [125.0, -125.0, 0.008, 4.0]);
        assert_eq!(run(Binary::Maximum)[..4], [5.0, 3.0, 5.0, 2.0]);
        assert_eq!(run(Binary::SquaredDifference)[..4], [4.0, 64.0, 64.0, 0.0]);
        for operation in [Binary::Add, Binary::Mul, Binary::Div, Binary::Maximum, Binary::Minimum, Binary::Mod] {
            assert!(run(operation)[4..].iter().all(|y| y.is_nan()), "{operation:?}");
        }
    }

    #[test]
    fn select_chooses_the_same_with_any_threads() {
        let mut numbers = Numbers::new(3);
        let (a, b) = (numbers.list(50_000), numbers.list(50_000));
        let condition: Vec<u8> = (0..50_000).map(|_| numbers.below(2) as u8).collect();
        let run = |threads| {
            let mut chosen = vec![f32::NAN; a.len()];
            select(&Compute::new(threads), &condition, &a, &b, &mut chosen);
            chosen
        };
        let one = run(1);
        for (at, &y) in one.iter().enumerate() {
            assert_eq!(y, if condition[at] == 1 { a[at] } else { b[at] });
        }
        same_bits(&one, &run(3));
    }
}
