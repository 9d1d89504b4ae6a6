"""Makes steps.json: whole training steps (forward, loss, gradient, optimizer) of the small book model.

Float64 throughout; the script also runs each variant in float32 and asserts that the losses agree, so that a fixture
on which fp32 cannot agree (a ReLU at its kink, a gradient that is all noise) is never written.
"""

import torch
from golden_json import tensor, write
from golden_model import (
    Config,
    Network,
    batch_json,
    config_json,
    is_norm,
    make_batch,
    make_parameters,
    without_key_biases,
)

BATCHES = [
    [(2, 2), (9, 4), (0, 0), (3, 5)],
    [(6, 6), (1, 1), (5, 2), (2, 7), (3, 3)],
    [(8, 5), (4, 4), (1, 6)],
]
SAFE_DISTANCE = 1e-4
BETAS, EPS = (0.9, 0.999), 1e-8

VARIANTS = [
    {
        "name": "as the book: summed loss, Adam",
        "loss": "sum",
        "optimizer": "adam",
        "lr": 1e-2,
        "weightDecay": 0.0,
        "clipNorm": 0.0,
        "schedule": "constant",
        "warmup": 0.0,
        "batchOrder": [0, 1, 2],
    },
    {
        "name": "mean loss, clipped, AdamW, linear with warm-up",
        "loss": "mean",
        "optimizer": "adamw",
        "lr": 1e-2,
        "weightDecay": 0.01,
        "clipNorm": 1.0,
        "schedule": "linear",
        "warmup": 0.5,
        "batchOrder": [0, 1, 2, 0],
    },
    {
        "name": "summed loss, clipped by the norm of the mean's gradient, Adam",
        "loss": "sum",
        "optimizer": "adam",
        "lr": 1e-2,
        "weightDecay": 0.0,
        "clipNorm": 1.0,
        "schedule": "constant",
        "warmup": 0.0,
        "batchOrder": [0, 1, 2],
    },
]


def rate_at(variant, step):
    total = len(variant["batchOrder"])
    warm_steps = -(-variant["warmup"] * total // 1)
    if step < warm_steps:
        return variant["lr"] * (step + 1) / warm_steps
    progress = (step - warm_steps) / max(1, total - warm_steps)
    return variant["lr"] * (1 if variant["schedule"] == "constant" else 1 - progress)


def optimizer_of(variant, parameters):
    """Weight decay falls on matrices and tables only, never on biases and LayerNorms."""
    plain = [p for name, p in parameters.items() if name.endswith("bias") or is_norm(name)]
    decayed = [p for name, p in parameters.items() if not (name.endswith("bias") or is_norm(name))]
    groups = [
        {"params": decayed, "weight_decay": variant["weightDecay"]},
        {"params": plain, "weight_decay": 0.0},
    ]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[variant["optimizer"]]
    return kind(groups, lr=variant["lr"], betas=BETAS, eps=EPS)


def clip(variant, parameters, pairs):
    """The norm is that of the mean loss' gradient, whichever loss is trained on; returns (norm, factor)."""
    tensors = list(parameters.values())
    norm_of_trained = torch.nn.utils.clip_grad_norm_(tensors, float("inf"))
    norm = norm_of_trained / (pairs if variant["loss"] == "sum" else 1)
    if variant["clipNorm"] == 0:
        return norm.item(), 1.0
    factor = min(1.0, variant["clipNorm"] / (norm.item() + 1e-6))
    if variant["loss"] == "mean":
        torch.nn.utils.clip_grad_norm_(tensors, variant["clipNorm"])
    else:
        for parameter in tensors:
            parameter.grad.mul_(factor)
    return norm.item(), factor


def train(variant, config, parameters, batches):
    """Runs all steps; returns (the steps' records, the parameters, the least distance to a ReLU's kink)."""
    optimizer = optimizer_of(variant, parameters)
    steps, closest = [], float("inf")
    for step, index in enumerate(variant["batchOrder"]):
        batch = batches[index]
        labels = torch.tensor(batch.labels)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(variant, step)
        network = Network(config, parameters)
        losses = torch.nn.functional.cross_entropy(network.logits(batch), labels, reduction="none")
        optimizer.zero_grad()
        (losses.sum() if variant["loss"] == "sum" else losses.mean()).backward()
        norm, factor = clip(variant, parameters, len(batch.labels))
        optimizer.step()
        after = Network(config, parameters)
        losses_after = torch.nn.functional.cross_entropy(after.logits(batch), labels, reduction="none")
        closest = min(closest, network.closest_to_kink, after.closest_to_kink)
        steps.append(
            {
                "batch": index,
                "learningRate": rate_at(variant, step),
                "sumLoss": losses.sum().item(),
                "meanLoss": losses.mean().item(),
                "meanGradientNorm": norm,
                "clipFactor": factor,
                "sumLossAfter": losses_after.sum().item(),
            }
        )
    return steps, parameters, closest


def copies(parameters, dtype):
    return {name: p.detach().to(dtype).clone().requires_grad_(True) for name, p in parameters.items()}


def in_float32(variant, config, parameters, batches):
    torch.set_default_dtype(torch.float32)
    try:
        return train(variant, config, copies(parameters, torch.float32), batches)
    finally:
        torch.set_default_dtype(torch.float64)


def check(variant, exact, rough):
    """How far fp32 is from float64: (losses, parameters), the second relative to each tensor's largest value."""
    losses = max(
        abs(a[key] - b[key]) / abs(a[key])
        for a, b in zip(exact[0], rough[0], strict=True)
        for key in ("sumLoss", "sumLossAfter", "meanGradientNorm")
    )
    first, second = without_key_biases(exact[1]), without_key_biases(rough[1])
    weights = max(
        ((second[name].double() - value).abs().max() / value.abs().max()).item() for name, value in first.items()
    )
    print(f"{variant['name']}: fp32 is {losses:.1e} away in losses, {weights:.1e} in parameters")
    return losses < 2e-6 and weights < 2e-5


def attempt(seed):
    config = Config()
    parameters = make_parameters(config, seed)
    batches = [make_batch(config, lengths, seed + 1000 + i) for i, lengths in enumerate(BATCHES)]
    variants = []
    for variant in VARIANTS:
        exact = train(variant, config, copies(parameters, torch.float64), batches)
        if exact[2] < SAFE_DISTANCE:
            return None
        if not check(variant, exact, in_float32(variant, config, parameters, batches)):
            return None
        final = {name: tensor(value) for name, value in without_key_biases(exact[1]).items()}
        variants.append(variant | {"steps": exact[0], "finalParameters": final})
    return {
        "computedIn": "float64",
        "beta1": BETAS[0],
        "beta2": BETAS[1],
        "eps": EPS,
        "config": config_json(config),
        "batches": [batch_json(batch) for batch in batches],
        "parameters": {name: tensor(value) for name, value in parameters.items()},
        "variants": variants,
    }


content = next(found for found in map(attempt, range(500, 700)) if found is not None)
write("steps.json", content)
