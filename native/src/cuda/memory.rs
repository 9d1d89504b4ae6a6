//! Memory of the GPU, kept and reused, up to a limit.

use super::device::failed;
use super::{Address, Precision};
use crate::ensure;
use crate::error::{Error, Result};
use cudarc::driver::result;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;

/// Sizes are rounded up to this, which also is what addresses are multiples of.
const UNIT: usize = 512;

pub struct Memory {
    limit: usize,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// Free blocks by size
    free: BTreeMap<usize, Vec<Address>>,
    /// Bytes taken from the driver
    held: usize,
    /// Bytes of them in buffers
    used: usize,
    /// The most there ever were
    most_used: usize,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Rc<Self> {
        Rc::new(Self { limit, state: RefCell::default() })
    }

    /// Bytes in buffers now, and the most there ever were.
    pub fn used(&self) -> (usize, usize) {
        let state = self.state.borrow();
        (state.used, state.most_used)
    }

    fn take(&self, bytes: usize) -> Result<(Address, usize)> {
        let bytes = bytes.max(1).next_multiple_of(UNIT);
        let mut state = self.state.borrow_mut();
        if state.used + bytes > self.limit {
            let (asked, used, limit) = (bytes >> 20, state.used >> 20, self.limit >> 20);
            return Err(Error(format!(
                "the GPU's memory does not suffice: {asked} MiB more than the {used} MiB in use, of {limit} MiB allowed"
            )));
        }
        // A block that is not much larger will do.
        let found = state.free.range(bytes..=bytes + bytes / 4).next().map(|(&size, _)| size);
        let (address, size) = match found {
            Some(size) => (state.reuse(size), size),
            None => {
                if state.held + bytes > self.limit {
                    state.give_back();
                }
                // SAFETY: the device's context is current.
                let taken = unsafe { result::malloc_sync(bytes) }.or_else(|_| {
                    state.give_back();
                    // SAFETY: as above.
                    unsafe { result::malloc_sync(bytes) }
                });
                let doing = format!("give {} MiB of memory beside the {} MiB in use", bytes >> 20, state.used >> 20);
                let address = taken.map_err(failed(&doing))?;
                state.held += bytes;
                (address, bytes)
            }
        };
        state.used += size;
        state.most_used = state.most_used.max(state.used);
        Ok((address, size))
    }

    pub(super) fn give_back_all(&self) {
        self.state.borrow_mut().give_back();
    }
}

impl State {
    fn reuse(&mut self, size: usize) -> Address {
        let blocks = self.free.get_mut(&size).expect("a size that was found");
        let address = blocks.pop().expect("a block of it");
        if blocks.is_empty() {
            self.free.remove(&size);
        }
        address
    }

    /// Free blocks go back to the driver, which waits for all work first.
    fn give_back(&mut self) {
        for (size, blocks) in std::mem::take(&mut self.free) {
            for address in blocks {
                // SAFETY: nothing uses a free block.
                let _ = unsafe { result::free_sync(address) };
                self.held -= size;
            }
        }
    }
}

/// Memory for some bytes; goes back to the pool when dropped. Work that was put into streams before may still use it then,
/// and whoever takes it next comes later in the same streams.
pub struct Block {
    address: Address,
    size: usize,
    memory: Rc<Memory>,
}

impl Block {
    pub fn new(memory: &Rc<Memory>, bytes: usize) -> Result<Self> {
        let (address, size) = memory.take(bytes)?;
        Ok(Self { address, size, memory: memory.clone() })
    }

    /// Room for `count` numbers as kernels keep them in between.
    pub fn of(memory: &Rc<Memory>, precision: Precision, count: usize) -> Result<Self> {
        Self::new(memory, count * precision.size())
    }

    pub fn address(&self) -> Address {
        self.address
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut state = self.memory.state.borrow_mut();
        state.used -= self.size;
        state.free.entry(self.size).or_default().push(self.address);
    }
}

/// Types of numbers that any bytes are a value of.
pub trait Number: Copy + Default {}
impl Number for f32 {}
impl Number for f64 {}
impl Number for i32 {}
impl Number for u32 {}
impl Number for u16 {}
impl Number for u8 {}

/// Numbers on the GPU.
pub struct Buffer<T> {
    block: Block,
    count: usize,
    of: PhantomData<T>,
}

impl<T: Number> Buffer<T> {
    /// Whatever the memory held before.
    pub fn new(memory: &Rc<Memory>, count: usize) -> Result<Self> {
        let block = Block::new(memory, count * size_of::<T>())?;
        Ok(Self { block, count, of: PhantomData })
    }

    pub fn zeros(memory: &Rc<Memory>, count: usize) -> Result<Self> {
        Self::filled(memory, count, 0)
    }

    /// Every byte the same. Waits for all work.
    pub fn filled(memory: &Rc<Memory>, count: usize, byte: u8) -> Result<Self> {
        let buffer = Self::new(memory, count)?;
        if count > 0 {
            // SAFETY: the buffer has so many bytes.
            unsafe {
                result::ctx::synchronize().map_err(failed("do its work"))?;
                result::memset_d8_sync(buffer.address(), byte, count * size_of::<T>())
                    .map_err(failed("fill memory"))?;
            }
        }
        Ok(buffer)
    }

    pub fn from(memory: &Rc<Memory>, numbers: &[T]) -> Result<Self> {
        let buffer = Self::new(memory, numbers.len())?;
        buffer.write(0, numbers)?;
        Ok(buffer)
    }

    /// Waits for all work, then copies numbers to the GPU.
    pub fn write(&self, begin: usize, numbers: &[T]) -> Result<()> {
        ensure!(begin + numbers.len() <= self.count, "{} numbers do not fit into {}", numbers.len(), self.count);
        if numbers.is_empty() {
            return Ok(());
        }
        // SAFETY: they fit; nothing runs any more.
        unsafe {
            result::ctx::synchronize().map_err(failed("do its work"))?;
            result::memcpy_htod_sync(self.place(begin), numbers).map_err(failed("be sent numbers"))
        }
    }

    /// Waits for all work, then copies all numbers from the GPU.
    pub fn read(&self) -> Result<Vec<T>> {
        let mut numbers = vec![T::default(); self.count];
        if self.count > 0 {
            // SAFETY: both have so many numbers, and any bytes are numbers.
            unsafe {
                result::ctx::synchronize().map_err(failed("do its work"))?;
                result::memcpy_dtoh_sync(&mut numbers, self.address()).map_err(failed("send numbers"))?;
            }
        }
        Ok(numbers)
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn address(&self) -> Address {
        self.block.address()
    }

    /// Address of a number.
    pub fn place(&self, index: usize) -> Address {
        debug_assert!(index <= self.count);
        self.address() + (index * size_of::<T>()) as u64
    }
}
