/** @file Runs under Node. The whole command line: every command, its group, and how wrong words are answered. */
import { Command, CommanderError } from 'commander';
import { StudioError } from '../../shared/errors.ts';
import { addCacheClear } from './cacheClear.ts';
import { addCommonOptions, type Cli } from './command.ts';
import { addDatasetsDelete } from './datasetsDelete.ts';
import { addDatasetsDownload } from './datasetsDownload.ts';
import { addDatasetsImport } from './datasetsImport.ts';
import { addDatasetsList } from './datasetsList.ts';
import { addDatasetsShow } from './datasetsShow.ts';
import { addDemo } from './demo.ts';
import { addDevices } from './devices.ts';
import { addEnginesDoctor } from './enginesDoctor.ts';
import { addEnginesInstall } from './enginesInstall.ts';
import { addEnginesList } from './enginesList.ts';
import { addEnginesTest } from './enginesTest.ts';
import { addEnginesUninstall } from './enginesUninstall.ts';
import { addEvaluate } from './evaluate.ts';
import { addExport } from './export.ts';
import { addModelsDelete } from './modelsDelete.ts';
import { addModelsDownload } from './modelsDownload.ts';
import { addModelsImport } from './modelsImport.ts';
import { addModelsLabel } from './modelsLabel.ts';
import { addModelsList } from './modelsList.ts';
import { addModelsShow } from './modelsShow.ts';
import { addPredict } from './predict.ts';
import { addPretrain } from './pretrain.ts';
import { addQueueAdd } from './queueAdd.ts';
import { addQueueBeside } from './queueBeside.ts';
import { addQueueList } from './queueList.ts';
import { addQueueMove } from './queueMove.ts';
import { addQueuePause, addQueueResume } from './queuePause.ts';
import { addQueueRemove } from './queueRemove.ts';
import { addQueueRun } from './queueRun.ts';
import { addRunsCompare } from './runsCompare.ts';
import { addRunsDelete } from './runsDelete.ts';
import { addRunsImport } from './runsImport.ts';
import { addRunsList } from './runsList.ts';
import { addRunsResume } from './runsResume.ts';
import { addRunsShow } from './runsShow.ts';
import { addServe } from './serve.ts';
import { addStudio } from './studio.ts';
import { addTrain } from './train.ts';

interface Group {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly string[];
  readonly commands: readonly ((parent: Command, cli: Cli) => void)[];
}

const GROUPS: readonly Group[] = [
  {
    name: 'datasets',
    summary: 'import, look at and delete data sets',
    examples: ['datasets import snli_1.0.zip --name snli', 'datasets list'],
    commands: [addDatasetsImport, addDatasetsList, addDatasetsShow, addDatasetsDownload, addDatasetsDelete],
  },
  {
    name: 'models',
    summary: 'models that others have trained: import, look at, label, delete',
    examples: ['models import all-MiniLM-L6-v2 --name minilm', 'models list'],
    commands: [
      addModelsImport,
      addModelsDownload,
      addModelsList,
      addModelsShow,
      addModelsLabel,
      addModelsDelete,
    ],
  },
  {
    name: 'runs',
    summary: 'list, compare, resume, import and delete training runs',
    examples: ['runs list', 'runs compare RUN OTHER'],
    commands: [addRunsList, addRunsShow, addRunsCompare, addRunsResume, addRunsImport, addRunsDelete],
  },
  {
    name: 'queue',
    summary: 'runs that wait for their turn: add, order, pause, work through',
    examples: ['queue add --dataset snli --seed 1', 'queue list', 'queue run'],
    commands: [
      ...[addQueueList, addQueueAdd, addQueueRun, addQueueMove, addQueueRemove],
      ...[addQueueBeside, addQueuePause, addQueueResume],
    ],
  },
  {
    name: 'engines',
    summary: 'what trains: list, install, uninstall, examine, test',
    examples: ['engines install tensorflow', 'engines doctor'],
    commands: [addEnginesList, addEnginesInstall, addEnginesUninstall, addEnginesDoctor, addEnginesTest],
  },
  {
    name: 'cache',
    summary: 'encoded tokens, which can always be made again',
    examples: ['cache clear'],
    commands: [addCacheClear],
  },
];

function examplesText(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ npx --no entail ${line}`).join('\n')}`;
}

function addGroup(program: Command, { name, summary, examples, commands }: Group, cli: Cli): void {
  const group = program.command(name).summary(summary).description(summary);
  group
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .addHelpText('after', examplesText(examples));
  for (const add of commands) add(group, cli);
}

/** What commander writes; nothing goes past the streams that the caller chose. */
export interface ProgramOutput {
  write(text: string): void;
}

/** The program, ready for `parseWords`. */
export function buildProgram(cli: Cli, output: ProgramOutput, version: string): Command {
  const program = new Command('npx --no entail')
    .description('Fine-tune BERT on natural language inference, on your own machine.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    // npx takes `npx --no entail --help` for itself, so the bare program needs a word for it.
    .helpCommand('help [command]', 'show this help, or that of a command')
    // A flag after the command belongs to the command, so that the suggestion for a wrong one comes from there.
    .enablePositionalOptions();
  program.addHelpText(
    'after',
    examplesText(['demo', 'train --dataset snli --epochs 5', 'help train', 'studio']),
  );
  addDemo(program, cli);
  addTrain(program, cli);
  addPretrain(program, cli);
  addEvaluate(program, cli);
  addPredict(program, cli);
  addExport(program, cli);
  addServe(program, cli);
  addStudio(program, cli);
  addDevices(program, cli);
  for (const group of GROUPS) addGroup(program, group, cli);
  applyToAll(program, (command) => {
    if (command.commands.length === 0) addCommonOptions(command);
    command.exitOverride();
    command.showSuggestionAfterError();
    // Wrong words are told by tellFailure, as every other error; help goes to the caller's output.
    command.configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: () => {},
      getOutHasColors: () => false,
    });
  });
  return program;
}

function applyToAll(command: Command, change: (command: Command) => void): void {
  change(command);
  for (const child of command.commands) applyToAll(child, change);
}

/** The command that the words name, as far as they name one: "datasets import"; the program itself when they do not. */
function namedCommand(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    const child = childNamed(command, word);
    if (child === undefined) break;
    command = child;
  }
  return command;
}

function childNamed(command: Command, word: string): Command | undefined {
  return command.commands.find((candidate) => candidate.name() === word);
}

const isNoFlag = (word: string) => !word.startsWith('-');

/** @throws StudioError USAGE for words that name no command. */
function commandOfHelp(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    const child = childNamed(command, word);
    if (child === undefined) {
      throw new StudioError('USAGE', `There is no command "${words.join(' ')}".`, {
        nextStep: `npx --no entail ${['help', commandPath(command)].join(' ').trim()} shows what there is.`,
      });
    }
    command = child;
  }
  return command;
}

/** "datasets import"; nothing for the program itself. */
function commandPath(command: Command): string {
  return command.parent === null ? '' : `${commandPath(command.parent)} ${command.name()}`.trim();
}

/**
 * Parses the words after "entail" and runs the command that they name.
 * @throws StudioError USAGE for words that make no command.
 */
export async function parseWords(program: Command, words: readonly string[]): Promise<void> {
  // commander's own "help" knows the first word only, and takes a wrong one for none.
  if (words[0] === 'help') return commandOfHelp(program, words.slice(1).filter(isNoFlag)).outputHelp();
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return;
    const command = namedCommand(program, words);
    const path = commandPath(command);
    // `entail datasets` without a verb: commander answers with the help, and so do we.
    if (thrown.code === 'commander.help') {
      command.outputHelp();
      throw new StudioError('USAGE', `"entail${path === '' ? '' : ` ${path}`}" needs a command.`, {
        nextStep: 'Its commands stand above.',
      });
    }
    const said = thrown.message.replace(/^error: /, '').replaceAll('\n', ' ');
    throw new StudioError('USAGE', `${misspelt(thrown, command, words)}${said}`, {
      nextStep: `npx --no entail ${path === '' ? 'help' : `${path} --help`} shows what there is.`,
    });
  }
}

/** commander says that --dataset is missing before it says that --datset is none: the second explains the first. */
function misspelt({ code }: CommanderError, { options }: Command, words: readonly string[]): string {
  if (code !== 'commander.missingMandatoryOptionValue') return '';
  const flags = words.flatMap((word) => /^--[^=]+/.exec(word) ?? []);
  const unknown = flags.find((flag) => options.every(({ long }) => long !== flag));
  return unknown === undefined ? '' : `unknown option '${unknown}', and `;
}
