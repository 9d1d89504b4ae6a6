"""Makes adam.json: torch.optim.Adam and AdamW on given gradients, in fp32 and in float64.

Parameters and gradients are fp32-exact. Both precisions start from the same numbers; what is compared is the state
after each step (parameters, first moment m, second moment v).
"""

import numpy as np
import torch
from golden_json import fp32_exact, tensor, write

BETAS, EPS = (0.9, 0.999), 1e-8


def dense_of(step, shape):
    """The gradient as torch sees it: rows of a table are added up by id, repeated ids included."""
    if "values" in step:
        return np.asarray(step["values"]).reshape(shape)
    dense = np.zeros(shape)
    np.add.at(dense, step["ids"], np.asarray(step["rows"]["values"]).reshape(step["rows"]["shape"]))
    return dense


def after_each_step(case, dtype):
    """Runs torch's optimizer over the case; one list of {parameters, m, v} a step."""
    named = {
        name: torch.tensor(p["values"], dtype=dtype).reshape(p["shape"]).requires_grad_(True)
        for name, p in case["parameters"].items()
    }
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[case["optimizer"]]
    optimizer = kind(named.values(), lr=case["learningRates"][0], betas=BETAS, eps=EPS, weight_decay=case["weightDecay"])
    states = []
    for rate, gradients in zip(case["learningRates"], case["gradients"], strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, parameter in named.items():
            parameter.grad = torch.tensor(dense_of(gradients[name], tuple(parameter.shape)), dtype=dtype)
        optimizer.step()
        states.append(
            {
                "parameters": {name: tensor(p) for name, p in named.items()},
                "m": {name: tensor(optimizer.state[p]["exp_avg"]) for name, p in named.items()},
                "v": {name: tensor(optimizer.state[p]["exp_avg_sq"]) for name, p in named.items()},
            }
        )
    return states


def dense_case(random):
    """Ordinary gradients; a row of them from 0 and 1e-12 (where eps decides) to 1e4; and a parameter that begins at 0,
    as a LayerNorm's bias does, so that it is nothing but the sum of its steps."""
    magnitudes = np.array([0, 1e-12, 1e-9, 1e-8, 1e-6, 1e-3, 1.0, 1e4])
    shapes = {"weight": (3, 5), "bias": (5,), "magnitudes": (8,), "zeros": (6,)}
    parameters = {name: tensor(fp32_exact(random.standard_normal(shape))) for name, shape in shapes.items()}
    parameters["zeros"] = tensor(np.zeros(shapes["zeros"]))
    gradients = []
    for _ in range(3):
        step = {name: tensor(fp32_exact(random.standard_normal(shape))) for name, shape in shapes.items()}
        step["magnitudes"] = tensor(fp32_exact(magnitudes * random.choice([-1.0, 1.0], 8)))
        gradients.append(step)
    return {"parameters": parameters, "gradients": gradients}


def table_case(random):
    """A table of ten rows of which each step touches a few: rows 3 and 8 never, row 0 in the first step only, row 9
    in the last only; id 4 comes three times in one step and its rows have to be added up first."""
    ids_by_step = [[0, 4, 4, 7, 4, 1], [5, 2, 7], [9, 6, 1, 1]]
    width = 4
    gradients = []
    for ids in ids_by_step:
        rows = tensor(fp32_exact(random.standard_normal((len(ids), width))))
        gradients.append({"table": {"ids": ids, "rows": rows}})
    return {"parameters": {"table": tensor(fp32_exact(random.standard_normal((10, width))))}, "gradients": gradients}


def main():
    random = np.random.default_rng(7)
    dense, table = dense_case(random), table_case(random)
    constant, falling = [1e-2] * 3, [1e-2, 5e-3, 2e-3]
    variants = [
        ("adam, dense", "adam", 0.0, constant, dense),
        ("adamw, dense", "adamw", 0.1, constant, dense),
        ("adamw, dense, falling rate", "adamw", 0.1, falling, dense),
        ("adam, table rows", "adam", 0.0, constant, table),
        ("adam, table rows, falling rate", "adam", 0.0, falling, table),
        ("adamw, table rows", "adamw", 0.1, constant, table),
        ("adamw, table rows, falling rate", "adamw", 0.1, falling, table),
    ]
    cases = []
    for name, optimizer, decay, rates, data in variants:
        case = {"name": name, "optimizer": optimizer, "weightDecay": decay, "learningRates": rates} | data
        case["expected"] = {
            "fp32": after_each_step(case, torch.float32),
            "fp64": after_each_step(case, torch.float64),
        }
        cases.append(case)
    write("adam.json", {"beta1": BETAS[0], "beta2": BETAS[1], "eps": EPS, "cases": cases})


main()
