//! The backward half of a step. Gradients of weights go into the side lane, where nothing waits for them until the end.

use super::TrainingStep;
use super::forward::Rows;
use super::layers::{AfterAttention, FirstLayer, WholeLayer};
use super::parameters::{Layer, Linear, Projections, Stretch};
use crate::cuda::Address;
use crate::cuda::device::Lane;
use crate::cuda::embed::{EmbeddingGradient, FirstRows};
use crate::cuda::memory::Block;
use crate::cuda::normalise::Norm;
use crate::cuda::products::{Form, Matrix, Product};
use crate::error::Result;
use crate::kernels::activation::Activation;

/// What a gradient by a layer's input passes through on its way.
#[derive(Default)]
struct Through<'a> {
    /// What the activation that made the input keeps
    kept: Option<&'a Block>,
    /// What is added to it
    added: Option<&'a Block>,
}

impl TrainingStep {
    /// # Safety
    /// The buffers live until it is done.
    pub(super) unsafe fn backward(&self) -> Result<()> {
        let (device, precision, buffers) = (&*self.device, self.options.precision, &self.buffers);
        let (layers, hidden) = (&self.parameters.layers, self.options.sizes.hidden);
        let classes = [self.parameters.classes.weight, self.parameters.classes.bias].map(|of| self.parts(of));
        // SAFETY: addresses are those of buffers that were made for these sizes.
        unsafe {
            device.after(Lane::Side, Lane::Main)?;
            self.head().gradient(device, precision, classes)?;
            self.head().sum_metrics(device, buffers.totals.address())?;
            let rows = self.first_rows();
            let operands = [&buffers.dhidden, &buffers.first.after.y];
            self.weight_gradient(self.parameters.hidden, [hidden; 2], operands, rows)?;
            let from = [&buffers.dhidden, &buffers.dencoded];
            self.input_gradient(self.parameters.hidden.weight, [hidden; 2], from, rows, &Through::default())?;
            let inputs = self.inputs();
            let last = layers.len() - 1;
            self.first_layer_gradient(last, &layers[last], inputs[last], &buffers.first)?;
            let mut dy = &buffers.first.dx;
            for (layer, of) in buffers.whole.iter().enumerate().rev() {
                self.whole_layer_gradient(layer, &layers[layer], inputs[layer], dy, of)?;
                dy = &of.after.dinput;
            }
            self.embedding_gradient(dy)
        }
    }

    /// Each layer's input.
    fn inputs(&self) -> Vec<&Block> {
        let results = self.buffers.whole.iter().map(|layer| &layer.after.y);
        std::iter::once(&self.buffers.embedded).chain(results).collect()
    }

    /// Where parts of a stretch's gradient go.
    fn parts(&self, of: Stretch) -> Address {
        self.buffers.parts[of.index].as_ref().map_or(0, |parts| parts.buffer.address())
    }

    fn splits(&self, of: Stretch) -> usize {
        self.buffers.parts[of.index].as_ref().map_or(1, |parts| parts.count)
    }

    /// dy [.., O], x [.., I] -> parts of the gradients of weight and bias, in the side lane after what is in the main one
    unsafe fn weight_gradient(
        &self,
        linear: Linear,
        [into, out]: [usize; 2],
        [dy, x]: [&Block; 2],
        rows: Rows,
    ) -> Result<()> {
        let c = Matrix::rows(self.parts(linear.weight), into);
        let operands = [Matrix::rows(dy.address(), out), Matrix::rows(x.address(), into), c];
        let product = Product {
            rows: rows.count,
            splits: self.splits(linear.weight),
            column_sums: self.parts(linear.bias),
            ..Product::new(Form::Weights, [out, into, rows.most], operands)
        };
        self.device.after(Lane::Side, Lane::Main)?;
        // SAFETY: the caller's.
        unsafe { product.run(&self.device, Lane::Side, self.options.precision) }
    }

    /// dy [.., O] -> dx [.., I]
    unsafe fn input_gradient(
        &self,
        weight: Stretch,
        [into, out]: [usize; 2],
        [dy, dx]: [&Block; 2],
        rows: Rows,
        through: &Through,
    ) -> Result<()> {
        let operands = [
            Matrix::rows(dy.address(), out),
            Matrix::rows(self.weight(weight), into),
            Matrix::rows(dx.address(), into),
        ];
        let product = Product {
            rows: rows.count,
            activation: if through.kept.is_some() { self.options.activation } else { Activation::None },
            kept: through.kept.map_or(0, Block::address),
            added: through.added.map_or(0, Block::address),
            ..Product::new(Form::Backward, [rows.most, into, out], operands)
        };
        // SAFETY: the caller's.
        unsafe { product.run(&self.device, Lane::Main, self.options.precision) }
    }

    /// dy of the layer's result -> `dcontext`, and `dinput` by way of the residual
    unsafe fn after_attention_gradient(
        &self,
        layer: usize,
        parameters: &Layer,
        [x, dy]: [Address; 2],
        of: &AfterAttention,
        rows: Rows,
    ) -> Result<()> {
        let (hidden, feed_forward) = (self.options.sizes.hidden, self.options.sizes.feed_forward);
        let (device, precision) = (&*self.device, self.options.precision);
        let [first, second] = self.norms(layer, parameters, x, of, rows);
        let second = Norm {
            y: dy,
            dx: of.douter.address(),
            dresidual: of.dmiddle.address(),
            parts: self.parts(parameters.norm2),
            ..self.norm(&second)
        };
        let first = Norm {
            y: of.dmiddle.address(),
            dx: of.doutput.address(),
            dresidual: of.dinput.address(),
            parts: self.parts(parameters.norm1),
            ..self.norm(&first)
        };
        let kept = Through { kept: Some(of.inner_sums.as_ref().unwrap_or(&of.inner)), added: None };
        let added = Through { kept: None, added: Some(&of.dmiddle) };
        let (wide, narrow) = ([hidden, feed_forward], [feed_forward, hidden]);
        // SAFETY: the caller's. A product may add to its own result: each number is read before it is written, once.
        unsafe {
            second.backward(device, precision)?;
            self.weight_gradient(parameters.dense2, narrow, [&of.douter, &of.inner], rows)?;
            self.input_gradient(parameters.dense2.weight, narrow, [&of.douter, &of.dinner], rows, &kept)?;
            self.weight_gradient(parameters.dense1, wide, [&of.dinner, &of.middle], rows)?;
            self.input_gradient(parameters.dense1.weight, wide, [&of.dinner, &of.dmiddle], rows, &added)?;
            first.backward(device, precision)?;
            self.weight_gradient(parameters.output, [hidden; 2], [&of.doutput, &of.context], rows)?;
            let from = [&of.doutput, &of.dcontext];
            self.input_gradient(parameters.output.weight, [hidden; 2], from, rows, &Through::default())
        }
    }

    unsafe fn whole_layer_gradient(
        &self,
        layer: usize,
        parameters: &Layer,
        x: &Block,
        dy: &Block,
        of: &WholeLayer,
    ) -> Result<()> {
        let (hidden, rows) = (self.options.sizes.hidden, self.all_rows());
        let Projections::Whole(projections) = parameters.projections else {
            unreachable!("a whole layer's parameters")
        };
        let size = [hidden, 3 * hidden];
        let added = Through { kept: None, added: Some(&of.after.dinput) };
        // SAFETY: the caller's.
        unsafe {
            self.after_attention_gradient(layer, parameters, [x.address(), dy.address()], &of.after, rows)?;
            self.attention(layer, of).backward(&self.device, self.options.precision, self.options.capacity.pairs)?;
            self.weight_gradient(projections, size, [&of.dprojected, x], rows)?;
            self.input_gradient(projections.weight, size, [&of.dprojected, &of.after.dinput], rows, &added)
        }
    }

    unsafe fn first_layer_gradient(&self, layer: usize, parameters: &Layer, x: &Block, of: &FirstLayer) -> Result<()> {
        let (device, precision) = (&*self.device, self.options.precision);
        let (hidden, width, pairs) = (self.options.sizes.hidden, self.head_width(), self.options.capacity.pairs);
        let rows = self.first_rows();
        let Projections::First([q, k, v]) = parameters.projections else { unreachable!("a last layer's parameters") };
        let dy = [of.input.address(), self.buffers.dencoded.address()];
        // SAFETY: the caller's.
        unsafe {
            self.after_attention_gradient(layer, parameters, dy, &of.after, rows)?;
            // values = W_v sums + b_v shares
            let dvalues = self.by_head(&of.after.dcontext);
            let by_bias = (self.parts(v.bias), of.shares.address());
            self.weight_gradient_of_heads(v.weight, [dvalues, self.each_head(&of.sums)], by_bias)?;
            let operands = [dvalues, self.weight_by_head(v.weight), self.each_head(&of.dsums)];
            self.of_heads(Form::Backward, [hidden, width], operands).run(device, Lane::Main, precision)?;
            self.pooled(layer, x, of).backward(device, precision, pairs)?;
            // absorbed = W_kᵀ q
            let dabsorbed = self.each_head(&of.dabsorbed);
            self.weight_gradient_of_heads(k.weight, [self.by_head(&of.query), dabsorbed], (0, 0))?;
            let operands = [dabsorbed, self.weight_by_head(k.weight), self.by_head(&of.dquery)];
            self.of_heads(Form::Forward, [width, hidden], operands).run(device, Lane::Main, precision)?;
            self.weight_gradient(q, [hidden; 2], [&of.dquery, &of.input], rows)?;
            let added = Through { kept: None, added: Some(&of.after.dinput) };
            self.input_gradient(q.weight, [hidden; 2], [&of.dquery, &of.after.dinput], rows, &added)?;
            let first =
                FirstRows { x: of.dx.address(), y: of.after.dinput.address(), width: hidden, most_pairs: pairs };
            self.layout().add_first_rows(device, precision, first)
        }
    }

    /// left [P, D] of each head, right [P, H] of each head -> parts of the gradient of a weight [H, H], and of a bias whose
    /// rows count by shares
    unsafe fn weight_gradient_of_heads(
        &self,
        weight: Stretch,
        [left, right]: [Matrix; 2],
        (column_sums, sum_factors): (Address, Address),
    ) -> Result<()> {
        let (hidden, width) = (self.options.sizes.hidden, self.head_width());
        let c = Matrix { address: self.parts(weight), stride: hidden, batch: width * hidden };
        let rows = self.first_rows();
        let product = Product {
            batches: self.options.sizes.heads,
            rows: rows.count,
            splits: self.splits(weight),
            column_sums,
            sum_factors,
            ..Product::new(Form::Weights, [width, hidden, rows.most], [left, right, c])
        };
        self.device.after(Lane::Side, Lane::Main)?;
        // SAFETY: the caller's.
        unsafe { product.run(&self.device, Lane::Side, self.options.precision) }
    }

    /// Gradient of the encoder's input [R, H] -> rows of the token table, parts of the other two
    unsafe fn embedding_gradient(&self, dy: &Block) -> Result<()> {
        let (inbox, sizes) = (&self.inbox, &self.options.sizes);
        let gradient = EmbeddingGradient {
            dy: dy.address(),
            order: inbox.place(inbox.places.order),
            begins: inbox.place(inbox.places.begins),
            offsets: inbox.place(inbox.places.offsets),
            segment_of: inbox.place(inbox.places.segments),
            token_rows: self.buffers.token_rows.address(),
            positions: self.parts(self.parameters.positions),
            segment_parts: self.parts(self.parameters.segments),
            counts: inbox.address(),
            width: sizes.hidden as i32,
            longest: self.options.capacity.longest as i32,
        };
        // SAFETY: the caller's.
        unsafe { gradient.run(&self.device, self.options.precision, self.most_distinct(), sizes.positions) }
    }
}
