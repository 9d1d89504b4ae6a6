//! The library of cuBLASLt: where it is looked for, and its functions that are used. CUDA 12's and 13's have them alike.

use crate::error::{Error, Result};
use cudarc::cublaslt::sys;
use libloading::Library as Loaded;
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::PathBuf;

/// A file, or a folder that has the library, that is looked at before all else.
pub const PLACE_VARIABLE: &str = "ENTAIL_CUBLASLT";

macro_rules! functions {
    ($($field:ident: $symbol:literal($($argument:ty),* $(,)?);)*) => {
        /// Statuses are numbers here: a newer library may have some that this file does not know.
        pub(super) struct Library {
            /// What it was loaded by
            pub path: String,
            /// 130401 for 13.4.1
            pub version: usize,
            $(pub $field: unsafe extern "C" fn($($argument),*) -> c_int,)*
            /// Stays loaded: CUDA's libraries do not go without trouble, and come back with less.
            _loaded: ManuallyDrop<Loaded>,
        }

        impl Library {
            /// # Safety
            /// The file is NVIDIA's library: loading it runs its code.
            unsafe fn load(path: String) -> std::result::Result<Self, libloading::Error> {
                // SAFETY: the caller's; the functions are declared as NVIDIA's header declares them.
                unsafe {
                    let loaded = Loaded::new(&path)?;
                    let version = loaded.get::<unsafe extern "C" fn() -> usize>(b"cublasLtGetVersion\0")?;
                    Ok(Self { version: version(), $($field: *loaded.get($symbol)?,)* path, _loaded: ManuallyDrop::new(loaded) })
                }
            }
        }
    };
}

type Handle = sys::cublasLtHandle_t;
type Description = sys::cublasLtMatmulDesc_t;
type Layout = sys::cublasLtMatrixLayout_t;
type Preference = sys::cublasLtMatmulPreference_t;

functions! {
    create: b"cublasLtCreate\0"(*mut Handle);
    destroy: b"cublasLtDestroy\0"(Handle);
    description_create: b"cublasLtMatmulDescCreate\0"(*mut Description, c_int, c_int);
    description_set: b"cublasLtMatmulDescSetAttribute\0"(Description, c_int, *const c_void, usize);
    description_destroy: b"cublasLtMatmulDescDestroy\0"(Description);
    layout_create: b"cublasLtMatrixLayoutCreate\0"(*mut Layout, c_int, u64, u64, i64);
    layout_destroy: b"cublasLtMatrixLayoutDestroy\0"(Layout);
    preference_create: b"cublasLtMatmulPreferenceCreate\0"(*mut Preference);
    preference_set: b"cublasLtMatmulPreferenceSetAttribute\0"(Preference, c_int, *const c_void, usize);
    preference_destroy: b"cublasLtMatmulPreferenceDestroy\0"(Preference);
    heuristic: b"cublasLtMatmulAlgoGetHeuristic\0"(
        Handle, Description, Layout, Layout, Layout, Layout, Preference, c_int,
        *mut sys::cublasLtMatmulHeuristicResult_t, *mut c_int,
    );
    matmul: b"cublasLtMatmul\0"(
        Handle, Description, *const c_void, *const c_void, Layout, *const c_void, Layout, *const c_void, *const c_void,
        Layout, *mut c_void, Layout, *const sys::cublasLtMatmulAlgo_t, *mut c_void, usize, sys::cudaStream_t,
    );
}

impl Library {
    /// The newest library that the driver can run (`most` is its CUDA version's first number), in the given folders or files
    /// first, then where the system looks and where CUDA is installed.
    pub fn find(places: &[PathBuf], most: usize) -> Result<Self> {
        let mut tried = Vec::new();
        for path in candidates(places, most) {
            // SAFETY: it has the name of NVIDIA's library, in a place that was named or that the system trusts.
            match unsafe { Self::load(path.clone()) } {
                Ok(library) if library.version / 10_000 <= most => return Ok(library),
                Ok(library) => {
                    tried.push(format!("{path} is of CUDA {}, newer than the driver", library.version / 10_000))
                }
                Err(error) => {
                    let why = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
                    tried.push(format!("{path}: {why}"));
                }
            }
        }
        let what = "cuBLASLt was not found (CUDA's toolkit and the nvidia-cublas wheels have it)";
        Err(Error(format!("{what}: {}", tried.join("; "))))
    }
}

/// Names that the library may be loaded by, in the order of trying: files where it is said to be, the system's own search,
/// CUDA's usual folders.
fn candidates(places: &[PathBuf], most: usize) -> Vec<String> {
    let majors = [13, 12].into_iter().filter(|&major| major <= most);
    let name =
        |major| if cfg!(windows) { format!("cublasLt64_{major}.dll") } else { format!("libcublasLt.so.{major}") };
    let names: Vec<String> = majors.map(name).collect();
    let files_of = |place: PathBuf| {
        let files = if place.is_file() { vec![place] } else { names.iter().map(|name| place.join(name)).collect() };
        files.into_iter().filter(|path| path.is_file()).map(|path| path.to_string_lossy().into_owned())
    };
    let said = std::env::var_os(PLACE_VARIABLE).map(PathBuf::from).into_iter().chain(places.iter().cloned());
    let usual = ["/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib"].map(PathBuf::from);
    let mut list: Vec<String> = said.flat_map(files_of).collect();
    list.extend(names.iter().cloned());
    list.extend(usual.into_iter().flat_map(files_of));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_comes_first_and_no_library_newer_than_the_driver_is_tried() {
        let file = PathBuf::from(file!());
        let file = file.strip_prefix("native").map(PathBuf::from).unwrap_or(file);
        let list = candidates(&[file.clone(), PathBuf::from("/nowhere")], 12);
        assert_eq!(list[0], file.to_string_lossy());
        assert!(list[1..].iter().all(|path| path.contains("12") && !path.contains("13")), "{list:?}");
    }

    #[test]
    fn a_machine_without_it_is_told_where_it_comes_from() {
        // A file of another kind is no library either.
        let error = Library::find(&[PathBuf::from("Cargo.toml")], 11).err().expect("an error").to_string();
        assert!(error.contains("nvidia-cublas") && error.contains("Cargo.toml"), "{error}");
    }
}
