"""Makes pretraining_*.json: losses and gradients of one step of pretraining of small networks.

The heads are the book's: masked words through Linear, ReLU, LayerNorm and a Linear of their own onto the vocabulary
(not tied to the token table), the next sentence from the tanh layer on the first token. The loss is the mean over the
masked words, all of them real, plus the mean over the pairs.
"""

import torch
from golden_json import tensor, write
from golden_model import (
    Config,
    Dropout,
    Network,
    batch_json,
    config_json,
    gradients_of,
    layer_norm,
    linear,
    make_batch,
    make_parameters,
    tensors,
)

# (len first, len second): lengths 7, 16 (all positions), 5, 11, 8
SENTENCE_LENGTHS = [(2, 2), (9, 4), (1, 1), (3, 5), (4, 1)]
# places in each pair that are masked
MASKED = [[2], [1, 5, 14], [1], [2, 6], [4, 6]]
SAFE_DISTANCE = 5e-4


class Pretrainer(Network):
    def losses(self, batch, masked_ids):
        """-> masked loss of each masked word [M], next-sentence logits [P, 2]"""
        self.logits(batch)
        rows, start, masked, first = self.rows[-1], 0, [], []
        for length, places in zip(batch.lengths, MASKED, strict=True):
            first.append(rows[start])
            masked += [rows[start + place] for place in places]
            start += length
        before = linear(torch.stack(masked), self.p, "mlm.mlp.0")
        self.closest_to_kink = min(self.closest_to_kink, before.detach().abs().min().item())
        inner = layer_norm(torch.clamp(before, min=0), self.p, "mlm.mlp.2", self.config.layerNormEps)
        words = linear(inner, self.p, "mlm.mlp.3")
        hidden = torch.tanh(linear(torch.stack(first), self.p, "hidden.0"))
        targets = torch.tensor(masked_ids)
        masked_losses = torch.nn.functional.cross_entropy(words, targets, reduction="none")
        self.masked_correct = int((words.argmax(1) == targets).sum())
        return masked_losses, linear(hidden, self.p, "nsp.output")


def pretraining_shapes(config):
    h, v = config.hidden, config.vocabularySize
    return {
        "mlm.mlp.0.weight": (h, h),
        "mlm.mlp.0.bias": (h,),
        "mlm.mlp.2.weight": (h,),
        "mlm.mlp.2.bias": (h,),
        "mlm.mlp.3.weight": (v, h),
        "mlm.mlp.3.bias": (v,),
        "nsp.output.weight": (2, h),
        "nsp.output.bias": (2,),
    }


def make(name, config, first_seed, dropout=None):
    for seed in range(first_seed, first_seed + 200):
        parameters = make_parameters(config, seed, pretraining_shapes(config))
        batch = make_batch(config, SENTENCE_LENGTHS, seed + 1000)
        generator = torch.Generator().manual_seed(seed)
        masked_ids = torch.randint(config.vocabularySize, (sum(map(len, MASKED)),), generator=generator).tolist()
        network = Pretrainer(config, parameters, dropout)
        masked_losses, next_logits = network.losses(batch, masked_ids)
        if network.closest_to_kink > SAFE_DISTANCE:
            break
    else:
        raise RuntimeError("no seed is safe")
    labels = torch.tensor(batch.labels)
    next_losses = torch.nn.functional.cross_entropy(next_logits, labels, reduction="none")
    gradients = gradients_of(masked_losses.mean() + next_losses.mean(), without_classifier(parameters))
    for parameter, gradient in gradients.items():
        noise = parameter.endswith("W_k.bias")
        assert (gradient.abs().max() < 1e-12) == noise, parameter
        if noise:
            gradient.zero_()
    content = {"computedIn": "float64", "config": config_json(config)}
    if dropout is not None:
        content["dropout"] = {"seed": dropout.seed, "step": dropout.step}
    content |= {
        "batch": batch_json(batch) | {"maskedPlaces": MASKED, "maskedIds": masked_ids},
        "parameters": tensors(without_classifier(parameters)),
        "expected": {
            "maskedLosses": masked_losses.tolist(),
            "maskedCorrect": network.masked_correct,
            "nextLosses": next_losses.tolist(),
            "nextLogits": tensor(next_logits),
            "gradients": tensors(gradients),
        },
    }
    write(name, content)


def without_classifier(parameters):
    """The head of fine-tuning is not part of pretraining."""
    return {name: value for name, value in parameters.items() if not name.startswith("output.")}


make("pretraining_book.json", Config(classes=2), 700)
make("pretraining_odd.json", Config(vocabularySize=29, hidden=15, heads=3, feedForward=13, layers=3, classes=2), 750)
make("pretraining_dropout.json", Config(classes=2, dropout=0.3), 800, Dropout(0.3, seed=20240607, step=7))
