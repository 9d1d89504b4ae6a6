//! Attention against kernels/attention and kernels/pooled_attention.rs.

use crate::packed::Packed;
use crate::support::{DROPOUT, Gpu, Numbers, kept, on_gpu, tolerance};
use entail_native::compute::Compute;
use entail_native::cuda::Precision;
use entail_native::cuda::attention::{Attention, words_for};
use entail_native::cuda::pooled_attention::PooledAttention;
use entail_native::kernels::attention::{self, AttentionShape, Projected, ProjectedGradients};
use entail_native::kernels::pooled_attention::{PooledShape, pooled_attention as pooled, pooled_attention_gradient};

pub fn attention(gpu: &Gpu, precision: Precision) {
    let short: Vec<usize> = (0..40).map(|i| 1 + i * 11 % 60).collect();
    for (heads, width, lengths, dropout) in [
        (4, 64, &short[..], Some(DROPOUT)),
        (4, 64, &short, None),
        (12, 32, &[1, 31, 32, 33, 26], Some(DROPOUT)),
        (2, 64, &[64, 65, 93, 128, 129, 300], Some(DROPOUT)),
    ] {
        attend(gpu, precision, [heads, width], lengths, dropout);
    }
}

fn attend(
    gpu: &Gpu,
    precision: Precision,
    [heads, width]: [usize; 2],
    lengths: &[usize],
    dropout: Option<entail_native::kernels::random::Dropout>,
) {
    let compute = Compute::new(2);
    let hidden = heads * width;
    let packed = Packed::new(gpu, lengths);
    let (rows, scale) = (packed.rows(), 1.0 / (width as f32).sqrt());
    let mut numbers = Numbers::new(width as u32);
    // Queries, keys and values of a row side by side, as one product leaves them.
    let together = kept(precision, numbers.list(rows * 3 * hidden).iter().map(|x| x * 2.0).collect());
    let dy = numbers.kept(precision, rows * hidden);
    let third = |which: usize, together: &[f32]| -> Vec<f32> {
        together.chunks(3 * hidden).flat_map(|row| row[which * hidden..][..hidden].to_vec()).collect()
    };
    let [q, k, v] = [0, 1, 2].map(|which| third(which, &together));
    let shape = AttentionShape { layout: packed.layout(), hidden, heads, scale, sources: None, dropout };
    let [mut context, mut dq, mut dk, mut dv] = [(); 4].map(|()| vec![0.0; rows * hidden]);
    let mut saved = vec![0.0; shape.saved_size()];
    let projected = Projected { q: &q, k: &k, v: &v };
    attention::attention(&compute, projected, &shape, &mut context, Some(&mut saved));
    let gradients = ProjectedGradients { dq: &mut dq, dk: &mut dk, dv: &mut dv };
    attention::attention_gradient(&compute, &dy, projected, &saved, &shape, gradients);

    let words = words_for(lengths.iter().copied().max().unwrap_or(0));
    let begin = gpu.send(precision, &together);
    let [on_context, on_gradients] = [rows * hidden, rows * 3 * hidden].map(|count| gpu.room(precision, count));
    let [log_sums, deltas] = [(); 2].map(|()| gpu.floats(rows * heads));
    let bits = gpu.send_ints(&vec![0; rows * heads * words]);
    let side_by_side = (hidden * precision.size()) as u64;
    let on = Attention {
        q: begin,
        k: begin + side_by_side,
        v: begin + 2 * side_by_side,
        context: on_context.address(),
        log_sums: log_sums.address(),
        kept: if dropout.is_some() && precision == Precision::Float32 { bits } else { 0 },
        dy: gpu.send(precision, &dy),
        deltas: deltas.address(),
        dq: on_gradients.address(),
        dk: on_gradients.address() + side_by_side,
        dv: on_gradients.address() + 2 * side_by_side,
        offsets: packed.on_gpu.offsets,
        pair_indices: packed.on_gpu.pair_indices,
        counts: packed.counts,
        dropout: on_gpu(dropout, packed.counts),
        scale,
        heads: heads as i32,
        hidden: hidden as i32,
        stride: 3 * hidden as i32,
        words: words as i32,
        longest: lengths.iter().copied().max().unwrap_or(0) as i32,
    };
    // SAFETY: the buffers have these sizes and live until they are read.
    unsafe {
        on.forward(&gpu.device, precision, lengths.len() + 2).expect("attention");
        on.backward(&gpu.device, precision, lengths.len() + 2).expect("its gradient");
    }
    let name = format!("{heads} heads of {width}, {} pairs", lengths.len());
    gpu.compare(&format!("{name} context"), &on_context.read(), &context, tolerance(precision, 1e-5, 6e-3));
    let found = on_gradients.read();
    for (which, (name_of, expected)) in [("dq", &dq), ("dk", &dk), ("dv", &dv)].into_iter().enumerate() {
        gpu.compare(&format!("{name} {name_of}"), &third(which, &found), expected, tolerance(precision, 1e-5, 1e-2));
    }
}

pub fn pooled_attention(gpu: &Gpu, precision: Precision) {
    let compute = Compute::new(2);
    let short: Vec<usize> = (0..40).map(|i| 1 + i * 11 % 60).collect();
    for (heads, width, lengths, dropout) in
        [(4, 64, &short[..], Some(DROPOUT)), (4, 64, &short, None), (12, 64, &[1, 26, 200], Some(DROPOUT))]
    {
        let hidden = heads * width;
        let packed = Packed::new(gpu, lengths);
        let (rows, pairs) = (packed.rows(), lengths.len());
        let mut numbers = Numbers::new(hidden as u32);
        let x = numbers.kept(precision, rows * hidden);
        let query: Vec<f32> = kept(precision, numbers.list(pairs * heads * hidden).iter().map(|x| x * 2.0).collect());
        let dsums = numbers.kept(precision, query.len());
        let (dvalue, bias) = (numbers.kept(precision, pairs * hidden), numbers.list(hidden));
        let shape = PooledShape { layout: packed.layout(), hidden, heads, scale: 0.125, dropout };
        let mut result = vec![0.0; pairs * heads * (hidden + 1)];
        let mut saved = vec![0.0; shape.saved_size()];
        pooled(&compute, &x, &query, &shape, &mut result, &mut saved);
        // The last column's gradient comes from the values' bias.
        let dy: Vec<f32> = (0..pairs * heads)
            .flat_map(|which| {
                let (pair, head) = (which / heads, which % heads);
                let columns = head * width..(head + 1) * width;
                let of_share: f32 = columns.map(|c| dvalue[pair * hidden + c] * bias[c]).sum();
                [&dsums[which * hidden..][..hidden], &[of_share]].concat()
            })
            .collect();
        let [mut dx, mut dquery] = [x.len(), query.len()].map(|count| vec![0.0; count]);
        pooled_attention_gradient(&compute, &dy, &x, &query, &saved, &shape, (&mut dx, &mut dquery));

        let [on_sums, on_dquery] = [(); 2].map(|()| gpu.room(precision, query.len()));
        let on_dx = gpu.room(precision, x.len());
        let [on_shares, on_saved] = [pairs * heads, saved.len()].map(|count| gpu.floats(count));
        let on = PooledAttention {
            x: gpu.send(precision, &x),
            query: gpu.send(precision, &query),
            sums: on_sums.address(),
            shares: on_shares.address(),
            saved: on_saved.address(),
            dsums: gpu.send(precision, &dsums),
            dvalue: gpu.send(precision, &dvalue),
            bias: gpu.send_floats(&bias),
            dx: on_dx.address(),
            dquery: on_dquery.address(),
            offsets: packed.on_gpu.offsets,
            pair_indices: packed.on_gpu.pair_indices,
            counts: packed.counts,
            dropout: on_gpu(dropout, packed.counts),
            scale: 0.125,
            heads: heads as i32,
            hidden: hidden as i32,
            longest: lengths.iter().copied().max().unwrap_or(0) as i32 + 5,
        };
        // SAFETY: the buffers have these sizes and live until they are read.
        unsafe {
            on.forward(&gpu.device, precision, pairs + 2).expect("pooled attention");
            on.backward(&gpu.device, precision, pairs + 2).expect("its gradient");
        }
        let name = format!("{heads} heads of {hidden}, {pairs} pairs");
        let (sums, shares): (Vec<_>, Vec<_>) =
            result.chunks(hidden + 1).map(|row| (&row[..hidden], row[hidden])).unzip();
        let stored = tolerance(precision, 1e-5, 6e-3);
        gpu.compare(&format!("{name} sums"), &on_sums.read(), &sums.concat(), stored);
        gpu.compare(&format!("{name} shares"), &on_shares.read(), &shares, 1e-5);
        gpu.compare(&format!("{name} saved"), &on_saved.read(), &saved, 1e-5);
        gpu.compare(&format!("{name} dx"), &on_dx.read(), &dx, stored);
        gpu.compare(&format!("{name} dquery"), &on_dquery.read(), &dquery, stored);
    }
}
