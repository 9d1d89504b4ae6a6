"""Makes model_*.json and philox.json: one forward and backward pass of small networks, and dropout by place.

Inputs are fp32-exact; everything expected was computed in float64 and is written with 9 significant digits.
"""

from dataclasses import replace

import torch
from golden_json import tensor, write
from golden_model import (
    Config,
    Dropout,
    Network,
    batch_json,
    config_json,
    gradients_of,
    make_batch,
    make_parameters,
    padded_logits,
    tensors,
)
from golden_philox import RANDOM123_VECTORS, keep_mask, philox4x32

# (len premise, len hypothesis): lengths 7, 16 (all positions), 3 (nothing but special tokens), 11, 8
SENTENCE_LENGTHS = [(2, 2), (9, 4), (0, 0), (3, 5), (4, 1)]
# a ReLU whose input is nearer to 0 than this could come out on the other side in fp32
SAFE_DISTANCE = 5e-4
LABEL_SMOOTHING = 0.1
CLASS_WEIGHTS = [0.5, 1.25, 2.0, 0.75]


def safe_network(config, dropout, first_seed):
    """Parameters and batch of the first seed at which no ReLU stands near its kink."""
    for seed in range(first_seed, first_seed + 200):
        parameters = make_parameters(config, seed)
        batch = make_batch(config, SENTENCE_LENGTHS, seed + 1000)
        network = Network(config, parameters, dropout)
        logits = network.logits(batch)
        has_kinks = "relu" in (config.activation, config.headActivation)
        if not has_kinks or network.closest_to_kink > SAFE_DISTANCE:
            return parameters, batch, network, logits
    raise RuntimeError("no seed is safe")


def weighted_json(config, logits, labels):
    """torch's cross_entropy with class weights w and label smoothing s:
    l_i = (1 - s) w[y_i] (-log p_i[y_i]) + s / C * sum_c w[c] (-log p_i[c]); the mean divides by sum_i w[y_i]."""
    weight = torch.tensor(CLASS_WEIGHTS[: config.classes])
    options = {"weight": weight, "label_smoothing": LABEL_SMOOTHING}
    loss = torch.nn.functional.cross_entropy
    pair_losses = loss(logits, labels, reduction="none", **options)
    total = loss(logits, labels, reduction="sum", **options)
    return {
        "labelSmoothing": LABEL_SMOOTHING,
        "classWeights": weight.tolist(),
        "pairLosses": pair_losses.tolist(),
        "sumLoss": total.item(),
        "meanLoss": loss(logits, labels, reduction="mean", **options).item(),
        "meanDivisor": weight[labels].sum().item(),
        "logitsGradient": tensor(torch.autograd.grad(total, logits, retain_graph=True)[0]),
    }


def make(name, config, first_seed, dropout=None):
    parameters, batch, network, logits = safe_network(config, dropout, first_seed)
    if dropout is None:
        difference = (logits - padded_logits(config, parameters, batch)).abs().max().item()
        assert difference < 1e-12, difference
    labels = torch.tensor(batch.labels)
    pair_losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    total = pair_losses.sum()
    gradients = gradients_of(total, parameters)
    for parameter, gradient in gradients.items():
        noise = parameter.endswith("W_k.bias")
        assert (gradient.abs().max() < 1e-12) == noise, parameter
        if noise:
            gradient.zero_()
    expected = {
        "embeddings": tensor(network.rows[0]),
        "layers": [tensor(rows) for rows in network.rows[1:]],
        "logits": tensor(logits),
        "pairLosses": pair_losses.tolist(),
        "sumLoss": total.item(),
        "meanLoss": (total / len(batch.labels)).item(),
        "logitsGradient": tensor(torch.autograd.grad(total, logits, retain_graph=True)[0]),
    }
    if dropout is None:
        expected["weighted"] = weighted_json(config, logits, labels)
    content = {"computedIn": "float64", "config": config_json(config)}
    if dropout is not None:
        content["dropout"] = {"seed": dropout.seed, "step": dropout.step}
    content |= {
        "batch": batch_json(batch),
        "parameters": tensors(parameters),
        "expected": expected | {"gradients": tensors(gradients)},
    }
    write(name, content)


def make_philox():
    counters = [(0, 0, 1, 0), (1, 0, 0, 0), (0, 511, 210, 0), (4095, 7, 65535, 0), (2**32 - 1, 1, 2**31, 0)]
    keys = [(0, 1), (1, 0), (2**32 - 1, 5), (1234567890, 2), (2**31, 35)]
    vectors = [*RANDOM123_VECTORS, *((c, k, philox4x32(c, k)) for c, k in zip(counters, keys, strict=True))]
    places = [
        # probability, seed, place, pair, step, number of elements
        (0.5, 0, 0, 0, 0, 64),
        (0.5, 42, 1, 3, 7, 101),
        (0.2, 42, 4, 511, 214, 256),
        (0.1, 4294967295, 35, 1, 4294967295, 130),
        (0.9, 2147483648, 2, 65535, 1, 77),
        (0.0, 5, 0, 0, 0, 16),
    ]
    masks = []
    for probability, seed, place, pair, step, count in places:
        keep = keep_mask(count, probability=probability, seed=seed, place=place, pair=pair, step=step)
        masks.append(
            {
                "probability": probability,
                "seed": seed,
                "place": place,
                "pair": pair,
                "step": step,
                "keep": "".join(map(str, keep)),
            }
        )
    content = {"vectors": [{"counter": list(c), "key": list(k), "words": list(w)} for c, k, w in vectors]}
    write("philox.json", content | {"masks": masks})


make("model_book.json", Config(), 1)
make("model_book_deep.json", Config(vocabularySize=31, layers=3, hidden=16, heads=4, feedForward=20, classes=4), 100)
make("model_single_layer.json", Config(layers=1), 200)
HUGGINGFACE = Config(variant="huggingface", activation="gelu", layerNormEps=1e-12, embeddingNorm=True)
make("model_hf_variant.json", HUGGINGFACE, 300)
HUGGINGFACE_DROPOUT = replace(HUGGINGFACE, dropout=0.2)
make("model_hf_dropout.json", HUGGINGFACE_DROPOUT, 350, Dropout(0.2, seed=4294967295, step=3000000000))
make("model_dropout.json", Config(dropout=0.5), 400, Dropout(0.5, seed=20240607, step=7))
ODD = Config(vocabularySize=19, hidden=15, heads=3, feedForward=13, maxPositions=17, classes=2)
make("model_odd_sizes.json", ODD, 500)
make("model_odd_dropout.json", replace(ODD, dropout=0.3), 550, Dropout(0.3, seed=1, step=4096))
# as DistilBERT has it: no segments, ReLU and dropout in the head
DISTILBERT = replace(HUGGINGFACE_DROPOUT, segments=0, headActivation="relu", headDropout=True)
make("model_distilbert.json", replace(DISTILBERT, dropout=0.0), 600)
make("model_distilbert_dropout.json", DISTILBERT, 650, Dropout(0.2, seed=77, step=5))
make_philox()
