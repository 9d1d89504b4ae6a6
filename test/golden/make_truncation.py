"""Makes truncation.json: how many tokens of a pair are kept, by the book's way and by length ratio."""

import math

from golden_json import write


def longer_first(p, h, max_len):
    """The book: while too long, the longer sentence loses its last token; the second one when they are equal."""
    premise, hypothesis = list(range(p)), list(range(h))
    while len(premise) + len(hypothesis) > max_len - 3:
        if len(premise) > len(hypothesis):
            premise.pop()
        else:
            hypothesis.pop()
    return [len(premise), len(hypothesis)]


def length_ratio(p, h, max_len):
    """Both sentences shrink by the same ratio (rounded half up), and neither that had a token loses its last."""
    budget = max_len - 3
    if p + h <= budget:
        return [p, h]
    keep_p = min(p, max(1, math.floor(budget * p / (p + h) + 0.5)), budget - 1)
    keep_h = min(h, budget - keep_p)
    keep_p = min(p, budget - keep_h)
    return [keep_p, keep_h]


LENGTHS = [
    (0, 0), (0, 4), (4, 0), (0, 40), (40, 0), (1, 1), (1, 40), (40, 1), (2, 3), (3, 2), (2, 40), (40, 2), (5, 5),
    (6, 7), (7, 6), (10, 10), (11, 10), (10, 11), (13, 26), (26, 13), (20, 20), (21, 20), (100, 3), (3, 100),
    (120, 5), (5, 120), (63, 62), (62, 63), (63, 63), (64, 64), (125, 1), (1, 125), (400, 90), (90, 400), (300, 300),
]  # fmt: skip
MAX_LENS = [8, 9, 16, 24, 33, 128]
# a pair that fits and is not near the edge says nothing
CASES = [
    (p, h, max_len)
    for max_len in MAX_LENS
    for p, h in LENGTHS
    if p + h >= max_len - 4 and p + h <= 12 * max_len and (p + h + max_len) % 2 == 0
]

cases = []
for p, h, max_len in CASES:
    kept = {"longerFirst": longer_first(p, h, max_len), "lengthRatio": length_ratio(p, h, max_len)}
    for way in kept.values():
        assert sum(way) == min(p + h, max_len - 3)
        assert (way[0] > 0) == (p > 0) and (way[1] > 0) == (h > 0)
    cases.append({"premise": p, "hypothesis": h, "maxLen": max_len} | kept)
print(len(cases), "cases")
write("truncation.json", {"cases": cases})
