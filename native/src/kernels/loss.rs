//! Cross-entropy from logits, and how many predictions are right. Batches have hundreds of rows and a handful of classes:
//! plain loops, in float64 where it costs nothing.

use super::reduce::{Place, first_of};

/// logits [P, C], labels [P] below C -> losses [P], residuals [P, C]: probabilities minus targets
pub fn cross_entropy(logits: &[f32], labels: &[i32], classes: usize, losses: &mut [f32], residuals: &mut [f32]) {
    assert!(logits.len() == labels.len() * classes && losses.len() == labels.len() && residuals.len() == logits.len());
    for (pair, &label) in labels.iter().enumerate() {
        let logits = &logits[pair * classes..][..classes];
        let residuals = &mut residuals[pair * classes..][..classes];
        let largest = logits.iter().fold(f32::NEG_INFINITY, |largest, &x| largest.max(x));
        let off = |x: f32| f64::from(x) - f64::from(largest);
        let sum: f64 = logits.iter().map(|&x| off(x).exp()).sum();
        losses[pair] = (sum.ln() - off(logits[label as usize])) as f32;
        for (residual, &x) in residuals.iter_mut().zip(logits) {
            *residual = (off(x).exp() / sum) as f32;
        }
        residuals[label as usize] -= 1.0;
    }
}

/// How many rows of logits [P, C] are largest at their label, the first of equals.
pub fn count_correct(logits: &[f32], labels: &[i32], classes: usize) -> usize {
    assert_eq!(logits.len(), labels.len() * classes);
    let right =
        |(pair, &label): (usize, &i32)| first_of(Place::ArgMax, &logits[pair * classes..][..classes]) == label as usize;
    labels.iter().enumerate().filter(|pair| right(*pair)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, close, differences, wide};

    fn reference(logits: &[f64], labels: &[i32], classes: usize) -> Vec<f64> {
        let loss = |(row, &label): (&[f64], &i32)| row.iter().map(|x| x.exp()).sum::<f64>().ln() - row[label as usize];
        logits.chunks(classes).zip(labels).map(loss).collect()
    }

    #[test]
    fn losses_and_their_derivatives() {
        let mut numbers = Numbers::new(1);
        for (pairs, classes) in [(0, 3), (7, 3), (5, 1), (3, 20)] {
            let logits: Vec<f32> = numbers.list(pairs * classes).iter().map(|x| x * 5.0).collect();
            let labels: Vec<i32> = (0..pairs).map(|_| numbers.below(classes) as i32).collect();
            let (mut losses, mut residuals) = (vec![f32::NAN; pairs], vec![f32::NAN; logits.len()]);
            cross_entropy(&logits, &labels, classes, &mut losses, &mut residuals);
            let of = |logits: &[f64]| reference(logits, &labels, classes);
            close(&losses, &of(&wide(&logits)), 1e-6);
            let slopes = differences(&wide(&logits), &vec![1.0; pairs], of);
            residuals.iter().zip(slopes).for_each(|(a, b)| assert!((f64::from(*a) - b).abs() < 1e-6));
        }
    }

    #[test]
    fn large_logits_are_no_trouble_and_what_is_no_number_is_seen() {
        let (mut losses, mut residuals) = ([0.0; 2], [0.0; 6]);
        cross_entropy(&[1000.0, -1000.0, 0.0, 1.0, f32::NAN, 2.0], &[1, 0], 3, &mut losses, &mut residuals);
        assert_eq!(losses[0], 2000.0);
        assert!(losses[1].is_nan() && residuals[3..].iter().all(|x| x.is_nan()));
    }

    #[test]
    fn counts_what_is_right() {
        assert_eq!(count_correct(&[1.0, 2.0, 3.0, 3.0, f32::NAN, 1.0], &[1, 0, 1], 2), 2);
        assert_eq!(count_correct(&[], &[], 3), 0);
    }
}
