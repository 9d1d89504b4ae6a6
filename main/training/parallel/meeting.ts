/**
 * @file Runs in training workers. How the workers of a run find each other: the leader opens an exchange, through shared
 * memory where that can be had and else through pipes, and leaves a note about it in the folder that all were given.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { StudioError } from '../../../shared/errors.ts';
import type { ExchangeBinding } from '../../engines/native/exchangeBinding.ts';
import { findNative, type NativePlaces, nativePlaces } from '../../engines/native/loader.ts';
import { systemCode } from '../../files/fileErrors.ts';
import type { CrewPlace } from '../jobs.ts';
import { type GradientExchange, partnerLost } from './gradientExchange.ts';
import { MappedExchange } from './mappedExchange.ts';
import { PipeExchange, type PipePlace } from './pipeExchange.ts';

const NOTE = 'note.json';
const LOOK_EVERY_MS = 20;
const TOKEN_BYTES = 16;

const noteSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('memory'), path: z.string() }),
  z.strictObject({ kind: z.literal('pipe'), path: z.string(), token: z.string() }),
]);
type Note = z.infer<typeof noteSchema>;

/** Settles when all are there. @throws StudioError ENGINE_FAILED, PARTNER_LOST */
export async function meet(
  crew: CrewPlace,
  waiting: () => void,
  native: NativePlaces = nativePlaces(),
): Promise<GradientExchange> {
  const binding = mappingBinding(native);
  if (crew.rank > 0) return await follow(crew, binding, waiting);
  const mapped = crew.exchange === 'pipe' ? null : mapHere(crew, binding);
  if (mapped === null) return await leadPipe(crew, waiting);
  const path = fileOf(crew);
  leaveNote(crew, { kind: 'memory', path });
  await mapped.joined(waiting);
  unlinkSync(path);
  return mapped;
}

const fileOf = ({ folder }: CrewPlace) => join(folder, 'memory');
const ranksOf = ({ rank, devices }: CrewPlace) => ({ rank, ranks: devices.length });

/** Null where the crate is not to be had, or is of a time before it could share memory. */
function mappingBinding(native: NativePlaces): ExchangeBinding | null {
  const search = findNative(native);
  if (search.kind !== 'found') return null;
  const { binding } = search;
  return typeof (binding as Partial<ExchangeBinding>).exchangeCreate === 'function' ? binding : null;
}

/** Null where there is no room, or no such thing on this system. @throws StudioError ENGINE_FAILED where nothing else is wished */
function mapHere(crew: CrewPlace, binding: ExchangeBinding | null): MappedExchange | null {
  try {
    if (binding !== null) return new MappedExchange(binding, { path: fileOf(crew), ...ranksOf(crew) });
    if (crew.exchange === null) return null;
    throw new Error('the crate is not here');
  } catch (thrown) {
    if (crew.exchange === null) return null;
    throw new StudioError(
      'ENGINE_FAILED',
      `Memory cannot be shared: ${thrown instanceof Error ? thrown.message : String(thrown)}.`,
    );
  }
}

async function leadPipe(crew: CrewPlace, waiting: () => void): Promise<GradientExchange> {
  const path =
    process.platform === 'win32' ? `\\\\.\\pipe\\${basename(crew.folder)}` : join(crew.folder, 's');
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const place: PipePlace = { path, token, ...ranksOf(crew) };
  return await PipeExchange.lead(place, {
    waiting,
    listening: () => leaveNote(crew, { kind: 'pipe', path, token }),
  });
}

async function follow(
  crew: CrewPlace,
  binding: ExchangeBinding | null,
  waiting: () => void,
): Promise<GradientExchange> {
  const note = await foundNote(crew, waiting);
  if (note.kind === 'pipe')
    return await PipeExchange.join({ path: note.path, token: note.token, ...ranksOf(crew) }, waiting);
  if (binding === null) throw partnerLost();
  const mapped = new MappedExchange(binding, { path: note.path, ...ranksOf(crew) });
  await mapped.joined(waiting);
  return mapped;
}

function leaveNote({ folder }: CrewPlace, note: Note): void {
  const unfinished = join(folder, 'note.unfinished');
  writeFileSync(unfinished, JSON.stringify(note), { mode: 0o600 });
  renameSync(unfinished, join(folder, NOTE));
}

/** For as long as it takes: a leader that ends takes the others with it. */
async function foundNote({ folder }: CrewPlace, waiting: () => void): Promise<Note> {
  while (true) {
    const note = readNote(join(folder, NOTE));
    if (note !== null) return note;
    waiting();
    await sleep(LOOK_EVERY_MS);
  }
}

function readNote(path: string): Note | null {
  try {
    return noteSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw partnerLost(thrown);
  }
}
