"""Philox4x32-10 (Salmon et al., 2011) on Python's integers, and dropout masks defined by place.

Made for reading, not for speed; checked against the vectors that Random123 publishes.
"""

import numpy as np

MASK = 0xFFFFFFFF
MULTIPLIER_0, MULTIPLIER_1 = 0xD2511F53, 0xCD9E8D57
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85

# (counter, key, output), from kat_vectors of Random123
RANDOM123_VECTORS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((MASK,) * 4, (MASK,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def philox4x32(counter, key):
    """Four 32-bit words for a counter of four and a key of two words; ten rounds."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product_0, product_1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> 32) ^ c1 ^ k0,
            product_1 & MASK,
            (product_0 >> 32) ^ c3 ^ k1,
            product_0 & MASK,
        )
        k0, k1 = (k0 + WEYL_0) & MASK, (k1 + WEYL_1) & MASK
    return c0, c1, c2, c3


for _counter, _key, _words in RANDOM123_VECTORS:
    assert philox4x32(_counter, _key) == _words

# what is dropped in a layer; its place is layer * 3 + one of these
ATTENTION_WEIGHTS, ATTENTION_OUTPUT, FEED_FORWARD_OUTPUT = 0, 1, 2


def place_of(layer, what):
    return layer * 3 + what


def embedding_place(layers):
    """The dropout after an embedding LayerNorm stands behind those of all layers."""
    return layers * 3


def head_place(layers):
    """The dropout on the hidden layer, behind that of the embeddings."""
    return layers * 3 + 1


def keep_mask(count, *, probability, seed, place, pair, step):
    """For elements 0 … count-1 of one pair at one place: 1 where the element is kept, else 0."""
    threshold = int(probability * 2**32)  # the floor: probability is not negative
    keep = np.zeros(count, dtype=np.int64)
    for block in range((count + 3) // 4):
        words = philox4x32((block, pair, step, 0), (seed, place))
        for lane in range(min(4, count - 4 * block)):
            keep[4 * block + lane] = 1 if words[lane] >= threshold else 0
    return keep
