//! Tensors of the engine: flat, row-major numbers that JavaScript names by handles. A handle is never used twice in the
//! life of the process, so one that is freed, invented or another thread's names nothing.

use crate::error::Result;
use crate::pool::{Block, Plain, Pool};
use crate::{ensure, fail};
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

pub type Handle = u64;

static NEXT_HANDLE: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Float32,
    Int32,
    /// One byte each, 0 or 1
    Bool,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Int32 => "int32",
            Self::Bool => "bool",
        }
    }
}

pub enum Values {
    Float32(Block<f32>),
    Int32(Block<i32>),
    Bool(Block<u8>),
}

impl Values {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Float32(_) => Kind::Float32,
            Self::Int32(_) => Kind::Int32,
            Self::Bool(_) => Kind::Bool,
        }
    }

    pub fn size(&self) -> usize {
        match self {
            Self::Float32(block) => block.len(),
            Self::Int32(block) => block.len(),
            Self::Bool(block) => block.len(),
        }
    }

    pub fn bytes(&self) -> usize {
        self.size() * if self.kind() == Kind::Bool { 1 } else { 4 }
    }
}

impl From<Block<f32>> for Values {
    fn from(block: Block<f32>) -> Self {
        Self::Float32(block)
    }
}
impl From<Block<i32>> for Values {
    fn from(block: Block<i32>) -> Self {
        Self::Int32(block)
    }
}
impl From<Block<u8>> for Values {
    fn from(block: Block<u8>) -> Self {
        Self::Bool(block)
    }
}

/// One tensor, and what kernels derived from its values (a weight packed for products): forgotten when they change.
pub struct Buffer {
    values: Values,
    derived: RefCell<Vec<(u64, Rc<dyn Any>)>>,
}

impl Buffer {
    pub fn values(&self) -> &Values {
        &self.values
    }

    pub fn float32(&self) -> Result<&[f32]> {
        match &self.values {
            Values::Float32(block) => Ok(block),
            other => fail!("a buffer is {}, it must be float32", other.kind().name()),
        }
    }

    pub fn int32(&self) -> Result<&[i32]> {
        match &self.values {
            Values::Int32(block) => Ok(block),
            other => fail!("a buffer is {}, it must be int32", other.kind().name()),
        }
    }

    pub fn bool(&self) -> Result<&[u8]> {
        match &self.values {
            Values::Bool(block) => Ok(block),
            other => fail!("a buffer is {}, it must be bool", other.kind().name()),
        }
    }

    /// Float32 numbers to change in place; what was derived from them is forgotten.
    pub fn float32_mut(&mut self) -> Result<&mut [f32]> {
        self.derived.get_mut().clear();
        match &mut self.values {
            Values::Float32(block) => Ok(block),
            other => fail!("a buffer is {}, it must be float32", other.kind().name()),
        }
    }

    /// What `derive` makes of the values, made once until they change. `key` tells kinds of it apart.
    pub fn derived<T: 'static>(&self, key: u64, derive: impl FnOnce() -> T) -> Rc<T> {
        let known = self.derived.borrow().iter().find(|(other, _)| *other == key).map(|(_, value)| Rc::clone(value));
        if let Some(value) = known.and_then(|value| value.downcast::<T>().ok()) {
            return value;
        }
        let value = Rc::new(derive());
        self.derived.borrow_mut().push((key, value.clone()));
        value
    }

    /// Gives its memory back where nobody needs it before the values change.
    pub fn forget_derived(&self, key: u64) {
        self.derived.borrow_mut().retain(|(other, _)| *other != key);
    }
}

impl Buffer {
    /// What was derived, to change it together with the numbers; `put_derived` brings it back.
    pub fn take_derived<T: 'static>(&mut self, key: u64) -> Option<T> {
        let derived = self.derived.get_mut();
        let place = derived.iter().position(|(other, _)| *other == key)?;
        let (_, value) = derived.swap_remove(place);
        Rc::try_unwrap(value.downcast::<T>().ok()?).ok()
    }

    pub fn put_derived<T: 'static>(&mut self, key: u64, value: T) {
        self.derived.get_mut().push((key, Rc::new(value)));
    }
}

#[derive(Default)]
pub struct Buffers {
    named: HashMap<Handle, Buffer>,
    bytes: usize,
}

impl Buffers {
    pub fn insert(&mut self, values: impl Into<Values>) -> Handle {
        let values = values.into();
        let handle = NEXT_HANDLE.fetch_add(1, Ordering::Relaxed);
        self.bytes += values.bytes();
        self.named.insert(handle, Buffer { values, derived: RefCell::default() });
        handle
    }

    pub fn get(&self, handle: Handle) -> Result<&Buffer> {
        match self.named.get(&handle) {
            Some(buffer) => Ok(buffer),
            None => fail!("there is no buffer {handle}: it was freed, or never was"),
        }
    }

    pub fn float32(&self, handle: Handle) -> Result<&[f32]> {
        self.get(handle)?.float32()
    }

    /// The numbers of a buffer that must have `size` of them; `what` names it in the error.
    pub fn float32_of(&self, handle: Handle, size: usize, what: &str) -> Result<&[f32]> {
        let numbers = self.float32(handle)?;
        ensure!(numbers.len() == size, "{what} has {} numbers, not {size}", numbers.len());
        Ok(numbers)
    }

    pub fn free(&mut self, handle: Handle) -> Result<()> {
        self.bytes -= self.get(handle)?.values.bytes();
        self.named.remove(&handle);
        Ok(())
    }

    /// Takes buffers out, gives them to `change` and puts them back, whatever happens. Every handle must be there and no
    /// two may be the same.
    pub fn with_taken<R>(&mut self, handles: &[Handle], change: impl FnOnce(&mut [Buffer], &Self) -> R) -> Result<R> {
        let mut sorted = handles.to_vec();
        sorted.sort_unstable();
        ensure!(sorted.windows(2).all(|two| two[0] != two[1]), "a buffer to be changed is named twice");
        for &handle in handles {
            self.get(handle)?;
        }
        let taken = handles.iter().filter_map(|handle| self.named.remove(handle)).collect();
        let mut guard = PutBack { buffers: self, handles, taken };
        let PutBack { buffers, taken, .. } = &mut guard;
        Ok(change(taken, buffers))
    }

    pub fn count(&self) -> usize {
        self.named.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

struct PutBack<'a> {
    buffers: &'a mut Buffers,
    handles: &'a [Handle],
    taken: Vec<Buffer>,
}

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        self.buffers.named.extend(self.handles.iter().copied().zip(self.taken.drain(..)));
    }
}

/// A block with a copy of `values`.
pub fn copied<T: Plain>(pool: &Pool, values: &[T]) -> Block<T> {
    let mut block = pool.take(values.len());
    block.copy_from_slice(values);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_handle_names_nothing_ever_after() {
        let pool = Pool::new();
        let mut buffers = Buffers::default();
        let first = buffers.insert(copied(&pool, &[1.0f32, 2.0]));
        assert_eq!(buffers.float32(first), Ok(&[1.0, 2.0][..]));
        assert_eq!((buffers.count(), buffers.bytes()), (1, 8));
        assert!(buffers.free(first).is_ok() && buffers.free(first).is_err());
        let second = buffers.insert(copied(&pool, &[7u8]));
        assert_ne!(first, second);
        assert!(buffers.float32(first).is_err() && buffers.float32(second).is_err());
        assert_eq!((buffers.count(), buffers.bytes()), (1, 1));
    }

    #[test]
    fn derived_values_last_until_the_numbers_change() {
        let pool = Pool::new();
        let mut buffers = Buffers::default();
        let handle = buffers.insert(copied(&pool, &[1.0f32, 2.0]));
        let sum = |buffers: &Buffers| *buffers.get(handle).unwrap().derived(0, || buffers.float32(handle).unwrap()[0]);
        assert_eq!(sum(&buffers), 1.0);
        buffers.with_taken(&[handle], |taken, _| taken[0].float32_mut().unwrap()[0] = 5.0).unwrap();
        assert_eq!(sum(&buffers), 5.0);
        let made_again = |key| *buffers.get(handle).unwrap().derived(key, || 7.0f32) == 7.0;
        buffers.get(handle).unwrap().forget_derived(1);
        assert!(!made_again(0), "another kind was forgotten");
        buffers.get(handle).unwrap().forget_derived(0);
        assert!(made_again(0));
        assert!(buffers.with_taken(&[handle, handle], |_, _| ()).is_err());
        assert_eq!(buffers.count(), 1);
    }

    #[test]
    fn taken_buffers_come_back_after_a_panic() {
        let pool = Pool::new();
        let mut buffers = Buffers::default();
        let handle = buffers.insert(copied(&pool, &[1.0f32]));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            buffers.with_taken(&[handle], |_, _| panic!("on purpose"))
        }));
        assert!(panicked.is_err());
        assert_eq!(buffers.float32(handle), Ok(&[1.0][..]));
    }
}
