/** @file Tests. The report that a person pastes: verdict, every row, nothing of the person, nothing that breaks a table. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatEngineTest, verdictText } from '../../../main/golden/engineTestText.ts';
import type { EngineTestReport } from '../../../shared/engineTest.ts';

const ROW = {
  ...{ golden: 'model_book.json', compared: 'loss and every gradient', comparisons: 41 },
  ...{ farthest: 'logits', relativeError: 1.4e-7, tolerance: 1e-5, passes: true, error: null },
};
const REPORT: EngineTestReport = {
  format: 1,
  testedAt: '2026-11-28T09:00:00.000Z',
  environment: {
    ...{ entail: '0.1.0', node: '24.21.0', platform: 'linux x64 6.1.0', cpu: 'A | B', cores: 2 },
    ...{ memoryBytes: 25e9, gitCommit: '0123456789abcdef0123456789abcdef01234567' },
  },
  engine: {
    ...{ engine: 'tensorflow', device: 'cuda:0 NVIDIA H200', threads: 16, deterministic: false },
    versions: { tfjs: '4.22.0', tensorflow: '2.21.0' },
    pinned: { threads: '16', oneDnn: '1' },
  },
  notice: null,
  goldens: [ROW],
  training: {
    ...{ network: 'book', steps: 20, pairsPerStep: 512, lossBefore: 1.5, lossAfter: 0.77 },
    ...{ expectedLossAfter: 0.7700001, pairsPerSecond: 51_234.5 },
  },
  peakMemoryBytes: 1e9,
  deviceMemoryBytes: 2.5e9,
  findings: [
    { what: 'NVIDIA driver', found: true, detail: '580.95.05', required: false },
    { what: 'libcudnn.so.9', found: false, detail: join(homedir(), 'x.so'), required: true },
  ],
  failure: null,
  passes: true,
};

describe('a report', () => {
  const text = formatEngineTest(REPORT);
  const lines = text.split('\n');

  it('names engine, device, versions, machine and figures', () => {
    expect(lines[0]).toBe('# Engine `tensorflow` on cuda:0 NVIDIA H200');
    for (const line of [
      '| engine | tensorflow |',
      '| device | cuda:0 NVIDIA H200 |',
      '| versions | tfjs 4.22.0, tensorflow 2.21.0 |',
      '| settings | threads 16, oneDnn 1, not deterministic |',
      '| pairs/s | 51235 |',
      '| memory of the device | 2.5 GB |',
      '| processor | A \\| B, 2 threads, 25.0 GB |',
      '| Entail | 0.1.0, 0123456789ab |',
      '| model_book.json | loss and every gradient | logits | 1.4e-7 | 1.0e-5 | ok |',
      '| loss of the first batch after 20 steps | 0.7700000 |',
      '| found | NVIDIA driver | 580.95.05 |',
    ])
      expect(lines).toContain(line);
    expect(lines[4]).toBe('| verdict | passes: 41 comparisons with PyTorch, all within their tolerances |');
  });

  it('says that the GPU is not used, and why', () => {
    const unused = { ...REPORT, notice: 'TensorFlow computes on the processor: no | GPU.' };
    expect(formatEngineTest(unused)).toContain(
      '| device | cuda:0 NVIDIA H200 |\n| notice | TensorFlow computes on the processor: no \\| GPU. |\n',
    );
  });

  it('holds no home folder', () => {
    expect(text).not.toContain(homedir());
    expect(lines).toContain(`| MISSING | libcudnn.so.9 | ~${join('/', 'x.so')} |`);
  });

  it('says what is outside its tolerance, what threw, and what was no number', () => {
    const bad = { ...ROW, passes: false, relativeError: null, error: 'a <b> | c' };
    const failing = { ...REPORT, goldens: [ROW, bad], passes: false };
    expect(verdictText(failing)).toBe('fails: 1 of 2 parts are outside their tolerance');
    expect(formatEngineTest(failing)).toContain(
      '| model_book.json | loss and every gradient | logits; error: a &lt;b> \\| c | no number | 1.0e-5 | OUTSIDE |',
    );
  });

  it('says what ended a test early', () => {
    const failure = { code: 'WORKER_CRASHED' as const, message: 'The worker ended.', nextStep: 'Tell us.' };
    const early = { ...REPORT, training: null, failure, passes: false, peakMemoryBytes: null };
    expect(verdictText(early)).toBe('fails: the test ended early, after 1 of its parts (The worker ended)');
    const shown = formatEngineTest(early);
    expect(shown).toContain('## What ended it\n\nThe worker ended. Tell us.');
    expect(shown).toContain('| pairs/s | not measured |');
    expect(shown).toContain('| peak memory of the process | not known |');
  });
});
