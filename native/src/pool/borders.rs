//! What AddressSanitizer is told of the pool's blocks. It knows borders of what the system gives, not those of a block
//! inside, which is shorter than its class, nor that a block on a shelf is nobody's. Only with `--cfg address_sanitizer`
//! beside `-Zsanitizer=address` (see the README); otherwise nothing.

use super::Memory;

#[cfg(address_sanitizer)]
mod told {
    use super::Memory;
    use std::ffi::c_void;

    unsafe extern "C" {
        fn __asan_poison_memory_region(start: *const c_void, size: usize);
        fn __asan_unpoison_memory_region(start: *const c_void, size: usize);
        #[cfg(test)]
        fn __asan_address_is_poisoned(at: *const c_void) -> i32;
    }

    /// Nobody may touch it.
    pub fn close(memory: &Memory) {
        // SAFETY: marks memory of our own, all that was asked of the system.
        unsafe { __asan_poison_memory_region(memory.start.as_ptr().cast(), memory.layout.size()) }
    }

    /// The first bytes may be touched, and nothing else of it.
    pub fn open(memory: &Memory, bytes: usize) {
        debug_assert!(bytes <= memory.bytes);
        // SAFETY: as above; begins at a multiple of the eight bytes that marks are kept for.
        unsafe { __asan_unpoison_memory_region(memory.aligned.as_ptr().cast(), bytes) }
    }

    #[cfg(test)]
    pub fn refused(at: *const u8) -> bool {
        // SAFETY: looks at marks, not at the memory.
        unsafe { __asan_address_is_poisoned(at.cast()) != 0 }
    }
}
#[cfg(address_sanitizer)]
pub use told::*;

#[cfg(not(address_sanitizer))]
#[inline(always)]
pub fn close(_: &Memory) {}

#[cfg(not(address_sanitizer))]
#[inline(always)]
pub fn open(_: &Memory, _: usize) {}
