//! Norms, embeddings, loss and Adam against their families in src/kernels.

use crate::packed::Packed;
use crate::support::{DROPOUT, Gpu, Numbers, kept, on_gpu, summed, tolerance};
use entail_native::compute::Compute;
use entail_native::cuda::device::Lane;
use entail_native::cuda::embed::{Embedding, EmbeddingGradient, FirstRows, SEGMENT_PARTS};
use entail_native::cuda::loss::{Head, PARTS as CLASS_PARTS};
use entail_native::cuda::memory::Buffer;
use entail_native::cuda::normalise::{Norm, PARTS};
use entail_native::cuda::optimizer::{Adam, BLOCK, Flat, HISTORY, History, NEVER, Table};
use entail_native::cuda::{Counts, Precision, address_of_rows};
use entail_native::kernels::embed::{EmbeddingInputs, embedding_sum, sum_rows};
use entail_native::kernels::loss::cross_entropy;
use entail_native::kernels::normalise::{NormGradients, NormInputs, NormShape, norm, norm_gradient};
use entail_native::kernels::optimizer::{self, AdamNumbers, AdamParameter, AdamStep, Gradient};

pub fn norms(gpu: &Gpu, precision: Precision) {
    let compute = Compute::new(2);
    let lengths: Vec<usize> = (0..60).map(|i| 1 + i * 7 % 40).collect();
    for (width, residual, dropout) in [
        (256, true, Some(DROPOUT)),
        (256, false, Some(DROPOUT)),
        (100, true, None),
        (384, true, Some(DROPOUT)),
        (768, true, None),
    ] {
        let packed = Packed::new(gpu, &lengths);
        let size = packed.rows() * width;
        let mut numbers = Numbers::new(width as u32);
        let [x, added, dy] = [(); 3].map(|()| numbers.kept(precision, size));
        let [gamma, beta] = [(); 2].map(|()| numbers.list(width));
        let inputs = NormInputs { x: &x, residual: residual.then_some(&added[..]), gamma: &gamma };
        let shape = NormShape { layout: packed.layout(), width, eps: 1e-5, dropout, residual_sources: None };
        let [mut y, mut dx, mut dresidual] = [(); 3].map(|()| vec![0.0; size]);
        let [mut dgamma, mut dbeta] = [(); 2].map(|()| vec![0.0; width]);
        let mut statistics = vec![0.0; 2 * packed.rows()];
        norm(&compute, inputs, &beta, &shape, &mut y, &mut statistics);
        let gradients = NormGradients {
            dx: &mut dx,
            dresidual: residual.then_some(&mut dresidual[..]),
            dgamma: &mut dgamma,
            dbeta: &mut dbeta,
        };
        norm_gradient(&compute, &dy, inputs, &statistics, &shape, gradients);

        let [on_y, on_dx, on_dresidual] = [(); 3].map(|()| gpu.room(precision, size));
        let on_statistics = gpu.floats(statistics.len());
        let parts = gpu.floats(PARTS * 2 * width);
        let forward = Norm {
            x: gpu.send(precision, &x),
            residual: if residual { gpu.send(precision, &added) } else { 0 },
            gamma: gpu.send_floats(&gamma),
            beta: gpu.send_floats(&beta),
            y: on_y.address(),
            statistics: on_statistics.address(),
            dx: on_dx.address(),
            dresidual: on_dresidual.address(),
            parts: parts.address(),
            places: packed.on_gpu.places,
            rows: address_of_rows(packed.counts),
            dropout: on_gpu(dropout, packed.counts),
            width: width as i32,
            eps: 1e-5,
        };
        let backward = Norm { y: gpu.send(precision, &dy), ..forward };
        // SAFETY: the buffers have these sizes and live until they are read.
        unsafe {
            forward.forward(&gpu.device, precision, packed.rows() + 9).expect("a norm");
            backward.backward(&gpu.device, precision).expect("its gradient");
        }
        let name = format!("width {width}{}", if residual { " with residual" } else { "" });
        let stored = tolerance(precision, 1e-5, 4e-3);
        gpu.compare(&format!("{name} y"), &on_y.read(), &y, stored);
        gpu.compare(&format!("{name} statistics"), &on_statistics.read(), &statistics, 1e-5);
        gpu.compare(&format!("{name} dx"), &on_dx.read(), &dx, stored);
        if residual {
            gpu.compare(&format!("{name} dresidual"), &on_dresidual.read(), &dresidual, stored);
        }
        let sums = summed(&parts.read(), 2 * width);
        gpu.compare(&format!("{name} dgamma"), &sums[..width], &dgamma, 1e-5);
        gpu.compare(&format!("{name} dbeta"), &sums[width..], &dbeta, 1e-5);
    }
}

pub fn embeddings(gpu: &Gpu, precision: Precision) {
    let compute = Compute::new(2);
    let lengths: Vec<usize> = (0..90).map(|i| 1 + i * 13 % 50).collect();
    for width in [256, 104, 768] {
        let packed = Packed::new(gpu, &lengths);
        let rows = packed.rows();
        let (vocabulary, positions) = (40, 64);
        let mut numbers = Numbers::new(width as u32);
        let [tokens, places, segments] = [vocabulary, positions, 2].map(|count| numbers.list(count * width));
        let ids: Vec<i32> = (0..rows).map(|_| (numbers.below(vocabulary / 2) * 2) as i32).collect();
        let segment_of: Vec<i32> = (0..rows).map(|_| numbers.below(2) as i32).collect();
        let position_of: Vec<i32> = lengths.iter().flat_map(|&length| 0..length as i32).collect();
        let dy = numbers.kept(precision, rows * width);
        let token_rows: Vec<f32> = ids.iter().flat_map(|&id| tokens[id as usize * width..][..width].to_vec()).collect();
        let inputs = EmbeddingInputs {
            token_rows: &token_rows,
            segment_table: &segments,
            segments: &segment_of,
            position_table: &places,
            positions: &position_of,
        };
        let mut y = vec![0.0; rows * width];
        embedding_sum(&compute, &inputs, width, &mut y);
        let sums = |targets: &[i32], count: usize| {
            let mut sums = vec![0.0; count * width];
            sum_rows(&compute, &dy, width, targets, count, &mut sums);
            sums
        };
        let (by_token, by_position, by_segment) =
            (sums(&ids, vocabulary), sums(&position_of, positions), sums(&segment_of, 2));
        let mut order: Vec<i32> = (0..rows as i32).collect();
        order.sort_by_key(|&row| (ids[row as usize], row));
        let mut distinct: Vec<i32> = ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let begin = |id: &i32| order.partition_point(|&row| ids[row as usize] < *id) as i32;
        let begins: Vec<i32> = distinct.iter().map(begin).chain([rows as i32]).collect();

        let counts =
            Counts { step: 0, rows: rows as i32, pairs: lengths.len() as i32, distinct: distinct.len() as i32 };
        let counts = gpu.send_counts(counts);
        let on_y = gpu.room(precision, y.len());
        let embedding = Embedding {
            tokens: gpu.send_floats(&tokens),
            segments: gpu.send_floats(&segments),
            positions: gpu.send_floats(&places),
            ids: gpu.send_ints(&ids),
            segment_of: gpu.send_ints(&segment_of),
            places: packed.on_gpu.places,
            y: on_y.address(),
            counts,
            width: width as i32,
        };
        let [token_gradient, position_gradient, segment_parts] =
            [distinct.len(), positions, 2 * SEGMENT_PARTS].map(|count| gpu.floats(count * width));
        let gradient = EmbeddingGradient {
            dy: gpu.send(precision, &dy),
            order: gpu.send_ints(&order),
            begins: gpu.send_ints(&begins),
            offsets: packed.on_gpu.offsets,
            segment_of: embedding.segment_of,
            token_rows: token_gradient.address(),
            positions: position_gradient.address(),
            segment_parts: segment_parts.address(),
            counts,
            width: width as i32,
            longest: 50,
        };
        let firsts = gpu.room(precision, lengths.len() * width);
        let rows_of = FirstRows { x: on_y.address(), y: firsts.address(), width, most_pairs: lengths.len() + 4 };
        // SAFETY: the buffers have these sizes and live until they are read.
        unsafe {
            embedding.run(&gpu.device, precision, rows + 5).expect("embeddings");
            gradient.run(&gpu.device, precision, distinct.len() + 3, positions).expect("their gradient");
            packed.on_gpu.first_rows(&gpu.device, precision, rows_of).expect("first rows");
        }
        let stored = tolerance(precision, 1e-6, 4e-3);
        let found = on_y.read();
        gpu.compare(&format!("width {width} y"), &found, &y, stored);
        let first = |&offset: &i32| found[offset as usize * width..][..width].to_vec();
        let first: Vec<f32> = packed.offsets[..lengths.len()].iter().flat_map(first).collect();
        gpu.compare(&format!("width {width} first rows"), &firsts.read(), &first, 0.0);
        let expected: Vec<f32> =
            distinct.iter().flat_map(|&id| by_token[id as usize * width..][..width].to_vec()).collect();
        gpu.compare(&format!("width {width} by token"), &token_gradient.read(), &expected, 1e-5);
        gpu.compare(&format!("width {width} by position"), &position_gradient.read(), &by_position, 1e-5);
        gpu.compare(&format!("width {width} by segment"), &summed(&segment_parts.read(), 2 * width), &by_segment, 1e-5);
        // What was gathered is added again.
        // SAFETY: as above.
        unsafe { packed.on_gpu.add_first_rows(&gpu.device, precision, rows_of) }.expect("first rows");
        let twice: Vec<f32> = found
            .iter()
            .enumerate()
            .map(|(at, &x)| if packed.offsets.contains(&((at / width) as i32)) { 2.0 * x } else { x })
            .collect();
        gpu.compare(&format!("width {width} first rows added"), &on_y.read(), &twice, 0.0);
    }
}

pub fn losses(gpu: &Gpu, precision: Precision) {
    for (pairs, classes, width) in [(512, 3, 256), (5, 20, 100), (1, 2, 768)] {
        let mut numbers = Numbers::new(classes as u32);
        let hidden = numbers.kept(precision, pairs * width);
        let (weight, bias) = (numbers.list(classes * width), numbers.list(classes));
        let labels: Vec<i32> = (0..pairs).map(|_| numbers.below(classes) as i32).collect();
        let scale = 0.5;
        let wide = |x: f32| f64::from(x);
        let logits: Vec<f32> = (0..pairs * classes)
            .map(|at| {
                let (hidden, weight) =
                    (&hidden[at / classes * width..][..width], &weight[at % classes * width..][..width]);
                let sum: f64 = hidden.iter().zip(weight).map(|(a, b)| wide(*a) * wide(*b)).sum();
                (sum + wide(bias[at % classes])) as f32
            })
            .collect();
        let (mut losses, mut residuals) = (vec![0.0; pairs], vec![0.0; pairs * classes]);
        cross_entropy(&logits, &labels, classes, &mut losses, &mut residuals);
        residuals.iter_mut().for_each(|residual| *residual *= scale);
        let dhidden: Vec<f32> = (0..pairs * width)
            .map(|at| {
                let (pair, column, y) = (at / width, at % width, wide(hidden[at]));
                let terms =
                    (0..classes).map(|c| wide(residuals[pair * classes + c]) * wide(weight[c * width + column]));
                (terms.sum::<f64>() * (1.0 - y * y)) as f32
            })
            .collect();
        let of = |c: usize, value: &dyn Fn(usize) -> f64| -> f32 {
            (0..pairs).map(|pair| wide(residuals[pair * classes + c]) * value(pair)).sum::<f64>() as f32
        };
        let d_weight: Vec<f32> =
            (0..classes * width).map(|at| of(at / width, &|pair| wide(hidden[pair * width + at % width]))).collect();
        let d_bias: Vec<f32> = (0..classes).map(|c| of(c, &|_| 1.0)).collect();
        let right = entail_native::kernels::loss::count_correct(&logits, &labels, classes);

        let [on_logits, on_residuals] = [(); 2].map(|()| gpu.floats(logits.len()));
        let on_losses = gpu.floats(pairs);
        let on_dhidden = gpu.room(precision, dhidden.len());
        let [weight_parts, bias_parts] = [classes * width, classes].map(|count| gpu.floats(CLASS_PARTS * count));
        let totals = Buffer::<f64>::zeros(&gpu.device.memory, 2).expect("memory");
        let head = Head {
            hidden: gpu.send(precision, &hidden),
            weight: gpu.send_floats(&weight),
            bias: gpu.send_floats(&bias),
            labels: gpu.send_ints(&labels),
            logits: on_logits.address(),
            losses: on_losses.address(),
            right: gpu.send_ints(&vec![-1; pairs]),
            residuals: on_residuals.address(),
            dhidden: on_dhidden.address(),
            counts: gpu.send_counts(Counts { step: 0, rows: 0, pairs: pairs as i32, distinct: 0 }),
            scale,
            classes: classes as i32,
            width: width as i32,
        };
        // SAFETY: the buffers have these sizes and live until they are read.
        unsafe {
            head.run(&gpu.device, precision, pairs + 11).expect("a loss");
            gpu.device.after(Lane::Side, Lane::Main).expect("an order");
            head.gradient(&gpu.device, precision, [weight_parts.address(), bias_parts.address()])
                .expect("its gradient");
            head.sum_metrics(&gpu.device, totals.address()).expect("metrics");
        }
        gpu.compare(&format!("{classes} classes logits"), &on_logits.read(), &logits, 1e-5);
        gpu.compare(&format!("{classes} classes losses"), &on_losses.read(), &losses, 1e-5);
        gpu.compare(&format!("{classes} classes residuals"), &on_residuals.read(), &residuals, 1e-5);
        gpu.compare(
            &format!("{classes} classes dhidden"),
            &on_dhidden.read(),
            &dhidden,
            tolerance(precision, 1e-5, 4e-3),
        );
        gpu.compare(
            &format!("{classes} classes d_weight"),
            &summed(&weight_parts.read(), d_weight.len()),
            &d_weight,
            1e-5,
        );
        gpu.compare(&format!("{classes} classes d_bias"), &summed(&bias_parts.read(), classes), &d_bias, 1e-5);
        let totals = totals.read().expect("totals");
        gpu.compare("total loss", &[totals[0] as f32], &[losses.iter().sum()], 1e-5);
        gpu.same("right predictions", totals[1] == right as f64);
    }
}

/// Some steps of a dense parameter and of a table of which rows rarely have a gradient, and some never.
pub fn adam(gpu: &Gpu) {
    let compute = Compute::new(2);
    let numbers_of = AdamNumbers { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
    let mut numbers = Numbers::new(8);
    let (vocabulary, width, size) = (50, 36, 3 * BLOCK);
    let mut dense = [numbers.list(size), vec![0.0; size], vec![0.0; size]];
    let mut table = [numbers.list(vocabulary * width), vec![0.0; vocabulary * width], vec![0.0; vocabulary * width]];
    let mut moving = vec![false; vocabulary];
    let buffer = |numbers: &[f32]| Buffer::from(&gpu.device.memory, numbers).expect("memory");
    let on_dense = dense.each_ref().map(|numbers| buffer(numbers));
    let on_table = table.each_ref().map(|numbers| buffer(numbers));
    let copy = Buffer::<u16>::zeros(&gpu.device.memory, size).expect("memory");
    let done = gpu.send_ints(&vec![NEVER; vocabulary]);
    let history = History { numbers: gpu.send_floats(&[0.0; 2 * HISTORY]), count: gpu.send_ints(&[0]) };
    let mut last = None;
    for step in 1..=12i32 {
        let rate = 1e-2 / f64::from(step);
        let (dense_gradient, distinct) = (numbers.list(size), vec![step % 4, 5 + step % 3, 20 + step]);
        let rows = numbers.list(distinct.len() * width);
        let of = AdamStep {
            size: rate / (1.0 - 0.9f64.powi(step)),
            inverse_root: 1.0 / (1.0 - 0.999f64.powi(step)).sqrt(),
            keep: 1.0,
        };
        let [value, first, second] = &mut dense;
        let [table_value, table_first, table_second] = &mut table;
        let gradient = Gradient::Rows { width, ids: &distinct, rows: &rows, moving: &mut moving };
        let mut parameters = [
            AdamParameter { value, first, second, gradient: Gradient::Dense(&dense_gradient), step: of },
            AdamParameter { value: table_value, first: table_first, second: table_second, gradient, step: of },
        ];
        optimizer::adam(&compute, &numbers_of, &mut parameters);

        let adam = Adam {
            beta1: 0.9,
            other1: 0.1,
            beta2: 0.999,
            other2: 0.001,
            eps: 1e-8,
            keep: 1.0,
            numbers: gpu.send_floats(&[of.size as f32, of.inverse_root as f32]),
        };
        let [value, first, second] = on_dense.each_ref().map(Buffer::address);
        let flat = Flat {
            value,
            first,
            second,
            gradient: gpu.send_floats(&dense_gradient),
            copy: copy.address(),
            blocks: size / BLOCK,
        };
        let [value, first, second] = on_table.each_ref().map(Buffer::address);
        let on_rows = Table {
            value,
            first,
            second,
            gradient: gpu.send_floats(&rows),
            ids: gpu.send_ints(&distinct),
            done,
            history,
            rows: vocabulary as i32,
            width: width as i32,
            counts: gpu.send_counts(Counts { step: 0, rows: 0, pairs: 0, distinct: distinct.len() as i32 }),
        };
        // SAFETY: the buffers have these sizes and live until they are read.
        unsafe {
            adam.catch_up_read(&gpu.device, &on_rows, 10).expect("rows that catch up");
            adam.run_rows(&gpu.device, &on_rows, 10).expect("a step of rows");
            adam.run(&gpu.device, &flat, &history).expect("a step");
        }
        last = Some((adam, on_rows));
    }
    let (adam, on_rows) = last.expect("steps");
    // SAFETY: as above.
    unsafe { adam.catch_up_all(&gpu.device, &on_rows) }.expect("rows that catch up");
    for (name, on, of) in [("dense", &on_dense, &dense), ("rows", &on_table, &table)] {
        for (which, (found, expected)) in ["value", "first", "second"].iter().zip(on.iter().zip(of)) {
            gpu.compare(&format!("{name} {which}"), &found.read().expect("numbers"), expected, 2e-6);
        }
    }
    let copied: Vec<f32> = copy.read().expect("numbers").into_iter().map(crate::support::from_bf16).collect();
    gpu.compare("copy", &copied, &kept(Precision::Bfloat16, dense[0].clone()), 8e-3);
}
