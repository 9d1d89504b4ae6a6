//! Memory of tensors and workspaces. The pool keeps what is given back and hands it out again, so that a training step
//! after the first asks the system for nothing: fresh pages would cost more than the kernels that fill them.

use crate::error::Error;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

mod borders;

/// Every block begins at a multiple of this: a cache line and an AVX-512 register.
pub const ALIGNMENT: usize = 64;

/// Types of which every pattern of bits is a value, so that reused memory needs no clearing.
///
/// # Safety
/// Only for numbers without padding or invalid values.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}
// SAFETY: plain numbers.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u8 {}

/// From this size on, a block begins on a page of this size and asks the system for such pages: products walk through
/// columns, and would wait for the addresses of many small ones.
const HUGE: usize = 2 << 20;

/// Shared by clones.
#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Shelves>>);

/// Sizes are rounded up to one of four steps between powers of two, so that batches of about one size share blocks.
const STEPS: u32 = 4;
const SMALLEST: usize = 256;
const LARGEST: usize = isize::MAX as usize / 4;
const CLASSES: usize = (STEPS as usize) * (usize::BITS as usize);
/// A block may serve a request of up to this many classes below its own: at most twice as large as needed.
const REACH: usize = 3;

struct Shelves {
    free: Vec<Vec<Memory>>,
    counts: PoolCounts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Bytes on the shelves and in use.
    pub held_bytes: usize,
    pub used_bytes: usize,
    /// How often the system was asked.
    pub system_allocations: u64,
}

impl Default for Shelves {
    fn default() -> Self {
        Self { free: (0..CLASSES).map(|_| Vec::new()).collect(), counts: PoolCounts::default() }
    }
}

/// Class of a size, and the bytes of that class.
fn class_of(bytes: usize) -> (usize, usize) {
    let bytes = bytes.max(SMALLEST);
    let power = bytes.ilog2();
    let base = 1usize << power;
    let step = base / STEPS as usize;
    let above = (bytes - base).div_ceil(step);
    let class = (power * STEPS) as usize + above;
    (class, base + above * step)
}

/// Unwinds to the border with an error: Rust's own answer to a lack of memory would end the process.
fn refuse(bytes: usize) -> ! {
    std::panic::resume_unwind(Box::new(Error(format!("the system has no memory for {bytes} bytes"))))
}

/// Bytes from the system, zeroed once.
struct Memory {
    start: NonNull<u8>,
    aligned: NonNull<u8>,
    layout: Layout,
    bytes: usize,
    class: usize,
}

// SAFETY: it owns its bytes and has no thread of its own.
unsafe impl Send for Memory {}
// SAFETY: shared references only read the pointer.
unsafe impl Sync for Memory {}

impl Memory {
    fn new(class: usize, bytes: usize) -> Self {
        // Asked for with room to align by hand: the system clears aligned requests page by page, plain ones on touch.
        let alignment = if bytes < HUGE { ALIGNMENT } else { HUGE };
        let layout = bytes.checked_add(alignment).and_then(|bytes| Layout::from_size_align(bytes, 16).ok());
        let layout = layout.unwrap_or_else(|| refuse(bytes));
        // SAFETY: the size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| refuse(bytes));
        let offset = start.as_ptr().align_offset(alignment);
        // SAFETY: offset < alignment, and that much more than `bytes` was asked for.
        let aligned = unsafe { start.add(offset) };
        prefer_huge_pages(aligned, bytes);
        let memory = Self { start, aligned, layout, bytes, class };
        borders::close(&memory);
        memory
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        borders::open(self, self.bytes);
        // SAFETY: allocated with this layout, freed once.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

#[cfg(target_os = "linux")]
fn prefer_huge_pages(start: NonNull<u8>, bytes: usize) {
    if bytes >= HUGE {
        // SAFETY: a hint about pages that lie within the block. Where the system refuses it, small ones do.
        unsafe { libc::madvise(start.as_ptr().cast(), bytes / HUGE * HUGE, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn prefer_huge_pages(_: NonNull<u8>, _: usize) {}

impl Pool {
    pub fn new() -> Self {
        Self::default()
    }

    fn shelves(&self) -> std::sync::MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `count` numbers of any value: what earlier users left.
    pub fn take<T: Plain>(&self, count: usize) -> Block<T> {
        let bytes = count.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= LARGEST);
        let (class, class_bytes) = class_of(bytes.unwrap_or_else(|| refuse(usize::MAX)));
        let mut shelves = self.shelves();
        let found = (class..=class + REACH).find_map(|near| shelves.free.get_mut(near)?.pop());
        let memory = found.unwrap_or_else(|| {
            let memory = Memory::new(class, class_bytes);
            shelves.counts.system_allocations += 1;
            shelves.counts.held_bytes += class_bytes;
            memory
        });
        shelves.counts.used_bytes += memory.bytes;
        drop(shelves);
        borders::open(&memory, count * size_of::<T>());
        Block { data: memory.aligned.cast(), count, memory: Some(memory), pool: self.clone() }
    }

    pub fn take_filled<T: Plain>(&self, count: usize, value: T) -> Block<T> {
        let mut block = self.take(count);
        block.fill(value);
        block
    }

    pub fn counts(&self) -> PoolCounts {
        self.shelves().counts
    }

    /// Gives everything on the shelves back to the system.
    pub fn release(&self) {
        let mut shelves = self.shelves();
        for class in 0..CLASSES {
            let blocks = std::mem::take(&mut shelves.free[class]);
            shelves.counts.held_bytes -= blocks.iter().map(|memory| memory.bytes).sum::<usize>();
        }
    }
}

/// Numbers in memory of the pool, which gets it back when the block is dropped.
pub struct Block<T: Plain> {
    data: NonNull<T>,
    count: usize,
    /// Absent only while dropping.
    memory: Option<Memory>,
    pool: Pool,
}

// SAFETY: a block owns its numbers, as a Vec does.
unsafe impl<T: Plain> Send for Block<T> {}
// SAFETY: shared references only read.
unsafe impl<T: Plain> Sync for Block<T> {}

impl<T: Plain> Block<T> {
    /// Bytes taken from the pool: those asked for, rounded up to a class.
    pub fn held_bytes(&self) -> usize {
        self.memory.as_ref().map_or(0, |memory| memory.bytes)
    }

    /// The same memory as numbers of another type of the same size.
    pub fn cast<U: Plain>(mut self) -> Block<U> {
        assert!(size_of::<T>() == size_of::<U>(), "types of one size");
        Block { data: self.data.cast(), count: self.count, memory: self.memory.take(), pool: self.pool.clone() }
    }
}

impl<T: Plain> Deref for Block<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the memory holds `count` aligned numbers, initialised (zeroed at first) and owned by this block.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.count) }
    }
}

impl<T: Plain> DerefMut for Block<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in deref; the exclusive borrow makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), self.count) }
    }
}

impl<T: Plain> Drop for Block<T> {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            borders::close(&memory);
            let mut shelves = self.pool.shelves();
            shelves.counts.used_bytes -= memory.bytes;
            let class = memory.class;
            shelves.free[class].push(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(address_sanitizer)]
    #[test]
    fn the_sanitizer_sees_the_borders_of_blocks_and_what_is_on_a_shelf() {
        let pool = Pool::new();
        for (round, count) in [13, 64, 5, 63].into_iter().enumerate() {
            let block = pool.take::<f32>(count);
            assert_eq!(pool.counts().system_allocations, 1, "reused in round {round}");
            let place = |at: isize| block.as_ptr().cast::<u8>().wrapping_offset(at);
            let bytes = 4 * count as isize;
            assert!((0..bytes).all(|at| !borders::refused(place(at))));
            assert!((-16..0).chain(bytes..300).all(|at| borders::refused(place(at))));
            let begin = place(0);
            drop(block);
            assert!((0..bytes).all(|at| borders::refused(begin.wrapping_offset(at))));
        }
    }

    #[test]
    fn classes_hold_what_was_asked_for_and_waste_little() {
        for bytes in (1..5000).chain([1 << 20, (1 << 20) + 1, 13_000 * 256 * 4]) {
            let (class, size) = class_of(bytes);
            assert!(size >= bytes && size.is_multiple_of(ALIGNMENT));
            assert!(bytes < SMALLEST || size <= bytes + bytes / 4, "{bytes} in {size}");
            assert_eq!(class_of(size), (class, size));
        }
    }

    #[test]
    fn reuses_blocks_and_counts_them() {
        let pool = Pool::new();
        let first = pool.take::<f32>(1000);
        assert_eq!(first.as_ptr() as usize % ALIGNMENT, 0);
        let place = first.as_ptr() as usize;
        drop(first);
        let again = pool.take::<i32>(990);
        assert_eq!(again.as_ptr() as usize, place);
        assert_eq!(pool.counts().system_allocations, 1);
        drop(again);
        assert_eq!(pool.counts().used_bytes, 0);
        assert!(pool.counts().held_bytes > 0);
        pool.release();
        assert_eq!(pool.counts().held_bytes, 0);
    }

    #[test]
    fn too_much_is_an_error_that_leaves_the_pool_as_it_was() {
        let pool = Pool::new();
        for count in [1 << 50, usize::MAX] {
            let refused = std::panic::catch_unwind(|| pool.take::<f32>(count).len()).expect_err("no such memory");
            assert!(refused.downcast_ref::<Error>().is_some_and(|error| error.0.contains("no memory")));
        }
        assert_eq!(pool.counts(), PoolCounts::default());
        assert_eq!(pool.take::<f32>(10).len(), 10);
    }

    #[test]
    fn fresh_memory_is_zero_and_nothing_is_a_block_too() {
        let pool = Pool::new();
        assert!(pool.take::<u8>(0).is_empty());
        assert!(pool.take::<f32>(100_000).iter().all(|&value| value == 0.0));
        assert!(pool.take_filled(3, 2.5f32).iter().all(|&value| value == 2.5));
    }
}
