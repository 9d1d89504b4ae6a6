"""Writes parquet_snli.parquet: a table as a hub's data sets have it, by pyarrow, for a reader that is not pyarrow.

Columns of every kind: dictionary-encoded text, ClassLabel numbers with names in the footer, nulls, lists, records, bytes;
Zstandard, two row groups. Run: python make_parquet.py (pyarrow 26).
"""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet

NAMES = ["entailment", "neutral", "contradiction"]
ROWS = [
    ("A man sleeps.", "A person rests.", 0),
    ("A man sleeps.", "He dreams of Ωmega.", 1),
    ("A man sleeps.", "A man runs.", 2),
    ("Two dogs play.", "Animals are outside.", -1),
    ("Two dogs play.", None, 0),
    ("Two dogs play.", "Cats sleep.", 2),
    ("Zwei Hunde spielen im Grünen 🐕.", "Dogs play.", 0),
]


def main():
    labels = {"names": NAMES, "_type": "ClassLabel"}
    text = {"dtype": "string", "_type": "Value"}
    info = {"info": {"features": {"premise": text, "hypothesis": text, "label": labels}}}
    premises, hypotheses, numbers = zip(*ROWS)
    table = pyarrow.table(
        {
            "premise": pyarrow.array(premises, pyarrow.string()),
            "hypothesis": pyarrow.array(hypotheses, pyarrow.string()),
            "label": pyarrow.array(numbers, pyarrow.int64()),
            "annotators": pyarrow.array([["a", "b"]] * len(ROWS), pyarrow.list_(pyarrow.string())),
            "place": pyarrow.array([{"page": 1}] * len(ROWS), pyarrow.struct([("page", pyarrow.int32())])),
            "picture": pyarrow.array([b"\xff\xd8"] * len(ROWS), pyarrow.binary(2)),
            "at": pyarrow.array([0] * len(ROWS), pyarrow.timestamp("us")),
        }
    ).replace_schema_metadata({"huggingface": json.dumps(info)})
    path = Path(__file__).resolve().parent / "parquet_snli.parquet"
    pyarrow.parquet.write_table(table, path, compression="zstd", row_group_size=4)


if __name__ == "__main__":
    main()
