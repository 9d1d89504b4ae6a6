/** @file Tests. The help of every command: it is there, it has examples, and the examples are right. */
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { Cli } from '../../../main/cli/command.ts';
import { buildProgram, parseWords } from '../../../main/cli/program.ts';
import { HYPERPARAMETERS } from '../../../shared/hyperparameters.ts';

/** A program whose commands do nothing, and what it wrote. */
function quietProgram() {
  const ran: string[] = [];
  const cli: Cli = { run: async () => void ran.push('ran') };
  let written = '';
  const output = {
    write: (text: string) => {
      written += text;
    },
  };
  return { program: buildProgram(cli, output, '9.9.9'), ran, written: () => written };
}

function pathsOf(command: Command, path: readonly string[] = []): string[][] {
  return command.commands.flatMap((child) => {
    const own = [...path, child.name()];
    return child.commands.length === 0 ? [own] : [own, ...pathsOf(child, own)];
  });
}

const PATHS = pathsOf(quietProgram().program);

async function helpOf(path: readonly string[]): Promise<string> {
  const { program, written } = quietProgram();
  await parseWords(program, [...path, '--help']);
  return written();
}

/** Words of an example line as a shell would split it: double and single quotes are enough. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

describe('help', () => {
  it('exists for every command that was promised', () => {
    expect(PATHS.map((path) => path.join(' ')).sort()).toEqual(
      [
        ...[
          'demo',
          'devices',
          'train',
          'pretrain',
          'evaluate',
          'predict',
          'datasets',
          'runs',
          'engines',
          'cache',
          'cache clear',
        ],
        ...['queue', 'studio', 'export', 'serve', 'models'],
        ...['import', 'download', 'list', 'show', 'label', 'delete'].map((verb) => `models ${verb}`),
        ...['import', 'list', 'show', 'download', 'delete'].map((verb) => `datasets ${verb}`),
        ...['list', 'show', 'compare', 'resume', 'import', 'delete'].map((verb) => `runs ${verb}`),
        ...['list', 'install', 'uninstall', 'doctor', 'test'].map((verb) => `engines ${verb}`),
        ...['list', 'add', 'run', 'move', 'remove', 'beside', 'pause', 'resume'].map(
          (verb) => `queue ${verb}`,
        ),
      ].sort(),
    );
  });

  it.each(PATHS.map((path) => [path.join(' '), path] as const))(
    'of %s has examples that parse',
    async (_, path) => {
      const help = await helpOf(path);
      expect(help).toContain(`Usage: npx --no entail ${path.join(' ')}`);
      const examples = [...help.matchAll(/^ {2}\$ npx --no entail (.+)$/gm)].map(([, line]) => line!);
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        const { program, ran } = quietProgram();
        await parseWords(program, shellWords(example));
        expect(ran, example).toEqual(['ran']);
      }
    },
  );

  it("of train tells range, default and the book's value of every hyperparameter", async () => {
    const help = (await helpOf(['train'])).replace(/\s+/g, ' ');
    for (const { help: text, range, default: byDefault, book } of HYPERPARAMETERS) {
      expect(help).toContain(text);
      if (typeof byDefault === 'boolean') continue;
      expect(help).toContain(range);
      expect(help).toContain(`default ${String(byDefault)}`);
      if (book !== undefined) expect(help).toContain(`book ${book}`);
    }
    expect(help).toContain('--freeze-encoder Train only the hidden and the output layer. (off when left out');
    for (const whole of ['epochs', 'max-len', 'clip-norm'])
      expect(help).toContain(`--${whole} <${whole === 'clip-norm' ? 'X' : 'N'}>`);
    expect(help).toContain('--micro-batch-tokens <N>');
  });

  it.each([
    [['help', 'runs', 'list'], 'Usage: npx --no entail runs list'],
    [['help', 'queue'], '$ npx --no entail queue run'],
    [['help'], '$ npx --no entail studio'],
  ])('is what %j shows, examples and all', async (words, shown) => {
    const { program, ran, written } = quietProgram();
    await parseWords(program, words);
    expect(written()).toContain(shown);
    expect(ran).toEqual([]);
  });

  it('of what is no command names it', async () => {
    const { program, written } = quietProgram();
    await expect(parseWords(program, ['help', 'runs', 'lits'])).rejects.toMatchObject({
      code: 'USAGE',
      message: 'There is no command "runs lits".',
      nextStep: 'npx --no entail help runs shows what there is.',
    });
    expect(written()).toBe('');
  });

  it('is what a group without a verb answers, as wrong usage', async () => {
    const { program, written } = quietProgram();
    await expect(parseWords(program, ['engines'])).rejects.toMatchObject({ code: 'USAGE' });
    expect(written()).toContain('Usage: npx --no entail engines');
  });
});
