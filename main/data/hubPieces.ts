/**
 * @file Runs anywhere. Which Parquet files of a hub's data set hold which split of which configuration: as its card says,
 * or by the names that hubs give (CONFIG/SPLIT-00000-of-00001.parquet, CONFIG/SPLIT/0000.parquet).
 */
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';
import type { HubFile, HubRepository } from '../hub/hubRepository.ts';
import { splitInName } from './readers/locate.ts';

export interface HubPiece {
  /** Part of a repository that holds several data sets, such as "mnli" of "glue". */
  readonly config: string;
  /** As the hub calls it: "validation_matched". */
  readonly split: string;
  readonly file: HubFile;
}

export interface HubPieceChoice {
  /** Null: the only one, or the one that is shown first. */
  readonly config: string | null;
  /** As the hub calls them; null: all that are for training, development or testing. */
  readonly splits: readonly string[] | null;
}

export interface ChosenPieces {
  readonly config: string;
  readonly pieces: readonly HubPiece[];
  /** Splits that are left where they are. */
  readonly leftOut: readonly string[];
}

const DEFAULT_CONFIG = 'default';
const MAX_SHOWN = 20;

const patterns = z.union([z.string(), z.array(z.string())]);
const configsSchema = z.object({
  configs: z.array(
    z.object({
      config_name: z.string(),
      default: z.boolean().optional(),
      data_files: z.union([patterns, z.array(z.object({ split: z.string(), path: patterns }))]),
    }),
  ),
});

/** In the order of the card, else of the files. Empty when the repository has no Parquet files. */
export function piecesOf({ files, card }: HubRepository): HubPiece[] {
  const tables = files.filter(({ path }) => path.toLowerCase().endsWith('.parquet'));
  const { success, data } = configsSchema.safeParse(card);
  const told = success ? data.configs.flatMap((config) => piecesOnCard(config, tables)) : [];
  return told.length > 0 ? told : tables.map(pieceByName);
}

/** The configuration that a card shows first; null when it says nothing. */
function defaultConfig(card: unknown): string | null {
  const { success, data } = configsSchema.safeParse(card);
  return success ? (data.configs.find((config) => config.default === true)?.config_name ?? null) : null;
}

/** @throws StudioError NOT_FOUND for a configuration or split that is not there; USAGE when there are several to choose from */
export function choosePieces(
  { name, card }: HubRepository,
  pieces: readonly HubPiece[],
  choice: HubPieceChoice,
): ChosenPieces {
  const configs = [...new Set(pieces.map(({ config }) => config))];
  const config = choice.config ?? onlyConfig(configs, defaultConfig(card));
  if (config === null)
    throw new StudioError('USAGE', `hf:${name} holds ${configs.length} data sets: ${listed(configs)}.`, {
      nextStep: 'Choose one with --config.',
    });
  const inConfig = pieces.filter((piece) => piece.config === config);
  if (inConfig.length === 0)
    throw new StudioError(
      'NOT_FOUND',
      `hf:${name} has no configuration ${config}; it has: ${listed(configs)}.`,
      {
        nextStep: 'Choose one of them with --config, or leave it out.',
      },
    );
  const splits = [...new Set(inConfig.map(({ split }) => split))];
  const missing = choice.splits?.find((split) => !splits.includes(split));
  if (missing !== undefined)
    throw new StudioError(
      'NOT_FOUND',
      `${config} of hf:${name} has no split ${missing}; it has: ${listed(splits)}.`,
      {
        nextStep: 'Name splits as the hub does, or leave --split out.',
      },
    );
  const wanted = choice.splits ?? knownSplits(splits);
  return {
    config,
    pieces: inConfig.filter(({ split }) => wanted.includes(split)),
    leftOut: splits.filter((split) => !wanted.includes(split)),
  };
}

/** Names under which the importer tells splits apart: "train-00001.parquet". */
export function localNames(pieces: readonly HubPiece[]): string[] {
  const counts = new Map<string, number>();
  return pieces.map(({ split }) => {
    const count = counts.get(split) ?? 0;
    counts.set(split, count + 1);
    return `${split.replace(/[^\w.-]/g, '_')}-${String(count).padStart(5, '0')}.parquet`;
  });
}

function onlyConfig(configs: readonly string[], told: string | null): string | null {
  if (configs.length === 1) return configs[0]!;
  if (told !== null && configs.includes(told)) return told;
  return configs.includes(DEFAULT_CONFIG) ? DEFAULT_CONFIG : null;
}

/** Splits whose name says what they are for; if none does, the first is all there is to take. */
function knownSplits(splits: readonly string[]): readonly string[] {
  const known = splits.filter((split) => splitInName(`${split}.parquet`) !== null);
  return known.length > 0 ? known : splits.slice(0, 1);
}

type ConfigOnCard = z.infer<typeof configsSchema>['configs'][number];

function piecesOnCard(
  { config_name: config, data_files: told }: ConfigOnCard,
  tables: readonly HubFile[],
): HubPiece[] {
  const matching = (paths: string | readonly string[]) => {
    const expressions = [paths].flat().map(globExpression);
    return tables.filter(({ path }) => expressions.some((expression) => expression.test(path)));
  };
  if (typeof told === 'string') return matching(told).map((file) => ({ ...pieceByName(file), config }));
  return told.flatMap((one) =>
    typeof one === 'string'
      ? matching(one).map((file) => ({ ...pieceByName(file), config }))
      : matching(one.path).map((file) => ({ config, split: one.split, file })),
  );
}

/** A card's pattern for paths: * within a folder, ** across folders, ? one character. */
function globExpression(pattern: string): RegExp {
  const parts = pattern.slice(0, 500).split(/(\*\*\/?|\*|\?)/);
  const source = parts.map((part) => {
    if (part.startsWith('**')) return '.*';
    if (part === '*') return '[^/]*';
    return part === '?' ? '[^/]' : part.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`);
}

function pieceByName(file: HubFile): HubPiece {
  const folders = file.path.split('/');
  const stem = folders.pop()!.replace(/\.parquet$/i, '');
  // CONFIG/SPLIT/0000.parquet, as the hub converts other formats.
  const isNumbered = /^\d+$/.test(stem) && folders.length > 0;
  const split = isNumbered ? folders.pop()! : stem.replace(/-\d+(-of-\d+)?$/, '');
  const folder = folders.join('/');
  return { config: folder === '' || folder === 'data' ? DEFAULT_CONFIG : folder, split, file };
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, MAX_SHOWN).join(', ')}${names.length > MAX_SHOWN ? ', …' : ''}`;
}
