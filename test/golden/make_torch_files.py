"""Writes state dicts with torch.save in both formats, and what stands in them: torch_files.json.

Each file is small: what is tested is the layout, which PyTorch decides. Views, shared storages and every type of number
are in them, as models have them.
"""

from collections import OrderedDict

import torch

from golden_json import FOLDER, write

TYPES = {
    "half": torch.float16,
    "brain": torch.bfloat16,
    "double": torch.float64,
    "long": torch.int64,
    "int": torch.int32,
    "short": torch.int16,
    "char": torch.int8,
    "byte": torch.uint8,
    "bool": torch.bool,
}


def tensors():
    """By name; values that every type holds exactly, and that JSON does."""
    shared = torch.arange(24, dtype=torch.float32) / 8 - 1
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4))
    with torch.no_grad():
        for at, parameter in enumerate(module.parameters()):
            parameter.copy_((torch.arange(parameter.numel()).reshape(parameter.shape) - at) / 4)
    named = OrderedDict(module.state_dict())
    # Parameters themselves, not their data, as a plain dict of them would be saved.
    named["parameter"] = torch.nn.Parameter(torch.tensor([0.5, -2.0]))
    named["all"] = shared.reshape(2, 3, 4)
    named["transposed"] = shared.reshape(6, 4).t()
    named["permuted"] = shared.reshape(2, 3, 4).permute(2, 0, 1)
    named["part"] = shared.reshape(6, 4)[1:5:2, 1:3]
    named["expanded"] = shared[3:4].expand(5, 1)[:1]
    named["position_ids"] = torch.arange(6).expand((1, -1))
    named["scalar"] = torch.tensor(-1.5)
    named["empty"] = torch.zeros(0, 3)
    for name, dtype in TYPES.items():
        named[f"type.{name}"] = torch.tensor([0, 1, 1]).to(dtype)
        named[f"column.{name}"] = torch.tensor([[0, 1], [1, 0], [1, 1]]).to(dtype)[:, 1]
    return named


def described(tensor):
    # Booleans and 16-bit floats have no JSON of their own.
    values = tensor.detach().reshape(-1).to(torch.float64).tolist()
    return {"shape": list(tensor.shape), "values": values}


named = tensors()
for name, zipped in (("torch_zip.pt", True), ("torch_legacy.pt", False)):
    torch.save(named, FOLDER / name, _use_new_zipfile_serialization=zipped)
    print(f"{name}: {(FOLDER / name).stat().st_size:,} bytes")
write(
    "torch_files.json",
    {"torch": torch.__version__, "tensors": {name: described(tensor) for name, tensor in named.items()}},
)
