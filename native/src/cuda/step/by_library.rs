//! The products of all rows by cuBLASLt. Its products have fixed sizes: they take a bucket of rows, as many as there are
//! rounded up. Rows behind the last one are zeros in what gradients of weights are summed from, so that they add nothing;
//! what other products make of them is never read.

use super::backward::{BiasGradient, Through};
use super::forward::Rows;
use super::layers::Buffers;
use super::parameters::{Linear, Stretch};
use super::{StepOptions, TrainingStep};
use crate::cuda::address_of_rows;
use crate::cuda::cublaslt::{CublasLt, LibraryProduct};
use crate::cuda::device::Lane;
use crate::cuda::linear_ends::{self, LinearEnd, Tail};
use crate::cuda::memory::Block;
use crate::cuda::products::{Form, Matrix};
use crate::error::Result;
use crate::kernels::activation::Activation;
use std::rc::Rc;

/// Rows of a bucket: what is computed for nothing, against how many graphs there are.
const BUCKET: usize = 256;

/// A library's products, and which of all rows' it computes.
#[derive(Clone)]
pub struct LibraryUse {
    pub library: Rc<CublasLt>,
    pub which: LibraryProducts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LibraryProducts {
    WeightGradients,
    All,
}

/// A layer without its operands.
pub(super) struct LinearByLibrary<'a> {
    pub linear: Linear,
    /// Input and output widths
    pub size: [usize; 2],
    pub activation: Activation,
    /// What the activation is applied to, where it is kept
    pub sums: Option<&'a Block>,
}

impl TrainingStep {
    pub(super) fn bucket_for(&self, rows: usize) -> usize {
        let most = self.options.capacity.rows;
        if self.library.is_some() { rows.next_multiple_of(BUCKET).min(most) } else { 0 }
    }

    /// Where products that are not sums over rows are the library's too.
    pub(super) fn bucket_of_inputs(&self, rows: Rows) -> Option<usize> {
        let all = self.library.as_ref().is_some_and(|library| library.which == LibraryProducts::All);
        rows.bucket.filter(|_| all)
    }

    /// # Safety
    /// The operands have a bucket's rows, and live until it is done.
    unsafe fn by_library(&self, lane: Lane, product: &LibraryProduct) -> Result<()> {
        let library = &self.library.as_ref().expect("asked only where there is one").library;
        // SAFETY: the caller's.
        unsafe { library.run(&self.device, lane, self.options.precision, product) }
    }

    /// x [.., I] -> y [.., O], and what its activation is applied to
    ///
    /// # Safety
    /// As `by_library`.
    pub(super) unsafe fn linear_by_library(
        &self,
        of: &LinearByLibrary,
        [x, y]: [&Block; 2],
        (rows, bucket): (Rows, usize),
    ) -> Result<()> {
        let &LinearByLibrary { linear, size: [into, out], activation, sums } = of;
        let to = sums.unwrap_or(y).address();
        let weight = Matrix::rows(self.weight(linear.weight), into);
        let operands = [Matrix::rows(x.address(), into), weight, Matrix::rows(to, out)];
        let product = LibraryProduct {
            // Rounded like the weight, as the library asks for.
            bias: self.weight(linear.bias),
            relu: activation == Activation::Relu,
            ..LibraryProduct::new(Form::Forward, [bucket, out, into], operands)
        };
        let (device, precision) = (&*self.device, self.options.precision);
        // SAFETY: the caller's.
        unsafe {
            self.by_library(Lane::Main, &product)?;
            if matches!(activation, Activation::None | Activation::Relu) {
                return Ok(());
            }
            linear_ends::activate(device, precision, [to, y.address()], (rows.count, rows.most), out, activation)
        }
    }

    /// dy [.., O] -> dx [.., I]
    ///
    /// # Safety
    /// As `by_library`.
    pub(super) unsafe fn input_gradient_by_library(
        &self,
        weight: Stretch,
        [into, out]: [usize; 2],
        [dy, dx]: [&Block; 2],
        (rows, bucket): (Rows, usize),
        through: &Through,
    ) -> Result<()> {
        let weight = Matrix::rows(self.weight(weight), into);
        let operands = [Matrix::rows(dy.address(), out), weight, Matrix::rows(dx.address(), into)];
        let product = LibraryProduct {
            added: through.added.map_or(0, Block::address),
            ..LibraryProduct::new(Form::Backward, [bucket, into, out], operands)
        };
        // SAFETY: the caller's.
        unsafe { self.by_library(Lane::Main, &product) }?;
        let (Some(kept), Some(bias)) = (through.kept, through.bias) else { return Ok(()) };
        let end = LinearEnd {
            dy: dx.address(),
            kept: kept.address(),
            parts: self.parts(bias),
            rows: rows.count,
            width: into,
            activation: self.options.activation,
        };
        // SAFETY: the caller's.
        unsafe { end.run(&self.device, Lane::Main, self.options.precision) }
    }

    /// dy [.., O], x [.., I] -> the weight's gradient in its place, parts of the bias', in the side lane after what is in the
    /// main one
    ///
    /// # Safety
    /// As `by_library`; rows behind the last one are zeros.
    pub(super) unsafe fn weight_gradient_by_library(
        &self,
        linear: Linear,
        [into, out]: [usize; 2],
        [dy, x]: [&Block; 2],
        (rows, bucket): (Rows, usize),
        bias: BiasGradient,
    ) -> Result<()> {
        let c = Matrix::rows(self.parts(linear.weight), into);
        let operands = [Matrix::rows(dy.address(), out), Matrix::rows(x.address(), into), c];
        let product = LibraryProduct::new(Form::Weights, [out, into, bucket], operands);
        self.device.after(Lane::Side, Lane::Main)?;
        // SAFETY: the caller's.
        unsafe { self.by_library(Lane::Side, &product) }?;
        if bias == BiasGradient::WithSlopes && self.bucket_of_inputs(rows).is_some() {
            return Ok(());
        }
        let end = LinearEnd {
            dy: dy.address(),
            kept: 0,
            parts: self.parts(linear.bias),
            rows: rows.count,
            width: out,
            activation: Activation::None,
        };
        // SAFETY: the caller's.
        unsafe { end.run(&self.device, Lane::Side, self.options.precision) }
    }

    /// Zeros behind the last row of everything that gradients of weights are summed from.
    ///
    /// # Safety
    /// The buffers live until it is done.
    pub(super) unsafe fn clear_tails(&self) -> Result<()> {
        if self.library.is_none() {
            return Ok(());
        }
        let tails = (self.tails.address(), self.tails.count());
        // SAFETY: all tensors have the capacity's rows, a bucket or more.
        unsafe { linear_ends::clear_tails(&self.device, tails, address_of_rows(self.inbox.address()), self.bucket) }
    }
}

/// What gradients of all rows' weights are summed from.
pub(super) fn tails_of(options: &StepOptions, buffers: &Buffers) -> Vec<Tail> {
    let (hidden, wide) = (options.sizes.hidden, options.sizes.feed_forward);
    let tail =
        |block: &Block, width: usize| Tail { begin: block.address(), row: (width * options.precision.size()) as i64 };
    let of_layer = |layer: &super::layers::WholeLayer| {
        let after = &layer.after;
        let narrow =
            [&after.context, &after.middle, &after.y, &after.doutput, &after.douter].map(|of| tail(of, hidden));
        let others = [tail(&after.inner, wide), tail(&after.dinner, wide), tail(&layer.dprojected, 3 * hidden)];
        [&narrow[..], &others[..]].concat()
    };
    let layers = buffers.whole.iter().flat_map(of_layer);
    std::iter::once(tail(&buffers.embedded, hidden)).chain(layers).collect()
}
