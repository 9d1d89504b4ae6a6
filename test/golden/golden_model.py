"""The book's classifier (and its Hugging Face variant) in plain torch operations, in float64.

The variant has exact GELU, a LayerNorm (and, as Hugging Face, a dropout) on the embeddings, and eps 1e-12.

Dimensions: P pairs, T tokens of one pair, H hidden, N heads, D = H / N, F feed-forward, C classes, V vocabulary.
Every pair is computed by itself at its own length, without padding; `padded_logits` computes the same network the
way the book does, padded and masked, and the scripts assert that both agree.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np
import torch
from golden_json import fp32_exact, tensor
from golden_philox import (
    ATTENTION_OUTPUT,
    ATTENTION_WEIGHTS,
    FEED_FORWARD_OUTPUT,
    embedding_place,
    head_place,
    keep_mask,
    place_of,
)

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


@dataclass(frozen=True)
class Config:
    """Field for field what shared/runs.ts calls ModelConfig."""

    variant: str = "book"
    vocabularySize: int = 23
    layers: int = 2
    hidden: int = 8
    heads: int = 2
    feedForward: int = 12
    maxPositions: int = 16
    classes: int = 3
    activation: str = "relu"
    layerNormEps: float = 1e-5
    embeddingNorm: bool = False
    segments: int = 2
    headActivation: str = "tanh"
    headDropout: bool = False
    dropout: float = 0.0


@dataclass(frozen=True)
class Batch:
    """Pairs in the order of the optimizer batch; ids and segments of all pairs one after another."""

    ids: list
    segments: list
    lengths: list
    labels: list

    def pairs(self):
        start = 0
        for length in self.lengths:
            yield torch.tensor(self.ids[start : start + length]), torch.tensor(self.segments[start : start + length])
            start += length


@dataclass(frozen=True)
class Dropout:
    probability: float
    seed: int
    step: int


def parameter_shapes(config):
    """Names and shapes of the book's state dict, in its order; Linear weights are (out, in)."""
    h, f = config.hidden, config.feedForward
    shapes = {
        "encoder.pos_embedding": (1, config.maxPositions, h),
        "encoder.token_embedding.weight": (config.vocabularySize, h),
    }
    if config.segments > 0:
        shapes["encoder.segment_embedding.weight"] = (config.segments, h)
    if config.embeddingNorm:
        shapes["encoder.embedding_norm.weight"] = (h,)
        shapes["encoder.embedding_norm.bias"] = (h,)
    for layer in range(config.layers):
        block = f"encoder.blks.{layer}."
        for letter in "qkvo":
            shapes[f"{block}attention.W_{letter}.weight"] = (h, h)
            shapes[f"{block}attention.W_{letter}.bias"] = (h,)
        shapes[f"{block}addnorm1.ln.weight"] = (h,)
        shapes[f"{block}addnorm1.ln.bias"] = (h,)
        shapes[f"{block}ffn.dense1.weight"] = (f, h)
        shapes[f"{block}ffn.dense1.bias"] = (f,)
        shapes[f"{block}ffn.dense2.weight"] = (h, f)
        shapes[f"{block}ffn.dense2.bias"] = (h,)
        shapes[f"{block}addnorm2.ln.weight"] = (h,)
        shapes[f"{block}addnorm2.ln.bias"] = (h,)
    shapes["hidden.0.weight"] = (h, h)
    shapes["hidden.0.bias"] = (h,)
    shapes["output.weight"] = (config.classes, h)
    shapes["output.bias"] = (config.classes,)
    return shapes


def is_norm(name):
    return ".ln." in name or "_norm." in name


def make_parameters(config, seed):
    """Random parameters, every one of them fp32-exact. Biases and LayerNorms are away from 0 and 1, so that a
    forgotten one is noticed; weights are large enough for attention to be far from uniform."""
    random = np.random.default_rng(seed)
    parameters = {}
    for name, shape in parameter_shapes(config).items():
        noise = random.standard_normal(shape)
        if is_norm(name):
            values = (1.0 if name.endswith("weight") else 0.0) + 0.25 * noise
        elif name.endswith("bias"):
            values = 0.25 * noise
        elif "embedding" in name:
            values = 0.8 * noise
        else:
            values = noise * 1.3 / math.sqrt(shape[-1])
        parameters[name] = torch.tensor(fp32_exact(values), requires_grad=True)
    return parameters


def make_batch(config, sentence_lengths, seed):
    """Pairs `<cls> a <sep> b <sep>` with <cls> 1 and <sep> 3; sentence_lengths are (len a, len b)."""
    random = np.random.default_rng(seed)
    cls, sep, first_word = 1, 3, 5
    ids, segments, lengths = [], [], []
    for a, b in sentence_lengths:
        words = random.integers(first_word, config.vocabularySize, a + b).tolist()
        ids += [cls, *words[:a], sep, *words[a:], sep]
        segments += [0] * (a + 2) + [1] * (b + 1)
        lengths.append(a + b + 3)
    labels = random.integers(0, config.classes, len(lengths)).tolist()
    return Batch(ids, segments, lengths, labels)


def layer_norm(x, p, name, eps):
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * p[f"{name}.weight"] + p[f"{name}.bias"]


def linear(x, p, name):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def activate(x, config):
    if config.activation == "relu":
        return torch.clamp(x, min=0)
    assert config.activation == "gelu"
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def head_activation(x, config):
    return torch.tanh(x) if config.headActivation == "tanh" else torch.clamp(x, min=0)


class Network:
    """One forward pass; keeps what a test wants to see: `rows` (after the embeddings and after every layer, the
    rows of all pairs one after another) and `closest_to_kink` (least |x| that entered a ReLU)."""

    def __init__(self, config, parameters, dropout=None):
        self.config, self.p, self.dropout = config, parameters, dropout
        self.rows = []
        self.closest_to_kink = math.inf

    def drop(self, x, place, pair):
        """Dropout by place. x: elements of one pair in the order of their numbers e, any shape."""
        if self.dropout is None:
            return x
        d = self.dropout
        keep = keep_mask(x.numel(), probability=d.probability, seed=d.seed, place=place, pair=pair, step=d.step)
        return x * torch.tensor(keep.reshape(x.shape)) / (1 - d.probability)

    def embed(self, ids, segments, pair):
        p = self.p
        x = p["encoder.token_embedding.weight"][ids]  # [T, H]
        if self.config.segments > 0:
            x = x + p["encoder.segment_embedding.weight"][segments]
        x = x + p["encoder.pos_embedding"][0, : len(ids)]
        if self.config.embeddingNorm:
            x = layer_norm(x, p, "encoder.embedding_norm", self.config.layerNormEps)
            x = self.drop(x, embedding_place(self.config.layers), pair)
        return x

    def attention(self, x, layer, pair):
        name, n = f"encoder.blks.{layer}.attention", self.config.heads
        t, h = x.shape
        q, k, v = (linear(x, self.p, f"{name}.W_{w}").reshape(t, n, h // n).transpose(0, 1) for w in "qkv")  # [N, T, D]
        weights = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(h // n), -1)  # [N, T, T]: head, query, key
        weights = self.drop(weights, place_of(layer, ATTENTION_WEIGHTS), pair)
        context = (weights @ v).transpose(0, 1).reshape(t, h)  # [T, H]
        return linear(context, self.p, f"{name}.W_o")

    def block(self, x, layer, pair):
        name, eps = f"encoder.blks.{layer}", self.config.layerNormEps
        attended = self.drop(self.attention(x, layer, pair), place_of(layer, ATTENTION_OUTPUT), pair)
        y = layer_norm(attended + x, self.p, f"{name}.addnorm1.ln", eps)
        before = linear(y, self.p, f"{name}.ffn.dense1")  # [T, F]
        self.closest_to_kink = min(self.closest_to_kink, before.detach().abs().min().item())
        fed = linear(activate(before, self.config), self.p, f"{name}.ffn.dense2")
        fed = self.drop(fed, place_of(layer, FEED_FORWARD_OUTPUT), pair)
        return layer_norm(fed + y, self.p, f"{name}.addnorm2.ln", eps)

    def logits(self, batch):
        """[P, C]"""
        kept = [[] for _ in range(self.config.layers + 1)]
        logits = []
        for pair, (ids, segments) in enumerate(batch.pairs()):
            x = self.embed(ids, segments, pair)
            kept[0].append(x)
            for layer in range(self.config.layers):
                x = self.block(x, layer, pair)
                kept[layer + 1].append(x)
            before = linear(x[0], self.p, "hidden.0")
            if self.config.headActivation == "relu":
                self.closest_to_kink = min(self.closest_to_kink, before.detach().abs().min().item())
            pooled = head_activation(before, self.config)
            if self.config.headDropout:
                pooled = self.drop(pooled, head_place(self.config.layers), pair)
            logits.append(linear(pooled, self.p, "output"))
        self.rows = [torch.cat(rows) for rows in kept]
        return torch.stack(logits)


def padded_logits(config, p, batch):
    """The same without dropout as the book computes it, on torch's own modules: padded to maxPositions, with keys
    beyond the pair's length masked by -1e6. Only to check `Network`."""
    functional = torch.nn.functional
    count, width, n = len(batch.lengths), config.maxPositions, config.heads
    ids, segments = torch.zeros(count, width, dtype=torch.long), torch.zeros(count, width, dtype=torch.long)
    for pair, (pair_ids, pair_segments) in enumerate(batch.pairs()):
        ids[pair, : len(pair_ids)], segments[pair, : len(pair_ids)] = pair_ids, pair_segments

    def norm(x, name):
        return functional.layer_norm(
            x, (config.hidden,), p[f"{name}.weight"], p[f"{name}.bias"], config.layerNormEps
        )

    def dense(x, name):
        return functional.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    def split(x):
        return x.reshape(count, width, n, -1).permute(0, 2, 1, 3)

    x = functional.embedding(ids, p["encoder.token_embedding.weight"])
    if config.segments > 0:
        x = x + functional.embedding(segments, p["encoder.segment_embedding.weight"])
    x = x + p["encoder.pos_embedding"]
    if config.embeddingNorm:
        x = norm(x, "encoder.embedding_norm")
    beyond = torch.arange(width)[None, :] >= torch.tensor(batch.lengths)[:, None]  # [P, T]
    for layer in range(config.layers):
        name = f"encoder.blks.{layer}"
        q, k, v = (split(dense(x, f"{name}.attention.W_{w}")) for w in "qkv")
        scores = q @ k.transpose(-1, -2) / math.sqrt(config.hidden // n)
        weights = functional.softmax(scores.masked_fill(beyond[:, None, None, :], -1e6), -1)
        context = (weights @ v).permute(0, 2, 1, 3).reshape(count, width, -1)
        y = norm(dense(context, f"{name}.attention.W_o") + x, f"{name}.addnorm1.ln")
        act = functional.relu if config.activation == "relu" else functional.gelu
        x = norm(dense(act(dense(y, f"{name}.ffn.dense1")), f"{name}.ffn.dense2") + y, f"{name}.addnorm2.ln")
    return dense(head_activation(dense(x[:, 0], "hidden.0"), config), "output")


def gradients_of(loss, parameters):
    found = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True)
    return dict(zip(parameters, found, strict=True))


def without_key_biases(named):
    return {name: value for name, value in named.items() if not name.endswith("attention.W_k.bias")}


def tensors(named):
    return {name: tensor(value) for name, value in named.items()}


def config_json(config):
    return asdict(config)


def batch_json(batch):
    return asdict(batch)
