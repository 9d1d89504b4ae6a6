"""Makes wordpiece.json, wordpiece_tokenizer.json and main/data/wordpiece/referenceTables.ts by asking the reference.

Needs `tokenizers` from PyPI, and ../shared/data beside the repository for the hashes of real text.
"""

import hashlib
import struct
from array import array

import tokenizers
from golden_json import FOLDER, write
from golden_wordpiece import (
    CODE_POINTS,
    SETTINGS,
    SPECIALS,
    character_classes,
    hex_ranges,
    keeps_case,
    keeps_form,
    make_tokenizer,
    normaliser,
    ranges_of,
    words_of,
)
from wordpiece_strings import HARD_STRINGS

ROOT = FOLDER.parent.parent
DATA = ROOT.parent / "shared" / "data"
CODE_POINTS_A_BLOCK = 0x4000
TEXTS_A_BLOCK = 2000
WHOLE_WORDS = "the man ##man play ##ing ##ed ##s un ##aff ##able a ##a dog is in".split()


def short_hash(data):
    return hashlib.sha256(data).hexdigest()[:16]


# --- the table ---

TABLE_HEAD = """/**
 * @file Runs anywhere. Classes of characters as the reference tokenizer has them, code points in hexadecimal. Made by
 * test/golden/make_wordpiece.py with tokenizers {version}; characterClasses.ts says why and what for.
 */

export const REFERENCE_TABLES = {{
"""


CAMEL = {"moving_marks": "movingMarks"}


def table_entry(name, items):
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) > 100:
            lines.append(line)
            line = ""
        line += (" " if line else "") + item
    lines.append(line)
    one_line = f"  {name}: [{', '.join(repr(line) for line in lines)}].join(' '),\n"
    if len(one_line) <= 111:
        return one_line
    return f"  {name}: [\n" + "".join(f"    '{line}',\n" for line in lines) + "  ].join(' '),\n"


def make_table():
    """Writes the table; returns code points at which something begins or ends, for the fuzz."""
    sets, late = character_classes()
    passes = {"decomposed": keeps_form, "lowered": keeps_case}
    ranges = {name: ranges_of(codes, passes.get(name, lambda _: False)) for name, codes in sets.items()}
    text = TABLE_HEAD.format(version=tokenizers.__version__)
    text += "".join(table_entry(CAMEL.get(name, name), hex_ranges(found)) for name, found in ranges.items())
    text += table_entry("lateCapitals", [f"{capital:x}>{small:x}" for capital, small in sorted(late.items())])
    path = ROOT / "main" / "data" / "wordpiece" / "referenceTables.ts"
    path.write_text(text + "} as const;\n")
    print(f"{path.name}: {path.stat().st_size:,} bytes", {name: len(found) for name, found in ranges.items()})
    edges = {code for found in ranges.values() for first, last in found for code in (first, last, last + 1)}
    edges |= set(late) | set(late.values())
    return sorted(code for code in edges if code in CODE_POINT_SET)


CODE_POINT_SET = set(CODE_POINTS)

# --- hard strings under a small vocabulary ---


def small_vocabulary():
    """Special tokens, a few words, and most characters of the hard strings: every seventh is left unknown."""
    characters = set()
    for lowercase, strip_accents in SETTINGS:
        normalise = normaliser(lowercase, strip_accents).normalize_str
        characters.update(c for text in HARD_STRINGS for c in normalise(text) if c != " ")
    known = [c for c in sorted(characters) if c.isascii() or ord(c) % 7 != 3]
    singles = [c for c in known if c not in WHOLE_WORDS]
    pieces = [f"##{c}" for c in known if f"##{c}" not in WHOLE_WORDS and (c.isalnum() or not c.isascii())]
    return [SPECIALS[0], *WHOLE_WORDS, *SPECIALS[1:], "[unused0]", *singles, *pieces]


def text_case(text, references):
    case = {"text": text, "normalised": [], "words": [], "ids": []}
    for normalise, tokenizer in references:
        normalised = normalise(text)
        case["normalised"].append(normalised)
        case["words"].append(words_of(normalised))
        case["ids"].append(tokenizer.encode(text, add_special_tokens=False).ids)
    return case


def code_point_hashes(normalise):
    """Each code point between letters and at the end of a word, in blocks."""
    hashes = []
    for start in range(0, 0x110000, CODE_POINTS_A_BLOCK):
        codes = [code for code in range(start, start + CODE_POINTS_A_BLOCK) if code in CODE_POINT_SET]
        normalised = normalise(" ".join(f"x{chr(code)}y x{chr(code)}" for code in codes))
        hashes.append(short_hash((normalised + "\n" + "\x1f".join(words_of(normalised))).encode()))
    return hashes


class Random:
    """A linear congruential generator, the same in reference.test.ts."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return (self.state >> 8) % limit


def fuzz_strings(count, pool, texts):
    random = Random(1)
    for _ in range(count):
        parts = []
        for _ in range(1 + random.below(24)):
            from_texts = random.below(3) == 0
            parts.append(texts[random.below(len(texts))] if from_texts else chr(pool[random.below(len(pool))]))
        yield "".join(parts)


def fuzz(references, edges):
    texts = [*SPECIALS, "[", "]", " ", " ", "the", "Play", "ing", "a", "Z", "\u00c9", "\u03a3", "\u0301", "\u0327"]
    # marks that stay, with different classes, and one without any that goes: the order of what stays shows
    texts += ["\u302e", "\U00016ff0", "\u1b44", "\u034f", "\u0f73"]
    strings = list(fuzz_strings(5000, edges, texts))
    hashes = []
    for normalise, tokenizer in references:
        blocks = []
        for start in range(0, len(strings), 500):
            record = ""
            for text in strings[start : start + 500]:
                normalised = normalise(text)
                ids = tokenizer.encode(text, add_special_tokens=False).ids
                record += "\n".join([normalised, "\x1f".join(words_of(normalised)), ",".join(map(str, ids))]) + "\n"
            blocks.append(short_hash(record.encode()))
        hashes.append(blocks)
    return {"strings": len(strings), "texts": texts, "pool": " ".join(f"{code:x}" for code in edges), "hashes": hashes}


# --- pairs ---


def pair_case(tokenizer, premise, hypothesis, max_len):
    tokenizer.enable_truncation(max_len)
    encoding = tokenizer.encode(premise, hypothesis)
    return {
        "premise": premise,
        "hypothesis": hypothesis,
        "maxLen": max_len,
        "ids": encoding.ids,
        "segmentStart": encoding.type_ids.count(0),
    }


def pair_cases(tokenizer):
    texts = ["", "a dog", "The unaffable man [SEP] plays", "a " * 9, "is " * 10, "in the dog " * 7, "\u4e2d" * 40]
    return [
        pair_case(tokenizer, premise, hypothesis, max_len)
        for max_len in (8, 9, 16, 33)
        for premise in texts
        for hypothesis in [None, *texts]
    ]


def truncation_cases(tokenizer):
    """[tokens of premise, tokens of hypothesis, budget, kept of premise, kept of hypothesis]"""
    lengths = [0, 1, 2, 3, 5, 6, 7, 13, 14, 40, 125]
    cases = []
    for budget in (5, 6, 13, 14, 61):
        tokenizer.enable_truncation(budget + 3)
        for p in lengths:
            for h in lengths:
                encoding = tokenizer.encode("a " * p, "a " * h)
                kept = [encoding.sequence_ids.count(0), encoding.sequence_ids.count(1)]
                cases.append([p, h, budget, *kept])
    return cases


# --- real text ---


def rows_of(path):
    header, *lines = [line for line in path.read_bytes().decode().split("\n") if line != ""]
    first, second = header.split("\t").index("sentence1"), header.split("\t").index("sentence2")
    return [(cells[first], cells[second]) for cells in (line.split("\t") for line in lines)]


def hash_ids(encodings):
    hashes = []
    for start in range(0, len(encodings), TEXTS_A_BLOCK):
        block = array("i")
        for ids in encodings[start : start + TEXTS_A_BLOCK]:
            block.append(len(ids))
            block.extend(ids)
        hashes.append(short_hash(struct.pack(f"<{len(block)}i", *block)))
    return hashes


def corpus(name, files):
    paths = [DATA / file for file in files]
    pairs = [pair for path in paths for pair in rows_of(path)]
    texts = [text for pair in pairs for text in pair]
    found = {"name": name, "files": files, "texts": len(texts)}
    for key, lowercase in (("uncased", True), ("cased", False)):
        tokenizer = make_tokenizer(REAL_VOCABULARY, lowercase, lowercase)
        found[key] = hash_ids([e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)])
    tokenizer = make_tokenizer(REAL_VOCABULARY, True, True)
    found["pairs"] = []
    for max_len in (24, 128):
        tokenizer.enable_truncation(max_len)
        encodings = tokenizer.encode_batch(pairs)
        # segments are 0 up to a place and 1 from there
        hashes = hash_ids([[e.type_ids.count(0), *e.ids] for e in encodings])
        found["pairs"].append({"maxLen": max_len, "hashes": hashes})
    return found


REAL_VOCABULARY = (DATA / "bert-vocab" / "bert-base-uncased.vocab.txt").read_bytes().decode().rstrip("\n").split("\n")


def main():
    edges = make_table()
    vocabulary = small_vocabulary()
    references = [(normaliser(*each).normalize_str, make_tokenizer(vocabulary, *each)) for each in SETTINGS]
    pairs_tokenizer = make_tokenizer(vocabulary, True, True)
    pairs_tokenizer.save(str(FOLDER / "wordpiece_tokenizer.json"), pretty=False)
    content = {
        "tokenizers": tokenizers.__version__,
        "vocabulary": vocabulary,
        "settings": [{"lowercase": lowercase, "stripAccents": strip} for lowercase, strip in SETTINGS],
        "strings": [text_case(text, references) for text in HARD_STRINGS],
        "codePoints": {"block": CODE_POINTS_A_BLOCK, "hashes": [code_point_hashes(n) for n, _ in references]},
        "fuzz": fuzz(references, edges),
        "pairs": pair_cases(pairs_tokenizer),
        "truncation": truncation_cases(pairs_tokenizer),
        "corpora": [
            corpus("SNLI dev and test", ["snli_1.0/snli_1.0_dev.txt", "snli_1.0/snli_1.0_test.txt"]),
            corpus(
                "MultiNLI",
                ["mnli/mnli_dev_matched.tsv", "mnli/mnli_dev_mismatched.tsv", "mnli/mnli_train_subset_tokenised.tsv"],
            ),
        ],
    }
    write("wordpiece.json", content)


main()
