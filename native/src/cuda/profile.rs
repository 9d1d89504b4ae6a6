//! What each kernel takes: for benches, which run kernels one after another for it.

use super::device::{Device, Lane, failed};
use crate::error::Result;
use cudarc::driver::result::event;
use cudarc::driver::sys::{CUevent, CUevent_flags};

/// All runs of one kernel.
#[derive(Debug, Clone)]
pub struct Profiled {
    pub name: String,
    pub count: usize,
    pub milliseconds: f32,
}

/// Kernels that were put into streams, each between two events.
#[derive(Default)]
pub(super) struct Timed(Vec<(String, CUevent, CUevent)>);

impl Device {
    /// What the kernels take that `work` puts into streams, by name.
    pub fn profile(&self, work: impl FnOnce() -> Result<()>) -> Result<Vec<Profiled>> {
        self.finish()?;
        *self.timed.borrow_mut() = Some(Timed::default());
        let worked = work().and_then(|()| self.finish());
        let timed = self.timed.borrow_mut().take().unwrap_or_default();
        let mut found: Vec<Profiled> = Vec::new();
        for (name, begin, end) in timed.0 {
            // SAFETY: both events were recorded and have come; each is destroyed once.
            let milliseconds = unsafe {
                let taken = event::elapsed(begin, end).map_err(failed("be timed"));
                let _ = (event::destroy(begin), event::destroy(end));
                taken
            };
            if worked.is_err() {
                continue;
            }
            match found.iter_mut().find(|kernel| kernel.name == name) {
                Some(kernel) => {
                    kernel.count += 1;
                    kernel.milliseconds += milliseconds?;
                }
                None => found.push(Profiled { name, count: 1, milliseconds: milliseconds? }),
            }
        }
        worked.map(|()| found)
    }

    /// Runs what puts one kernel into a lane, between two events while kernels are timed.
    pub(super) fn timing(&self, lane: Lane, name: &str, launch: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.timed.borrow().is_none() {
            return launch();
        }
        let timer = || event::create(CUevent_flags::CU_EVENT_DEFAULT).map_err(failed("make an event"));
        let (begin, end, stream) = (timer()?, timer()?, self.stream(lane));
        // SAFETY: stream and events are the device's own.
        let record = |event| unsafe { event::record(event, stream) }.map_err(failed("record an event"));
        record(begin)?;
        launch()?;
        record(end)?;
        if let Some(timed) = &mut *self.timed.borrow_mut() {
            timed.0.push((name.to_owned(), begin, end));
        }
        Ok(())
    }
}
