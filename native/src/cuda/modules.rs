//! The compiled kernels in the driver's hands: loaded for one GPU, and started where they may overlap.

use super::device::{Grid, failed};
use super::ptx;
use crate::error::Result;
use cudarc::driver::result::{self, DriverError, module};
use cudarc::driver::sys;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{CString, c_void};

/// Compute capability from which on a kernel can wait for the one before it.
pub(super) const WAITS_FROM: i32 = 90;

/// A kernel that may begin before the one before it in the stream has ended.
///
/// # Safety
/// As `Device::launch`; the kernel begins with `BEGIN`.
pub(super) unsafe fn launch_overlapping(
    kernel: sys::CUfunction,
    Grid { blocks: (x, y, z), threads, shared }: Grid,
    stream: sys::CUstream,
    arguments: &mut [*mut c_void],
) -> std::result::Result<(), DriverError> {
    let mut attribute = sys::CUlaunchAttribute {
        id: sys::CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
        pad: [0; 4],
        value: sys::CUlaunchAttributeValue { pad: [0; 64] },
    };
    attribute.value.programmaticStreamSerializationAllowed = 1;
    let config = sys::CUlaunchConfig {
        gridDimX: x as u32,
        gridDimY: y as u32,
        gridDimZ: z as u32,
        blockDimX: threads as u32,
        blockDimY: 1,
        blockDimZ: 1,
        sharedMemBytes: shared as u32,
        hStream: stream,
        attrs: &mut attribute,
        numAttrs: 1,
    };
    // SAFETY: the caller's.
    unsafe { sys::cuLaunchKernelEx(&config, kernel, arguments.as_mut_ptr(), std::ptr::null_mut()) }.result()
}

type Loaded = (Vec<sys::CUmodule>, HashMap<String, sys::CUfunction>);

/// The kernels for a GPU, by name.
pub(super) fn load(capability: i32) -> Result<Loaded> {
    let newer: &[&str] = if capability >= 80 { &ptx::FOR_80 } else { &[] };
    let (mut modules, mut kernels) = (Vec::new(), HashMap::new());
    for text in ptx::FOR_75.iter().chain(newer) {
        let waiting = with_waits(text, capability);
        // SAFETY: the text ends with 0.
        let module = unsafe { module::load_data(waiting.as_ptr().cast()) }.map_err(failed("load its kernels"))?;
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

/// The text with what lets kernels overlap, where the GPU has it: no compiler here writes it for the older ones.
fn with_waits(text: &str, capability: i32) -> Cow<'_, str> {
    if capability < WAITS_FROM {
        return text.into();
    }
    let newer = text.replace(".target sm_75", ".target sm_90").replace(".target sm_80", ".target sm_90");
    newer.replace("// kernel begins", "griddepcontrol.launch_dependents; griddepcontrol.wait;").into()
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
        // Each of them can wait for the one before it.
        for text in ptx::FOR_75.iter().chain(&ptx::FOR_80) {
            let count = with_waits(text, 90).matches("griddepcontrol.wait;").count();
            assert_eq!(count, names_of(text).count());
            assert!(with_waits(text, 90).contains(".target sm_90\n") && with_waits(text, 89) == **text);
        }
        let products = |names: &[&str]| names.iter().filter(|name| name.starts_with("product")).count();
        assert_eq!([products(&float32), products(&bfloat16)], [6, 6]);
        assert!(["adam", "catch_up_all", "gather_gradient", "place_rows"].iter().all(|name| float32.contains(name)));
    }
}
