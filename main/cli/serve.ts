/** @file Runs under Node. `entail serve`: a trained model as a service on this machine. */
import { type Command, Option } from 'commander';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import { startModelServer } from '../headless/modelServer.ts';
import { readVersion } from '../version.ts';
import { type Cli, type CommonOptions, describe, type Work } from './command.ts';
import { printable } from './terminal.ts';
import { engineFrom, wholeNumber } from './values.ts';

interface ServeOptions extends CommonOptions {
  readonly port?: string;
  readonly engine?: string;
  readonly threads?: string;
}

async function runServe(
  model: string,
  options: ServeOptions,
  { terminal, interruption, studio }: Work,
): Promise<void> {
  const port = wholeNumber('--port', options.port, { low: 0, high: 65535 }) ?? 0;
  const engine = engineFrom(options.engine);
  const threads = wholeNumber('--threads', options.threads, { low: 1, high: 1024 }) ?? null;
  const { inference } = await studio();
  const predictor = await inference.openPredictor(model, { engine, threads }, interruption.stop);
  try {
    const server = await startModelServer({ port, predictor, version: `entail ${readVersion()}` });
    const question = predictor.pairs ? '{"premise": "…", "hypothesis": "…"}' : '{"premise": "…"}';
    terminal.line(
      `${printable(predictor.modelId)} answers at ${server.origin}/predict (${printable(predictor.labels.join(', '))})`,
    );
    terminal.line(`  curl ${server.origin}/predict -H 'Content-Type: application/json' -d '${question}'`);
    terminal.line('Ctrl-C ends it, once what was asked is answered.');
    terminal.event('listening', { model: predictor.modelId, origin: server.origin, port: server.port });
    const { promise, resolve } = Promise.withResolvers<void>();
    // A model that is gone answers nobody.
    const watch = setInterval(() => predictor.hasEnded() && resolve(), 500);
    if (interruption.stop.aborted) resolve();
    interruption.stop.addEventListener('abort', () => resolve(), { once: true });
    interruption.kill.addEventListener('abort', () => predictor.kill(), { once: true });
    await promise;
    clearInterval(watch);
    await server.close();
    terminal.event('closed', { batches: server.batches });
    if (!interruption.stop.aborted) throw modelGone(predictor.modelId);
  } finally {
    await predictor.close();
  }
}

/** Whoever started the service must hear that it did not end because somebody wished it. */
function modelGone(model: string): StudioError {
  return new StudioError(
    'WORKER_CRASHED',
    `The process of the model ${model} ended, and the service with it.`,
    {
      nextStep: 'Start it again; if it ends again, try another engine (--engine wasm).',
    },
  );
}

export function addServe(program: Command, cli: Cli): void {
  const command = describe(program.command('serve <MODEL>'), {
    summary: 'a model as a service on this machine: JSON over HTTP',
    details:
      'POST /predict takes one pair or {"pairs": […]}, and requests that come together share a call of the model. GET\n' +
      '/health says what is served. It listens on 127.0.0.1 only, and web pages may not ask it.',
    examples: [
      ['serve r7f3k2', 'on any free port, which it prints'],
      ['serve r7f3k2 --port 8200', 'on a port of your choice'],
      ['serve minilm-nli', 'an imported model, by its name'],
    ],
  });
  command
    .option('--port <PORT>', 'where it listens (default: any free port)')
    .addOption(
      new Option('--engine <NAME>', `${OFFERED_ENGINES.join(' or ')} (default: the best that works)`),
    )
    .option('--threads <N>', 'threads of the engine (default: one a core)')
    .action((model: string, options: ServeOptions) =>
      cli.run(options, async (work) => {
        await runServe(model, options, work);
        return undefined;
      }),
    );
}
