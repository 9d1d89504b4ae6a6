/** @file Node. Opens a data set, whatever form it comes in: finds its files, tells its columns and labels, reads its rows. */
import type { ColumnMapping } from '../../../shared/datasets.ts';
import { StudioError } from '../../../shared/errors.ts';
import { groupColumnsOf, PART_GROUP, partInName } from '../groupColumns.ts';
import { chooseColumns, SNLI_CHOICE, SNLI_COLUMNS, SNLI_KEYS } from '../mapping.ts';
import { type ClassNames, labelsOfNames } from './classNames.ts';
import { type Description, describeFile } from './describe.ts';
import {
  type LabelScheme,
  labelRecord,
  MIN_CLASSES,
  SNLI_SCHEME,
  schemeGiven,
  schemeOfWords,
  WordTally,
} from './labels.ts';
import { type LocatedFiles, locateFiles } from './locate.ts';
import { rowReader } from './rowReader.ts';
import type { PairSource, SourceRow } from './source.ts';
import { columnsWanted, readTable } from './table.ts';
import { TokenisedTally } from './tokenised.ts';

export type { PairSource, SourceRow } from './source.ts';

export interface OpenOptions {
  /** Columns and labels that a person gave; the others are told from the file. */
  readonly mapping?: Partial<ColumnMapping>;
  readonly format?: ColumnMapping['format'];
  /** What whole-number labels mean, from a card; a file's own names count more. */
  readonly classNames?: ClassNames;
  /** Cancels the look through the labels of a large file. */
  readonly signal?: AbortSignal;
  /** For a first glance: labels are told from so many rows of each file, or from as many more as show two. */
  readonly lookRows?: number;
}

const BLOCK_ROWS = 1000;

/**
 * Opens a data set: a file, a folder or a zip archive (read without being unpacked). For anything but SNLI whose
 * labels are not given, the whole file is read once for its labels (unless `lookRows` says otherwise), so that they do not
 * depend on the order of rows.
 * @throws StudioError NOT_FOUND, UNREADABLE, BAD_FILE; USAGE for a mapping that does not fit; CANCELLED.
 */
export async function openSource(path: string, options: OpenOptions = {}): Promise<PairSource> {
  const located = await locateFiles(path);
  try {
    const described: Description[] = [];
    for (const file of located.files) described.push(await describeFile(file, options.format ?? null));
    const plan = isSnli(described, options)
      ? snliPlan(described, options)
      : await mappedPlan(described, options);
    return new OpenSource(located, described, plan);
  } catch (thrown) {
    await located.close();
    throw thrown;
  }
}

/** How the rows of all files are read. */
interface Plan {
  readonly mapping: ColumnMapping;
  readonly guessed: boolean;
  readonly scheme: LabelScheme;
  readonly complete: boolean;
  readonly groups: readonly string[];
}

class OpenSource implements PairSource {
  readonly format: ColumnMapping['format'];
  readonly mapping: ColumnMapping;
  readonly mappingGuessed: boolean;
  readonly labels: readonly string[];
  readonly labelsComplete: boolean;
  readonly files: PairSource['files'];
  readonly groups: readonly string[];
  readonly ignoredFiles: readonly string[];
  readonly totalBytes: number;
  readonly #located: LocatedFiles;
  readonly #described: readonly Description[];
  readonly #scheme: LabelScheme;
  #bytesRead = 0;

  constructor(located: LocatedFiles, described: readonly Description[], plan: Plan) {
    this.format = plan.mapping.format;
    this.mapping = plan.mapping;
    this.mappingGuessed = plan.guessed;
    this.labels = plan.scheme.labels;
    this.labelsComplete = plan.complete;
    this.groups = plan.groups;
    this.files = located.files.map(({ name, split, sizeBytes }) => ({ name, split, sizeBytes }));
    this.ignoredFiles = located.ignored;
    this.totalBytes = located.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    this.#located = located;
    this.#described = described;
    this.#scheme = plan.scheme;
  }

  bytesRead(): number {
    return this.#bytesRead;
  }

  async *rows(signal?: AbortSignal): AsyncGenerator<readonly SourceRow[]> {
    this.#bytesRead = 0;
    let block: SourceRow[] = [];
    for (const description of this.#described) {
      const { file } = description;
      const columns = columnsWanted(description, this.mapping);
      const read = rowReader({
        fileName: file.name,
        split: file.split,
        columns: columns.all,
        mapping: this.mapping,
        scheme: this.#scheme,
        groups: this.groups,
      });
      const onBytes = (bytes: number) => {
        this.#bytesRead += bytes;
      };
      for await (const records of readTable(description, columns, { signal, onBytes })) {
        for (const record of records) {
          block.push(read(record));
          if (block.length < BLOCK_ROWS) continue;
          yield block;
          block = [];
        }
      }
    }
    if (block.length > 0) yield block;
  }

  async close(): Promise<void> {
    await this.#located.close();
  }
}

/** SNLI's own layout, unless a person said how else to read it. */
function isSnli(described: readonly Description[], { mapping = {}, format }: OpenOptions): boolean {
  if (format !== undefined) return format.startsWith('snli-');
  if (Object.values(mapping).some((value) => value !== undefined)) return false;
  return described.every(hasSnliColumns);
}

function hasSnliColumns({ kind, columns }: Description): boolean {
  if (kind === 'csv' || kind === 'parquet') return false;
  const expected = kind === 'tsv' ? SNLI_COLUMNS : SNLI_KEYS;
  const found = kind === 'tsv' ? columns : columns.toSorted();
  return found.length === expected.length && found.every((column, at) => column === expected[at]);
}

function snliPlan(described: readonly Description[], { mapping }: OpenOptions): Plan {
  const other = described.find((one) => !hasSnliColumns(one));
  if (other !== undefined) {
    const expected = other.kind === 'tsv' ? SNLI_COLUMNS : SNLI_KEYS;
    const missing = expected.filter((column) => !other.columns.includes(column));
    const what = missing.length === 0 ? 'in another order, or more of them' : `without ${missing.join(', ')}`;
    throw new StudioError('BAD_FILE', `${other.file.path} does not have SNLI's columns: they are ${what}.`, {
      nextStep: 'Leave out --format: the columns are then told from the header.',
      place: { file: other.file.path, line: 1 },
    });
  }
  if (mapping !== undefined && Object.keys(mapping).length > 0) {
    throw new StudioError('USAGE', "SNLI's own format needs no mapping.", {
      nextStep: 'Leave out either --format or --mapping.',
    });
  }
  const format = described[0]!.kind === 'tsv' ? 'snli-txt' : 'snli-jsonl';
  return {
    mapping: { ...SNLI_CHOICE, format, labels: labelRecord(SNLI_SCHEME), tokenised: false },
    guessed: false,
    scheme: SNLI_SCHEME,
    complete: true,
    groups: [],
  };
}

/** Any other table: columns from the header of the first file, labels from all files. */
async function mappedPlan(
  described: readonly Description[],
  { mapping = {}, classNames, signal, lookRows = Number.POSITIVE_INFINITY }: OpenOptions,
): Promise<Plan> {
  const first = described[0]!;
  requireUsable(first, mapping);
  const { choice, guessed } = chooseColumns(first.columns, mapping, first.file.path);
  for (const { file, columns, kind } of described) {
    const { premise, hypothesis, label, split } = choice;
    const missing = [premise, hypothesis, label, split].find(
      (name) => name !== null && !columns.includes(name),
    );
    if (missing === undefined && kind === first.kind) continue;
    const what = missing === undefined ? `is written as ${kind}` : `has no column ${missing}`;
    throw new StudioError('BAD_FILE', `${file.path} ${what}, unlike ${first.file.name}.`, {
      nextStep: 'Import files with the same columns together, and others as a data set of their own.',
      place: { file: file.path, line: 1 },
    });
  }
  const draft: ColumnMapping = {
    ...choice,
    format: first.kind,
    labels: {},
    tokenised: mapping.tokenised ?? false,
  };
  const classes = first.table?.classNames.get(choice.label) ?? classNames?.get(choice.label);
  const given = givenScheme(mapping.labels ?? (classes === undefined ? undefined : labelsOfNames(classes)));
  const look =
    given !== null && mapping.tokenised !== undefined
      ? null
      : await lookThrough(described, draft, { signal, lookRows });
  const scheme = given ?? schemeOfWords(look!.labels.counts, choice.label, first.file.path);
  const tokenised = mapping.tokenised ?? look!.texts.tokenised;
  const complete = given !== null || look!.complete;
  const groups = groupsOf(described, draft);
  return { mapping: { ...draft, labels: labelRecord(scheme), tokenised }, guessed, scheme, complete, groups };
}

/** In the order of the files; MultiNLI's two development sets are told apart by their files' names. */
function groupsOf(described: readonly Description[], choice: ColumnMapping): string[] {
  const columns = described.flatMap((one) => groupColumnsOf(one.columns, choice));
  const parts = described.map(({ file }) => partInName(file.name)).filter((part) => part !== null);
  return [...new Set([...(parts.length > 1 ? [PART_GROUP] : []), ...columns])];
}

function givenScheme(labels: ColumnMapping['labels'] | undefined): LabelScheme | null {
  return labels === undefined ? null : schemeGiven(labels);
}

/** @throws StudioError BAD_FILE for a column that was named and cannot be used, saying why */
function requireUsable({ file, table }: Description, mapping: Partial<ColumnMapping>): void {
  for (const name of [mapping.premise, mapping.hypothesis, mapping.label, mapping.split]) {
    const why = typeof name === 'string' ? table?.unusable.get(name) : undefined;
    if (why === undefined) continue;
    throw new StudioError('BAD_FILE', `The column ${name} of ${file.path} ${why}.`, {
      nextStep: 'Name a column of text or plain numbers, or write the file again with one.',
      place: { file: file.path },
    });
  }
}

interface Look {
  readonly labels: WordTally;
  readonly texts: TokenisedTally;
  /** Every row was looked at. */
  readonly complete: boolean;
}

/** Reads labels, and the form of the texts. */
async function lookThrough(
  described: readonly Description[],
  mapping: ColumnMapping,
  { signal, lookRows }: { signal: AbortSignal | undefined; lookRows: number },
): Promise<Look> {
  const labels = new WordTally();
  const texts = new TokenisedTally();
  let complete = true;
  for (const description of described) {
    const columns = columnsWanted(description, mapping);
    const label = columns.all.indexOf(mapping.label);
    const premise = columns.all.indexOf(mapping.premise);
    let rows = 0;
    for await (const records of readTable(description, columns, { signal })) {
      for (const { values, problem } of records) {
        if (problem !== null) continue;
        labels.add(values[label]!);
        texts.add(values[premise]!);
      }
      rows += records.length;
      // A file that is sorted by label shows one of them for long.
      if (rows < lookRows || labels.counts.size < MIN_CLASSES) continue;
      complete = false;
      break;
    }
  }
  return { labels, texts, complete };
}
