//! What every kernel is given besides its tensors.

use crate::cpu::Cpu;
use crate::pool::Pool;
use crate::threads::Threads;

pub struct Compute {
    pub cpu: Cpu,
    pub threads: Threads,
    pub pool: Pool,
}

impl Compute {
    pub fn new(threads: usize) -> Self {
        Self { cpu: Cpu::detect(), threads: Threads::new(threads), pool: Pool::new() }
    }

    /// On another instruction set than the widest: what tests go through.
    pub fn on(cpu: Cpu, threads: usize) -> Self {
        Self { cpu, threads: Threads::new(threads), pool: Pool::new() }
    }
}
