/** @file Runs anywhere. Writes the built-in sample the way SNLI's official text files are laid out: 14 columns, tabs. */
import type { Split } from '../../../shared/datasets.ts';
import type { SamplePair } from './generate.ts';
import { type Scene, say } from './grammar.ts';

const HEADER = [
  'gold_label',
  'sentence1_binary_parse',
  'sentence2_binary_parse',
  'sentence1_parse',
  'sentence2_parse',
  'sentence1',
  'sentence2',
  'captionID',
  'pairID',
  'label1',
  'label2',
  'label3',
  'label4',
  'label5',
];

export function sampleFileName(split: Split): string {
  return `snli_1.0_${split}.txt`;
}

/** A flat tree of the tokens: nobody parsed these sentences, and the studio reads the binary one. */
function flatParse(tokens: string): string {
  return `(ROOT (S ${tokens}))`;
}

/** The text of one split's file. A caption is a premise; its pairs are numbered as SNLI numbers them. */
export function sampleFile(split: Split, pairs: readonly SamplePair[]): string {
  const captions = new Map<Scene, { readonly id: string; pairs: number }>();
  const rows = pairs.map(({ premise, hypothesis, label }) => {
    const caption = captions.get(premise) ?? { id: `${split}${captions.size + 1}#0`, pairs: 0 };
    captions.set(premise, caption);
    caption.pairs++;
    const [one, two] = [say(premise), say(hypothesis)];
    return [
      label,
      one.binaryParse,
      two.binaryParse,
      flatParse(one.tokens),
      flatParse(two.tokens),
      one.raw,
      two.raw,
      caption.id,
      `${caption.id}r${caption.pairs}${label[0]}`,
      label,
      '',
      '',
      '',
      '',
    ];
  });
  return [HEADER, ...rows].map((columns) => `${columns.join('\t')}\n`).join('');
}
