"""The reference tokenizer (Hugging Face's `tokenizers`, in Rust) and what it does with every code point."""

import unicodedata

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import NFD, BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# (lowercase, strip accents): uncased, cased, and the two that a few models have
SETTINGS = [(True, True), (False, False), (True, False), (False, True)]
# surrogates cannot be given to the reference: text in Rust has none
CODE_POINTS = [*range(0xD800), *range(0xE000, 0x110000)]

_words = BertPreTokenizer()


def normaliser(lowercase, strip_accents):
    return BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=strip_accents, lowercase=lowercase
    )


def words_of(normalised):
    return [word for word, _ in _words.pre_tokenize_str(normalised)]


def make_tokenizer(vocabulary, lowercase, strip_accents):
    """As transformers' BertTokenizerFast makes it of a vocab.txt."""
    ids = {token: at for at, token in enumerate(vocabulary)}
    assert len(ids) == len(vocabulary)
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.add_special_tokens([token for token in SPECIALS if token in ids])
    tokenizer.normalizer = normaliser(lowercase, strip_accents)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, ids[token]) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def character_classes():
    """What the normaliser's four steps and the pre-tokenizer do with each code point, as sets."""
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    clean = BertNormalizer(**off | {"clean_text": True}).normalize_str
    apart = BertNormalizer(**off | {"handle_chinese_chars": True}).normalize_str
    strip = BertNormalizer(**off | {"strip_accents": True}).normalize_str
    lower = BertNormalizer(**off | {"lowercase": True}).normalize_str
    nfd = NFD().normalize_str
    names = ["dropped", "spaces", "ideographs", "punctuation", "marks", "moving_marks", "decomposed", "lowered"]
    sets = {name: set() for name in names}
    late = {}

    def moves(c):
        """Has a combining class: it changes places with a mark of the lowest or of the highest one."""
        return nfd(f"{c}\u0334") != f"{c}\u0334" or nfd(f"\u0345{c}") != f"\u0345{c}"

    for code in CODE_POINTS:
        c = chr(code)
        cleaned = clean(f"x{c}y")
        assert cleaned in ("xy", "x y", f"x{c}y")
        if cleaned == "xy":
            sets["dropped"].add(code)
        if cleaned == "x y":
            sets["spaces"].add(code)
        if apart(c) != c:
            assert apart(c) == f" {c} "
            sets["ideographs"].add(code)
        split = words_of(f"x{c}y")
        if split == ["x", c, "y"]:
            sets["punctuation"].add(code)
        else:
            # white space by then is " " only: the normaliser has made one of every other
            assert split == [f"x{c}y"] or cleaned in ("xy", "x y")
        if nfd(c) == c and strip(f"x{c}") == "x":
            sets["marks"].add(code)
        if strip(f"x{c}") == "x" and all(moves(part) for part in nfd(c)):
            sets["moving_marks"].add(code)
        if nfd(c) != c or moves(c):
            assert nfd(c) == unicodedata.normalize("NFD", c)
            sets["decomposed"].add(code)
        small = lower(c)
        if small == c:
            continue
        if small == c.lower():
            sets["lowered"].add(code)
        else:
            assert c.lower() == c and len(small) == 1
            late[code] = ord(small)
    # half a pair, as JavaScript has it, goes the way of the other characters of category C
    sets["dropped"].update(range(0xD800, 0xE000))
    return sets, late


def ranges_of(codes, passes_over=lambda code: False):
    """Ranges that hold all of `codes`, and between them only what `passes_over` allows."""
    ranges = []
    for code in sorted(codes):
        if ranges and all(passes_over(between) for between in range(ranges[-1][1] + 1, code)):
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ranges


def keeps_form(code):
    """Whether NFD leaves this character and its place alone, in every version of Unicode from now on."""
    c = chr(code)
    known = unicodedata.category(c) not in ("Cn", "Cs")
    return known and unicodedata.normalize("NFD", c) == c and unicodedata.combining(c) == 0


def keeps_case(code):
    c = chr(code)
    return unicodedata.category(c) not in ("Cn", "Cs") and c.lower() == c


def hex_ranges(ranges):
    return [f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in ranges]
