//! Products by cuBLASLt, where the machine has it: for sizes at which NVIDIA's kernels win. Its products have fixed sizes, so
//! whoever uses it takes whole buckets of rows, with zeros behind the last one. What it does is decided by its heuristic,
//! which answers the same question in the same way: the same inputs give the same bits on one machine.

mod library;

use super::device::{Device, Lane};
use super::memory::Block;
use super::products::{Form, Matrix};
use super::{Address, Precision};
use crate::error::{Error, Result};
use crate::{ensure, fail};
use cudarc::cublaslt::sys;
use library::Library;
pub use library::PLACE_VARIABLE;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::ptr::{from_ref, null_mut};
use std::rc::Rc;

/// What NVIDIA advises for Hopper, for each lane.
const WORKSPACE: usize = 32 << 20;
const LANES: usize = 2;

/// How float32 is multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Float32Products {
    Exact,
    /// Operands rounded to 10 bits of mantissa on the tensor cores, sums in float32
    Tf32,
}

/// c = a · b, with what the library can do in the same pass. Addresses that are 0 mean that there is no such thing.
#[derive(Debug, Clone, Copy)]
pub struct LibraryProduct {
    pub form: Form,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: Matrix,
    pub b: Matrix,
    /// `Weights`: float32
    pub c: Matrix,
    /// [N] like the operands
    pub bias: Address,
    pub relu: bool,
    /// Like c, which it may be
    pub added: Address,
}

impl LibraryProduct {
    pub fn new(form: Form, [m, n, k]: [usize; 3], [a, b, c]: [Matrix; 3]) -> Self {
        Self { form, m, n, k, a, b, c, bias: 0, relu: false, added: 0 }
    }
}

/// All that decides how a product is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Question {
    form: Form,
    sizes: [usize; 3],
    strides: [usize; 3],
    has_bias: bool,
    relu: bool,
    adds: bool,
    is_bfloat16: bool,
}

#[derive(Clone, Copy)]
struct Answer {
    algorithm: sys::cublasLtMatmulAlgo_t,
    workspace: usize,
}

pub struct CublasLt {
    library: Library,
    handle: sys::cublasLtHandle_t,
    float32: Float32Products,
    workspaces: [Block; LANES],
    answers: RefCell<HashMap<Question, Answer>>,
    /// Its context outlives the handle.
    _device: Rc<Device>,
}

fn check(doing: &str, status: c_int) -> Result<()> {
    ensure!(status == 0, "cuBLASLt could not {doing} (status {status})");
    Ok(())
}

impl CublasLt {
    /// The library for a device; `places` are files or folders that are looked at first.
    pub fn open(device: Rc<Device>, places: &[PathBuf], float32: Float32Products) -> Result<Rc<Self>> {
        let library = Library::find(places, device.driver_version()? / 1000)?;
        let mut handle = null_mut();
        // SAFETY: the device's context is current.
        check("be started", unsafe { (library.create)(&mut handle) })?;
        let workspace = || Block::new(&device.memory, WORKSPACE);
        let workspaces = [workspace()?, workspace()?];
        Ok(Rc::new(Self { library, handle, float32, workspaces, answers: RefCell::default(), _device: device }))
    }

    /// Which library it is, for people.
    pub fn title(&self) -> String {
        let version = self.library.version;
        format!("cuBLASLt {}.{}.{} ({})", version / 10_000, version / 100 % 100, version % 100, self.library.path)
    }

    /// Puts a product into a stream.
    ///
    /// # Safety
    /// All addresses name memory of the product's sizes, a multiple of 256, which lives until it is done.
    pub unsafe fn run(
        &self,
        device: &Device,
        lane: Lane,
        precision: Precision,
        product: &LibraryProduct,
    ) -> Result<()> {
        let plan = Plan::new(self, precision, product)?;
        let answer = self.answer(precision, product, &plan)?;
        let Some(workspace) = self.workspaces.get(lane as usize) else {
            return fail!("there are no products on {lane:?}");
        };
        let [one, beta] = [1.0f32, if product.added == 0 { 0.0 } else { 1.0 }];
        let number = |number: &f32| from_ref(number).cast::<c_void>();
        let c = product.c.address;
        let added = if product.added == 0 { c } else { product.added };
        // Rows of ours are columns of the library's: what comes first there is b here.
        // SAFETY: the caller's; all handles live until the call returns, which has copied what it needs.
        let multiply = || unsafe {
            (self.library.matmul)(
                self.handle,
                plan.description.pointer,
                number(&one),
                product.b.address as *const c_void,
                plan.b.pointer,
                product.a.address as *const c_void,
                plan.a.pointer,
                number(&beta),
                added as *const c_void,
                plan.c.pointer,
                c as *mut c_void,
                plan.c.pointer,
                &answer.algorithm,
                workspace.address() as *mut c_void,
                WORKSPACE,
                device.stream(lane).cast(),
            )
        };
        let name = format!("cuBLASLt {:?} {} x {} x {}", product.form, product.m, product.n, product.k);
        if lane == Lane::Main {
            device.break_chain();
        }
        device.timing(lane, &name, || check(&format!("compute {product:?}"), multiply()))
    }

    /// Asks the heuristic once for each kind of product.
    fn answer(&self, precision: Precision, product: &LibraryProduct, plan: &Plan) -> Result<Answer> {
        let question = Question {
            form: product.form,
            sizes: [product.m, product.n, product.k],
            strides: [product.a.stride, product.b.stride, product.c.stride],
            has_bias: product.bias != 0,
            relu: product.relu,
            adds: product.added != 0,
            is_bfloat16: precision == Precision::Bfloat16,
        };
        if let Some(&answer) = self.answers.borrow().get(&question) {
            return Ok(answer);
        }
        let answer = self.ask(plan).map_err(|error| Error(format!("{error}, for {question:?}")))?;
        self.answers.borrow_mut().insert(question, answer);
        Ok(answer)
    }

    fn ask(&self, plan: &Plan) -> Result<Answer> {
        let library = &self.library;
        let mut preference = null_mut();
        // SAFETY: handles live as long as they are used here; the result is read only where the library says that it is there.
        unsafe {
            check("take preferences", (library.preference_create)(&mut preference))?;
            let most = sys::cublasLtMatmulPreferenceAttributes_t::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES as c_int;
            let bytes = WORKSPACE as u64;
            let set = (library.preference_set)(preference, most, from_ref(&bytes).cast(), size_of::<u64>());
            let (mut result, mut count) = (MaybeUninit::<sys::cublasLtMatmulHeuristicResult_t>::uninit(), 0);
            let Plan { description, a, b, c, .. } = plan;
            let asked = (library.heuristic)(
                self.handle,
                description.pointer,
                b.pointer,
                a.pointer,
                c.pointer,
                c.pointer,
                preference,
                1,
                result.as_mut_ptr(),
                &mut count,
            );
            (library.preference_destroy)(preference);
            check("take preferences", set)?;
            check("choose a way", asked)?;
            ensure!(count > 0, "cuBLASLt knows no way");
            let found = result.as_ptr();
            check("choose a way", (&raw const (*found).state).cast::<c_int>().read())?;
            Ok(Answer {
                algorithm: (&raw const (*found).algo).read(),
                workspace: (&raw const (*found).workspaceSize).read(),
            })
        }
        .and_then(|answer| {
            ensure!(answer.workspace <= WORKSPACE, "cuBLASLt wants a workspace of {} bytes", answer.workspace);
            Ok(answer)
        })
    }
}

impl Drop for CublasLt {
    fn drop(&mut self) {
        // SAFETY: it is destroyed once; what it put into streams is done first.
        unsafe {
            let _ = self._device.finish();
            (self.library.destroy)(self.handle);
        }
    }
}

/// A handle of the library's, and what frees it.
struct Owned<T: Copy> {
    pointer: T,
    free: unsafe extern "C" fn(T) -> c_int,
}

impl<T: Copy> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: it was created, and is freed once.
        unsafe { (self.free)(self.pointer) };
    }
}

/// A product as the library is told of it.
struct Plan {
    description: Owned<sys::cublasLtMatmulDesc_t>,
    a: Owned<sys::cublasLtMatrixLayout_t>,
    b: Owned<sys::cublasLtMatrixLayout_t>,
    c: Owned<sys::cublasLtMatrixLayout_t>,
}

impl Plan {
    fn new(of: &CublasLt, precision: Precision, product: &LibraryProduct) -> Result<Self> {
        use sys::cublasLtMatmulDescAttributes_t as Of;
        let &LibraryProduct { form, m, n, k, a, b, c, .. } = product;
        let kept = match precision {
            Precision::Float32 => sys::cudaDataType_t::CUDA_R_32F,
            Precision::Bfloat16 => sys::cudaDataType_t::CUDA_R_16BF,
        };
        let result = if form == Form::Weights { sys::cudaDataType_t::CUDA_R_32F } else { kept };
        let layout = |of_kind: sys::cudaDataType_t, rows: usize, columns: usize, matrix: Matrix| {
            // Rows that lie one after another are columns to the library.
            let mut pointer = null_mut();
            let (rows, columns, stride) = (columns as u64, rows as u64, matrix.stride as i64);
            // SAFETY: the handle is written before it is used.
            let status = unsafe { (of.library.layout_create)(&mut pointer, of_kind as c_int, rows, columns, stride) };
            check("describe a matrix", status)?;
            Ok::<_, Error>(Owned { pointer, free: of.library.layout_destroy })
        };
        let (a_is_across, b_is_across) = (form == Form::Weights, form != Form::Forward);
        let [a_rows, a_columns] = if a_is_across { [k, m] } else { [m, k] };
        let [b_rows, b_columns] = if b_is_across { [k, n] } else { [n, k] };
        let plan = Self {
            description: describe(of, precision)?,
            a: layout(kept, a_rows, a_columns, a)?,
            b: layout(kept, b_rows, b_columns, b)?,
            c: layout(result, m, n, c)?,
        };
        let operation = |transposed: bool| c_int::from(transposed);
        plan.set(of, Of::CUBLASLT_MATMUL_DESC_TRANSA, &operation(!b_is_across))?;
        plan.set(of, Of::CUBLASLT_MATMUL_DESC_TRANSB, &operation(a_is_across))?;
        let epilogue = epilogue_of(product);
        plan.set(of, Of::CUBLASLT_MATMUL_DESC_EPILOGUE, &(epilogue as c_int))?;
        if product.bias != 0 {
            plan.set(of, Of::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &product.bias)?;
        }
        Ok(plan)
    }

    fn set<T: Copy>(&self, of: &CublasLt, what: sys::cublasLtMatmulDescAttributes_t, to: &T) -> Result<()> {
        // SAFETY: the description lives; the value is copied.
        let status = unsafe {
            (of.library.description_set)(self.description.pointer, what as c_int, from_ref(to).cast(), size_of::<T>())
        };
        check("describe a product", status)
    }
}

fn describe(of: &CublasLt, precision: Precision) -> Result<Owned<sys::cublasLtMatmulDesc_t>> {
    use sys::cublasComputeType_t as By;
    let by = match (precision, of.float32) {
        (Precision::Float32, Float32Products::Tf32) => By::CUBLAS_COMPUTE_32F_FAST_TF32,
        _ => By::CUBLAS_COMPUTE_32F,
    };
    let mut pointer = null_mut();
    let scale = sys::cudaDataType_t::CUDA_R_32F as c_int;
    // SAFETY: the handle is written before it is used.
    check("describe a product", unsafe { (of.library.description_create)(&mut pointer, by as c_int, scale) })?;
    Ok(Owned { pointer, free: of.library.description_destroy })
}

fn epilogue_of(product: &LibraryProduct) -> sys::cublasLtEpilogue_t {
    use sys::cublasLtEpilogue_t as End;
    match (product.bias != 0, product.relu) {
        (false, false) => End::CUBLASLT_EPILOGUE_DEFAULT,
        (true, false) => End::CUBLASLT_EPILOGUE_BIAS,
        (true, true) => End::CUBLASLT_EPILOGUE_RELU_BIAS,
        (false, true) => End::CUBLASLT_EPILOGUE_RELU,
    }
}
