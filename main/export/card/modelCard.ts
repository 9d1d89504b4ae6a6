/** @file Runs anywhere. The model card of an export: README.md, from what is known and nothing else. Pure. */
import { FORMAT_NAMES, type ParityReport } from '../../../shared/exports.ts';
import type { CardEvaluation, CardFacts } from './facts.ts';
import { paritySection } from './parityText.ts';
import { serviceUsage, type Usage, usagesOf } from './usage.ts';

export interface CardTarget {
  readonly parity: ParityReport;
  /** Of model.safetensors and its like: what was written. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
}

export function modelCard(facts: CardFacts, target: CardTarget): string {
  const { to, precision } = target.parity.export;
  const sections = [
    frontMatter(facts),
    `# ${escaped(facts.name)}`,
    `${FORMAT_NAMES[to]}${precision === 'fp32' ? '' : `, ${precision}`}, exported by Entail ${target.parity.entail} from run ` +
      `\`${facts.run}\`. Classifies ${facts.sentencesPerExample === 2 ? 'pairs of sentences' : 'sentences'} as ${facts.labels.map(escaped).join(', ')}.`,
    '## Use it',
    ...usagesOf(to, precision, facts).map(usageSection),
    usageSection(serviceUsage(facts)),
    '## The same answers',
    paritySection(target.parity),
    ...metricsSections(facts),
    ...weaknessSections(facts),
    '## Data',
    dataSection(facts),
    '## Training',
    trainingSection(facts),
    '## Licences',
    `- Data: ${licence(facts.licences.data)}\n- Base model: ${facts.base === null ? 'none, the weights began at random' : licence(facts.licences.base)}`,
    '## Files',
    table(
      ['file', 'bytes', 'SHA-256'],
      target.files.map(({ name, sizeBytes, sha256 }) => [name, String(sizeBytes), `\`${sha256}\``]),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** What Hugging Face's pages read. */
function frontMatter({ labels, data, licences, sentencesPerExample }: CardFacts): string {
  const lines = [
    'pipeline_tag: text-classification',
    'tags:',
    `  - ${sentencesPerExample === 2 && labels.includes('entailment') ? 'natural-language-inference' : 'text-classification'}`,
    '  - bert',
    'datasets:',
    `  - ${JSON.stringify(data.name)}`,
    ...(licences.base === null ? [] : [`license_name: ${JSON.stringify(licences.base)}`]),
  ];
  return `---\n${lines.join('\n')}\n---`;
}

const licence = (said: string | null) => (said === null ? 'not stated' : escaped(said));

function usageSection({ title, text, language, code }: Usage): string {
  return `### ${title}\n\n${text}\n\n\`\`\`${language}\n${code}\n\`\`\``;
}

function metricsSections({ evaluations, labels, selectedOnTest }: CardFacts): string[] {
  if (evaluations.length === 0) return ['## Metrics', 'It was not evaluated.'];
  const rows = evaluations.map(({ split, step, pairs, loss, accuracy, macroF1 }) => [
    split + (split === 'test' && selectedOnTest ? ' (its weights were chosen by these labels)' : ''),
    String(step),
    String(pairs),
    loss.toFixed(4),
    percent(accuracy),
    macroF1.toFixed(4),
  ]);
  const last = evaluations.find(({ split }) => split === 'test') ?? evaluations[0]!;
  return [
    '## Metrics',
    table(['split', 'step', 'rows', 'loss', 'accuracy', 'macro-F1'], rows),
    `### Confusion matrix, ${last.split}`,
    confusionTable(last, labels),
    table(
      ['label', 'precision', 'recall', 'F1', 'rows'],
      last.perClass.map(({ label, precision, recall, f1, support }) => [
        escaped(label),
        ...[precision, recall, f1].map((value) => value.toFixed(4)),
        String(support),
      ]),
    ),
  ];
}

function confusionTable({ confusion }: CardEvaluation, labels: readonly string[]): string {
  return table(
    ['gold \\ predicted', ...labels.map(escaped)],
    confusion.map((row, gold) => [`**${escaped(labels[gold] ?? '')}**`, ...row.map(String)]),
  );
}

function weaknessSections({ weaknesses, evaluations }: CardFacts): string[] {
  if (weaknesses === null)
    return ['## Known weaknesses', 'Its answers to single examples were not stored, so that none are known.'];
  const { split, step, slices } = weaknesses;
  const all = slices.find(({ name }) => name === 'all');
  const known = slices
    .filter(({ name, pairs }) => name !== 'all' && pairs > 0)
    .toSorted((one, other) => other.wrong / other.pairs - one.wrong / one.pairs);
  const confusion = evaluations.find((one) => one.split === split);
  return [
    '## Known weaknesses',
    `Kinds of examples of the ${split} split, after step ${step}, the worst first${all === undefined ? '' : `; of all ${all.pairs}, ${percent(all.wrong / Math.max(1, all.pairs))} are wrong`}.`,
    table(
      ['kind', 'examples', 'wrong', 'share wrong'],
      known.map(({ name, pairs, wrong }) => [name, String(pairs), String(wrong), percent(wrong / pairs)]),
    ),
    ...(confusion === undefined ? [] : [mostConfused(confusion)]),
    'It has learnt what its data holds, with the habits of whoever wrote that; other text, other languages and longer texts ' +
      'are outside of what was measured.',
  ];
}

function mostConfused({ confusion, perClass }: CardEvaluation): string {
  const cells = confusion.flatMap((row, gold) =>
    row
      .map((count, predicted) => ({ gold, predicted, count }))
      .filter((cell) => cell.gold !== cell.predicted),
  );
  const [worst] = cells.toSorted((one, other) => other.count - one.count);
  if (worst === undefined || worst.count === 0) return 'It confuses no two labels on that split.';
  const name = (index: number) => escaped(perClass[index]?.label ?? String(index));
  return `Its most frequent mistake is to call ${name(worst.gold)} ${name(worst.predicted)}: ${worst.count} times.`;
}

function dataSection({ data, labels }: CardFacts): string {
  const rows =
    data.rows === null
      ? 'no longer imported'
      : Object.entries(data.rows)
          .map(([split, count]) => `${split} ${count}`)
          .join(', ');
  return [
    `- Data set: ${escaped(data.name)}`,
    `- Rows: ${rows}`,
    `- Labels, in the order of the outputs: ${labels.map(escaped).join(', ')}`,
    `- Content (SHA-256 of its examples): \`${data.contentHash}\``,
    ...(data.source === null ? [] : [`- Imported from: ${escaped(data.source)}`]),
  ].join('\n');
}

function trainingSection(facts: CardFacts): string {
  const { network, parameters, vocabularyHash, base, checkpoint, engine, createdAt, hyperparameters } = facts;
  const lines = [
    `- Network: ${network.variant === 'book' ? "the book's BERT" : 'BERT'}, ${network.layers} layers, hidden ${network.hidden}, ` +
      `feed-forward ${network.feedForward}, ${network.heads} heads, a vocabulary of ${network.vocabularySize} tokens` +
      (parameters === null ? '' : `, ${parameters} parameters`),
    `- Weights: ${checkpoint.kind === 'best' ? 'the best' : 'the last'} checkpoint, step ${checkpoint.step}, epoch ${checkpoint.epoch.toFixed(2)}`,
    `- They began with: ${base === null ? 'random numbers' : escaped(base)}`,
    `- Vocabulary (SHA-256): \`${vocabularyHash}\``,
    `- Run made: ${createdAt}${engine === null ? '' : `, on ${escaped(engine)}`}`,
  ];
  return `${lines.join('\n')}\n\n${table(
    ['setting', 'value'],
    hyperparameters.map(([name, value]) => [name, escaped(value)]),
  )}`;
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Names from outside are text, not markup. */
function escaped(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\`*_{}[\]<>#|]/g, (sign) => `\\${sign}`);
}
