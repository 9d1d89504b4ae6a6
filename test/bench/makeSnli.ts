/**
 * @file Benchmarks, under Node. Writes a folder of SNLI's full size in its official 14-column layout: made-up words,
 * the same bytes each time. Run: node test/bench/makeSnli.ts FOLDER [--scale 0.1]
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** Labelled and unlabelled ("-") rows of the official files. */
const OFFICIAL_ROWS = {
  train: { labelled: 549_367, unlabelled: 785 },
  dev: { labelled: 9_842, unlabelled: 158 },
  test: { labelled: 9_824, unlabelled: 176 },
} as const;
const SEEDS = { train: 11, dev: 12, test: 13 } as const;
const LABELS = ['entailment', 'neutral', 'contradiction'] as const;
const WORD_TYPES = 36_000;
const WRITE_CHARACTERS = 1 << 20;
const HEADER =
  'gold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tcaptionID\tpairID\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\n';

/** mulberry32: the same numbers on every machine. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}

interface Word {
  readonly text: string;
  /** Part of speech, as a parse names it. */
  readonly tag: string;
}

/** Word types, the frequent ones short, and a way to draw them by Zipf's law. */
class Lexicon {
  readonly #words: readonly Word[];
  readonly #cumulative: Float64Array;

  constructor(random: Random) {
    const tags = ['NN', 'NNS', 'VBG', 'VBZ', 'DT', 'IN', 'JJ', 'PRP$'];
    const spellings = new Set<string>();
    while (spellings.size < WORD_TYPES)
      spellings.add(spell(random, 1 + Math.floor(Math.log10(spellings.size + 10) / 1.3)));
    this.#words = [...spellings].map((text) => ({ text, tag: tags[random.below(tags.length)]! }));
    this.#cumulative = new Float64Array(WORD_TYPES);
    let total = 0;
    for (let rank = 0; rank < WORD_TYPES; rank++) {
      total += 1 / (rank + 3) ** 1.05;
      this.#cumulative[rank] = total;
    }
  }

  draw(random: Random): Word {
    const wanted = random.next() * this.#cumulative[WORD_TYPES - 1]!;
    let low = 0;
    let high = WORD_TYPES - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#cumulative[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    return this.#words[low]!;
  }
}

function spell(random: Random, syllables: number): string {
  let word = '';
  for (let at = 0; at < syllables + random.below(2); at++) {
    word += 'bcdfghklmnprstvw'[random.below(16)]! + 'aeiou'[random.below(5)]!;
  }
  return random.next() < 0.5 ? word + 'nstrg'[random.below(5)]! : word;
}

interface MadeSentence {
  readonly raw: string;
  readonly binaryParse: string;
  readonly parse: string;
}

function makeSentence(
  random: Random,
  lexicon: Lexicon,
  shape: { logMean: number; logSpread: number },
): MadeSentence {
  const length = Math.min(
    78,
    Math.max(2, Math.round(Math.exp(shape.logMean + shape.logSpread * random.normal()))),
  );
  const words = Array.from({ length: length - 1 }, () => lexicon.draw(random));
  words[0] = { ...words[0]!, text: words[0]!.text[0]!.toUpperCase() + words[0]!.text.slice(1) };
  const body = words.map((word) => word.text);
  return {
    raw: `${body.join(' ')}.`,
    binaryParse: `( ${nest(body, random)} . )`,
    parse: `(ROOT (S ${nestTagged(words, random)} (. .)))`,
  };
}

function nest(words: readonly string[], random: Random): string {
  if (words.length === 1) return words[0]!;
  const cut = 1 + random.below(words.length - 1);
  return `( ${nest(words.slice(0, cut), random)} ${nest(words.slice(cut), random)} )`;
}

function nestTagged(words: readonly Word[], random: Random): string {
  if (words.length === 1) return `(${words[0]!.tag} ${words[0]!.text})`;
  const cut = 1 + random.below(words.length - 1);
  const phrase = ['NP', 'VP', 'PP', 'S'][random.below(4)]!;
  return `(${phrase} ${nestTagged(words.slice(0, cut), random)} ${nestTagged(words.slice(cut), random)})`;
}

/** Three hypotheses to a premise, one a label, as in SNLI. */
function writeSplit(
  path: string,
  rows: { labelled: number; unlabelled: number },
  lexicon: Lexicon,
  random: Random,
): void {
  const file = openSync(path, 'w');
  const all = rows.labelled + rows.unlabelled;
  const every = Math.floor(all / Math.max(1, rows.unlabelled));
  let text = HEADER;
  let unlabelled = 0;
  let premise = makeSentence(random, lexicon, { logMean: 2.55, logSpread: 0.4 });
  for (let row = 0; row < all; row++) {
    if (row % 3 === 0) premise = makeSentence(random, lexicon, { logMean: 2.55, logSpread: 0.4 });
    const hypothesis = makeSentence(random, lexicon, { logMean: 2.02, logSpread: 0.35 });
    const dash = row % every === every - 1 && unlabelled < rows.unlabelled;
    if (dash) unlabelled += 1;
    const label = LABELS[row % 3]!;
    const caption = `${1000000000 + Math.floor(row / 3)}.jpg#${row % 5}`;
    const columns = [
      dash ? '-' : label,
      premise.binaryParse,
      hypothesis.binaryParse,
      premise.parse,
      hypothesis.parse,
    ];
    columns.push(premise.raw, hypothesis.raw, caption, `${caption}r1${label[0]}`, label, '', '', '', '');
    text += `${columns.join('\t')}\n`;
    if (text.length > WRITE_CHARACTERS) {
      writeSync(file, text);
      text = '';
    }
  }
  writeSync(file, text);
  closeSync(file);
}

/** Writes the three files into `folder`; `scale` 1 is SNLI's full size. Returns the labelled rows of each split. */
export function makeSnli(folder: string, scale = 1): Record<keyof typeof OFFICIAL_ROWS, number> {
  mkdirSync(folder, { recursive: true });
  const lexicon = new Lexicon(new Random(1));
  const made = { train: 0, dev: 0, test: 0 };
  for (const split of ['train', 'dev', 'test'] as const) {
    const { labelled, unlabelled } = OFFICIAL_ROWS[split];
    const rows = { labelled: Math.round(labelled * scale), unlabelled: Math.round(unlabelled * scale) };
    writeSplit(join(folder, `snli_1.0_${split}.txt`), rows, lexicon, new Random(SEEDS[split]));
    made[split] = rows.labelled;
  }
  return made;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { scale: { type: 'string', default: '1' } },
  });
  const folder = positionals[0];
  if (folder === undefined) throw new Error('Say where to: node test/bench/makeSnli.ts FOLDER [--scale 0.1]');
  console.log(JSON.stringify({ folder, rows: makeSnli(folder, Number(values.scale)) }));
}
