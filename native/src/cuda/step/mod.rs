//! A whole training step of a classifier on the GPU, the last layer on first rows only (architecture.md, idea 2): forward,
//! backward and Adam, recorded once as a graph and replayed for every batch that fits; with a library's products, one graph
//! for each bucket of row counts.

mod backward;
pub mod batch;
pub mod by_library;
mod forward;
mod layers;
pub mod parameters;
mod state;
mod updates;

use super::attention::AttentionGradient;
use super::device::{Device, Graph, Lane};
use super::dropout::Dropout;
use super::embed::Layout;
use super::linear_ends::Tail;
use super::memory::Buffer;
use super::optimizer::{self, BLOCK, Clipping, HISTORY, NEVER, Rate, Segment, parts_of_norm};
use super::{Address, Precision};
use crate::error::{Error, Result};
use crate::kernels::activation::Activation;
use crate::kernels::optimizer::AdamNumbers;
use batch::{Batch, Capacity, Inbox};
use by_library::{LibraryUse, tails_of};
use layers::{Buffers, GradientPlace};
use parameters::{FlatParameters, Sizes, Stretch};
use std::collections::HashMap;
use std::rc::Rc;
use updates::segments_of;

/// What a run decides once.
#[derive(Debug, Clone, Copy)]
pub struct StepOptions {
    pub sizes: Sizes,
    pub capacity: Capacity,
    pub precision: Precision,
    pub activation: Activation,
    pub norm_eps: f32,
    /// 0 to below 1
    pub dropout: f64,
    pub seed: u32,
    pub adam: AdamNumbers,
    pub attention: AttentionGradient,
    /// Whether the gradient's norm is measured, and what is done by it
    pub clipping: Option<Clipping>,
    /// Of the loss' gradient: 1 for the sum of losses
    pub loss_scale: f32,
}

/// Name of the token table in the state dict.
pub const TOKEN_TABLE: &str = "encoder.token_embedding.weight";

pub struct TrainingStep {
    /// By bucket. They go before what they name.
    graphs: HashMap<usize, Graph>,
    device: Rc<Device>,
    options: StepOptions,
    parameters: FlatParameters,
    /// value, gradient, first and second moment
    flat: [Buffer<f32>; 4],
    /// value and moments [V, H]
    table: [Buffer<f32>; 3],
    /// bfloat16 copy of the flat values; empty in float32
    copy: Buffer<u16>,
    /// [V] updates that each row of the table has done
    done: Buffer<i32>,
    /// Numbers of the last updates, and how many there were
    history: Buffer<f32>,
    updates: Buffer<i32>,
    /// Updates since all rows of the table caught up
    since_caught_up: usize,
    /// Of each segment
    rates: Buffer<Rate>,
    rate_of_table: Rate,
    /// Parts of the gradient's norm; the norm and what the gradient is multiplied by
    squares: Buffer<f32>,
    clipping: Buffer<f32>,
    segments: Buffer<Segment>,
    segment_of: Buffer<i32>,
    inbox: Inbox,
    buffers: Buffers,
    library: Option<LibraryUse>,
    tails: Buffer<Tail>,
    /// The batch that was sent last is one to learn from: dropout drops.
    learns: bool,
    /// Rows that the library's products take in the batch that was sent last; 0 without a library
    bucket: usize,
}

/// What a step is computed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Update,
    /// Without a change of parameters
    Gradients,
    /// Whatever loads itself when it first runs: nothing is kept, not even metrics.
    WarmUp,
}

impl TrainingStep {
    /// All parameters are 0 until they are set.
    pub fn new(device: Rc<Device>, options: StepOptions, library: Option<LibraryUse>) -> Result<Self> {
        let memory = device.memory.clone();
        let parameters = FlatParameters::new(&options.sizes);
        let in_table = options.sizes.vocabulary * options.sizes.hidden;
        let rounded = if options.precision == Precision::Bfloat16 { parameters.size } else { 0 };
        let flat = || Buffer::zeros(&memory, parameters.size);
        let table = || Buffer::zeros(&memory, in_table);
        let flats = [flat()?, flat()?, flat()?, flat()?];
        let gradient = GradientPlace { address: flats[1].address(), by_library: library.is_some() };
        let buffers = Buffers::new(&device, &options, &parameters, gradient)?;
        let (segments, segment_of) = segments_of(&parameters, &buffers);
        Ok(Self {
            flat: flats,
            table: [table()?, table()?, table()?],
            copy: Buffer::zeros(&memory, rounded)?,
            done: Buffer::from(&memory, &vec![NEVER; options.sizes.vocabulary])?,
            history: Buffer::zeros(&memory, 4 * HISTORY)?,
            updates: Buffer::zeros(&memory, 1)?,
            since_caught_up: 0,
            rates: Buffer::from(&memory, &vec![Rate::default(); segments.len()])?,
            rate_of_table: Rate::default(),
            squares: Buffer::zeros(&memory, parts_of_norm(parameters.size / BLOCK))?,
            clipping: Buffer::from(&memory, &[0.0, 1.0])?,
            segments: Buffer::from(&memory, &segments)?,
            segment_of: Buffer::from(&memory, &segment_of)?,
            inbox: Inbox::new(&memory, &options.capacity)?,
            tails: Buffer::from(&memory, &tails_of(&options, &buffers))?,
            buffers,
            library,
            learns: true,
            bucket: 0,
            graphs: HashMap::new(),
            parameters,
            options,
            device,
        })
    }

    /// The last step's losses and logits of the pairs.
    pub fn losses(&self, batch: &Batch) -> Result<(Vec<f32>, Vec<f32>)> {
        let pairs = batch.counts.pairs as usize;
        let [mut losses, mut logits] = [self.buffers.losses.read()?, self.buffers.logits.read()?];
        losses.truncate(pairs);
        logits.truncate(pairs * self.options.sizes.classes);
        Ok((losses, logits))
    }

    /// Sum of losses and number of right predictions since the last call.
    pub fn take_metrics(&mut self) -> Result<[f64; 2]> {
        let totals = self.buffers.totals.read()?;
        self.buffers.totals.write(0, &[0.0, 0.0])?;
        Ok([totals[0], totals[1]])
    }

    /// One step, from 0, at a learning rate. Returns before it is done.
    pub fn run(&mut self, batch: &Batch, step: u32, rate: f64) -> Result<()> {
        if self.since_caught_up == HISTORY {
            self.catch_up()?;
            self.since_caught_up = 0;
        }
        self.since_caught_up += 1;
        self.send(batch, step, rate, true)?;
        if !self.graphs.contains_key(&self.bucket) {
            let graph = self.record()?;
            self.graphs.insert(self.bucket, graph);
        }
        self.device.replay(&self.graphs[&self.bucket])
    }

    fn record(&self) -> Result<Graph> {
        if self.library.is_some() {
            // A library's kernels load themselves when they first run, which they may not while they are recorded.
            // SAFETY: all buffers are this struct's.
            unsafe { self.enqueue(Purpose::WarmUp) }?;
            self.device.finish()?;
        }
        // SAFETY: a graph lives no longer than all buffers: both are this struct's, and buffers are never replaced.
        self.device.record(|| unsafe { self.enqueue(Purpose::Update) })
    }

    /// The last batch's step again and again, without sending anything: for measurements.
    pub fn replay_only(&self, times: u32) -> Result<()> {
        let graph = self.graphs.get(&self.bucket).ok_or_else(|| Error("no step was run yet".to_owned()))?;
        (0..times).try_for_each(|_| self.device.replay(graph))
    }

    /// Losses and gradients of a batch without a change of parameters.
    pub fn differentiate(&mut self, batch: &Batch, step: u32) -> Result<()> {
        self.send(batch, step, 0.0, true)?;
        // SAFETY: all buffers are this struct's.
        unsafe { self.enqueue(Purpose::Gradients) }?;
        self.device.finish()
    }

    /// Losses and logits of a batch as the network answers it: nothing is dropped, nothing is learned, metrics stay.
    pub fn evaluate(&mut self, batch: &Batch) -> Result<(Vec<f32>, Vec<f32>)> {
        self.send(batch, 0, 0.0, false)?;
        // SAFETY: all buffers are this struct's.
        unsafe {
            self.clear_tails()?;
            self.adam().catch_up_read(&self.device, &self.table(), self.most_distinct())?;
            self.forward()?;
        }
        self.losses(batch)
    }

    pub fn device(&self) -> &Rc<Device> {
        &self.device
    }

    fn send(&mut self, batch: &Batch, step: u32, rate: f64, learns: bool) -> Result<()> {
        self.learns = learns;
        let AdamNumbers { beta1, beta2, .. } = self.options.adam;
        let done = f64::from(step) + 1.0;
        let adam = [rate / (1.0 - beta1.powf(done)), 1.0 / (1.0 - beta2.powf(done)).sqrt(), rate];
        self.bucket = self.bucket_for(batch.counts.rows as usize);
        self.inbox.send(&self.device, batch, step, adam.map(|number| number as f32))
    }

    /// Puts a step into the streams.
    ///
    /// # Safety
    /// The buffers live until it is done.
    unsafe fn enqueue(&self, purpose: Purpose) -> Result<()> {
        let device = &*self.device;
        // SAFETY: addresses are those of this struct's buffers, which were made for these sizes.
        unsafe {
            self.clear_tails()?;
            self.adam().catch_up_read(device, &self.table(), self.most_distinct())?;
            self.forward()?;
            self.backward(purpose)?;
            // The table's rows are ready on the main lane; the rest of the gradients on both.
            let updates = purpose == Purpose::Update;
            if updates && self.options.clipping.is_none() {
                self.adam().run_rows(device, &self.table(), self.most_distinct())?;
            }
            device.after(Lane::Main, Lane::Side)?;
            let (flat, segments) = (self.flat(), self.segments.address());
            if updates && self.options.clipping.is_none() {
                return self.adam().run(device, &flat, &self.history(), Some(segments));
            }
            optimizer::gather_gradient(device, segments, &flat)?;
            if let Some(clipping) = self.options.clipping {
                let places = [self.squares.address(), self.clipping.address()];
                optimizer::gradient_norm(device, (&flat, &self.table()), clipping, places)?;
            }
            if updates {
                self.adam().run_rows(device, &self.table(), self.most_distinct())?;
                self.adam().run(device, &flat, &self.history(), None)?;
            }
            Ok(())
        }
    }

    fn most_distinct(&self) -> usize {
        self.options.capacity.rows.min(self.options.sizes.vocabulary)
    }

    fn layout(&self) -> Layout {
        Layout {
            offsets: self.inbox.place(self.inbox.places.offsets),
            pair_indices: self.inbox.place(self.inbox.places.pair_indices),
            places: self.buffers.places.address(),
            first_places: self.buffers.first_places.address(),
            counts: self.inbox.address(),
        }
    }

    fn dropout(&self, place: usize) -> Dropout {
        let rate = self.options.dropout;
        if rate == 0.0 || !self.learns {
            return Dropout::NONE;
        }
        Dropout {
            step: self.inbox.address(),
            seed: self.options.seed,
            place: place as u32,
            threshold: (rate * 4_294_967_296.0) as u32,
            scale: (1.0 / (1.0 - rate)) as f32,
        }
    }

    /// A weight as products read it.
    fn weight(&self, stretch: Stretch) -> Address {
        match self.options.precision {
            Precision::Float32 => self.flat[0].place(stretch.begin),
            Precision::Bfloat16 => self.copy.place(stretch.begin),
        }
    }

    /// A bias, or gamma and beta.
    fn vector(&self, stretch: Stretch) -> Address {
        self.flat[0].place(stretch.begin)
    }
}
