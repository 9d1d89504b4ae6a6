//! One GPU: its driver, its kernels and the streams that work goes into.

use super::memory::Memory;
use super::ptx;
use crate::error::{Error, Result};
use crate::{ensure, fail};
use cudarc::driver::result::{self, DriverError, device, event, graph, module, primary_ctx, stream};
use cudarc::driver::sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::rc::Rc;

/// Shared memory that any kernel may ask for, beside what it declares, without being allowed to.
const ORDINARY_SHARED: usize = 24 << 10;

/// Which stream work goes into. What is put into one runs in order; between the two `Device::after` keeps order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Main,
    /// For what nothing else waits for until the end of a step.
    Side,
    /// For what is on its way to the GPU.
    Copies,
}

/// Blocks (x, y, z), threads of a block, bytes of shared memory of a block.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    pub blocks: (usize, usize, usize),
    pub threads: usize,
    pub shared: usize,
}

impl Grid {
    pub fn new(blocks: usize, threads: usize) -> Self {
        Self { blocks: (blocks, 1, 1), threads, shared: 0 }
    }
}

pub struct Device {
    pub name: String,
    /// Compute capability, 90 for 9.0
    pub capability: i32,
    pub multiprocessors: usize,
    pub memory: Rc<Memory>,
    kernels: HashMap<String, sys::CUfunction>,
    /// Shared memory that a kernel was allowed.
    allowed: RefCell<HashMap<String, usize>>,
    streams: [sys::CUstream; 3],
    ordering: sys::CUevent,
    modules: Vec<sys::CUmodule>,
    handle: sys::CUdevice,
}

/// The driver's error as a sentence.
pub(super) fn failed(doing: &str) -> impl Fn(DriverError) -> Error {
    move |error| {
        let text = error.error_string().map_or("unknown error", |text| text.to_str().unwrap_or("unknown error"));
        Error(format!("the GPU could not {doing}: {text} ({:?})", error.0))
    }
}

impl Device {
    /// The first GPU, with at most `limit` bytes of its memory.
    pub fn open(limit: usize) -> Result<Self> {
        // SAFETY: looks for a library by name.
        ensure!(unsafe { sys::is_culib_present() }, "there is no NVIDIA driver on this machine");
        result::init().map_err(failed("be started"))?;
        ensure!(device::get_count().map_err(failed("be counted"))? > 0, "the NVIDIA driver finds no GPU");
        let handle = device::get(0).map_err(failed("be opened"))?;
        use sys::CUdevice_attribute as Of;
        // SAFETY: the handle is a device's.
        let attribute = |of| unsafe { device::get_attribute(handle, of) }.map_err(failed("be asked"));
        let capability = 10 * attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?
            + attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        ensure!(capability >= 75, "the GPU has compute capability {:.1}, less than 7.5", f64::from(capability) / 10.0);
        let multiprocessors = attribute(Of::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)? as usize;
        // SAFETY: the context is released once, when the device is dropped.
        let context = unsafe { primary_ctx::retain(handle) }.map_err(failed("make a context"))?;
        // SAFETY: as above.
        unsafe { result::ctx::set_current(context) }.map_err(failed("make its context current"))?;
        let (modules, kernels) = load(capability)?;
        let create = || stream::create(stream::StreamKind::NonBlocking).map_err(failed("make a stream"));
        Ok(Self {
            name: device::get_name(handle).map_err(failed("be named"))?,
            capability,
            multiprocessors,
            memory: Memory::new(limit),
            kernels,
            allowed: RefCell::default(),
            streams: [create()?, create()?, create()?],
            ordering: event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING).map_err(failed("make an event"))?,
            modules,
            handle,
        })
    }

    fn stream(&self, lane: Lane) -> sys::CUstream {
        self.streams[lane as usize]
    }

    /// Puts a kernel into a stream. Its arguments are copied before this returns.
    ///
    /// # Safety
    /// `arguments` are the kernel's parameters, in order and layout, and name memory that lives until it has run.
    pub unsafe fn launch(&self, lane: Lane, name: &str, grid: Grid, arguments: &[*const c_void]) -> Result<()> {
        let Some(&kernel) = self.kernels.get(name) else { return fail!("there is no kernel {name} for this GPU") };
        let (x, y, z) = grid.blocks;
        if x * y * z == 0 {
            return Ok(());
        }
        ensure!(x < 1 << 31 && y < 1 << 16 && z < 1 << 16, "{name} has too many blocks");
        self.allow_shared(name, kernel, grid.shared)?;
        let mut arguments: Vec<*mut c_void> = arguments.iter().map(|argument| argument.cast_mut()).collect();
        let (blocks, threads) = ((x as u32, y as u32, z as u32), (grid.threads as u32, 1, 1));
        // SAFETY: the caller's.
        unsafe { result::launch_kernel(kernel, blocks, threads, grid.shared as u32, self.stream(lane), &mut arguments) }
            .map_err(failed(&format!("start {name}")))
    }

    fn allow_shared(&self, name: &str, kernel: sys::CUfunction, bytes: usize) -> Result<()> {
        let mut allowed = self.allowed.borrow_mut();
        if bytes <= ORDINARY_SHARED || allowed.get(name).is_some_and(|&most| bytes <= most) {
            return Ok(());
        }
        let what = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        // SAFETY: the kernel is of a loaded module.
        unsafe { result::function::set_function_attribute(kernel, what, bytes as i32) }
            .map_err(failed(&format!("give {name} {} KiB of shared memory", bytes >> 10)))?;
        allowed.insert(name.to_owned(), bytes);
        Ok(())
    }

    /// What is put into `later` from now on runs after all that is in `earlier`.
    pub fn after(&self, later: Lane, earlier: Lane) -> Result<()> {
        let flags = sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT;
        // SAFETY: streams and event are the device's own.
        unsafe {
            event::record(self.ordering, self.stream(earlier)).map_err(failed("record an event"))?;
            stream::wait_event(self.stream(later), self.ordering, flags).map_err(failed("wait for an event"))
        }
    }

    /// Copies numbers to the GPU, in the stream of copies.
    ///
    /// # Safety
    /// `to` has room for them, and they stay as they are until they are there.
    pub unsafe fn send<T: Copy>(&self, to: super::Address, from: &[T]) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { result::memcpy_htod_async(to, from, self.stream(Lane::Copies)) }.map_err(failed("be sent numbers"))
    }

    /// Copies bytes on the GPU, in the main stream.
    ///
    /// # Safety
    /// Both have so many, until they are copied.
    pub unsafe fn copy(&self, to: super::Address, from: super::Address, bytes: usize) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream(Lane::Main)) }.map_err(failed("copy numbers"))
    }

    /// The event comes when the main stream has done what is in it now.
    pub(super) fn mark(&self, event: sys::CUevent) -> Result<()> {
        // SAFETY: the stream is the device's own; the event lives.
        unsafe { event::record(event, self.stream(Lane::Main)) }.map_err(failed("record an event"))
    }

    /// Waits until all work is done, and says whether it went well.
    pub fn finish(&self) -> Result<()> {
        for stream in self.streams {
            // SAFETY: the streams are the device's own.
            unsafe { stream::synchronize(stream) }.map_err(failed("do its work"))?;
        }
        Ok(())
    }

    /// Records what `work` puts into the streams, instead of running it.
    pub fn record(&self, work: impl FnOnce() -> Result<()>) -> Result<Graph> {
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        let main = self.stream(Lane::Main);
        // SAFETY: streams and graphs are the device's own; a recording is ended whatever happened in it.
        unsafe {
            stream::begin_capture(main, mode).map_err(failed("record work"))?;
            let worked = work();
            let recorded = stream::end_capture(main).map_err(failed("record work"));
            worked?;
            let recorded = recorded?;
            let executable =
                graph::instantiate(recorded, sys::CUgraphInstantiate_flags(0)).map_err(failed("prepare work"));
            let _ = graph::destroy(recorded);
            Ok(Graph(executable?))
        }
    }

    /// Puts recorded work into the main stream.
    pub fn replay(&self, graph: &Graph) -> Result<()> {
        // SAFETY: a graph lives as long as its recording's memory (`Graph`).
        unsafe { graph::launch(graph.0, self.stream(Lane::Main)) }.map_err(failed("start recorded work"))
    }

    /// Milliseconds that the GPU takes for what `work` puts into the main stream.
    pub fn time(&self, work: impl FnOnce() -> Result<()>) -> Result<f32> {
        let timer = || event::create(sys::CUevent_flags::CU_EVENT_DEFAULT).map_err(failed("make an event"));
        let (begin, end) = (timer()?, timer()?);
        let main = self.stream(Lane::Main);
        // SAFETY: the events are destroyed when they have been read.
        unsafe {
            event::record(begin, main).map_err(failed("record an event"))?;
            work()?;
            event::record(end, main).map_err(failed("record an event"))?;
            event::synchronize(end).map_err(failed("do its work"))?;
            let taken = event::elapsed(begin, end).map_err(failed("be timed"));
            let _ = (event::destroy(begin), event::destroy(end));
            taken
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.finish();
        self.memory.give_back_all();
        // SAFETY: nothing runs any more. A lost device fails here too, which changes nothing.
        unsafe {
            for stream in self.streams {
                let _ = stream::destroy(stream);
            }
            let _ = event::destroy(self.ordering);
            for &module in &self.modules {
                let _ = module::unload(module);
            }
            let _ = primary_ctx::release(self.handle);
        }
    }
}

/// Recorded work. It names memory by address: whoever records keeps the buffers for as long.
pub struct Graph(sys::CUgraphExec);

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: it is destroyed once.
        let _ = unsafe { graph::exec_destroy(self.0) };
    }
}

type Loaded = (Vec<sys::CUmodule>, HashMap<String, sys::CUfunction>);

/// The kernels for a GPU, by name.
fn load(capability: i32) -> Result<Loaded> {
    let newer: &[&str] = if capability >= 80 { &ptx::FOR_80 } else { &[] };
    let (mut modules, mut kernels) = (Vec::new(), HashMap::new());
    for text in ptx::FOR_75.iter().chain(newer) {
        // SAFETY: the text ends with 0.
        let module = unsafe { module::load_data(text.as_ptr().cast()) }.map_err(failed("load its kernels"))?;
        modules.push(module);
        for name in names_of(text) {
            let text = CString::new(name).expect("names without 0");
            // SAFETY: the module is loaded, for as long as the device lives.
            let kernel = unsafe { module::get_function(module, text) }.map_err(failed(&format!("find {name}")))?;
            // Asking loads it now: a driver that loads lazily would do so at the first launch, which may be in a recording.
            let what = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_NUM_REGS;
            // SAFETY: as above.
            unsafe { result::function::get_function_attribute(kernel, what) }
                .map_err(failed(&format!("load {name}")))?;
            kernels.insert(name.to_owned(), kernel);
        }
    }
    Ok((modules, kernels))
}

/// Names of the kernels that a text has.
fn names_of(text: &str) -> impl Iterator<Item = &str> {
    let entry = ".visible .entry ";
    text.lines().filter_map(move |line| line.strip_prefix(entry)).map(|line| line.trim_end_matches('('))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_but_the_products_is_there_once_in_each_precision() {
        let names = |texts: &[&'static str]| texts.iter().flat_map(|text| names_of(text)).collect::<Vec<_>>();
        let (float32, bfloat16) = (names(&ptx::FOR_75), names(&ptx::FOR_80));
        let paired = |name: &&&str| name.contains("fp32") && !name.starts_with("product");
        let expected: Vec<String> = float32.iter().filter(paired).map(|name| name.replace("fp32", "bf16")).collect();
        assert!(!expected.is_empty() && expected.iter().all(|name| bfloat16.contains(&name.as_str())));
        let products = |names: &[&str]| names.iter().filter(|name| name.starts_with("product")).count();
        assert_eq!([products(&float32), products(&bfloat16)], [6, 6]);
        assert!(["adam", "catch_up_all", "gather_gradient", "place_rows"].iter().all(|name| float32.contains(name)));
    }
}
