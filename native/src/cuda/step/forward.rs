//! The forward half of a step, down to losses and the gradient of what the output layer reads.

use super::TrainingStep;
use super::layers::{AfterAttention, FirstLayer, WholeLayer};
use super::parameters::{Layer, Linear, Projections, Stretch};
use crate::cuda::attention::{Attention, words_for};
use crate::cuda::device::Lane;
use crate::cuda::dropout::Dropout;
use crate::cuda::embed::{Embedding, FirstRows};
use crate::cuda::loss::Head;
use crate::cuda::memory::{Block, Buffer};
use crate::cuda::normalise::Norm;
use crate::cuda::pooled_attention::PooledAttention;
use crate::cuda::products::{Form, Matrix, Product};
use crate::cuda::{Address, address_of_pairs, address_of_rows};
use crate::error::Result;
use crate::kernels::activation::Activation;

/// Which rows a part of the network is computed for: how many at most, how many there are, and where they belong.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub most: usize,
    pub count: Address,
    pub places: Address,
}

/// A norm with its dropout and residual, but for what only one of its directions has.
pub(super) struct NormOf<'a> {
    pub x: Address,
    pub residual: Address,
    pub parameters: Stretch,
    pub statistics: &'a Buffer<f32>,
    pub rows: Rows,
    pub dropout: Dropout,
}

impl TrainingStep {
    pub(super) fn all_rows(&self) -> Rows {
        let count = address_of_rows(self.inbox.address());
        Rows { most: self.options.capacity.rows, count, places: self.buffers.places.address() }
    }

    pub(super) fn first_rows(&self) -> Rows {
        let count = address_of_pairs(self.inbox.address());
        Rows { most: self.options.capacity.pairs, count, places: self.buffers.first_places.address() }
    }

    /// # Safety
    /// The buffers live until it is done.
    pub(super) unsafe fn forward(&self) -> Result<()> {
        let (device, sizes, inbox, buffers) = (&*self.device, &self.options.sizes, &self.inbox, &self.buffers);
        let (precision, capacity) = (self.options.precision, &self.options.capacity);
        let embedding = Embedding {
            tokens: self.table[0].address(),
            segments: self.vector(self.parameters.segments),
            positions: self.vector(self.parameters.positions),
            ids: inbox.place(inbox.places.ids),
            segment_of: inbox.place(inbox.places.segments),
            places: buffers.places.address(),
            y: buffers.embedded.address(),
            counts: inbox.address(),
            width: sizes.hidden as i32,
        };
        // SAFETY: addresses are those of buffers that were made for these sizes.
        unsafe {
            self.layout().place(device, capacity.pairs)?;
            embedding.run(device, precision, capacity.rows)?;
            let mut x = &buffers.embedded;
            for (layer, (parameters, of)) in self.parameters.layers.iter().zip(&buffers.whole).enumerate() {
                self.whole_layer(layer, parameters, x, of)?;
                x = &of.after.y;
            }
            let last = sizes.layers - 1;
            self.first_layer(last, &self.parameters.layers[last], x, &buffers.first)?;
            let hidden = [&buffers.first.after.y, &buffers.hidden];
            self.linear(self.parameters.hidden, [sizes.hidden; 2], hidden, self.first_rows(), Activation::Tanh, None)?;
            self.head().run(device, precision, capacity.pairs)
        }
    }

    pub(super) fn head(&self) -> Head {
        let buffers = &self.buffers;
        Head {
            hidden: buffers.hidden.address(),
            weight: self.vector(self.parameters.classes.weight),
            bias: self.vector(self.parameters.classes.bias),
            labels: self.inbox.place(self.inbox.places.labels),
            logits: buffers.logits.address(),
            losses: buffers.losses.address(),
            right: buffers.right.address(),
            residuals: buffers.residuals.address(),
            dhidden: buffers.dhidden.address(),
            counts: self.inbox.address(),
            scale: self.options.loss_scale,
            classes: self.options.sizes.classes as i32,
            width: self.options.sizes.hidden as i32,
        }
    }

    /// x [.., I] -> y [.., O], and what its activation is applied to
    unsafe fn linear(
        &self,
        linear: Linear,
        [into, out]: [usize; 2],
        [x, y]: [&Block; 2],
        rows: Rows,
        activation: Activation,
        sums: Option<&Block>,
    ) -> Result<()> {
        let operands = [
            Matrix::rows(x.address(), into),
            Matrix::rows(self.weight(linear.weight), into),
            Matrix::rows(y.address(), out),
        ];
        let product = Product {
            rows: rows.count,
            bias: self.vector(linear.bias),
            activation,
            sums: sums.map_or(0, Block::address),
            ..Product::new(Form::Forward, [rows.most, out, into], operands)
        };
        // SAFETY: the caller's.
        unsafe { product.run(&self.device, Lane::Main, self.options.precision) }
    }

    unsafe fn whole_layer(&self, layer: usize, parameters: &Layer, x: &Block, of: &WholeLayer) -> Result<()> {
        let (hidden, rows) = (self.options.sizes.hidden, self.all_rows());
        let Projections::Whole(projections) = parameters.projections else {
            unreachable!("a whole layer's parameters")
        };
        // SAFETY: the caller's.
        unsafe {
            let size = [hidden, 3 * hidden];
            self.linear(projections, size, [x, &of.projected], rows, Activation::None, None)?;
            self.attention(layer, of).forward(&self.device, self.options.precision, self.options.capacity.pairs)?;
            self.after_attention(layer, parameters, x.address(), &of.after, rows)
        }
    }

    pub(super) fn attention(&self, layer: usize, of: &WholeLayer) -> Attention {
        let (sizes, layout) = (&self.options.sizes, self.layout());
        // Queries, keys and values of a row lie side by side.
        let side_by_side = (sizes.hidden * self.options.precision.size()) as u64;
        let three = |begin: Address| [begin, begin + side_by_side, begin + 2 * side_by_side];
        let [[q, k, v], [dq, dk, dv]] = [three(of.projected.address()), three(of.dprojected.address())];
        Attention {
            q,
            k,
            v,
            context: of.after.context.address(),
            log_sums: of.log_sums.address(),
            kept: of.kept.as_ref().map_or(0, Buffer::address),
            dy: of.after.dcontext.address(),
            deltas: of.deltas.address(),
            dq,
            dk,
            dv,
            offsets: layout.offsets,
            pair_indices: layout.pair_indices,
            counts: layout.counts,
            dropout: self.dropout(3 * layer),
            scale: self.score_scale(),
            heads: sizes.heads as i32,
            hidden: sizes.hidden as i32,
            stride: 3 * sizes.hidden as i32,
            words: words_for(self.options.capacity.longest) as i32,
            longest: self.options.capacity.longest as i32,
        }
    }

    fn score_scale(&self) -> f32 {
        1.0 / ((self.options.sizes.hidden / self.options.sizes.heads) as f32).sqrt()
    }

    unsafe fn first_layer(&self, layer: usize, parameters: &Layer, x: &Block, of: &FirstLayer) -> Result<()> {
        let (device, precision) = (&*self.device, self.options.precision);
        let (hidden, pairs, rows) = (self.options.sizes.hidden, self.options.capacity.pairs, self.first_rows());
        let Projections::First([q, k, v]) = parameters.projections else { unreachable!("a last layer's parameters") };
        let first = FirstRows { x: x.address(), y: of.input.address(), width: hidden, most_pairs: pairs };
        // SAFETY: the caller's.
        unsafe {
            self.layout().first_rows(device, precision, first)?;
            self.linear(q, [hidden; 2], [&of.input, &of.query], rows, Activation::None, None)?;
            // W_kᵀ q of each head.
            let operands = [self.by_head(&of.query), self.weight_by_head(k.weight), self.each_head(&of.absorbed)];
            self.of_heads(Form::Backward, [hidden, self.head_width()], operands).run(device, Lane::Main, precision)?;
            self.pooled(layer, x, of).forward(device, precision, pairs)?;
            // W_v Σ a x + b_v Σ a of each head.
            let operands = [self.each_head(&of.sums), self.weight_by_head(v.weight), self.by_head(&of.after.context)];
            let values = Product {
                bias: self.vector(v.bias),
                shares: of.shares.address(),
                ..self.of_heads(Form::Forward, [self.head_width(), hidden], operands)
            };
            values.run(device, Lane::Main, precision)?;
            self.after_attention(layer, parameters, of.input.address(), &of.after, rows)
        }
    }

    pub(super) fn pooled(&self, layer: usize, x: &Block, of: &FirstLayer) -> PooledAttention {
        let layout = self.layout();
        let Projections::First([_, _, v]) = self.parameters.layers[layer].projections else {
            unreachable!("a last layer's parameters")
        };
        PooledAttention {
            x: x.address(),
            query: of.absorbed.address(),
            sums: of.sums.address(),
            shares: of.shares.address(),
            saved: of.saved.address(),
            dsums: of.dsums.address(),
            dvalue: of.after.dcontext.address(),
            bias: self.vector(v.bias),
            dx: of.dx.address(),
            dquery: of.dabsorbed.address(),
            offsets: layout.offsets,
            pair_indices: layout.pair_indices,
            counts: layout.counts,
            dropout: self.dropout(3 * layer),
            scale: self.score_scale(),
            heads: self.options.sizes.heads as i32,
            hidden: self.options.sizes.hidden as i32,
            longest: self.options.capacity.longest as i32,
        }
    }

    pub(super) fn head_width(&self) -> usize {
        self.options.sizes.hidden / self.options.sizes.heads
    }

    /// [P, H] head by head: columns of a head's width
    pub(super) fn by_head(&self, of: &Block) -> Matrix {
        Matrix { address: of.address(), stride: self.options.sizes.hidden, batch: self.head_width() }
    }

    /// [P, N, H] head by head
    pub(super) fn each_head(&self, of: &Block) -> Matrix {
        let hidden = self.options.sizes.hidden;
        Matrix { address: of.address(), stride: self.options.sizes.heads * hidden, batch: hidden }
    }

    /// A weight [H, H] head by head: a head's rows
    pub(super) fn weight_by_head(&self, weight: Stretch) -> Matrix {
        let hidden = self.options.sizes.hidden;
        Matrix { address: self.weight(weight), stride: hidden, batch: self.head_width() * hidden }
    }

    /// A product of pairs for each head.
    pub(super) fn of_heads(&self, form: Form, [n, k]: [usize; 2], operands: [Matrix; 3]) -> Product {
        let rows = self.first_rows();
        Product {
            batches: self.options.sizes.heads,
            rows: rows.count,
            ..Product::new(form, [rows.most, n, k], operands)
        }
    }

    /// Output projection, first norm, feed-forward, second norm.
    unsafe fn after_attention(
        &self,
        layer: usize,
        parameters: &Layer,
        x: Address,
        of: &AfterAttention,
        rows: Rows,
    ) -> Result<()> {
        let (hidden, feed_forward) = (self.options.sizes.hidden, self.options.sizes.feed_forward);
        let (device, precision) = (&*self.device, self.options.precision);
        let inner = [&of.middle, &of.inner];
        let [first, second] = self.norms(layer, parameters, x, of, rows);
        // SAFETY: the caller's.
        unsafe {
            self.linear(parameters.output, [hidden; 2], [&of.context, &of.output], rows, Activation::None, None)?;
            let norm = Norm { y: of.middle.address(), ..self.norm(&first) };
            norm.forward(device, precision, rows.most)?;
            let (size, sums) = ([hidden, feed_forward], of.inner_sums.as_ref());
            self.linear(parameters.dense1, size, inner, rows, self.options.activation, sums)?;
            self.linear(
                parameters.dense2,
                [feed_forward, hidden],
                [&of.inner, &of.outer],
                rows,
                Activation::None,
                None,
            )?;
            let norm = Norm { y: of.y.address(), ..self.norm(&second) };
            norm.forward(device, precision, rows.most)
        }
    }

    pub(super) fn norms<'a>(
        &self,
        layer: usize,
        parameters: &Layer,
        x: Address,
        of: &'a AfterAttention,
        rows: Rows,
    ) -> [NormOf<'a>; 2] {
        let [first, second] = &of.statistics;
        let (output, outer, middle) = (of.output.address(), of.outer.address(), of.middle.address());
        let norm = |x, residual, parameters, statistics, place| NormOf {
            x,
            residual,
            parameters,
            statistics,
            rows,
            dropout: self.dropout(place),
        };
        [
            norm(output, x, parameters.norm1, first, 3 * layer + 1),
            norm(outer, middle, parameters.norm2, second, 3 * layer + 2),
        ]
    }

    pub(super) fn norm(&self, of: &NormOf) -> Norm {
        let width = self.options.sizes.hidden;
        let gamma = self.vector(of.parameters);
        Norm {
            x: of.x,
            residual: of.residual,
            gamma,
            beta: gamma + (width * size_of::<f32>()) as u64,
            y: 0,
            statistics: of.statistics.address(),
            dx: 0,
            dresidual: 0,
            parts: 0,
            places: of.rows.places,
            rows: of.rows.count,
            dropout: of.dropout,
            width: width as i32,
            eps: self.options.norm_eps,
        }
    }
}
