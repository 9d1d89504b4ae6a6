/** @file Runs under Node. `entail pretrain`: learns a language from plain text, to fine-tune from. */
import { type Command, Option } from 'commander';
import { OFFERED_ENGINES } from '../../shared/engines.ts';
import { PRETRAINING_DEFAULTS, PRETRAINING_FIELDS } from '../../shared/pretraining.ts';
import { TEXT_LAYOUTS, type TextLayout, type TextRecord } from '../../shared/texts.ts';
import type { TrainRequest } from '../studio/training.ts';
import type { Studio } from '../studio.ts';
import { type Cli, describe, type Work } from './command.ts';
import { besideProgramsOption, DEVICES_HELP } from './devicesFlag.ts';
import { countOf, countText } from './figures.ts';
import { addHyperparameterFlags, hyperparametersFrom } from './hyperparameterFlags.ts';
import { downloadProgressText } from './progressText.ts';
import { printable } from './terminal.ts';
import { noWaitOption, type PlaceOptions, placeFrom } from './trainRequest.ts';
import { watchTraining } from './watchTraining.ts';

interface PretrainOptions extends PlaceOptions {
  readonly text: string;
  readonly layout?: TextLayout;
}

const GROUP = 'What and where:';

export function addPretrain(program: Command, cli: Cli): void {
  const command = describe(program.command('pretrain'), {
    summary: 'learn a language from plain text, to fine-tune from',
    details:
      "The book's two tasks: words that are masked, and whether one sentence follows another. Pairs and masks are drawn " +
      'anew in every epoch.\n' +
      'A text is a file of UTF-8 text (empty lines divide paragraphs; . ! or ? before white space and no small letter ' +
      'ends a sentence), a file, folder or zip in the layout of WikiText (wiki.train.tokens: a paragraph a line, " . " ' +
      'between sentences), or the name of one that was given before. The studio keeps a copy of its words.\n' +
      'Fine-tune from the run with "train --model RUN"; go on after a stop with "runs resume".',
    examples: [
      ['pretrain --text wikitext-2', "the book's text, fetched once (4.5 MB), at the book's sizes"],
      ['pretrain --text notes.txt --epochs 5 --min-freq 2', 'any text'],
      ['pretrain --text wikitext-2 --layers 4 --hidden 256 --heads 4 --feed-forward 1024', 'another size'],
      ['pretrain --text other.txt --model RUN', 'go on from an earlier pretraining, with its vocabulary'],
    ],
  });
  const collect = (tag: string, tags: readonly string[]) => [...tags, tag];
  const options = [
    new Option(
      '--text <TEXT>',
      'a file, folder or zip; a text that is here; wikitext-2',
    ).makeOptionMandatory(),
    new Option('--layout <WORD>', 'how the file is read (default: by its name)').choices(TEXT_LAYOUTS),
    new Option('--model <RUN>', 'start from the weights and vocabulary of a finished run'),
    new Option('--vocabulary <FILE>', 'a vocab.json, instead of building one from the text'),
    new Option('--engine <NAME>', `${OFFERED_ENGINES.join(' or ')} (default: the best that works)`),
    new Option('--threads <N>', 'threads of the engine (default: one a core)'),
    new Option('--devices <LIST>', DEVICES_HELP),
    besideProgramsOption(),
    new Option('--name <NAME>', 'a name for the run'),
    new Option('--experiment <NAME>', 'the experiment that the run belongs to'),
    new Option('--tag <TAG>', 'a tag; may be given several times').argParser(collect).default([], 'none'),
    noWaitOption(),
    new Option('--queue', 'let the run wait for its turn instead of starting it'),
  ];
  for (const option of options) command.addOption(option.helpGroup(GROUP));
  addHyperparameterFlags(command, PRETRAINING_FIELDS).action(
    (given: PretrainOptions & { queue?: true } & Record<string, unknown>) =>
      cli.run(given, async (work) => {
        const studio = await work.studio();
        const hyperparameters = hyperparametersFrom(given, PRETRAINING_DEFAULTS);
        const place = placeFrom(given);
        const text = await findText(work, studio, given);
        const request: TrainRequest = {
          kind: 'pretraining',
          dataset: text.name,
          ...{ hyperparameters, ...place },
        };
        if (given.queue === true) return await enqueue(work, studio, request);
        const started: TrainRequest = { devices: 'free', ...request };
        return await watchTraining(
          work,
          { epochs: hyperparameters.epochs, kind: 'pretraining' },
          (listener) => studio.training.start(started, listener, work.interruption.stop),
        );
      }),
  );
}

async function findText(
  { terminal, interruption }: Work,
  { texts }: Studio,
  { text, layout }: PretrainOptions,
): Promise<TextRecord> {
  const startedMs = performance.now();
  const found = await texts.find(text, layout ?? null, {
    signal: interruption.stop,
    onProgress: (progress) => {
      terminal.event('progress', progress);
      const elapsedSeconds = (performance.now() - startedMs) / 1000;
      terminal.showLive(
        progress.step === 'download'
          ? downloadProgressText({ what: 'WikiText-2', elapsedSeconds, ...progress })
          : `reading the text … ${Math.round(progress.fraction * 100)} %`,
      );
    },
  });
  terminal.endLive();
  const { train, dev } = found.splits;
  terminal.event('text', found);
  terminal.line(
    `Text ${printable(found.name)}: ${countText(train.words)} words, ${countOf(train.sentences, 'sentence')}, ` +
      `${countOf(train.paragraphs, 'paragraph')}; ${countOf(dev.sentences, 'sentence')} for validation`,
  );
  return found;
}

async function enqueue({ terminal }: Work, { queue }: Studio, request: TrainRequest): Promise<undefined> {
  const runId = await queue.add(request, 'back');
  const place = queue.placeOf(runId);
  const where = place === null ? 'starts' : `waits at place ${place}`;
  terminal.line(`Run ${terminal.paint('bold', runId)} ${where}. What starts it: npx --no entail queue list`);
  terminal.event('result', { runId, place });
  return undefined;
}
