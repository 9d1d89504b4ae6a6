/**
 * @file Tests. Both exchanges between workers, memory and pipes: sums in the order of ranks, orders, and partners that leave.
 * Processes of their own are in crew.test.ts.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadNative } from '../../../../main/engines/native/loader.ts';
import {
  CHUNK_NUMBERS,
  type CrewOrder,
  chunksOf,
  type GradientExchange,
} from '../../../../main/training/parallel/gradientExchange.ts';
import { MappedExchange } from '../../../../main/training/parallel/mappedExchange.ts';
import { meet } from '../../../../main/training/parallel/meeting.ts';
import { Silence } from '../../../../main/training/parallel/silence.ts';
import {
  crewHere,
  crewPlaces,
  EXCHANGES,
  type ExchangeName,
  ignored,
} from '../../../support/crewForTests.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { smallDisk } from '../../../support/smallDisk.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';

const STEP: CrewOrder = { kind: 'step', place: { epoch: 3, stepInEpoch: 17, step: 2 ** 33, lr: 0.1 / 3 } };
/** Sizes on both sides of a chunk, and a part of nothing. */
const SIZES = [5, 0, CHUNK_NUMBERS - 7, 100, CHUNK_NUMBERS + 1];

function needs(exchange: ExchangeName, skip: (reason: string) => void): void {
  if (exchange === 'memory') engineForTests('native', skip);
}

/** Numbers whose sum depends on the order in which they are added. */
function partsOf(rank: number): Float32Array[] {
  return SIZES.map((size) => {
    const part = new Float32Array(size);
    for (let at = 0; at < size; at++) part[at] = ((at * 7919 + rank * 104_729) % 9973) / 997 - 5;
    return part;
  });
}

const sameBytes = (one: Float32Array, other: Float32Array) =>
  Buffer.compare(Buffer.from(one.buffer), Buffer.from(other.buffer)) === 0;

async function summed(crew: readonly GradientExchange[]): Promise<Float32Array[][]> {
  const parts = crew.map(({ rank }) => partsOf(rank));
  await Promise.all(crew.map((one, rank) => one.sum(parts[rank]!, ignored)));
  return parts;
}

it('a chunk is made of stretches of parts, none empty, none too long', () => {
  const parts = [new Float32Array(3), new Float32Array(0), new Float32Array(8)];
  const chunks = [...chunksOf(parts, 4)].map(({ pieces, numbers }) => [
    numbers,
    pieces.map(({ length }) => length),
  ]);
  expect(chunks).toEqual([
    [4, [3, 1]],
    [4, [4]],
    [3, [3]],
  ]);
  expect([...chunksOf([new Float32Array(0)])]).toEqual([]);
});

it('where there is no room for shared memory half a file is not left lying', ({ skip }) => {
  needs('memory', skip);
  const disk = smallDisk(1);
  if (disk === null) return skip('only root may mount a small disk');
  const place = { path: join(disk.folder, 'memory'), rank: 0, ranks: 2 };
  expect(() => new MappedExchange(loadNative(), place)).toThrow('No space left');
  expect(readdirSync(disk.folder)).toEqual([]);
});

it('a partner is silent while this process listens: what the computer slept does not count', () => {
  const silence = new Silence(0);
  const longerAt = (nowMs: number) => silence.isLongerThan(10_000, nowMs);
  expect(longerAt(500)).toBe(false);
  expect(longerAt(3_600_000)).toBe(false);
  for (let look = 1; look <= 16; look++) expect(longerAt(3_600_000 + look * 500)).toBe(false);
  expect(longerAt(3_609_000)).toBe(true);
});

describe.each(EXCHANGES)('the exchange by %s', (name) => {
  it.for([2, 4])(
    'gives the sums of %d workers to all, added in the order of ranks',
    async (ranks, { skip }) => {
      needs(name, skip);
      const sums = await summed(await crewHere(ranks, name));
      const expected = partsOf(0);
      for (let rank = 1; rank < ranks; rank++)
        for (const [at, part] of partsOf(rank).entries())
          for (let place = 0; place < part.length; place++) expected[at]![place]! += part[place]!;
      for (const parts of sums)
        expect(parts.map((part, at) => sameBytes(part, expected[at]!))).toEqual(SIZES.map(() => true));
    },
  );

  it('tells orders to the bit, one after another', async ({ skip }) => {
    needs(name, skip);
    const [leader, ...others] = await crewHere(3, name);
    const orders: CrewOrder[] = [STEP, { kind: 'compare' }, STEP, { kind: 'end' }];
    const heard = others.map(async (one) => {
      const found: CrewOrder[] = [];
      while (found.at(-1)?.kind !== 'end') found.push(await one.hear(ignored));
      return found;
    });
    for (const order of orders) await leader!.tell(order, ignored);
    expect(await Promise.all(heard)).toEqual([orders, orders]);
  });

  it('calls back while it waits', async ({ skip }) => {
    needs(name, skip);
    const [leader, other] = await crewHere(2, name);
    const { promise: waited, resolve } = Promise.withResolvers<void>();
    const heard = other!.hear(resolve);
    await waited;
    await leader!.tell(STEP, ignored);
    expect(await heard).toEqual(STEP);
  });

  it('is over for all when one of them leaves', async ({ skip }) => {
    needs(name, skip);
    const [leader, second, third] = await crewHere(3, name);
    const [ofLeader, ofSecond] = [leader!, second!].map((one) =>
      studioRejectionOf(one.sum([new Float32Array(9)], ignored)),
    );
    third!.close();
    expect(await ofLeader).toMatchObject({ code: 'PARTNER_LOST' });
    leader!.close();
    expect(await ofSecond).toMatchObject({ code: 'PARTNER_LOST' });
  });

  it('hands out what was said before its leader left', async ({ skip }) => {
    needs(name, skip);
    const [leader, other] = await crewHere(2, name);
    await leader!.tell({ kind: 'end' }, ignored);
    leader!.close();
    expect(await other!.hear(ignored)).toEqual({ kind: 'end' });
    expect(await studioRejectionOf(other!.hear(ignored))).toMatchObject({ code: 'PARTNER_LOST' });
  });
});

it('leaves no memory by name once all have found it', async ({ skip }) => {
  engineForTests('native', skip);
  const places = crewPlaces(2, 'memory');
  const crew = await Promise.all(places.map((place) => meet(place, ignored)));
  expect(readdirSync(places[0]!.folder)).toEqual(['note.json']);
  for (const one of crew) one.close();
});

it('takes pipes where memory cannot be shared', async ({ skip }) => {
  engineForTests('native', skip);
  const places = crewPlaces(2, null);
  // The name is taken: the file cannot be made.
  writeFileSync(join(places[0]!.folder, 'memory'), '');
  const crew = await Promise.all(places.map((place) => meet(place, ignored)));
  const parts = crew.map(() => Float32Array.of(1, 2));
  await Promise.all(crew.map((one, rank) => one.sum([parts[rank]!], ignored)));
  expect(parts).toEqual([Float32Array.of(2, 4), Float32Array.of(2, 4)]);
  for (const one of crew) one.close();
});

it('takes pipes where the crate is not here', async () => {
  const nowhere = { prebuilt: '/nowhere/a.node', built: '/nowhere/b.node' };
  const crew = await Promise.all(crewPlaces(2, null).map((place) => meet(place, ignored, nowhere)));
  const heard = crew[1]!.hear(ignored);
  await crew[0]!.tell(STEP, ignored);
  expect(await heard).toEqual(STEP);
  for (const one of crew) one.close();
  const [wishes] = crewPlaces(2, 'memory');
  const error = await studioRejectionOf(meet(wishes!, ignored, nowhere));
  expect(error).toMatchObject({ code: 'ENGINE_FAILED' });
});

it('lets nobody in who does not know the token', async () => {
  const places = crewPlaces(2, 'pipe');
  const leading = meet(places[0]!, ignored);
  const path = join(places[0]!.folder, 's');
  const stranger = await connectedTo(path);
  const said = Buffer.from(JSON.stringify({ rank: 1, token: 'guessed' }));
  const header = Buffer.alloc(8);
  header.writeUInt32LE(said.length, 4);
  const { promise: turnedAway, resolve } = Promise.withResolvers<void>();
  stranger.on('close', () => resolve());
  stranger.on('data', () => {});
  stranger.write(Buffer.concat([header, said]));
  await turnedAway;
  const garbage = await connectedTo(path);
  garbage.on('error', ignored);
  garbage.write(Buffer.alloc(64, 0xff));
  const crew = await Promise.all([leading, meet(places[1]!, ignored)]);
  const heard = crew[1]!.hear(ignored);
  await crew[0]!.tell(STEP, ignored);
  expect(await heard).toEqual(STEP);
  garbage.destroy();
  for (const one of crew) one.close();
});

/** As soon as somebody listens there. */
async function connectedTo(path: string) {
  while (true) {
    const socket = createConnection(path);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (connected) return socket;
  }
}
