//! Memory that several processes share: a file that each of them maps. It begins with counters, by which they wait for
//! each other; numbers follow. Who writes where and when is agreed between them (main/training/parallel/mappedExchange.ts).

use crate::error::{Error, Result};
use crate::{ensure, fail};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Each in a cache line of its own.
pub const COUNTERS: usize = 128;
const COUNTER_BYTES: usize = 64;
const HEADER_BYTES: usize = COUNTERS * COUNTER_BYTES;
/// Raised by whoever leaves: nobody waits for it any more.
pub const LEFT: usize = 0;

const SPINS: u32 = 2000;
const SHORTEST_SLEEP: Duration = Duration::from_micros(20);
const LONGEST_SLEEP: Duration = Duration::from_micros(200);
/// Numbers that are added at once: the sum stays in the nearest cache.
const BLOCK: usize = 2048;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    Reached,
    /// The time is up.
    Waiting,
    Left,
}

pub struct Exchange {
    mapping: Mapping,
    numbers: usize,
}

impl Exchange {
    /// A new file with room for so many numbers, all zero. Every block of it is written, so that a full disk refuses here
    /// and not in the middle of a sum.
    pub fn create(path: &Path, numbers: usize) -> Result<Self> {
        Ok(Self { mapping: Mapping::create(path, bytes_of(numbers)?)?, numbers })
    }

    /// The file that a partner has made.
    pub fn open(path: &Path, numbers: usize) -> Result<Self> {
        Ok(Self { mapping: Mapping::open(path, bytes_of(numbers)?)?, numbers })
    }

    /// What was written before it is seen by whoever sees the counter.
    pub fn store(&self, counter: usize, value: u64) -> Result<()> {
        self.counter(counter)?.store(value, Ordering::Release);
        Ok(())
    }

    /// Waits until `count` counters from `first` on are at least `value`: spinning, then in short sleeps.
    pub fn wait(&self, first: usize, count: usize, value: u64, limit: Duration) -> Result<Waited> {
        ensure!(first <= COUNTERS && count <= COUNTERS - first, "there are {COUNTERS} counters");
        let counters = (first..first + count).map(|at| self.counter(at)).collect::<Result<Vec<_>>>()?;
        let began = Instant::now();
        let (mut spins, mut sleep) = (0, SHORTEST_SLEEP);
        loop {
            if counters.iter().all(|counter| counter.load(Ordering::Acquire) >= value) {
                return Ok(Waited::Reached);
            }
            if self.counter(LEFT)?.load(Ordering::Acquire) != 0 {
                return Ok(Waited::Left);
            }
            if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
                continue;
            }
            if began.elapsed() >= limit {
                return Ok(Waited::Waiting);
            }
            std::thread::sleep(sleep);
            sleep = (sleep * 2).min(LONGEST_SLEEP);
        }
    }

    /// Where `count` numbers from `at` on lie.
    pub fn place(&self, at: usize, count: usize) -> Result<*mut f32> {
        ensure!(at <= self.numbers && count <= self.numbers - at, "{count} numbers from {at} on of {}", self.numbers);
        // SAFETY: inside the mapping, as just checked.
        Ok(unsafe { self.mapping.start().add(HEADER_BYTES).cast::<f32>().add(at) })
    }

    /// Writes the sums of `count` numbers from each of `from` on, added in that order, from `to` on.
    pub fn add(&self, from: &[usize], to: usize, count: usize) -> Result<()> {
        let Some((&first, others)) = from.split_first() else { return fail!("there is nothing to add") };
        for &at in from {
            ensure!(at.abs_diff(to) >= count, "a sum lies over what it is made of");
        }
        let sum = self.place(to, count)?;
        let first = self.place(first, count)?;
        let others = others.iter().map(|&at| self.place(at, count)).collect::<Result<Vec<_>>>()?;
        for begin in (0..count).step_by(BLOCK) {
            let size = BLOCK.min(count - begin);
            // SAFETY: inside the mapping, apart from each other, and partners neither write these numbers now nor read
            // those of the sum: they wait for a counter before they do.
            unsafe {
                first.add(begin).copy_to_nonoverlapping(sum.add(begin), size);
                let sum = std::slice::from_raw_parts_mut(sum.add(begin), size);
                for other in &others {
                    let other = std::slice::from_raw_parts(other.add(begin), size);
                    sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
                }
            }
        }
        Ok(())
    }

    fn counter(&self, at: usize) -> Result<&AtomicU64> {
        ensure!(at < COUNTERS, "there are {COUNTERS} counters");
        // SAFETY: inside the mapping, aligned, and read and written by all as an atomic.
        Ok(unsafe { &*self.mapping.start().add(at * COUNTER_BYTES).cast::<AtomicU64>() })
    }
}

fn bytes_of(numbers: usize) -> Result<usize> {
    let bytes = numbers.checked_mul(size_of::<f32>()).and_then(|bytes| bytes.checked_add(HEADER_BYTES));
    bytes
        .filter(|&bytes| isize::try_from(bytes).is_ok())
        .ok_or_else(|| Error(format!("{numbers} numbers are too many")))
}

#[cfg(unix)]
use mapped::Mapping;

#[cfg(unix)]
mod mapped {
    use super::{Error, Result};
    use crate::ensure;
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;
    use std::ptr::null_mut;

    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

    /// A whole file in memory, shared with whoever maps it too; it outlives the file's name.
    pub struct Mapping {
        start: *mut u8,
        bytes: usize,
    }

    impl Mapping {
        pub fn create(path: &Path, bytes: usize) -> Result<Self> {
            let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
            let mapped = Self::filled(&mut file, bytes).and_then(|()| Self::of(&file, bytes));
            if mapped.is_err() {
                // Half a file would take the memory that there is for as long as the run goes on without it.
                let _ = std::fs::remove_file(path);
            }
            mapped
        }

        /// Writes zeros: a hole in a file would be found out only when a worker writes where there is no room.
        fn filled(file: &mut File, bytes: usize) -> Result<()> {
            let mut left = bytes;
            while left > 0 {
                let size = left.min(ZEROS.len());
                file.write_all(&ZEROS[..size])?;
                left -= size;
            }
            Ok(())
        }

        pub fn open(path: &Path, bytes: usize) -> Result<Self> {
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            let size = file.metadata()?.len();
            ensure!(size == bytes as u64, "the file has {size} bytes, not {bytes}");
            Self::of(&file, bytes)
        }

        fn of(file: &File, bytes: usize) -> Result<Self> {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: anywhere, as long as the file is, whose descriptor is open.
            let start = unsafe { libc::mmap(null_mut(), bytes, access, libc::MAP_SHARED, file.as_raw_fd(), 0) };
            if start == libc::MAP_FAILED {
                return Err(std::io::Error::last_os_error().into());
            }
            Ok(Self { start: start.cast(), bytes })
        }

        pub fn start(&self) -> *mut u8 {
            self.start
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: what `mmap` gave, once.
            unsafe { libc::munmap(self.start.cast(), self.bytes) };
        }
    }

    impl From<std::io::Error> for Error {
        fn from(error: std::io::Error) -> Self {
            Self(error.to_string())
        }
    }
}

#[cfg(not(unix))]
use unmapped::Mapping;

#[cfg(not(unix))]
mod unmapped {
    use super::Result;
    use crate::fail;
    use std::path::Path;

    /// Never made: there, partners exchange through a pipe.
    pub struct Mapping(std::convert::Infallible);

    impl Mapping {
        pub fn create(_: &Path, _: usize) -> Result<Self> {
            fail!("files are not mapped on this system")
        }

        pub fn open(_: &Path, _: usize) -> Result<Self> {
            fail!("files are not mapped on this system")
        }

        pub fn start(&self) -> *mut u8 {
            match self.0 {}
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
