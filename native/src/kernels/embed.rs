//! Rows by index: the encoder's input, rows gathered, and rows summed by target (the gradient of both).

use super::workspace::{AHEAD, part, prefetch_row, put};
use crate::compute::Compute;
use crate::pool::Block;
use crate::simd::{Kernel, Simd, dispatch};
use crate::threads::Disjoint;
use std::ops::Range;

/// Numbers that a thread works on at a time.
const CHUNK: usize = 1 << 14;
/// Rows of one target that are summed together; sums of more are put together in order, in float64.
const STRETCH: usize = 64;

pub struct EmbeddingInputs<'a> {
    /// [R, W]
    pub token_rows: &'a [f32],
    /// [S, W], by segments [R]
    pub segment_table: &'a [f32],
    pub segments: &'a [i32],
    /// [M, W], by positions [R]
    pub position_table: &'a [f32],
    pub positions: &'a [i32],
}

/// -> y [R, W]: the three rows added. Indices are in range.
pub fn embedding_sum(compute: &Compute, inputs: &EmbeddingInputs, width: usize, y: &mut [f32]) {
    let rows = inputs.segments.len();
    assert!(inputs.positions.len() == rows && y.len() == rows * width && inputs.token_rows.len() == y.len());
    let out = Disjoint::new(y);
    compute.threads.for_chunks(rows, (CHUNK / width.max(1)).max(1), |chunk| {
        // SAFETY: chunks of rows do not overlap.
        let y = unsafe { out.part(chunk.range.start * width..chunk.range.end * width) };
        dispatch(compute.cpu, Sums { inputs, rows: chunk.range, width, y });
    });
}

struct Sums<'a> {
    inputs: &'a EmbeddingInputs<'a>,
    rows: Range<usize>,
    width: usize,
    y: &'a mut [f32],
}

impl Kernel for Sums<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { inputs, rows, width, y } = self;
        for (row, y) in rows.zip(y.chunks_mut(width)) {
            let token = &inputs.token_rows[row * width..][..width];
            let segment = &inputs.segment_table[inputs.segments[row] as usize * width..][..width];
            let position = &inputs.position_table[inputs.positions[row] as usize * width..][..width];
            for at in (0..width).step_by(S::LANES) {
                let places = s.add(part(s, segment, at), part(s, position, at));
                put(s, y, at, s.add(part(s, token, at), places));
            }
        }
    }
}

/// x [A, W], index [B] from 0 to A -> y [B, W]; the index A gives a row of zeros.
pub fn gather_rows(compute: &Compute, x: &[f32], width: usize, index: &[i32], y: &mut [f32]) {
    assert_eq!(y.len(), index.len() * width);
    let out = Disjoint::new(y);
    compute.threads.for_chunks(index.len(), (CHUNK / width.max(1)).max(1), |chunk| {
        // SAFETY: chunks of rows do not overlap.
        let y = unsafe { out.part(chunk.range.start * width..chunk.range.end * width) };
        dispatch(compute.cpu, Gathered { x, width, index: &index[chunk.range], y });
    });
}

struct Gathered<'a> {
    x: &'a [f32],
    width: usize,
    index: &'a [i32],
    y: &'a mut [f32],
}

impl Kernel for Gathered<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { x, width, index, y } = self;
        for (at, y) in y.chunks_mut(width.max(1)).enumerate() {
            if let Some(&row) = index.get(at + AHEAD) {
                prefetch_row(s, x, row as usize, width);
            }
            let from = index[at] as usize * width;
            if from == x.len() { y.fill(0.0) } else { y.copy_from_slice(&x[from..from + width]) }
        }
    }
}

/// rows [B, W], targets [B] below `count` -> y [count, W]: row r is added to targets[r], in the order of rows, in
/// stretches of 64 rows of a target.
pub fn sum_rows(compute: &Compute, rows: &[f32], width: usize, targets: &[i32], count: usize, y: &mut [f32]) {
    assert!(rows.len() == targets.len() * width && y.len() == count * width);
    let sorted = Sorted::new(compute, targets, count);
    let mut parts: Block<f32> = compute.pool.take(sorted.parts * width);
    let (out, of_parts) = (Disjoint::new(y), Disjoint::new(&mut parts));
    compute.threads.for_chunks(sorted.stretches, 8, |chunk| {
        for stretch in chunk.range {
            let (target, rows_of, part) = sorted.stretch(stretch);
            // SAFETY: a target of one stretch has its row of y alone; others have a row of parts for each stretch.
            let to = unsafe {
                match part {
                    Some(part) => of_parts.part(part * width..(part + 1) * width),
                    None => out.part(target * width..(target + 1) * width),
                }
            };
            dispatch(compute.cpu, AddRows { rows, width, order: &sorted.order, which: rows_of, to });
        }
    });
    // Targets of several stretches.
    compute.threads.for_chunks(count, 64, |chunk| {
        for target in chunk.range {
            let Some(which) = sorted.parts_of(target) else { continue };
            // SAFETY: each target has its row alone; the parts are read now that all are written.
            let (to, parts) = unsafe {
                (out.part(target * width..(target + 1) * width), of_parts.part(which.start * width..which.end * width))
            };
            let column = |at: usize| parts[at..].iter().step_by(width).fold(0.0, |sum, &part| sum + f64::from(part));
            to.iter_mut().enumerate().for_each(|(at, sum)| *sum = column(at) as f32);
        }
    });
}

/// Rows by target.
struct Sorted {
    /// [B] rows, those of a target together, in order
    order: Block<u32>,
    /// [count + 1] where those of a target begin
    begins: Block<u32>,
    /// [count + 1] stretches before those of a target
    before: Block<u32>,
    /// [count + 1] sums of stretches before those of a target, of targets that have several
    parts_before: Block<u32>,
    stretches: usize,
    parts: usize,
}

impl Sorted {
    fn new(compute: &Compute, targets: &[i32], count: usize) -> Self {
        let pool = &compute.pool;
        let mut begins = pool.take_filled(count + 1, 0u32);
        for &target in targets {
            begins[target as usize + 1] += 1;
        }
        let (mut before, mut parts_before) = (pool.take(count + 1), pool.take(count + 1));
        (before[0], parts_before[0]) = (0, 0);
        for target in 0..count {
            // A target without rows has a stretch too, which writes zeros.
            let stretches = begins[target + 1].div_ceil(STRETCH as u32).max(1);
            before[target + 1] = before[target] + stretches;
            parts_before[target + 1] = parts_before[target] + if stretches > 1 { stretches } else { 0 };
            begins[target + 1] += begins[target];
        }
        let mut next: Block<u32> = pool.take(count);
        next.copy_from_slice(&begins[..count]);
        let mut order = pool.take(targets.len());
        for (row, &target) in targets.iter().enumerate() {
            let place = &mut next[target as usize];
            order[*place as usize] = row as u32;
            *place += 1;
        }
        let (stretches, parts) = (before[count] as usize, parts_before[count] as usize);
        Self { order, begins, before, parts_before, stretches, parts }
    }

    /// Target, places of its rows in `order`, and which part it is of a target that has several.
    fn stretch(&self, stretch: usize) -> (usize, Range<usize>, Option<usize>) {
        let target = self.before.partition_point(|&before| before as usize <= stretch) - 1;
        let of_target = stretch - self.before[target] as usize;
        let begin = self.begins[target] as usize + of_target * STRETCH;
        let end = (begin + STRETCH).min(self.begins[target + 1] as usize);
        let part = self.parts_of(target).map(|parts| parts.start + of_target);
        (target, begin..end, part)
    }

    fn parts_of(&self, target: usize) -> Option<Range<usize>> {
        let parts = self.parts_before[target] as usize..self.parts_before[target + 1] as usize;
        (!parts.is_empty()).then_some(parts)
    }
}

struct AddRows<'a> {
    rows: &'a [f32],
    width: usize,
    /// Rows of all targets
    order: &'a [u32],
    /// Places in it
    which: Range<usize>,
    to: &'a mut [f32],
}

impl Kernel for AddRows<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { rows, width, order, which, to } = self;
        if which.is_empty() {
            to.fill(0.0);
            return;
        }
        let first = which.start;
        for place in which {
            // Also of targets that come next.
            if let Some(&row) = order.get(place + AHEAD) {
                prefetch_row(s, rows, row as usize, width);
            }
            let row = &rows[order[place] as usize * width..][..width];
            if place == first {
                to.copy_from_slice(row);
                continue;
            }
            for at in (0..width).step_by(S::LANES) {
                let sum = s.add(part(s, to, at), part(s, row, at));
                put(s, to, at, sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Cpu;
    use crate::kernels::testing::{Numbers, close, same_bits};

    #[test]
    fn embedding_sums() {
        let mut numbers = Numbers::new(1);
        for (rows, width) in [(0, 4), (1, 1), (300, 37), (20, 256)] {
            let token_rows = numbers.list(rows * width);
            let (segment_table, position_table) = (numbers.list(2 * width), numbers.list(9 * width));
            let segments: Vec<i32> = (0..rows).map(|_| numbers.below(2) as i32).collect();
            let positions: Vec<i32> = (0..rows).map(|_| numbers.below(9) as i32).collect();
            let inputs = EmbeddingInputs {
                token_rows: &token_rows,
                segment_table: &segment_table,
                segments: &segments,
                position_table: &position_table,
                positions: &positions,
            };
            let at = |place: usize| {
                let (row, column) = (place / width, place % width);
                let segment = segment_table[segments[row] as usize * width + column];
                let position = position_table[positions[row] as usize * width + column];
                f64::from(token_rows[place]) + f64::from(segment) + f64::from(position)
            };
            let expected: Vec<f64> = (0..rows * width).map(at).collect();
            for cpu in Cpu::all() {
                let mut y = vec![f32::NAN; rows * width];
                embedding_sum(&Compute::on(cpu, 2), &inputs, width, &mut y);
                close(&y, &expected, 1e-6);
            }
        }
    }

    #[test]
    fn gathers_rows_and_zeros() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut y = [f32::NAN; 8];
        gather_rows(&Compute::new(2), &x, 2, &[2, 3, 0, 2], &mut y);
        assert_eq!(y, [5.0, 6.0, 0.0, 0.0, 1.0, 2.0, 5.0, 6.0]);
        gather_rows(&Compute::new(1), &x, 2, &[], &mut []);
    }

    #[test]
    fn sums_rows_of_few_and_many_targets_alike_on_any_number_of_threads() {
        let mut numbers = Numbers::new(2);
        for (rows, width, count) in [(0, 3, 4), (5, 1, 1), (2000, 19, 2), (2000, 33, 900), (1300, 64, 5)] {
            let x = numbers.list(rows * width);
            let targets: Vec<i32> = (0..rows).map(|_| numbers.below(count) as i32).collect();
            let mut expected = vec![0.0; count * width];
            for (place, &x) in x.iter().enumerate() {
                expected[targets[place / width] as usize * width + place % width] += f64::from(x);
            }
            for cpu in Cpu::all() {
                let run = |threads| {
                    let mut y = vec![f32::NAN; count * width];
                    sum_rows(&Compute::on(cpu, threads), &x, width, &targets, count, &mut y);
                    y
                };
                let one = run(1);
                close(&one, &expected, 1e-5);
                same_bits(&one, &run(2));
                same_bits(&one, &run(3));
            }
        }
    }
}
