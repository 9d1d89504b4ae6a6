//! A packed batch as the GPU takes it: everything that a step is told, in one stretch of words that is sent at once.

use super::parameters::Sizes;
use crate::cuda::device::{Device, Lane, failed};
use crate::cuda::memory::{Buffer, Memory};
use crate::cuda::{Address, Counts};
use crate::ensure;
use crate::error::Result;
use cudarc::driver::result;
use std::rc::Rc;

/// The most that a batch may hold.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    pub rows: usize,
    pub pairs: usize,
    /// Rows of a pair
    pub longest: usize,
}

/// What of a batch JavaScript knows: ids, segments [R], offsets [P + 1], pair_indices, labels [P].
#[derive(Debug, Clone, Copy)]
pub struct Packed<'a> {
    pub ids: &'a [i32],
    pub segments: &'a [i32],
    pub offsets: &'a [i32],
    pub pair_indices: &'a [i32],
    pub labels: &'a [i32],
}

/// Where each list begins, in words.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    pub adam: usize,
    pub ids: usize,
    pub segments: usize,
    pub order: usize,
    pub offsets: usize,
    pub pair_indices: usize,
    pub labels: usize,
    pub begins: usize,
    pub distinct: usize,
    pub size: usize,
}

impl Places {
    pub fn new(capacity: &Capacity) -> Self {
        let &Capacity { rows, pairs, .. } = capacity;
        // `Counts`, then two numbers of Adam, then the lists, each at a multiple of 16 bytes.
        let mut at = 8;
        let mut list = |count: usize| {
            let begin = at;
            at += count.next_multiple_of(4);
            begin
        };
        let [ids, segments, order] = [(); 3].map(|()| list(rows));
        let offsets = list(pairs + 1);
        let [pair_indices, labels] = [(); 2].map(|()| list(pairs));
        let begins = list(rows + 1);
        let distinct = list(rows);
        Self { adam: 4, ids, segments, order, offsets, pair_indices, labels, begins, distinct, size: at }
    }
}

/// The words of one batch but for the step's number and Adam's, which are set when it is sent.
pub struct Batch {
    pub words: Vec<u32>,
    pub counts: Counts,
}

impl Batch {
    pub fn new(sizes: &Sizes, capacity: &Capacity, packed: &Packed) -> Result<Self> {
        let &Packed { ids, segments, offsets, pair_indices, labels } = packed;
        let (rows, pairs) = (ids.len(), labels.len());
        ensure!(
            rows <= capacity.rows && pairs <= capacity.pairs,
            "{rows} rows of {pairs} pairs are more than was made room for"
        );
        ensure!(
            segments.len() == rows && offsets.len() == pairs + 1 && pair_indices.len() == pairs,
            "lists of one batch"
        );
        let [first, last] = [offsets[0], offsets[pairs]];
        ensure!(first == 0 && last as usize == rows, "offsets from 0 to the number of rows");
        // A pair without rows has no first row for the classifier.
        let fits = |two: &[i32]| two[0] < two[1] && (two[1] - two[0]) as usize <= capacity.longest.min(sizes.positions);
        ensure!(offsets.windows(2).all(fits), "pairs of 1 to {} rows", capacity.longest.min(sizes.positions));
        ensure!(ids.iter().all(|&id| (id as u32 as usize) < sizes.vocabulary), "ids below {}", sizes.vocabulary);
        ensure!(segments.iter().all(|&segment| segment == 0 || segment == 1), "segments 0 and 1");
        ensure!(labels.iter().all(|&label| (label as u32 as usize) < sizes.classes), "labels below {}", sizes.classes);
        let places = Places::new(capacity);
        let mut words = vec![0; places.size];
        let mut write = |begin: usize, list: &[i32]| {
            words[begin..begin + list.len()].iter_mut().zip(list).for_each(|(word, &number)| *word = number as u32);
        };
        let lists = [ids, segments, offsets, pair_indices, labels];
        let begins = [places.ids, places.segments, places.offsets, places.pair_indices, places.labels];
        begins.iter().zip(lists).for_each(|(&begin, list)| write(begin, list));
        let sorted = Sorted::new(ids);
        write(places.order, &sorted.order);
        write(places.begins, &sorted.begins);
        write(places.distinct, &sorted.distinct);
        let counts = Counts { step: 0, rows: rows as i32, pairs: pairs as i32, distinct: sorted.distinct.len() as i32 };
        Ok(Self { words, counts })
    }
}

/// Rows by token id.
struct Sorted {
    /// [R] rows, those of an id together, in order
    order: Vec<i32>,
    /// [distinct + 1]
    begins: Vec<i32>,
    /// [distinct] ids, ascending
    distinct: Vec<i32>,
}

impl Sorted {
    fn new(ids: &[i32]) -> Self {
        let mut keys: Vec<u64> = ids.iter().enumerate().map(|(row, &id)| (id as u64) << 32 | row as u64).collect();
        keys.sort_unstable();
        let (mut begins, mut distinct) = (Vec::new(), Vec::new());
        for (place, key) in keys.iter().enumerate() {
            let id = (key >> 32) as i32;
            if distinct.last() != Some(&id) {
                distinct.push(id);
                begins.push(place as i32);
            }
        }
        begins.push(ids.len() as i32);
        Self { order: keys.iter().map(|key| *key as u32 as i32).collect(), begins, distinct }
    }
}

/// Where batches arrive on the GPU: some are on their way while another is worked on.
pub struct Inbox {
    pub places: Places,
    words: Buffer<u32>,
    arrivals: Vec<Arrival>,
    next: usize,
}

/// Batches that may be on their way at once.
const ON_THEIR_WAY: usize = 4;

impl Inbox {
    pub fn new(memory: &Rc<Memory>, capacity: &Capacity) -> Result<Self> {
        let places = Places::new(capacity);
        let arrivals = (0..ON_THEIR_WAY).map(|_| Arrival::new(memory, places.size)).collect::<Result<_>>()?;
        Ok(Self { places, words: Buffer::zeros(memory, places.size)?, arrivals, next: 0 })
    }

    pub fn address(&self) -> Address {
        self.words.address()
    }

    pub fn place(&self, word: usize) -> Address {
        self.words.place(word)
    }

    /// Sends a batch as that of `step` (from 0), with Adam's two numbers.
    pub fn send(&mut self, device: &Device, batch: &Batch, step: u32, adam: [f32; 2]) -> Result<()> {
        ensure!(batch.words.len() == self.places.size, "a batch made for another capacity");
        let arrival = &mut self.arrivals[self.next];
        self.next = (self.next + 1) % ON_THEIR_WAY;
        arrival.wait_until_taken()?;
        let words = arrival.words();
        words.copy_from_slice(&batch.words);
        let Counts { rows, pairs, distinct, .. } = batch.counts;
        words[..4].copy_from_slice(&[step, rows as u32, pairs as u32, distinct as u32]);
        words[self.places.adam..][..2].copy_from_slice(&adam.map(f32::to_bits));
        arrival.send(device, self.words.address())
    }
}

/// A batch on its way: memory that the GPU reads by itself, and where it goes first.
struct Arrival {
    at: *mut u32,
    there: Buffer<u32>,
    /// It was taken from there
    taken: cudarc::driver::sys::CUevent,
}

impl Arrival {
    fn new(memory: &Rc<Memory>, count: usize) -> Result<Self> {
        let there = Buffer::new(memory, count)?;
        let flags = cudarc::driver::sys::CUevent_flags::CU_EVENT_DISABLE_TIMING;
        let taken = result::event::create(flags).map_err(failed("make an event"))?;
        // SAFETY: the device's context is current.
        let at =
            unsafe { result::malloc_host(count * size_of::<u32>(), 0) }.map_err(failed("reach memory"))?.cast::<u32>();
        // SAFETY: so much was allocated.
        unsafe { at.write_bytes(0, count) };
        Ok(Self { at, there, taken })
    }

    fn words(&mut self) -> &mut [u32] {
        // SAFETY: so many were allocated and written; the GPU does not read them now (`wait_until_taken`).
        unsafe { std::slice::from_raw_parts_mut(self.at, self.there.count()) }
    }

    fn wait_until_taken(&self) -> Result<()> {
        // SAFETY: the event is its own.
        unsafe { result::event::synchronize(self.taken) }.map_err(failed("do its work"))
    }

    /// Beside what the GPU does; then, in order with it, to where the step reads it.
    fn send(&mut self, device: &Device, to: Address) -> Result<()> {
        let there = self.there.address();
        let bytes = self.there.count() * size_of::<u32>();
        // SAFETY: both buffers have room for all words, which stay as they are until they are taken.
        unsafe {
            device.send(there, self.words())?;
            device.after(Lane::Main, Lane::Copies)?;
            device.copy(to, there, bytes)?;
        }
        device.mark(self.taken)
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        // SAFETY: what was allocated is freed once, when it has been sent.
        unsafe {
            let _ = result::event::synchronize(self.taken);
            let _ = result::event::destroy(self.taken);
            let _ = result::free_host(self.at.cast());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_each_id_stand_together_in_order() {
        let Sorted { order, begins, distinct } = Sorted::new(&[7, 2, 7, 9, 2, 7]);
        assert_eq!(order, [1, 4, 0, 2, 5, 3]);
        assert_eq!((begins, distinct), (vec![0, 2, 5, 6], vec![2, 7, 9]));
        let none = Sorted::new(&[]);
        assert_eq!((none.order.len(), none.begins, none.distinct.len()), (0, vec![0], 0));
    }

    #[test]
    fn refuses_what_would_make_a_kernel_read_out_of_bounds() {
        let sizes = Sizes { layers: 1, hidden: 4, feed_forward: 4, heads: 1, vocabulary: 9, positions: 3, classes: 2 };
        let capacity = Capacity { rows: 6, pairs: 2, longest: 3 };
        let good = Packed {
            ids: &[1, 2, 8],
            segments: &[0, 1, 1],
            offsets: &[0, 1, 3],
            pair_indices: &[4, 5],
            labels: &[0, 1],
        };
        let made = |packed: &Packed| Batch::new(&sizes, &capacity, packed).is_ok();
        assert!(made(&good));
        for bad in [
            Packed { ids: &[1, 2, 9], ..good },
            Packed { ids: &[1, 2, -1], ..good },
            Packed { ids: &[1, 2], ..good },
            Packed { segments: &[0, 2, 1], ..good },
            Packed { offsets: &[0, 0, 3], ..good },
            Packed { offsets: &[0, 4, 3], ..good },
            Packed { offsets: &[0, 1, 2], ..good },
            Packed { labels: &[0, 2], ..good },
            Packed { ids: &[1; 4], segments: &[1; 4], offsets: &[0, 0, 4], ..good },
        ] {
            assert!(!made(&bad), "{bad:?}");
        }
    }
}
