//! Memory for everything that a step's kernels hand to one another. R rows, P pairs, H hidden, F feed-forward, N heads.

use super::StepOptions;
use super::parameters::{FlatParameters, Linear, Projections, Sizes, Stretch};
use crate::cuda::attention::words_for;
use crate::cuda::device::Device;
use crate::cuda::embed::SEGMENT_PARTS;
use crate::cuda::memory::{Block, Buffer, Memory};
use crate::cuda::products::splits_for;
use crate::cuda::{Precision, loss, normalise};
use crate::error::Result;
use std::rc::Rc;

/// Parts that a stretch's gradient is put together from.
pub struct Parts {
    /// [count, size of the stretch]
    pub buffer: Buffer<f32>,
    pub count: usize,
}

pub struct Buffers {
    /// [R, 2] and [P, 2]
    pub places: Buffer<i32>,
    pub first_places: Buffer<i32>,
    /// [R, H] the encoder's input
    pub embedded: Block,
    pub whole: Vec<WholeLayer>,
    pub first: FirstLayer,
    /// [P, H] after tanh
    pub hidden: Block,
    /// [P, H] before it
    pub dhidden: Block,
    /// [P, H] gradient of the last layer's result
    pub dencoded: Block,
    /// [P, C]
    pub logits: Buffer<f32>,
    pub residuals: Buffer<f32>,
    /// [P]
    pub losses: Buffer<f32>,
    pub right: Buffer<i32>,
    /// Loss and right predictions
    pub totals: Buffer<f64>,
    /// [distinct, H]
    pub token_rows: Buffer<f32>,
    /// By stretch; None where the gradient is 0
    pub parts: Vec<Option<Parts>>,
}

/// A layer that computes every row.
pub struct WholeLayer {
    /// [R, 3 H] queries, keys and values of a row side by side
    pub projected: Block,
    pub dprojected: Block,
    /// [R, N]
    pub log_sums: Buffer<f32>,
    pub deltas: Buffer<f32>,
    /// [R, N, words] in float32 with dropout
    pub kept: Option<Buffer<u32>>,
    pub after: AfterAttention,
}

/// The last layer, of first rows only.
pub struct FirstLayer {
    /// [P, H] first rows of its input
    pub input: Block,
    pub query: Block,
    pub dquery: Block,
    /// [P, N, H] queries through the keys' weight, and weighted sums of input rows
    pub absorbed: Block,
    pub dabsorbed: Block,
    pub sums: Block,
    pub dsums: Block,
    /// [P, N]
    pub shares: Buffer<f32>,
    /// [R · N]
    pub saved: Buffer<f32>,
    /// [R, H] gradient of its input
    pub dx: Block,
    pub after: AfterAttention,
}

/// From the attended rows to the layer's result, of R rows or P.
pub struct AfterAttention {
    /// [.., H]
    pub context: Block,
    pub output: Block,
    pub middle: Block,
    pub outer: Block,
    pub y: Block,
    /// [.., F]
    pub inner: Block,
    /// [.., F] what a gelu is applied to
    pub inner_sums: Option<Block>,
    /// [.., 2]
    pub statistics: [Buffer<f32>; 2],
    /// Gradients, like what they are of; `dinput` of the layer's input
    pub dcontext: Block,
    pub doutput: Block,
    pub dmiddle: Block,
    pub douter: Block,
    pub dinner: Block,
    pub dinput: Block,
}

impl AfterAttention {
    fn new(memory: &Rc<Memory>, options: &StepOptions, rows: usize) -> Result<Self> {
        let Sizes { hidden, feed_forward, .. } = options.sizes;
        let wide = |width: usize| Block::of(memory, options.precision, rows * width);
        let row = || wide(hidden);
        let statistics = || Buffer::new(memory, 2 * rows);
        Ok(Self {
            context: row()?,
            output: row()?,
            middle: row()?,
            outer: row()?,
            y: row()?,
            inner: wide(feed_forward)?,
            inner_sums: if options.activation.keeps_sums() { Some(wide(feed_forward)?) } else { None },
            statistics: [statistics()?, statistics()?],
            dcontext: row()?,
            doutput: row()?,
            dmiddle: row()?,
            douter: row()?,
            dinner: wide(feed_forward)?,
            dinput: row()?,
        })
    }
}

impl WholeLayer {
    fn new(memory: &Rc<Memory>, options: &StepOptions) -> Result<Self> {
        let Sizes { hidden, heads, .. } = options.sizes;
        let rows = options.capacity.rows;
        let words = words_for(options.capacity.longest);
        let keeps = options.dropout > 0.0 && options.precision == Precision::Float32;
        let projected = || Block::of(memory, options.precision, rows * 3 * hidden);
        Ok(Self {
            projected: projected()?,
            dprojected: projected()?,
            log_sums: Buffer::new(memory, rows * heads)?,
            deltas: Buffer::new(memory, rows * heads)?,
            kept: if keeps { Some(Buffer::new(memory, rows * heads * words)?) } else { None },
            after: AfterAttention::new(memory, options, rows)?,
        })
    }
}

impl FirstLayer {
    fn new(memory: &Rc<Memory>, options: &StepOptions) -> Result<Self> {
        let Sizes { hidden, heads, .. } = options.sizes;
        let (rows, pairs) = (options.capacity.rows, options.capacity.pairs);
        let of = |count: usize| Block::of(memory, options.precision, count);
        let row = || of(pairs * hidden);
        let each_head = || of(pairs * heads * hidden);
        Ok(Self {
            input: row()?,
            query: row()?,
            dquery: row()?,
            absorbed: each_head()?,
            dabsorbed: each_head()?,
            sums: each_head()?,
            dsums: each_head()?,
            shares: Buffer::new(memory, pairs * heads)?,
            saved: Buffer::new(memory, rows * heads)?,
            dx: of(rows * hidden)?,
            after: AfterAttention::new(memory, options, pairs)?,
        })
    }
}

impl Buffers {
    pub fn new(device: &Device, options: &StepOptions, parameters: &FlatParameters) -> Result<Self> {
        let memory = &device.memory;
        let Sizes { hidden, layers, classes, vocabulary, .. } = options.sizes;
        let (rows, pairs) = (options.capacity.rows, options.capacity.pairs);
        let of = |count: usize| Block::of(memory, options.precision, count);
        Ok(Self {
            places: Buffer::new(memory, 2 * rows)?,
            first_places: Buffer::new(memory, 2 * pairs)?,
            embedded: of(rows * hidden)?,
            whole: (0..layers - 1).map(|_| WholeLayer::new(memory, options)).collect::<Result<_>>()?,
            first: FirstLayer::new(memory, options)?,
            hidden: of(pairs * hidden)?,
            dhidden: of(pairs * hidden)?,
            dencoded: of(pairs * hidden)?,
            logits: Buffer::new(memory, pairs * classes)?,
            residuals: Buffer::new(memory, pairs * classes)?,
            losses: Buffer::new(memory, pairs)?,
            right: Buffer::new(memory, pairs)?,
            totals: Buffer::zeros(memory, 2)?,
            token_rows: Buffer::new(memory, rows.min(vocabulary) * hidden)?,
            parts: parts_of(device, options, parameters)?,
        })
    }
}

/// Room for the parts of every stretch's gradient.
fn parts_of(device: &Device, options: &StepOptions, parameters: &FlatParameters) -> Result<Vec<Option<Parts>>> {
    let Sizes { hidden, feed_forward, heads, .. } = options.sizes;
    let (rows, pairs) = (options.capacity.rows, options.capacity.pairs);
    let mut parts: Vec<Option<Parts>> = parameters.stretches.iter().map(|_| None).collect();
    let mut make = |stretch: Stretch, count: usize| -> Result<()> {
        let buffer = Buffer::new(&device.memory, count * stretch.size)?;
        parts[stretch.index] = Some(Parts { buffer, count });
        Ok(())
    };
    let linear = |make: &mut dyn FnMut(Stretch, usize) -> Result<()>, linear: Linear, size, batches| -> Result<()> {
        let splits = splits_for(device, size, batches);
        make(linear.weight, splits)?;
        make(linear.bias, splits)
    };
    make(parameters.positions, 1)?;
    make(parameters.segments, SEGMENT_PARTS)?;
    for layer in &parameters.layers {
        let rows = match layer.projections {
            Projections::Whole(all) => {
                linear(&mut make, all, [3 * hidden, hidden, rows], 1)?;
                rows
            }
            Projections::First([q, k, v]) => {
                linear(&mut make, q, [hidden, hidden, pairs], 1)?;
                // The keys' bias adds the same to every score of a query: it has no gradient.
                make(k.weight, splits_for(device, [hidden / heads, hidden, pairs], heads))?;
                linear(&mut make, v, [hidden / heads, hidden, pairs], heads)?;
                pairs
            }
        };
        linear(&mut make, layer.output, [hidden, hidden, rows], 1)?;
        linear(&mut make, layer.dense1, [feed_forward, hidden, rows], 1)?;
        linear(&mut make, layer.dense2, [hidden, feed_forward, rows], 1)?;
        make(layer.norm1, normalise::PARTS)?;
        make(layer.norm2, normalise::PARTS)?;
    }
    linear(&mut make, parameters.hidden, [hidden, hidden, pairs], 1)?;
    make(parameters.classes.weight, loss::PARTS)?;
    make(parameters.classes.bias, loss::PARTS)?;
    Ok(parts)
}
