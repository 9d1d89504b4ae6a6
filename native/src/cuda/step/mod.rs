//! A whole training step of a classifier on the GPU, the last layer on first rows only (architecture.md, idea 2): forward,
//! backward and Adam, recorded once as a graph and replayed for every batch that fits.

mod backward;
pub mod batch;
mod forward;
mod layers;
pub mod parameters;
mod updates;

use super::device::{Device, Graph, Lane};
use super::dropout::Dropout;
use super::embed::Layout;
use super::memory::Buffer;
use super::optimizer::{self, HISTORY, NEVER, Segment};
use super::{Address, Precision};
use crate::error::{Error, Result};
use crate::kernels::activation::Activation;
use crate::kernels::optimizer::AdamNumbers;
use batch::{Batch, Capacity, Inbox};
use layers::Buffers;
use parameters::{FlatParameters, Sizes, Stretch};
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
    /// Share of a parameter that decays at each step
    pub decay: f64,
    /// Of the loss' gradient: 1 for the sum of losses
    pub loss_scale: f32,
}

/// Name of the token table in the state dict.
pub const TOKEN_TABLE: &str = "encoder.token_embedding.weight";

pub struct TrainingStep {
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
    segments: Buffer<Segment>,
    segment_of: Buffer<i32>,
    inbox: Inbox,
    buffers: Buffers,
    graph: Option<Graph>,
}

impl TrainingStep {
    /// All parameters are 0 until they are set.
    pub fn new(device: Rc<Device>, options: StepOptions) -> Result<Self> {
        let memory = device.memory.clone();
        let parameters = FlatParameters::new(&options.sizes);
        let in_table = options.sizes.vocabulary * options.sizes.hidden;
        let rounded = if options.precision == Precision::Bfloat16 { parameters.size } else { 0 };
        let flat = || Buffer::zeros(&memory, parameters.size);
        let table = || Buffer::zeros(&memory, in_table);
        let buffers = Buffers::new(&device, &options, &parameters)?;
        let (segments, segment_of) = segments_of(&parameters, &buffers);
        Ok(Self {
            flat: [flat()?, flat()?, flat()?, flat()?],
            table: [table()?, table()?, table()?],
            copy: Buffer::zeros(&memory, rounded)?,
            // Where parameters decay, rows without a gradient move too.
            done: Buffer::from(&memory, &vec![if options.decay == 0.0 { NEVER } else { 0 }; options.sizes.vocabulary])?,
            history: Buffer::zeros(&memory, 2 * HISTORY)?,
            updates: Buffer::zeros(&memory, 1)?,
            since_caught_up: 0,
            segments: Buffer::from(&memory, &segments)?,
            segment_of: Buffer::from(&memory, &segment_of)?,
            inbox: Inbox::new(&memory, &options.capacity)?,
            buffers,
            graph: None,
            parameters,
            options,
            device,
        })
    }

    /// Names of all parameters and how many numbers they have.
    pub fn names(&self) -> Vec<(String, usize)> {
        let table = (TOKEN_TABLE.to_owned(), self.table[0].count());
        self.parameters.named.iter().map(|named| (named.name.clone(), named.size)).chain([table]).collect()
    }

    /// Sets a parameter.
    pub fn set(&mut self, name: &str, numbers: &[f32]) -> Result<()> {
        if name == TOKEN_TABLE {
            return self.table[0].write(0, numbers);
        }
        let named = self.parameters.named(name).ok_or_else(|| Error(format!("there is no parameter {name}")))?;
        crate::ensure!(numbers.len() == named.size, "{name} has {} numbers, not {}", named.size, numbers.len());
        self.flat[0].write(named.begin, numbers)?;
        self.round()
    }

    /// The value of a parameter.
    pub fn value(&self, name: &str) -> Result<Vec<f32>> {
        if name != TOKEN_TABLE {
            return self.part_of(&self.flat[0], name);
        }
        // SAFETY: all buffers are this struct's.
        unsafe { self.adam().catch_up_all(&self.device, &self.table()) }?;
        self.table[0].read()
    }

    /// The last step's gradient of a parameter other than the token table.
    pub fn gradient(&self, name: &str) -> Result<Vec<f32>> {
        self.part_of(&self.flat[1], name)
    }

    /// The last step's gradient of the token table: a row for each of the batch's ids, ascending.
    pub fn gradient_of_rows(&self, batch: &Batch) -> Result<Vec<f32>> {
        let mut rows = self.buffers.token_rows.read()?;
        rows.truncate(batch.counts.distinct as usize * self.options.sizes.hidden);
        Ok(rows)
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

    fn part_of(&self, flat: &Buffer<f32>, name: &str) -> Result<Vec<f32>> {
        let named = self.parameters.named(name).ok_or_else(|| Error(format!("there is no parameter {name}")))?;
        Ok(flat.read()?[named.begin..named.begin + named.size].to_vec())
    }

    /// One step, from 0, at a learning rate. Returns before it is done.
    pub fn run(&mut self, batch: &Batch, step: u32, rate: f64) -> Result<()> {
        if self.since_caught_up == HISTORY {
            // SAFETY: all buffers are this struct's.
            unsafe { self.adam().catch_up_all(&self.device, &self.table()) }?;
            self.since_caught_up = 0;
        }
        self.since_caught_up += 1;
        self.send(batch, step, rate)?;
        if self.graph.is_none() {
            // SAFETY: the graph lives no longer than all buffers: both are this struct's, and never replaced.
            self.graph = Some(self.device.record(|| unsafe { self.enqueue(true) })?);
        }
        self.device.replay(self.graph.as_ref().expect("just recorded"))
    }

    /// The last batch's step again and again, without sending anything: for measurements.
    pub fn replay_only(&self, times: u32) -> Result<()> {
        let graph = self.graph.as_ref().ok_or_else(|| Error("no step was run yet".to_owned()))?;
        (0..times).try_for_each(|_| self.device.replay(graph))
    }

    /// Losses and gradients of a batch without a change of parameters.
    pub fn differentiate(&mut self, batch: &Batch, step: u32) -> Result<()> {
        self.send(batch, step, 0.0)?;
        // SAFETY: all buffers are this struct's.
        unsafe { self.enqueue(false) }?;
        self.device.finish()
    }

    pub fn device(&self) -> &Rc<Device> {
        &self.device
    }

    fn send(&mut self, batch: &Batch, step: u32, rate: f64) -> Result<()> {
        let AdamNumbers { beta1, beta2, .. } = self.options.adam;
        let done = f64::from(step) + 1.0;
        let adam = [rate / (1.0 - beta1.powf(done)), 1.0 / (1.0 - beta2.powf(done)).sqrt()];
        self.inbox.send(&self.device, batch, step, adam.map(|number| number as f32))
    }

    /// Puts a step into the streams.
    ///
    /// # Safety
    /// The buffers live until it is done.
    unsafe fn enqueue(&self, updates: bool) -> Result<()> {
        let device = &*self.device;
        // SAFETY: addresses are those of this struct's buffers, which were made for these sizes.
        unsafe {
            self.adam().catch_up_read(device, &self.table(), self.most_distinct())?;
            self.forward()?;
            self.backward()?;
            if updates {
                // The table's rows are ready on the main lane; the rest of the gradients on both.
                self.adam().run_rows(device, &self.table(), self.most_distinct())?;
            }
            device.after(Lane::Main, Lane::Side)?;
            optimizer::gather_gradient(device, self.segments.address(), self.segment_of.address(), &self.flat())?;
            if updates { self.adam().run(device, &self.flat(), &self.history()) } else { Ok(()) }
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
        if rate == 0.0 {
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
