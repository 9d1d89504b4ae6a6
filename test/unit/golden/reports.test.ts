/** @file Tests. What the README claims of GPUs is what reports in docs/reports/ show: neither more nor less. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatEngineTest } from '../../../main/golden/engineTestText.ts';
import { isForTests } from '../../../main/golden/engineTraits.ts';
import { ENGINE_NAMES, type EngineName } from '../../../shared/engines.ts';

const ROOT = dirname(dirname(dirname(import.meta.dirname)));
const REPORTS = join(ROOT, 'docs', 'reports');
const UNPROVEN = 'not yet run on a GPU';

interface ShownRun {
  readonly engine: EngineName;
  readonly device: string;
  readonly passes: boolean;
}

/** What a report says at its top; null for a file that is no report. */
function runIn(text: string): ShownRun | null {
  const cell = (name: string) => new RegExp(`^\\| ${name} \\| (.+) \\|$`, 'm').exec(text)?.[1];
  const engine = ENGINE_NAMES.find((name) => name === cell('engine'));
  const device = cell('device');
  const verdict = cell('verdict');
  if (engine === undefined || device === undefined || verdict === undefined) return null;
  return { engine, device, passes: verdict.startsWith('passes: ') };
}

/** A real one: neither the processor nor a GPU that a processor plays. */
const isOnGpu = ({ engine, device }: ShownRun) =>
  !device.startsWith('cpu') &&
  !isForTests({ engine, device, versions: {}, threads: 1, deterministic: true, pinned: {} });

/** The rows of a README's table of engines that speak of a GPU, by engine. */
function gpuRows(readme: string): Map<string, string> {
  const table = readme.slice(readme.indexOf('## Engines')).split('\n## ')[0]!;
  const rows = [...table.matchAll(/^\| `(\w+)` \|.*$/gm)];
  return new Map(rows.filter(([row]) => row.includes('GPU')).map(([row, name]) => [name!, row]));
}

/** Engines of whose GPUs the README says too much or too little. */
function wronglyTold(readme: string, reports: readonly string[]): string[] {
  const proven = reports.flatMap((text) => {
    const run = runIn(text);
    return run?.passes === true && isOnGpu(run) ? [run.engine as string] : [];
  });
  return [...gpuRows(readme)]
    .filter(([engine, row]) => row.includes(UNPROVEN) === proven.includes(engine))
    .map(([engine]) => engine);
}

const files = readdirSync(REPORTS).filter((name) => name.endsWith('.md') && name !== 'README.md');
const texts = files.map((name) => readFileSync(join(REPORTS, name), 'utf8'));
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

describe('reports of engines', () => {
  it('can be read, each of them, and stand in the list', () => {
    const list = readFileSync(join(REPORTS, 'README.md'), 'utf8');
    for (const [at, name] of files.entries()) {
      expect(runIn(texts[at]!), name).not.toBeNull();
      expect(list).toContain(`(${name})`);
    }
  });

  it('are what the README says of GPUs', () => {
    expect(gpuRows(readme).size).toBeGreaterThanOrEqual(1);
    expect(wronglyTold(readme, texts)).toEqual([]);
  });

  it('are missed and noticed: the comparison can fail', () => {
    const report = (device: string, passes: boolean) =>
      formatEngineTest({
        format: 1,
        testedAt: '',
        environment: {
          ...{ entail: '', node: '', platform: '', cpu: '', cores: 1, memoryBytes: 1, gitCommit: null },
        },
        engine: {
          ...{ engine: 'tensorflow', device, threads: 1, deterministic: true },
          versions: {},
          pinned: {},
        },
        ...{ goldens: [], training: null, peakMemoryBytes: null, deviceMemoryBytes: null, findings: [] },
        ...{ failure: null, passes, notice: null },
      });
    const row = (said: string) => `## Engines\n\n| \`tensorflow\` | on a GPU${said} | none |\n\n## More\n`;
    const onGpu = report('cuda:0 NVIDIA H200', true);
    expect(wronglyTold(row(''), [])).toEqual(['tensorflow']);
    expect(wronglyTold(row(` (${UNPROVEN})`), [])).toEqual([]);
    expect(wronglyTold(row(` (${UNPROVEN})`), [onGpu])).toEqual(['tensorflow']);
    expect(wronglyTold(row(''), [onGpu])).toEqual([]);
    for (const other of [
      report('cpu', true),
      report('cuda:0 NVIDIA H200', false),
      report('webgpu:0 SwiftShader', true),
    ])
      expect(wronglyTold(row(''), [other])).toEqual(['tensorflow']);
  });
});
