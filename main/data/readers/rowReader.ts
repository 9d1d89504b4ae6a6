/** @file Runs anywhere. Records of a table to rows of a data set: labels, splits and both forms of each sentence. */
import type { ColumnMapping, Sentence, Split } from '../../../shared/datasets.ts';
import { PART_GROUP, partInName } from '../groupColumns.ts';
import { parseColumn } from '../mapping.ts';
import { tokenizeTreebank } from '../treebankTokenizer.ts';
import { extractText, joinWords } from './bookText.ts';
import type { LabelScheme } from './labels.ts';
import { splitOfWord } from './locate.ts';
import type { TableRecord } from './records.ts';
import type { SourceRow } from './source.ts';

/** What a reader of one file needs to know. */
export interface RowPlan {
  readonly fileName: string;
  /** The split that the file's name tells. */
  readonly split: Split | null;
  /** Names of the columns, in the order of a record's values. */
  readonly columns: readonly string[];
  readonly mapping: ColumnMapping;
  readonly scheme: LabelScheme;
  /** Columns that tell kinds of examples apart. */
  readonly groups: readonly string[];
}

/** Where a sentence stands: its raw text, and its parse (-1 when there is none). */
interface SentencePlace {
  readonly raw: number;
  readonly parse: number;
}

/** A function that turns one record into one row. */
export function rowReader(plan: RowPlan): (record: TableRecord) => SourceRow {
  const { fileName: file, scheme, mapping, columns } = plan;
  const label = columns.indexOf(mapping.label);
  const splitColumn = mapping.split === null ? -1 : columns.indexOf(mapping.split);
  const readPremise = sentenceReader(placeOf(mapping.premise, columns), mapping.tokenised);
  const readHypothesis =
    mapping.hypothesis === null
      ? null
      : sentenceReader(placeOf(mapping.hypothesis, columns), mapping.tokenised);

  const readKinds = kindsReader(plan);

  return ({ line, values, problem }) => {
    if (problem !== null) return { kind: 'rejected', file, line, reason: problem };
    const word = values[label]!;
    const labelIndex = scheme.words.get(word);
    if (labelIndex === undefined) {
      if (scheme.unlabelled.has(word)) return { kind: 'unlabelled', file, line };
      return { kind: 'rejected', file, line, reason: word.trim() === '' ? 'empty label' : 'unknown label' };
    }
    let split = plan.split;
    if (split === null && splitColumn >= 0) {
      split = splitOfWord(values[splitColumn]!) ?? null;
      if (split === null) return { kind: 'rejected', file, line, reason: 'unknown split' };
    }
    const premise = readPremise(values);
    const hypothesis = readHypothesis === null ? null : readHypothesis(values);
    if (premise.tokens === '' || hypothesis?.tokens === '') {
      return { kind: 'rejected', file, line, reason: 'empty sentence' };
    }
    return {
      kind: 'pair',
      file,
      line,
      split,
      premise,
      hypothesis,
      label: labelIndex,
      kinds: readKinds(values),
    };
  };
}

/** Of most data sets there is nothing to read. */
const NO_KINDS: readonly string[] = [];

function kindsReader({
  fileName,
  groups,
  columns,
}: RowPlan): (values: readonly string[]) => readonly string[] {
  if (groups.length === 0) return () => NO_KINDS;
  const part = partInName(fileName) ?? '';
  const places = groups.map((name) => columns.indexOf(name));
  return (values) =>
    places.map((at, group) => (at >= 0 ? values[at]! : groups[group] === PART_GROUP ? part : ''));
}

function placeOf(column: string, columns: readonly string[]): SentencePlace {
  return { raw: columns.indexOf(column), parse: columns.indexOf(parseColumn(column)) };
}

/** Remembers the last sentence: SNLI has every premise three times, one after another. */
function sentenceReader(
  { raw, parse }: SentencePlace,
  tokenised: boolean,
): (values: readonly string[]) => Sentence {
  let lastRaw = '';
  let lastParse = '';
  let last: Sentence = { raw: '', tokens: '' };
  return (values) => {
    const rawText = values[raw]!;
    const parseText = parse < 0 ? '' : values[parse]!;
    if (rawText === lastRaw && parseText === lastParse) return last;
    lastRaw = rawText;
    lastParse = parseText;
    last = sentenceOf(rawText, parseText, tokenised);
    return last;
  };
}

function sentenceOf(raw: string, parse: string, tokenised: boolean): Sentence {
  const parsed = parse === '' ? '' : extractText(parse);
  if (parsed !== '') return { raw: raw === '' ? parsed : raw, tokens: parsed };
  return { raw, tokens: tokenised ? joinWords(raw) : tokenizeTreebank(raw) };
}
