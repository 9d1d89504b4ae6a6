/** @file Tests. The command line in this process: the real commands on a real studio, without the start of a Node for each. */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { cliOver } from '../../main/cli/command.ts';
import { tellFailure } from '../../main/cli/failure.ts';
import { buildProgram, parseWords } from '../../main/cli/program.ts';
import { Terminal } from '../../main/cli/terminal.ts';
import { openCache } from '../../main/data/cache.ts';
import { importDataset } from '../../main/data/importDataset.ts';
import { checkoutEntries } from '../../main/entries.ts';
import { dataPlaces } from '../../main/studio/dataDirectory.ts';
import { openStudio } from '../../main/studio.ts';
import { numberedPairs, writePairsCsv } from './pairsCsv.ts';
import type { Ran } from './runEntail.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** A data directory of its own with a small data set, "pairs". */
export async function homeWithPairs(): Promise<string> {
  const home = temporaryFolder();
  const path = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(path, numberedPairs(240));
  const cache = openCache(dataPlaces(home).cacheDatabase);
  await importDataset(cache, { path, name: 'pairs' });
  cache.close();
  return home;
}

/** Flags of a run on them that takes a moment. */
export const TINY_RUN: readonly string[] = [
  ...['--dataset', 'pairs', '--engine', 'wasm', '--threads', '1', '--epochs', '1', '--batch-size', '64'],
  ...['--size', 'free', '--layers', '1', '--hidden', '16', '--heads', '2', '--feed-forward', '16'],
];

export interface HereOptions {
  /** The data directory. */
  readonly home: string;
  /** Called with everything written so far, whenever there is more; `press` is Ctrl-C. */
  readonly onOutput?: (stdout: string, press: () => void) => void;
}

/** Runs `entail …words`. Neither its input nor its output is a terminal. */
export async function entailHere(words: readonly string[], { home, onOutput }: HereOptions): Promise<Ran> {
  const signals = new EventEmitter();
  const ran = { code: null as number | null, stdout: '', stderr: '' };
  const output = collector((text) => {
    ran.stdout += text;
    onOutput?.(ran.stdout, () => signals.emit('SIGINT'));
  });
  const errors = collector((text) => {
    ran.stderr += text;
  });
  const streams = { input: Readable.from([]), output, errors, environment: {} };
  const cli = cliOver(
    {
      ...{ streams, signals },
      openStudio: async (given, onNotice) =>
        openStudio({
          ...{ dataDirectory: given ?? home, entries: checkoutEntries(), version: '0.0.0', onNotice },
        }),
    },
    (code) => {
      ran.code = code;
    },
  );
  try {
    await parseWords(buildProgram(cli, output, '0.0.0'), words);
  } catch (thrown) {
    ran.code = tellFailure(new Terminal(streams, { json: words.includes('--json') }), thrown);
  }
  return ran;
}

function collector(take: (text: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write: (text: string, _, done) => {
      take(text);
      done();
    },
  });
}
