//! The computing threads. A piece of work is cut into chunks whose borders depend on the work alone, never on the number
//! of threads: with kernels that compute a chunk the same way wherever it runs, results are the same to the bit for any
//! number of threads. Each thread begins with its own run of neighbouring chunks and, when done, takes chunks from the
//! end of another's, so that a slow core (or a busy one) does not hold the others up.
//!
//! Why not rayon: a scope of it costs 17 µs while its threads are awake and 66 µs after they slept for 200 µs, many times
//! a training step. Here a worker that is awake joins within a microsecond, and the caller never waits for one that has
//! not joined.

use std::cell::UnsafeCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// One chunk of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which thread runs it, below `Threads::count()`: the place of its workspace. Results must not depend on it.
    pub worker: usize,
    /// Which chunk it is.
    pub index: usize,
    pub range: Range<usize>,
}

/// How long an idle worker looks for the next piece of work before it sleeps: longer than JavaScript takes between two
/// kernels of a step, short enough that a studio at rest uses no processor.
const AWAKE: Duration = Duration::from_micros(150);

pub struct Threads {
    /// How many were asked for, the caller among them.
    asked: usize,
    shared: Arc<Shared>,
    /// Started by the first work: a process that only asks what this machine can do gets none.
    workers: OnceLock<Vec<JoinHandle<()>>>,
    /// Held by the caller whose work is being done.
    caller: Mutex<()>,
}

struct Shared {
    /// Number of the current work (high half), whether it is closed, and how many workers are inside (low bits).
    state: AtomicU64,
    work: UnsafeCell<Option<Work>>,
    /// Chunks that each thread has left: begin (low half) and end (high half).
    left: Vec<AtomicU64>,
    caller: UnsafeCell<Option<Thread>>,
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
    stop: AtomicBool,
    /// Of all workers, or `AS_STARTED`.
    niceness: AtomicI32,
}

// SAFETY: `work` and `caller` are written by the caller only while the state is closed and nobody is inside, and read
// by workers only while they are inside (see `join`); the state's acquire and release order the two.
unsafe impl Sync for Shared {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for Shared {}

/// The body of a piece of work with its lifetime taken off; the caller outlives every worker inside.
#[derive(Clone, Copy)]
struct Work {
    body: *const (dyn Fn(usize) + Sync),
}

const CLOSED: u64 = 1 << 31;
const INSIDE: u64 = CLOSED - 1;
const NUMBER: u64 = 1 << 32;
/// No niceness was asked for: a worker has what it inherits.
const AS_STARTED: i32 = -1;

impl Threads {
    /// `count` threads compute: the caller and `count - 1` workers.
    pub fn new(count: usize) -> Self {
        Self::with_niceness(count, AS_STARTED)
    }

    /// Other threads of the same priority. (On Linux alone they would inherit it, and only from the thread that asked.)
    pub fn resized(&self, count: usize) -> Self {
        Self::with_niceness(count, self.shared.niceness.load(Ordering::SeqCst))
    }

    fn with_niceness(count: usize, niceness: i32) -> Self {
        let asked = count.max(1);
        let shared = Arc::new(Shared {
            state: AtomicU64::new(CLOSED),
            work: UnsafeCell::new(None),
            left: (0..asked).map(|_| AtomicU64::new(0)).collect(),
            caller: UnsafeCell::new(None),
            panic: Mutex::new(None),
            stop: AtomicBool::new(false),
            niceness: AtomicI32::new(niceness),
        });
        Self { asked, shared, workers: OnceLock::new(), caller: Mutex::new(()) }
    }

    fn workers(&self) -> &[JoinHandle<()>] {
        self.workers.get_or_init(|| {
            let spawn = |worker: usize| {
                let shared = Arc::clone(&self.shared);
                let builder = std::thread::Builder::new().name(format!("entail-compute-{worker}"));
                builder.spawn(move || shared.serve(worker))
            };
            // A system that refuses a thread gets on with fewer.
            (1..self.asked).map_while(|worker| spawn(worker).ok()).collect()
        })
    }

    /// How many compute. Starts them.
    pub fn count(&self) -> usize {
        self.workers().len() + 1
    }

    /// The same as far as it is known, which is how many were asked for before the first work. Starts none.
    pub fn expected(&self) -> usize {
        self.workers.get().map_or(self.asked, |workers| workers.len() + 1)
    }

    /// Runs `body` for the chunks of 0..count, `chunk` long each but the last. A panic in `body` is passed on.
    pub fn for_chunks(&self, count: usize, chunk: usize, body: impl Fn(Part) + Sync) {
        let chunk = chunk.max(1);
        let chunks = count.div_ceil(chunk);
        let part = |worker: usize, index: usize| {
            let begin = index * chunk;
            Part { worker, index, range: begin..(begin + chunk).min(count) }
        };
        if chunks <= 1 || self.workers().is_empty() {
            (0..chunks).for_each(|index| body(part(0, index)));
            return;
        }
        assert!(u32::try_from(chunks).is_ok(), "fewer than 2³² chunks");
        let shared = &*self.shared;
        self.run(chunks, &|worker| {
            while let Some(index) = shared.next(worker, self.count()) {
                body(part(worker, index));
            }
        });
    }

    /// The same with something of its own for each worker: a workspace. `own` holds one for each thread.
    pub fn for_chunks_with<T: Send>(
        &self,
        count: usize,
        chunk: usize,
        own: &mut [T],
        body: impl Fn(Part, &mut T) + Sync,
    ) {
        assert!(own.len() >= self.count(), "one for each thread");
        let own = Disjoint::new(own);
        self.for_chunks(count, chunk, |part| {
            // SAFETY: a worker runs one chunk at a time and has one of them.
            let mine = unsafe { own.part(part.worker..part.worker + 1) };
            body(part, &mut mine[0]);
        });
    }

    fn run(&self, chunks: usize, body: &(dyn Fn(usize) + Sync)) {
        let _only_one = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &*self.shared;
        let threads = self.count();
        for (thread, left) in shared.left.iter().enumerate().take(threads) {
            let share = |thread: usize| (chunks * thread / threads) as u64;
            left.store(share(thread) | share(thread + 1) << 32, Ordering::Relaxed);
        }
        // SAFETY: the state is closed and nobody is inside, so no worker reads these. The lifetime is taken off: `close`
        // below waits until the last worker has left, also when the caller's own share panics.
        unsafe {
            let body = std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync)>(body);
            *shared.work.get() = Some(Work { body });
            *shared.caller.get() = Some(std::thread::current());
        }
        let number = (shared.state.load(Ordering::Relaxed) & !(NUMBER - 1)).wrapping_add(NUMBER);
        shared.state.store(number, Ordering::SeqCst);
        // One is enough for two chunks, and so on.
        for worker in self.workers().iter().take(chunks - 1) {
            worker.thread().unpark();
        }
        let own = catch_unwind(AssertUnwindSafe(|| body(0)));
        shared.close();
        let others = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(payload) = own.err().or(others) {
            resume_unwind(payload);
        }
    }

    /// Priority of the computing threads, the calling one included: 0 normal to 19 lowest. -> whether the system did it
    /// for the calling thread.
    pub fn set_niceness(&self, niceness: i32) -> bool {
        self.shared.niceness.store(niceness, Ordering::SeqCst);
        for worker in self.workers.get().into_iter().flatten() {
            worker.thread().unpark();
        }
        crate::priority::set_niceness(niceness)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for worker in self.workers.take().into_iter().flatten() {
            worker.thread().unpark();
            // A worker catches what its work throws, so it ends well.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// The next chunk for a thread: the first of its own, else the last of the thread that has most left.
    fn next(&self, thread: usize, threads: usize) -> Option<usize> {
        let own = self.left[thread].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            let (begin, end) = (left as u32, left >> 32);
            (u64::from(begin) < end).then(|| left + 1)
        });
        if let Ok(left) = own {
            return Some(left as u32 as usize);
        }
        loop {
            let size = |left: u64| (left >> 32).saturating_sub(left & 0xffff_ffff);
            let sizes = (0..threads).map(|other| (size(self.left[other].load(Ordering::Relaxed)), other));
            let (most, other) = sizes.max()?;
            if most == 0 {
                return None;
            }
            let taken = self.left[other]
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (size(left) > 0).then(|| left - NUMBER));
            if let Ok(left) = taken {
                return Some((left >> 32) as usize - 1);
            }
        }
    }

    /// Enters the current work unless it is closed or `last` already.
    fn join(&self, last: u64) -> Option<u64> {
        let joined = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
            (state & CLOSED == 0 && state / NUMBER != last).then(|| state + 1)
        });
        joined.ok().map(|state| state / NUMBER)
    }

    fn leave(&self) {
        // SAFETY: read while still inside.
        let caller = unsafe { (*self.caller.get()).clone() };
        let before = self.state.fetch_sub(1, Ordering::AcqRel);
        if before & CLOSED != 0 && before & INSIDE == 1 {
            caller.inspect(Thread::unpark);
        }
    }

    /// Lets nobody in any more and waits until all who are inside have left.
    fn close(&self) {
        let mut state = self.state.fetch_or(CLOSED, Ordering::AcqRel);
        let begin = Instant::now();
        while state & INSIDE != 0 {
            if begin.elapsed() < AWAKE {
                std::hint::spin_loop();
            } else {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            state = self.state.load(Ordering::Acquire);
        }
    }

    /// A worker's life.
    fn serve(&self, worker: usize) {
        let mut last = 0;
        let mut niceness = AS_STARTED;
        let mut idle_since = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            let wanted = self.niceness.load(Ordering::Relaxed);
            if wanted != niceness {
                crate::priority::set_niceness(wanted);
                niceness = wanted;
            }
            if let Some(number) = self.join(last) {
                last = number;
                // SAFETY: inside, so the caller waits for this worker before the body's borrows end.
                let body = unsafe { (*self.work.get()).expect("work while the state is open").body };
                // SAFETY: as above.
                let done = catch_unwind(AssertUnwindSafe(|| unsafe { (*body)(worker) }));
                if let Err(payload) = done {
                    *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
                }
                self.leave();
                idle_since = Instant::now();
            } else if idle_since.elapsed() < AWAKE {
                for _ in 0..16 {
                    std::hint::spin_loop();
                }
            } else {
                std::thread::park();
                idle_since = Instant::now();
            }
        }
    }
}

/// A slice that several threads write, each its own part of it.
pub struct Disjoint<'a, T> {
    start: *mut T,
    length: usize,
    of: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: it hands out parts only through `part`, whose caller promises that they do not overlap.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), of: std::marker::PhantomData }
    }

    /// Where a range begins, for parts that are no stretch: columns of rows. Who writes through it keeps parts apart.
    pub fn pointer(&self, range: Range<usize>) -> *mut T {
        assert!(range.start <= range.end && range.end <= self.length, "a part inside of the slice");
        // SAFETY: in bounds.
        unsafe { self.start.add(range.start) }
    }

    /// # Safety
    /// No two parts that are alive at the same time overlap.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.length, "a part inside of the slice");
        // SAFETY: in bounds; the caller keeps parts apart.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.end - range.start) }
    }
}

#[cfg(test)]
mod tests;
