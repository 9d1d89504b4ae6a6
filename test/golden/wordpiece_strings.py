"""Hard strings for the tokenizer: one group a kind of trouble."""

HARD_STRINGS = [
    # nothing, and nearly nothing
    "",
    " ",
    "\t\n\r ",
    "\u0000",
    "\u200b\u200d\ufeff",
    "\u0301",
    # plain English, and all of ASCII's punctuation
    "A man inspects the uniform of a figure in some East Asian country.",
    "The unaffable players were playing; they'd PLAYED!",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "don't e-mail me@x.org: $5.99, 3/4 (50%) -- or... not?!",
    "##ing ## # playing##ing",
    # accents, composed and not, in one order and the other
    "caf\u00e9 cafe\u0301 na\u00efve \u00c5ngstr\u00f6m A\u030angstro\u0308m",
    "a\u0323\u0302 a\u0302\u0323 \u1ead \u1ea1\u0302",
    "\u0130stanbul I\u0307stanbul \u0131 \u1e9e \u00df \u0149 \ufb01 \u01c5",
    "\u00c9COLE \u00d8re \u0141\u00f3d\u017a \u0110or\u0111e \u1e02",
    "e\u0301\u0301\u0327\u0334\u0345 \u0345\u0301e",
    "\u212b \u2126 \u212a \u037e \u0387 \u1fef \u2000",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034dA",
    # final sigma
    "\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3 \u03a3 \u0391\u03a3. \u03a3\u0391\u03a3' \u0391\u03a3\u0301 \u03c2\u03c3",
    "\u0386\u0388\u0389 \u1f88\u1fbc \u03aa\u0301",
    # Chinese, Japanese, Korean
    "\u4e2d\u6587abc\u4e2d \u91ce\u53e3\u91cc\u4f73 Noguchi Rika",
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8\u3002 \u304c\u3099 \u30ac \uff76\uff9e",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab \uac01 \u1100\u1161\u11a8",
    "x\u3400y \u4dbf\u4dc0 \u9fff\ua000 \uf900\ufaff\ufb00",
    "x\U00020000y\U0002a6df\U0002a6e0 \U0002a700\U0002b73f \U0002b740\U0002b81f",
    "x\U0002b820y \U0002b91f\U0002b920\U0002ceaf\U0002ceb0 \U0002ebef\U00030000\U0003134a",
    "\U0002f800\U0002fa1d\U0002fa1f \u2e80\u2f00\u3005\u3007",
    # emoji
    "\U0001f600 \U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f1e9\U0001f1ea 1\ufe0f\u20e3",
    "text\U0001f600text \U0001fae8\U0001fa77 \U0001f9d1\U0001f3ff\u200d\U0001f680",
    # control, format, private and unassigned characters; white space that is some, and that is none
    "a\u0000b\u0001c\u0007d\u000be\u000cf\u001fg\u007fh\u0085i\u009fj",
    "a\u00a0b\u1680c\u2003d\u2028e\u2029f\u202fg\u205fh\u3000i\u180ej",
    "soft\u00adhyphen zero\u200bwidth non\u200cjoiner word\u2060joiner \ufeffbom",
    "\u202eright to left\u202c \u2066x\u2069 \U000e0041\U000e007f",
    "\ufffd a\ufffdb \ufffe \uffff \ufdd0",
    "\ue000\uf8ff \U000f0000\U0010fffd \U0010ffff x",
    "\u0378\u0380 \U000323b0 \U000e0000 x\u0378y",
    "line one\nline two\r\nline three\ttabbed\u000bvertical",
    # punctuation of other scripts, symbols that are none
    "\u00a1Hola! \u00bfQu\u00e9? \u00ab\u00e7a\u00bb \u2018x\u2019 \u201cy\u201d \u2013 \u2014 \u2026",
    "\u20ac5 \u00a33 \u00a52 \u00b0C \u00b1 \u00d7 \u2122 \u00a9 \u2190 \u221e \u00a7 \u00b6",
    "\u3001\u3002\u300c\u300d\uff01\uff1f\uff0c \u060c\u061f\u06d4 \u0964 \u166d \U000111c9 \u2e3c\u2e52",
    # other scripts
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0419 \u0439 \u0401 \u0451 \u0456\u0308",
    "\u0627\u0644\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u0651\u064e\u0629 \u0622 \u0627\u0653 \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \ufb2a",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0958 \u0915\u093c \u0928\u0915\u094d\u0937\u0924\u094d\u0930 \u09cb \u0bca",
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0e01\u0e33 \u0f40\u0fb5 \u0f73\u0f71\u0f72 \u1017\u1019\u102c",
    "\u13a0\u13b0 \uab70 \u10d0 \u1c90 \u10a0 \u2d00 \u1e900\U0001e900\U0001e922",
    "\U00010400\U00010428 \U000104b0 \U00010d50\U00010d70 \ua7cb\ua7da\ua7dc \u1c89",
    "\U0001d165\U0001d16e \U0001d15e \u1b44\u1b35 \u1734 \U0001193a \U00016ff0\U00016ff1 \u302e\u302f",
    "\U0001d400\U0001d7ff \u2160\u2170 \u24b6\u24d0 \uff21\uff41",
    # marks that the reference's tables do not know yet, and some that they class as they once were
    "a\u0898b\u08e2c \u1abf\u1ac0 \u1df6\u1dfb a\u09fe \U00011839\U00011938 \U0001193b",
    "\U00011046\U0001107f \U000111c9 \u1cf2\u1cf4\u1cf7 \ua8ff \U00010f46 \U0001e130",
    # long words: 100 letters are one, 101 are unknown; letters are code points
    "a" * 100 + " " + "a" * 101,
    "a" * 200,
    "\U00010428" * 100 + " " + "\U00010428" * 101,
    "\u00e9" * 100 + " " + "e\u0301" * 100 + " " + "e\u0301" * 101,
    "\ud55c" * 33 + " " + "\ud55c" * 34,
    "b" * 99 + "." + "b" * 101 + "." + "play" * 25 + "ing",
    # special tokens spelt out
    "[CLS] a man [SEP] a dog [SEP] [PAD][PAD]",
    "the [MASK] plays, x[MASK]y [UNK] [UNK]s",
    "[cls] [ SEP ] [[SEP]] [SEP [CLS[SEP]] [MASK",
    "[\u0000CLS] [CL\u200bS] [C\u0301LS] [\uff23LS] \u0301[SEP]\u0301 e[PAD]\u0301",
    "[unused0] [UNUSED0] [PAD]\u4e2d[CLS]",
    # names that JavaScript's objects have
    "__proto__ constructor toString hasOwnProperty valueOf",
]
