//! A whole step put together from the CPU's kernels, in float32: what the GPU's is checked against.

use entail_native::compute::Compute;
use entail_native::cuda::step::batch::Packed;
use entail_native::cuda::step::parameters::Sizes;
use entail_native::cuda::step::{StepOptions, TOKEN_TABLE};
use entail_native::kernels::activation::Activation;
use entail_native::kernels::attention::{AttentionShape, Projected, ProjectedGradients, attention, attention_gradient};
use entail_native::kernels::embed::{EmbeddingInputs, embedding_sum, gather_rows, sum_rows};
use entail_native::kernels::layout::Layout;
use entail_native::kernels::linear::{self, LinearGradients, LinearInputs, LinearShape, pack_backward, pack_forward};
use entail_native::kernels::loss::cross_entropy;
use entail_native::kernels::matmul::Precision;
use entail_native::kernels::normalise::{NormGradients, NormInputs, NormShape, norm, norm_gradient};
use entail_native::kernels::pooled_attention::{PooledShape, pooled_attention, pooled_attention_gradient};
use entail_native::kernels::random::Dropout;
use std::collections::HashMap;

type Numbers = HashMap<String, Vec<f32>>;

pub struct Reference<'a> {
    pub options: StepOptions,
    pub step: u32,
    pub values: &'a Numbers,
    pub packed: Packed<'a>,
    pub compute: Compute,
    /// By name; the token table's in full
    pub gradients: Numbers,
    pub logits: Vec<f32>,
    pub losses: Vec<f32>,
}

/// What a part of a layer keeps for its gradient.
struct AfterAttention {
    context: Vec<f32>,
    output: Vec<f32>,
    middle: Vec<f32>,
    inner: Vec<f32>,
    sums: Vec<f32>,
    outer: Vec<f32>,
    y: Vec<f32>,
    statistics: [Vec<f32>; 2],
}

struct Whole {
    x: Vec<f32>,
    projected: [Vec<f32>; 3],
    saved: Vec<f32>,
    after: AfterAttention,
}

impl<'a> Reference<'a> {
    pub fn new(options: StepOptions, step: u32, values: &'a Numbers, packed: Packed<'a>) -> Self {
        let (compute, gradients) = (Compute::new(2), Numbers::new());
        Self { options, step, values, packed, compute, gradients, logits: Vec::new(), losses: Vec::new() }
    }

    fn sizes(&self) -> Sizes {
        self.options.sizes
    }

    fn value(&self, name: &str) -> &'a [f32] {
        &self.values[name]
    }

    fn dropout(&self, place: usize) -> Option<Dropout> {
        let rate = self.options.dropout;
        let [threshold, scale] = [rate * 4_294_967_296.0, 1.0 / (1.0 - rate)];
        let (seed, step, place) = (self.options.seed, self.step, place as u32);
        (rate > 0.0).then_some(Dropout { seed, step, place, threshold: threshold as u32, scale: scale as f32 })
    }

    fn layout(&self) -> Layout<'a> {
        Layout::new(self.packed.offsets, self.packed.pair_indices).expect("a layout")
    }

    fn linear(&self, name: &str, x: &[f32], activation: Activation) -> (Vec<f32>, Vec<f32>) {
        let (weight, bias) = (self.value(&format!("{name}.weight")), self.value(&format!("{name}.bias")));
        let (out, into) = (bias.len(), weight.len() / bias.len());
        let shape = LinearShape { rows: x.len() / into, into, out, activation, precision: Precision::Float32 };
        let mut y = vec![0.0; shape.rows * out];
        let mut sums = vec![0.0; if activation.keeps_sums() { y.len() } else { 0 }];
        linear::linear(&self.compute, &shape, x, &pack_forward(&self.compute, &shape, weight), bias, &mut y, &mut sums);
        (y, sums)
    }

    /// Keeps the gradients of weight and bias. -> dx
    fn linear_gradient(&mut self, name: &str, dy: &[f32], x: &[f32], kept: &[f32], activation: Activation) -> Vec<f32> {
        let (weight, bias) = (self.value(&format!("{name}.weight")), self.value(&format!("{name}.bias")));
        let (out, into) = (bias.len(), weight.len() / bias.len());
        let shape = LinearShape { rows: x.len() / into, into, out, activation, precision: Precision::Float32 };
        let [mut dx, mut d_weight, mut d_bias] = [x.len(), weight.len(), out].map(|count| vec![0.0; count]);
        let packed = pack_backward(&self.compute, &shape, weight);
        let gradients = LinearGradients { dx: Some((&mut dx, &packed)), d_weight: &mut d_weight, d_bias: &mut d_bias };
        linear::linear_gradient(&self.compute, &shape, &LinearInputs { dy, x, kept }, gradients);
        self.gradients.insert(format!("{name}.weight"), d_weight);
        self.gradients.insert(format!("{name}.bias"), d_bias);
        dx
    }

    fn norm_shape<'b>(&self, layout: Layout<'b>, place: usize) -> NormShape<'b> {
        let (width, eps, dropout) = (self.sizes().hidden, self.options.norm_eps, self.dropout(place));
        NormShape { layout, width, eps, dropout, residual_sources: None }
    }

    fn norm(&self, name: &str, x: &[f32], residual: &[f32], shape: &NormShape) -> (Vec<f32>, Vec<f32>) {
        let (gamma, beta) = (self.value(&format!("{name}.weight")), self.value(&format!("{name}.bias")));
        let [mut y, mut statistics] = [x.len(), 2 * shape.layout.rows()].map(|count| vec![0.0; count]);
        norm(&self.compute, NormInputs { x, residual: Some(residual), gamma }, beta, shape, &mut y, &mut statistics);
        (y, statistics)
    }

    /// -> dx, dresidual
    fn norm_gradient(
        &mut self,
        name: &str,
        dy: &[f32],
        [x, residual, statistics]: [&[f32]; 3],
        shape: &NormShape,
    ) -> [Vec<f32>; 2] {
        let gamma = self.value(&format!("{name}.weight"));
        let [mut dx, mut dresidual] = [(); 2].map(|()| vec![0.0; x.len()]);
        let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![0.0; gamma.len()]);
        let gradients =
            NormGradients { dx: &mut dx, dresidual: Some(&mut dresidual), dgamma: &mut dgamma, dbeta: &mut dbeta };
        let inputs = NormInputs { x, residual: Some(residual), gamma };
        norm_gradient(&self.compute, dy, inputs, statistics, shape, gradients);
        self.gradients.insert(format!("{name}.weight"), dgamma);
        self.gradients.insert(format!("{name}.bias"), dbeta);
        [dx, dresidual]
    }

    fn after_attention(&self, layer: usize, x: &[f32], context: Vec<f32>, layout: Layout) -> AfterAttention {
        let name = format!("encoder.blks.{layer}");
        let (output, _) = self.linear(&format!("{name}.attention.W_o"), &context, Activation::None);
        let shape = self.norm_shape(layout, 3 * layer + 1);
        let (middle, first) = self.norm(&format!("{name}.addnorm1.ln"), &output, x, &shape);
        let (inner, sums) = self.linear(&format!("{name}.ffn.dense1"), &middle, self.options.activation);
        let (outer, _) = self.linear(&format!("{name}.ffn.dense2"), &inner, Activation::None);
        let shape = self.norm_shape(layout, 3 * layer + 2);
        let (y, second) = self.norm(&format!("{name}.addnorm2.ln"), &outer, &middle, &shape);
        AfterAttention { context, output, middle, inner, sums, outer, y, statistics: [first, second] }
    }

    /// -> dcontext, dx by way of the residual
    fn after_attention_gradient(
        &mut self,
        layer: usize,
        [x, dy]: [&[f32]; 2],
        of: &AfterAttention,
        layout: Layout,
    ) -> [Vec<f32>; 2] {
        let name = format!("encoder.blks.{layer}");
        let activation = self.options.activation;
        let shape = self.norm_shape(layout, 3 * layer + 2);
        let of_norm = [&of.outer[..], &of.middle, &of.statistics[1]];
        let [douter, mut dmiddle] = self.norm_gradient(&format!("{name}.addnorm2.ln"), dy, of_norm, &shape);
        let dinner = self.linear_gradient(&format!("{name}.ffn.dense2"), &douter, &of.inner, &[], Activation::None);
        let kept = if activation.keeps_sums() { &of.sums } else { &of.inner };
        let through = self.linear_gradient(&format!("{name}.ffn.dense1"), &dinner, &of.middle, kept, activation);
        add(&mut dmiddle, &through);
        let shape = self.norm_shape(layout, 3 * layer + 1);
        let of_norm = [&of.output[..], x, &of.statistics[0]];
        let [doutput, dx] = self.norm_gradient(&format!("{name}.addnorm1.ln"), &dmiddle, of_norm, &shape);
        let name = format!("{name}.attention.W_o");
        [self.linear_gradient(&name, &doutput, &of.context, &[], Activation::None), dx]
    }

    fn whole_layer(&self, layer: usize, x: Vec<f32>) -> Whole {
        let name = |which: &str| format!("encoder.blks.{layer}.attention.W_{which}");
        let projected = ["q", "k", "v"].map(|which| self.linear(&name(which), &x, Activation::None).0);
        let shape = self.attention_shape(layer);
        let [mut context, mut saved] = [x.len(), shape.saved_size()].map(|count| vec![0.0; count]);
        let [q, k, v] = &projected;
        attention(&self.compute, Projected { q, k, v }, &shape, &mut context, Some(&mut saved));
        let after = self.after_attention(layer, &x, context, self.layout());
        Whole { x, projected, saved, after }
    }

    fn attention_shape(&self, layer: usize) -> AttentionShape<'a> {
        let Sizes { hidden, heads, .. } = self.sizes();
        let (layout, dropout) = (self.layout(), self.dropout(3 * layer));
        AttentionShape { layout, hidden, heads, scale: self.scale(), sources: None, dropout }
    }

    fn scale(&self) -> f32 {
        1.0 / ((self.sizes().hidden / self.sizes().heads) as f32).sqrt()
    }

    fn whole_layer_gradient(&mut self, layer: usize, dy: &[f32], of: &Whole) -> Vec<f32> {
        let [dcontext, mut dx] = self.after_attention_gradient(layer, [&of.x, dy], &of.after, self.layout());
        let shape = self.attention_shape(layer);
        let [mut dq, mut dk, mut dv] = [(); 3].map(|()| vec![0.0; of.x.len()]);
        let [q, k, v] = &of.projected;
        let gradients = ProjectedGradients { dq: &mut dq, dk: &mut dk, dv: &mut dv };
        attention_gradient(&self.compute, &dcontext, Projected { q, k, v }, &of.saved, &shape, gradients);
        for (which, dy) in [("q", dq), ("k", dk), ("v", dv)] {
            let name = format!("encoder.blks.{layer}.attention.W_{which}");
            let part = self.linear_gradient(&name, &dy, &of.x, &[], Activation::None);
            add(&mut dx, &part);
        }
        dx
    }

    /// Forward and backward.
    pub fn run(&mut self) {
        let Sizes { layers, hidden, vocabulary, positions, classes, .. } = self.sizes();
        let packed = self.packed;
        let layout = self.layout();
        let position_of: Vec<i32> = (0..layout.pairs()).flat_map(|pair| 0..layout.length(pair) as i32).collect();
        let mut token_rows = vec![0.0; packed.ids.len() * hidden];
        gather_rows(&self.compute, self.value(TOKEN_TABLE), hidden, packed.ids, &mut token_rows);
        let inputs = EmbeddingInputs {
            token_rows: &token_rows,
            segment_table: self.value("encoder.segment_embedding.weight"),
            segments: packed.segments,
            position_table: self.value("encoder.pos_embedding"),
            positions: &position_of,
        };
        let mut x = vec![0.0; token_rows.len()];
        embedding_sum(&self.compute, &inputs, hidden, &mut x);
        let mut whole = Vec::new();
        for layer in 0..layers - 1 {
            let of = self.whole_layer(layer, x);
            x = of.after.y.clone();
            whole.push(of);
        }
        let mut dx = self.last_layer_and_head(&x, classes);
        for (layer, of) in whole.iter().enumerate().rev() {
            dx = self.whole_layer_gradient(layer, &dx, of);
        }
        let mut sums = |name: &str, targets: &[i32], count: usize| {
            let mut sums = vec![0.0; count * hidden];
            sum_rows(&self.compute, &dx, hidden, targets, count, &mut sums);
            self.gradients.insert(name.to_owned(), sums);
        };
        sums(TOKEN_TABLE, packed.ids, vocabulary);
        sums("encoder.segment_embedding.weight", packed.segments, 2);
        sums("encoder.pos_embedding", &position_of, positions);
    }

    /// x [R, H] -> its gradient
    fn last_layer_and_head(&mut self, x: &[f32], classes: usize) -> Vec<f32> {
        let Sizes { layers, hidden, heads, .. } = self.sizes();
        let (layer, width, packed) = (layers - 1, hidden / heads, self.packed);
        let pairs = packed.labels.len();
        let name = |which: &str| format!("encoder.blks.{layer}.attention.W_{which}");
        let mut first = vec![0.0; pairs * hidden];
        gather_rows(&self.compute, x, hidden, &packed.offsets[..pairs], &mut first);
        let (query, _) = self.linear(&name("q"), &first, Activation::None);
        let (of_keys, of_values) =
            (self.value(&format!("{}.weight", name("k"))), self.value(&format!("{}.weight", name("v"))));
        let value_bias = self.value(&format!("{}.bias", name("v")));
        // absorbed [P, N, H]
        let mut absorbed = vec![0.0f32; pairs * heads * hidden];
        each(pairs, heads, width, |p, head, row| {
            let to = &mut absorbed[(p * heads + head) * hidden..][..hidden];
            to.iter_mut().zip(&of_keys[row * hidden..]).for_each(|(to, k)| *to += query[p * hidden + row] * k);
        });
        let shape =
            PooledShape { layout: self.layout(), hidden, heads, scale: self.scale(), dropout: self.dropout(3 * layer) };
        let [mut pooled, mut saved] = [pairs * heads * (hidden + 1), shape.saved_size()].map(|count| vec![0.0; count]);
        pooled_attention(&self.compute, x, &absorbed, &shape, &mut pooled, &mut saved);
        let pooled_of = |p: usize, head: usize| &pooled[(p * heads + head) * (hidden + 1)..][..hidden + 1];
        let mut context = vec![0.0f32; pairs * hidden];
        each(pairs, heads, width, |p, head, row| {
            let (sums, share) = pooled_of(p, head).split_at(hidden);
            let sum: f32 = sums.iter().zip(&of_values[row * hidden..]).map(|(x, w)| x * w).sum();
            context[p * hidden + row] = sum + share[0] * value_bias[row];
        });
        let offsets: Vec<i32> = (0..=pairs as i32).collect();
        let layout = Layout::new(&offsets, packed.pair_indices).expect("a layout");
        let after = self.after_attention(layer, &first, context, layout);
        let (encoded, _) = self.linear("hidden.0", &after.y, Activation::Tanh);
        let (logits, _) = self.linear("output", &encoded, Activation::None);
        let (mut losses, mut residuals) = (vec![0.0; pairs], vec![0.0; logits.len()]);
        cross_entropy(&logits, packed.labels, classes, &mut losses, &mut residuals);
        residuals.iter_mut().for_each(|residual| *residual *= self.options.loss_scale);
        (self.logits, self.losses) = (logits, losses);

        let dencoded = self.linear_gradient("output", &residuals, &encoded, &[], Activation::None);
        let dy = self.linear_gradient("hidden.0", &dencoded, &after.y, &encoded, Activation::Tanh);
        let [dcontext, mut dfirst] = self.after_attention_gradient(layer, [&first, &dy], &after, layout);
        let [mut of_k, mut of_v] = [(); 2].map(|()| vec![0.0f32; hidden * hidden]);
        let mut of_bias = vec![0.0f32; hidden];
        let mut dpooled = vec![0.0f32; pooled.len()];
        each(pairs, heads, width, |p, head, row| {
            let up = dcontext[p * hidden + row];
            let (sums, share) = pooled_of(p, head).split_at(hidden);
            of_v[row * hidden..][..hidden].iter_mut().zip(sums).for_each(|(to, x)| *to += up * x);
            of_bias[row] += up * share[0];
            let to = &mut dpooled[(p * heads + head) * (hidden + 1)..][..hidden + 1];
            to.iter_mut().zip(&of_values[row * hidden..][..hidden]).for_each(|(to, w)| *to += up * w);
            to[hidden] += up * value_bias[row];
        });
        let [mut dx, mut dabsorbed] = [x.len(), absorbed.len()].map(|count| vec![0.0; count]);
        let to = (&mut dx[..], &mut dabsorbed[..]);
        pooled_attention_gradient(&self.compute, &dpooled, x, &absorbed, &saved, &shape, to);
        let mut dquery = vec![0.0f32; query.len()];
        each(pairs, heads, width, |p, head, row| {
            let up = &dabsorbed[(p * heads + head) * hidden..][..hidden];
            dquery[p * hidden + row] = up.iter().zip(&of_keys[row * hidden..]).map(|(x, w)| x * w).sum();
            let to = of_k[row * hidden..][..hidden].iter_mut();
            to.zip(up).for_each(|(to, x)| *to += query[p * hidden + row] * x);
        });
        for (which, weight, bias) in [("k", of_k, vec![0.0; hidden]), ("v", of_v, of_bias)] {
            self.gradients.insert(format!("{}.weight", name(which)), weight);
            self.gradients.insert(format!("{}.bias", name(which)), bias);
        }
        let through = self.linear_gradient(&name("q"), &dquery, &first, &[], Activation::None);
        add(&mut dfirst, &through);
        for (p, row) in dfirst.chunks(hidden).enumerate() {
            add(&mut dx[packed.offsets[p] as usize * hidden..][..hidden], row);
        }
        dx
    }
}

/// Every pair, head and row of a weight [H, H] that belongs to the head.
fn each(pairs: usize, heads: usize, width: usize, mut body: impl FnMut(usize, usize, usize)) {
    for p in 0..pairs {
        for head in 0..heads {
            (head * width..(head + 1) * width).for_each(|row| body(p, head, row));
        }
    }
}

fn add(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}
