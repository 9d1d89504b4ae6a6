"""Makes training.json: twenty training steps of networks whose parameters and batches both sides draw from Philox.

Nothing but the recipe and the losses is written, so that a network of the book's size fits into a small file: the very
same numbers come out of main/golden/drawnTraining.ts. Float64 throughout, padded, on torch's own modules. No dropout.
"""

import math

import numpy as np
import torch
from golden_json import write
from golden_model import Batch, Config, config_json, is_norm, padded_logits, parameter_shapes
from golden_philox import philox4x32

STREAM = 0x70000000
SEED = 1
STEPS = 20
BETAS, EPS = (0.9, 0.999), 1e-8
CLS, SEP, FIRST_WORD = 1, 3, 5
PARAMETERS, WORDS = 0, 1
CHUNK = 64
MOST_TOKENS = 22 + 12 + 3

CASES = [
    {
        "name": "small",
        "batchSize": 12,
        "learningRate": 1e-3,
        "config": Config(vocabularySize=200, hidden=16, heads=2, feedForward=32, maxPositions=MOST_TOKENS),
    },
    {
        "name": "book",
        "batchSize": 512,
        # the book's: with a larger one the first steps overshoot, and twenty of them double an error ten times
        "learningRate": 1e-4,
        "config": Config(vocabularySize=60005, hidden=256, heads=4, feedForward=512, maxPositions=MOST_TOKENS),
    },
]


def uniforms(count, index, part):
    """As PhiloxSequence of main/model/philox.ts: in [0, 1), with 24 bits."""
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    fixed = [np.full_like(blocks, word) for word in (index, part, 0)]
    words = philox4x32((blocks, *fixed), (SEED, STREAM))
    return ((np.stack(words, 1).reshape(-1)[:count] >> np.uint64(8)) / 2.0**24).astype(np.float64)


def spread(name, shape):
    """Centre and half the width of what a parameter is drawn from."""
    if is_norm(name):
        return (1.0 if name.endswith("weight") else 0.0), 0.1
    if name.endswith("bias"):
        return 0.0, 0.05
    if "embedding" in name:
        return 0.0, 0.5
    return 0.0, math.sqrt(3 / shape[-1])


def draw_parameters(config):
    parameters = {}
    for position, (name, shape) in enumerate(parameter_shapes(config).items()):
        centre, width = spread(name, shape)
        values = centre + width * (2 * uniforms(math.prod(shape), position, PARAMETERS) - 1)
        exact = values.astype(np.float32).astype(np.float64).reshape(shape)
        parameters[name] = torch.tensor(exact, requires_grad=True)
    return parameters


def draw_batch(config, pairs, step):
    """Words are few and frequent, or many and rare. The first word of a hypothesis gives its label away."""
    numbers = uniforms(pairs * (3 + MOST_TOKENS), step, WORDS).tolist()
    first = [5 + math.floor(18 * u) for u in numbers[:pairs]]
    second = [4 + math.floor(9 * u) for u in numbers[pairs : 2 * pairs]]
    labels = [math.floor(config.classes * u) for u in numbers[2 * pairs : 3 * pairs]]
    drawn = iter(numbers[3 * pairs :])

    def word():
        u = next(drawn)
        for _ in range(4):
            u = u * u
        return FIRST_WORD + math.floor((config.vocabularySize - FIRST_WORD) * u)

    ids, segments, lengths = [], [], []
    for a, b, label in zip(first, second, labels, strict=True):
        premise, hypothesis = [word() for _ in range(a)], [word() for _ in range(b)]
        hypothesis[0] = config.vocabularySize - 1 - label
        ids += [CLS, *premise, SEP, *hypothesis, SEP]
        segments += [0] * (a + 2) + [1] * (b + 1)
        lengths.append(a + b + 3)
    return Batch(ids, segments, lengths, labels)


def parts(batch):
    """The batch in chunks of pairs, so that the padded one needs no gigabytes."""
    start = 0
    for at in range(0, len(batch.lengths), CHUNK):
        lengths = batch.lengths[at : at + CHUNK]
        end = start + sum(lengths)
        yield Batch(batch.ids[start:end], batch.segments[start:end], lengths, batch.labels[at : at + CHUNK])
        start = end


def mean_loss(config, parameters, batch, backward):
    total = 0.0
    for part in parts(batch):
        logits = padded_logits(config, parameters, part)
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(part.labels), reduction="sum")
        loss = loss / len(batch.labels)  # its gradient is that of the mean
        if backward:
            loss.backward()
        total += loss.item()
    return total


def train(config, pairs, rate, dtype):
    parameters = {
        name: value.detach().to(dtype).requires_grad_() for name, value in draw_parameters(config).items()
    }
    optimizer = torch.optim.Adam(parameters.values(), lr=rate, betas=BETAS, eps=EPS)
    batches = [draw_batch(config, pairs, step) for step in range(STEPS)]
    losses = []
    for batch in batches:
        optimizer.zero_grad()
        losses.append(mean_loss(config, parameters, batch, backward=True))
        optimizer.step()
        print(len(losses), losses[-1], flush=True)
    with torch.no_grad():
        after = mean_loss(config, parameters, batches[0], backward=False)
    return {"tokens": sum(map(lambda batch: len(batch.ids), batches)), "meanLosses": losses, "lossAfter": after}


def case(wish):
    config, pairs = wish["config"], wish["batchSize"]
    trained = train(config, pairs, wish["learningRate"], torch.float64)
    return {
        "name": wish["name"],
        "seed": SEED,
        "steps": STEPS,
        "batchSize": pairs,
        "learningRate": wish["learningRate"],
        "config": config_json(config),
        **trained,
    }


if __name__ == "__main__":
    write("training.json", {"computedIn": "float64", "cases": [case(wish) for wish in CASES]}, digits=12)
