//! The parameters of a step in one flat buffer: the names of the book's state dict, the order of what is used together.

use crate::cuda::optimizer::BLOCK;

/// Sizes of a classifier.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub layers: usize,
    pub hidden: usize,
    pub feed_forward: usize,
    pub heads: usize,
    pub vocabulary: usize,
    pub positions: usize,
    pub classes: usize,
}

/// A stretch of the flat buffer whose gradient is put together at once.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Which of all it is
    pub index: usize,
    /// In numbers
    pub begin: usize,
    pub size: usize,
}

#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// [O, I]
    pub weight: Stretch,
    /// [O]
    pub bias: Stretch,
}

/// What a layer does with its input before the output projection.
#[derive(Debug, Clone, Copy)]
pub enum Projections {
    /// Queries, keys and values [3 H, H] of every row at once
    Whole(Linear),
    /// Of the layer that computes first rows only: queries, keys, values [H, H] each
    First([Linear; 3]),
}

#[derive(Debug, Clone, Copy)]
pub struct Layer {
    pub projections: Projections,
    pub output: Linear,
    /// gamma and beta [2, H]
    pub norm1: Stretch,
    pub dense1: Linear,
    pub dense2: Linear,
    pub norm2: Stretch,
}

/// Where a parameter of the state dict lies in the flat buffer.
#[derive(Debug, Clone)]
pub struct Named {
    pub name: String,
    pub begin: usize,
    pub size: usize,
}

/// Everything but the token table, which is kept on its own: only some of its rows have a gradient.
pub struct FlatParameters {
    pub positions: Stretch,
    pub segments: Stretch,
    pub layers: Vec<Layer>,
    pub hidden: Linear,
    pub classes: Linear,
    pub stretches: Vec<Stretch>,
    pub named: Vec<Named>,
    /// Numbers of the flat buffer, a multiple of `BLOCK`
    pub size: usize,
}

#[derive(Default)]
struct Builder {
    stretches: Vec<Stretch>,
    named: Vec<Named>,
    size: usize,
}

impl Builder {
    /// One stretch for parameters side by side.
    fn stretch(&mut self, parts: &[(String, usize)]) -> Stretch {
        let begin = self.size;
        for (name, size) in parts {
            self.named.push(Named { name: name.clone(), begin: self.size, size: *size });
            self.size += size;
        }
        let stretch = Stretch { index: self.stretches.len(), begin, size: self.size - begin };
        self.stretches.push(stretch);
        self.size = self.size.next_multiple_of(BLOCK);
        stretch
    }

    /// Layers on one input as one.
    fn linear(&mut self, names: &[String], into: usize, out: usize) -> Linear {
        let each =
            |end: &str, size: usize| names.iter().map(|name| (format!("{name}.{end}"), size)).collect::<Vec<_>>();
        Linear { weight: self.stretch(&each("weight", into * out)), bias: self.stretch(&each("bias", out)) }
    }

    fn norm(&mut self, name: &str, width: usize) -> Stretch {
        self.stretch(&[(format!("{name}.weight"), width), (format!("{name}.bias"), width)])
    }

    fn layer(&mut self, layer: usize, sizes: &Sizes) -> Layer {
        let &Sizes { hidden, feed_forward, layers, .. } = sizes;
        let name = |of: &str| format!("encoder.blks.{layer}.{of}");
        let projections = ["W_q", "W_k", "W_v"].map(|which| name(&format!("attention.{which}")));
        let projections = if layer + 1 < layers {
            Projections::Whole(self.linear(&projections, hidden, hidden))
        } else {
            Projections::First(projections.map(|name| self.linear(&[name], hidden, hidden)))
        };
        Layer {
            projections,
            output: self.linear(&[name("attention.W_o")], hidden, hidden),
            norm1: self.norm(&name("addnorm1.ln"), hidden),
            dense1: self.linear(&[name("ffn.dense1")], hidden, feed_forward),
            dense2: self.linear(&[name("ffn.dense2")], feed_forward, hidden),
            norm2: self.norm(&name("addnorm2.ln"), hidden),
        }
    }
}

impl FlatParameters {
    pub fn new(sizes: &Sizes) -> Self {
        let mut builder = Builder::default();
        let table = |name: &str, rows: usize| [(name.to_owned(), rows * sizes.hidden)];
        let positions = builder.stretch(&table("encoder.pos_embedding", sizes.positions));
        let segments = builder.stretch(&table("encoder.segment_embedding.weight", 2));
        let layers = (0..sizes.layers).map(|layer| builder.layer(layer, sizes)).collect();
        let hidden = builder.linear(&["hidden.0".to_owned()], sizes.hidden, sizes.hidden);
        let classes = builder.linear(&["output".to_owned()], sizes.hidden, sizes.classes);
        let Builder { stretches, named, size } = builder;
        Self { positions, segments, layers, hidden, classes, stretches, named, size }
    }

    pub fn named(&self, name: &str) -> Option<&Named> {
        self.named.iter().find(|named| named.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_every_parameter_once_and_each_stretch_in_blocks_of_its_own() {
        let sizes = Sizes {
            layers: 2,
            hidden: 256,
            feed_forward: 512,
            heads: 4,
            vocabulary: 60_005,
            positions: 512,
            classes: 3,
        };
        let flat = FlatParameters::new(&sizes);
        // What book.md 4 counts, positions included.
        assert_eq!(flat.named.iter().map(|named| named.size).sum::<usize>(), 1_252_355);
        assert!(flat.stretches.iter().all(|stretch| stretch.begin % BLOCK == 0));
        for two in flat.named.windows(2) {
            assert!(two[0].begin + two[0].size <= two[1].begin);
        }
        // Weights of one stretch lie as one matrix.
        let [q, k] =
            ["q", "k"].map(|which| flat.named(&format!("encoder.blks.0.attention.W_{which}.weight")).unwrap().begin);
        assert_eq!(k - q, 256 * 256);
    }
}
