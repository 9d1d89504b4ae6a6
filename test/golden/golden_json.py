"""Writes fixtures: one JSON file each, a list of numbers on one line, fp32 values with 9 significant digits.

Nine digits are enough to get every fp32 value back exactly; `fp32_exact` asserts it for inputs.
"""

import json
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
# What an engine must compute on a person's own device too (`engines test`) comes with the program.
PROGRAM_FOLDER = FOLDER.parents[1] / "resources" / "golden"
OF_ENGINES = ("model_", "pretraining_", "adam.", "steps.", "training.")


def number(value, digits):
    if isinstance(value, bool) or isinstance(value, (int, np.integer)):
        return json.dumps(value if isinstance(value, bool) else int(value))
    text = f"{float(value):.{digits}g}"
    if text in ("nan", "inf", "-inf"):
        raise ValueError(f"{text} must not stand in a fixture")
    return "0" if text == "-0" else text


def is_scalar(value):
    return value is None or isinstance(value, (bool, int, float, str, np.integer, np.floating))


def dump(value, digits, indent=0):
    if isinstance(value, str) or value is None:
        return json.dumps(value)
    if is_scalar(value):
        return number(value, digits)
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        if set(value) == {"shape", "values"} or all(is_scalar(v) for v in value.values()):
            return "{" + ",".join(f"{json.dumps(k)}:{dump(v, digits, indent)}" for k, v in value.items()) + "}"
        rows = [f"{pad}{json.dumps(k)}: {dump(v, digits, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    if all(is_scalar(v) for v in value):
        return "[" + ",".join(dump(v, digits) for v in value) + "]"
    return "[\n" + ",\n".join(pad + dump(v, digits, indent + 1) for v in value) + "\n" + " " * indent + "]"


def tensor(values):
    """A tensor (torch or numpy) as {shape, values}: values flat, in row-major order."""
    array = values.detach().numpy() if hasattr(values, "detach") else np.asarray(values)
    return {"shape": list(array.shape), "values": array.reshape(-1).tolist()}


def fp32_exact(values):
    """The nearest fp32 numbers, as float64; asserts that nine digits bring each of them back."""
    array = np.asarray(values, dtype=np.float32)
    for x in array.reshape(-1):
        assert np.float32(float(f"{x:.9g}")) == x
    return array.astype(np.float64)


def write(name, content, digits=9):
    path = (PROGRAM_FOLDER if name.startswith(OF_ENGINES) else FOLDER) / name
    path.write_text(dump(content, digits) + "\n")
    json.loads(path.read_text())
    print(f"{name}: {path.stat().st_size:,} bytes")
