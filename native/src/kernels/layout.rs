//! How the rows of a packed batch belong to its pairs.

use crate::ensure;
use crate::error::Result;
use std::ops::Range;

#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// [P + 1], ascending, from 0 to R
    offsets: &'a [i32],
    /// [P] index of each pair in the optimizer batch
    pair_indices: &'a [i32],
}

impl<'a> Layout<'a> {
    pub fn new(offsets: &'a [i32], pair_indices: &'a [i32]) -> Result<Self> {
        ensure!(offsets.first() == Some(&0), "offsets must begin with 0");
        ensure!(offsets.windows(2).all(|two| two[0] <= two[1]), "offsets must ascend");
        let pairs = offsets.len() - 1;
        ensure!(pair_indices.len() == pairs, "{} indices for {pairs} pairs", pair_indices.len());
        Ok(Self { offsets, pair_indices })
    }

    pub fn pairs(&self) -> usize {
        self.pair_indices.len()
    }

    pub fn rows(&self) -> usize {
        self.offsets[self.pairs()] as usize
    }

    /// Rows of a pair.
    pub fn range(&self, pair: usize) -> Range<usize> {
        self.offsets[pair] as usize..self.offsets[pair + 1] as usize
    }

    /// Length of a pair.
    pub fn length(&self, pair: usize) -> usize {
        self.range(pair).len()
    }

    pub fn pair_index(&self, pair: usize) -> u32 {
        self.pair_indices[pair] as u32
    }

    pub fn longest(&self) -> usize {
        (0..self.pairs()).map(|pair| self.length(pair)).max().unwrap_or(0)
    }

    /// The pair that a row belongs to.
    pub fn pair_of(&self, row: usize) -> usize {
        self.offsets.partition_point(|&offset| offset as usize <= row) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_layout() {
        for (offsets, indices) in [(&[][..], &[][..]), (&[1, 2], &[0]), (&[0, 3, 2], &[0, 1]), (&[0, 3], &[0, 1])] {
            assert!(Layout::new(offsets, indices).is_err());
        }
    }

    #[test]
    fn knows_rows_and_pairs_of_one_another() {
        let layout = Layout::new(&[0, 3, 3, 8], &[5, 6, 7]).unwrap();
        assert_eq!((layout.pairs(), layout.rows(), layout.longest()), (3, 8, 5));
        assert_eq!((0..8).map(|row| layout.pair_of(row)).collect::<Vec<_>>(), [0, 0, 0, 2, 2, 2, 2, 2]);
        assert_eq!(Layout::new(&[0], &[]).unwrap().longest(), 0);
    }
}
