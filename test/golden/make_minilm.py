"""Makes minilm.json: what transformers computes with real pretrained weights (all-MiniLM-L6-v2) on 64 pairs of SNLI's dev split.

    python3 -B make_minilm.py FOLDER

FOLDER holds the model as a Hugging Face folder. The sentences stay where they are, in ../shared/data beside the
repository; only numbers are written. The head is made up, because the model has none: minilm.test.ts makes the same.
"""

import csv
import hashlib
import struct
import sys

import torch
import transformers
from golden_json import FOLDER, tensor, write

DATA = FOLDER.parent.parent.parent / "shared" / "data" / "snli_1.0" / "snli_1.0_dev.txt"
PAIRS, STRIDE = 64, 150
COORDINATES = [0, 101, 202, 383]
BIAS = [0.1, -0.2, 0.05]


def pairs():
    with open(DATA, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [(row["sentence1"], row["sentence2"]) for row in rows[: PAIRS * STRIDE : STRIDE]]


def head(hidden):
    """[3, hidden]: 0.05 sin(1 + the number's place), rounded to fp32."""
    places = torch.arange(3 * hidden, dtype=torch.float64).reshape(3, hidden)
    return (0.05 * torch.sin(1 + places)).float().double()


def hash_of(lists):
    data = b"".join(struct.pack(f"<{len(ids) + 1}i", len(ids), *ids) for ids in lists)
    return hashlib.sha256(data).hexdigest()


def main():
    folder = sys.argv[1]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.BertModel.from_pretrained(folder).double().eval()
    premises, hypotheses = zip(*pairs(), strict=True)
    batch = tokenizer(list(premises), list(hypotheses), padding=True, truncation=True, max_length=128, return_tensors="pt")
    with torch.no_grad():
        output = model(**batch, output_hidden_states=True)
    lengths = batch["attention_mask"].sum(1).tolist()
    ids = [row[:length].tolist() for row, length in zip(batch["input_ids"], lengths, strict=True)]
    last = torch.tensor(lengths) - 1
    everyone = torch.arange(PAIRS)
    layers = [torch.cat([rows[:, 0, COORDINATES], rows[everyone, last][:, COORDINATES]], 1) for rows in output.hidden_states[1:]]
    bias = torch.tensor(BIAS).float().double()
    logits = output.pooler_output @ head(model.config.hidden_size).T + bias
    content = {
        "transformers": transformers.__version__,
        "computedIn": "float64",
        "stride": STRIDE,
        "coordinates": COORDINATES,
        "bias": BIAS,
        "lengths": lengths,
        "idsSha256": hash_of(ids),
        "layers": [tensor(layer) for layer in layers],
        "logits": tensor(logits),
    }
    write("minilm.json", content)


main()
