/** @file Runs anywhere. Writes the built-in sample the way SNLI's official text files are laid out: 14 columns, tabs. */
import type { Split } from '../../../shared/datasets.ts';
import { SNLI_COLUMNS } from '../mapping.ts';
import type { SamplePair } from './generate.ts';
import { type Scene, say } from './grammar.ts';

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
  return [SNLI_COLUMNS, ...rows].map((columns) => `${columns.join('\t')}\n`).join('');
}
