//! One engine for each thread of JavaScript: its buffers, what computes on them, and what it shares. Kernels run on the thread that calls
//! them (and on workers), so engines need no locks, and one that ends with its thread gives everything back.

use crate::buffers::{Buffers, Handle};
use crate::compute::Compute;
use crate::cpu::physical_cores;
use crate::exchange::Exchange;
use std::cell::RefCell;
use std::collections::HashMap;

pub struct Engine {
    pub compute: Compute,
    pub buffers: Buffers,
    /// With processes that train the same run, by number.
    pub exchanges: HashMap<Handle, Exchange>,
    pub last_exchange: Handle,
}

impl Engine {
    fn new() -> Self {
        Self {
            compute: Compute::new(physical_cores()),
            buffers: Buffers::default(),
            exchanges: HashMap::new(),
            last_exchange: 0,
        }
    }
}

// The end of a thread drops its engine, which waits for the computing threads. That is well at the end of a process'
// main thread, and nowhere else: in a thread that ends while others live, Windows would wait for ever (it runs such
// destructors under the lock that ending threads need too). Engines are opened in the main threads of child processes
// only; worker threads of JavaScript prepare data and never compute.
thread_local! {
    static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) };
}

/// The calling thread's engine, made at the first call.
pub fn with_engine<R>(body: impl FnOnce(&mut Engine) -> R) -> R {
    ENGINE.with_borrow_mut(|engine| body(engine.get_or_insert_with(Engine::new)))
}
