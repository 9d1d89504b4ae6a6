/** @file Tests. A studio with trained runs whose exports are real: real children, real files, real engines. */
import { join } from 'node:path';
import { checkoutEntries } from '../../main/entries.ts';
import { EngineService } from '../../main/studio/engines.ts';
import { type ExportRequest, ExportService } from '../../main/studio/exports.ts';
import type { ExportRecord } from '../../shared/exports.ts';
import { numberedPairs } from './pairsCsv.ts';
import { PlaygroundStudio } from './playgroundStudio.ts';
import { temporaryFolder } from './temporaryFolder.ts';

const USUAL_PAIRS = 120;

export class ExportingStudio extends PlaygroundStudio {
  readonly exports: ExportService;

  constructor() {
    super();
    const { databases } = this;
    const engines = new EngineService(databases.places.root);
    const preparePage = async () => '';
    this.exports = new ExportService({
      databases,
      entries: checkoutEntries(),
      engines,
      version: '0.0.0',
      preparePage,
    });
  }

  /** -> a studio with the data set "pairs" and a finished run on it; of more pairs than usual all are to be compared. */
  static async withRun(count = USUAL_PAIRS): Promise<{ studio: ExportingStudio; run: string }> {
    const studio = new ExportingStudio();
    const splitOf = (at: number) => (at % 3 === 0 || at >= USUAL_PAIRS ? 'test' : 'train');
    const pairs = numberedPairs(count).map((pair, at) => ({ ...pair, split: splitOf(at) }));
    await studio.import('pairs', pairs);
    return { studio, run: await studio.train('pairs') };
  }

  async export(
    run: string,
    to: ExportRequest['to'],
    {
      folder = join(temporaryFolder(), 'exported'),
      signal = new AbortController().signal,
      ...rest
    }: ExportChoices = {},
  ): Promise<ExportRecord[]> {
    const { onProgress = () => {}, kill, ...request } = rest;
    const licences = { data: null, base: null };
    const defaults = { precision: 'fp32', checkpoint: null, engine: 'wasm', threads: null } as const;
    const watch = { signal, onProgress, ...(kill === undefined ? {} : { kill }) };
    return await this.exports.export({ run, to, folder, licences, ...defaults, ...request }, watch);
  }
}

interface ExportChoices extends Partial<Pick<ExportRequest, 'folder' | 'precision' | 'checkpoint'>> {
  readonly signal?: AbortSignal;
  readonly kill?: AbortSignal;
  readonly onProgress?: (progress: { fraction: number; note: string }) => void;
}
