//! What is left to do beside products that a library computes (`kernels/linear_ends.cu`).

use super::device::{Device, Grid, Lane};
use super::products::number_of;
use super::{Address, Precision};
use crate::ensure;
use crate::error::Result;
use crate::kernels::activation::Activation;
use std::ptr::from_ref;

const THREADS: usize = 256;
/// Columns that a block of `LinearEnd` has.
const COLUMNS: usize = 256;
/// Stretches of rows, each with a part of a bias' gradient.
pub const PARTS: usize = 64;

/// sums [R, W] -> y [R, W]
///
/// # Safety
/// All addresses name memory of the sizes above, which lives until the kernel has run.
pub unsafe fn activate(
    device: &Device,
    precision: Precision,
    [sums, y]: [Address; 2],
    (rows, most_rows): (Address, usize),
    width: usize,
    activation: Activation,
) -> Result<()> {
    ensure!(width.is_multiple_of(4), "the width of rows must be a multiple of 4");
    let (width_of_kernel, number) = (width as i32, number_of(activation));
    let blocks = (most_rows * width).div_ceil(THREADS * 4).min(16 * device.multiprocessors);
    let arguments = [
        from_ref(&sums).cast(),
        from_ref(&y).cast(),
        from_ref(&rows).cast(),
        from_ref(&width_of_kernel).cast(),
        from_ref(&number).cast(),
    ];
    let name = format!("activate_rows_{}", precision.name());
    // SAFETY: the caller's.
    unsafe { device.launch(Lane::Main, &name, Grid::new(blocks, THREADS), &arguments) }
}

/// The end of a linear layer's gradient by what it computes: through its activation, and summed for its bias.
#[derive(Debug, Clone, Copy)]
pub struct LinearEnd {
    /// [R, W]
    pub dy: Address,
    /// [R, W] what the activation keeps: dy is multiplied by its slope there. 0: dy stays as it is
    pub kept: Address,
    /// [`PARTS`, W] float32
    pub parts: Address,
    /// Of the number of rows
    pub rows: Address,
    pub width: usize,
    pub activation: Activation,
}

/// Laid out as in `kernels/linear_ends.cu`.
#[repr(C)]
struct Arguments {
    dy: Address,
    kept: Address,
    parts: Address,
    rows: Address,
    width: i32,
    activation: i32,
}

impl LinearEnd {
    /// -> dy in place, parts
    ///
    /// # Safety
    /// All addresses name memory of the sizes above, which lives until the kernel has run.
    pub unsafe fn run(&self, device: &Device, lane: Lane, precision: Precision) -> Result<()> {
        let &Self { dy, kept, parts, rows, width, activation } = self;
        ensure!(width.is_multiple_of(8), "the width of a linear layer must be a multiple of 8");
        let arguments = Arguments { dy, kept, parts, rows, width: width as i32, activation: number_of(activation) };
        let grid = Grid { blocks: (width.div_ceil(COLUMNS), PARTS, 1), threads: THREADS, shared: 0 };
        let name = format!("linear_end_{}", precision.name());
        // SAFETY: the caller's.
        unsafe { device.launch(lane, &name, grid, &[from_ref(&arguments).cast()]) }
    }
}

/// A tensor [R, ..] whose rows behind the last one are to be zeros; laid out as in `kernels/linear_ends.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Tail {
    pub begin: Address,
    /// Bytes of a row, a multiple of 16
    pub row: i64,
}

impl super::memory::Number for Tail {}

/// tails [count], the number of rows -> zeros in rows from there to `until`
///
/// # Safety
/// All addresses name memory that lives until the kernel has run; the tensors have `until` rows.
pub unsafe fn clear_tails(
    device: &Device,
    (tails, count): (Address, usize),
    rows: Address,
    until: usize,
) -> Result<()> {
    let until = until as i32;
    let arguments = [from_ref(&tails).cast(), from_ref(&rows).cast(), from_ref(&until).cast()];
    let grid = Grid { blocks: (8, count, 1), threads: THREADS, shared: 0 };
    // SAFETY: the caller's.
    unsafe { device.launch(Lane::Main, "clear_tails", grid, &arguments) }
}
