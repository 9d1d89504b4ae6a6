/** @file Tests. `entail serve` in the terminal: it answers until it is told to end, and says so when its model is gone. */
import { beforeAll, expect, it } from 'vitest';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { inferenceChildren } from '../../support/playgroundStudio.ts';

let home = '';
let words: readonly string[] = [];

beforeAll(async () => {
  home = await homeWithPairs();
  const { stdout } = await entailHere(['train', ...TINY_RUN, '--json'], { home });
  const { runId } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { runId: string };
  words = ['serve', runId, '--engine', 'wasm', '--json'];
});

/** What it says where it listens; null before. */
function listening(stdout: string): { origin: string } | null {
  const line = stdout.split('\n').find((one) => one.includes('"listening"'));
  return line === undefined ? null : (JSON.parse(line) as { origin: string });
}

it('answers until Ctrl-C, which is a good end', async () => {
  let answered: Promise<unknown> | null = null;
  const { code } = await entailHere(words, {
    home,
    onOutput: (stdout, press) => {
      const place = listening(stdout);
      if (place === null || answered !== null) return;
      const body = JSON.stringify({ premise: 'a', hypothesis: 'b' });
      const headers = { 'content-type': 'application/json' };
      answered = fetch(`${place.origin}/predict`, { method: 'POST', headers, body }).then((response) =>
        response.json(),
      );
      void answered.finally(press);
    },
  });
  expect(await answered).toMatchObject({ label: expect.any(String) as string });
  expect(code).toBe(0);
});

it('fails when the process of its model ends', async () => {
  let killed = false;
  const { code, stdout } = await entailHere(words, {
    home,
    onOutput: (text) => {
      if (killed || listening(text) === null) return;
      killed = true;
      for (const pid of inferenceChildren()) process.kill(pid, 'SIGKILL');
    },
  });
  expect(code).toBe(1);
  expect(stdout).toContain('"code":"WORKER_CRASHED"');
});
