//! What a step keeps between batches, as it is set, read, stored and restored: parameters with their moments, gradients,
//! rates, the gradient's norms.

use super::batch::Batch;
use super::parameters::Named;
use super::{TOKEN_TABLE, TrainingStep};
use crate::cuda::memory::Buffer;
use crate::cuda::optimizer::{HISTORY, NEVER, Rate};
use crate::ensure;
use crate::error::{Error, Result};
use crate::kernels::optimizer::moving_rows;

/// A parameter as a checkpoint has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    pub value: Vec<f32>,
    /// Adam's moments, like the value
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

/// Where value, first and second moment are in the flat buffers.
const KEPT: [usize; 3] = [0, 2, 3];

impl TrainingStep {
    /// Names of all parameters and how many numbers they have.
    pub fn names(&self) -> Vec<(String, usize)> {
        let table = (TOKEN_TABLE.to_owned(), self.table[0].count());
        self.parameters.named.iter().map(|named| (named.name.clone(), named.size)).chain([table]).collect()
    }

    /// Sets a parameter's value; its moments stay.
    pub fn set(&mut self, name: &str, numbers: &[f32]) -> Result<()> {
        if name == TOKEN_TABLE {
            check_size(name, self.table[0].count(), numbers)?;
            self.catch_up()?;
            return self.table[0].write(0, numbers);
        }
        let named = self.named(name)?;
        check_size(name, named.size, numbers)?;
        self.flat[0].write(named.begin, numbers)?;
        self.round()
    }

    /// The value of a parameter.
    pub fn value(&self, name: &str) -> Result<Vec<f32>> {
        if name != TOKEN_TABLE {
            return self.part_of(&self.flat[0], name);
        }
        self.catch_up()?;
        self.table[0].read()
    }

    /// A parameter with its moments, for a checkpoint.
    pub fn saved(&self, name: &str) -> Result<Saved> {
        let [value, first, second] = if name == TOKEN_TABLE {
            self.catch_up()?;
            [self.table[0].read()?, self.table[1].read()?, self.table[2].read()?]
        } else {
            let part = |which: usize| self.part_of(&self.flat[which], name);
            [part(KEPT[0])?, part(KEPT[1])?, part(KEPT[2])?]
        };
        Ok(Saved { value, first, second })
    }

    /// Goes on from a checkpoint: the next step is that of the run that was saved, to the bit.
    pub fn restore(&mut self, name: &str, saved: &Saved) -> Result<()> {
        let lists = [&saved.value, &saved.first, &saved.second];
        if name == TOKEN_TABLE {
            lists.iter().try_for_each(|list| check_size(name, self.table[0].count(), list))?;
            self.table.iter().zip(lists).try_for_each(|(buffer, list)| buffer.write(0, list))?;
            let moving = moving_rows(&saved.first, &saved.second, self.options.sizes.hidden);
            return self.set_done(&moving);
        }
        let named = self.named(name)?.clone();
        lists.iter().try_for_each(|list| check_size(name, named.size, list))?;
        KEPT.iter().zip(lists).try_for_each(|(&which, list)| self.flat[which].write(named.begin, list))?;
        self.round()
    }

    /// How fast each parameter learns, by its name. Parameters that lie side by side have one rate.
    pub fn set_rates(&mut self, rate_of: impl Fn(&str) -> Rate) -> Result<()> {
        // What rows of the table missed, they missed at the old rate.
        self.catch_up()?;
        let mut rates = vec![None; self.parameters.stretches.len()];
        for named in &self.parameters.named {
            let inside = |begin: usize, size: usize| (begin..begin + size).contains(&named.begin);
            let stretches = &self.parameters.stretches;
            let stretch = stretches.iter().find(|stretch| inside(stretch.begin, stretch.size)).expect("its stretch");
            let rate = rate_of(&named.name);
            let before = rates[stretch.index].replace(rate);
            ensure!(
                before.is_none_or(|before| before == rate),
                "{} learns at another rate than its neighbours",
                named.name
            );
        }
        let rates: Vec<Rate> = rates.into_iter().map(Option::unwrap_or_default).collect();
        self.rates.write(0, &rates)?;
        self.rate_of_table = rate_of(TOKEN_TABLE);
        let done = self.done.read()?;
        self.set_done(&done.iter().map(|&done| done != NEVER).collect::<Vec<_>>())?;
        // The table's rate is recorded.
        self.graphs.clear();
        Ok(())
    }

    /// Norms of the gradients of the last steps, as `Clipping` scales them, the oldest first.
    pub fn gradient_norms(&self, steps: usize) -> Result<Vec<f32>> {
        let (history, count) = (self.history.read()?, self.updates.read()?[0] as usize);
        let steps = steps.min(count).min(HISTORY);
        Ok((count - steps..count).map(|update| history[update % HISTORY * 4 + 3]).collect())
    }

    /// The last step's gradient of a parameter other than the token table.
    pub fn gradient(&self, name: &str) -> Result<Vec<f32>> {
        self.part_of(&self.flat[1], name)
    }

    /// The last step's gradient of the token table: a row for each of the batch's ids, ascending.
    pub fn gradient_of_rows(&self, batch: &Batch) -> Result<Vec<f32>> {
        let mut rows = self.buffers.token_rows.read()?;
        rows.truncate(batch.counts.distinct as usize * self.options.sizes.hidden);
        Ok(rows)
    }

    /// All rows of the token table do the updates that they missed.
    pub(super) fn catch_up(&self) -> Result<()> {
        // SAFETY: all buffers are this struct's.
        unsafe { self.adam().catch_up_all(&self.device, &self.table()) }
    }

    /// Rows of the table have done all updates. Those that do not move, having no moments and no decay, need never do any.
    fn set_done(&self, moving: &[bool]) -> Result<()> {
        let count = self.updates.read()?[0];
        let decays = self.rate_of_table.decay != 0.0;
        let done: Vec<i32> = moving.iter().map(|&moves| if moves || decays { count } else { NEVER }).collect();
        self.done.write(0, &done)
    }

    fn named(&self, name: &str) -> Result<&Named> {
        self.parameters.named(name).ok_or_else(|| Error(format!("there is no parameter {name}")))
    }

    fn part_of(&self, flat: &Buffer<f32>, name: &str) -> Result<Vec<f32>> {
        let named = self.named(name)?;
        flat.read_part(named.begin, named.size)
    }
}

fn check_size(name: &str, size: usize, numbers: &[f32]) -> Result<()> {
    ensure!(numbers.len() == size, "{name} has {size} numbers, not {}", numbers.len());
    Ok(())
}
