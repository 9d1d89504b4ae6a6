/** @file Tests. Events on their way: in batches, made few, kept for who comes back, and never more than fits. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createEventHub, type EventHub } from '../../../main/rpc/eventHub.ts';
import { Gathering } from '../../../main/rpc/gathering.ts';
import type { EventBatch, StudioEvent } from '../../../shared/contract/events.ts';
import { samplePoint, samplePoints } from '../../support/sampleRun.ts';

const points = (run: string, from: number, to: number): StudioEvent => ({
  kind: 'points',
  run,
  points: samplePoints('step/loss', from, to),
});
const progress = (run: string, step: number): StudioEvent => ({
  ...{ kind: 'progress', run, state: 'running' },
  progress: { step, totalSteps: 9, epoch: 0, phase: 'training', etaSeconds: 1, pairsPerSecond: 1 },
});
const log = (run: string, ...texts: string[]): StudioEvent => ({
  ...{ kind: 'log', run },
  lines: texts.map((text) => ({ at: '2026-01-01T00:00:00.000Z', level: 'info', text })),
});
const notice = (id: string, text: string): StudioEvent => ({ kind: 'notice', id, level: 'info', text });

/** In few words: "points r1 1-3", "progress r1 3", "log r1 a b". */
function brief(event: StudioEvent): string {
  if (event.kind === 'points') {
    const steps = event.points.map(({ step }) => step);
    const whole = steps.every((step, at) => step === steps[0]! + at);
    return `points ${event.run} ${whole ? `${steps[0]}-${steps.at(-1)}` : steps.join(' ')}`;
  }
  if (event.kind === 'progress') return `progress ${event.run} ${event.progress.step}`;
  if (event.kind === 'log') return `log ${event.run} ${event.lines.map(({ text }) => text).join(' ')}`;
  if (event.kind === 'pointsDropped') return `dropped ${event.run} ${event.afterStep}`;
  if (event.kind === 'runs' || event.kind === 'runsDeleted') return `${event.kind} ${event.ids.join(' ')}`;
  return event.kind === 'notice' ? `notice ${event.text}` : event.kind;
}
const briefly = (batches: readonly EventBatch[]) => batches.map(({ events }) => events.map(brief));

function coalesced(events: readonly StudioEvent[]): StudioEvent[] {
  const gathering = new Gathering();
  for (const event of events) gathering.add(event);
  return gathering.events();
}

/** Everything a hub sends to a listener that begins at a cursor. */
function listen(hub: EventHub, cursor: string | null): EventBatch[] {
  const heard: EventBatch[] = [];
  hub.subscribe(cursor, (batch) => heard.push(batch));
  return heard;
}

/** Settles after the batch that is being gathered. */
const nextBatch = (hub: EventHub) =>
  new Promise<void>((resolve) => {
    const leave = hub.subscribe(null, () => {
      leave();
      resolve();
    });
  });

/** Publishes and waits until it is told. */
async function tell(hub: EventHub, events: readonly StudioEvent[]): Promise<void> {
  const told = nextBatch(hub);
  hub.publish(events);
  await told;
}

const quickHub = () => createEventHub({ start: 's', batchMs: 1 });

describe('a batch', () => {
  it('has the last word of what only says how things stand, at its place', () => {
    const events: StudioEvent[] = [
      ...[progress('r1', 1), { kind: 'datasets' } as const, progress('r2', 1), progress('r1', 2)],
      ...[notice('a', 'one'), notice('b', 'two'), notice('a', ''), { kind: 'datasets' } as const],
      ...[{ kind: 'runs', ids: ['r1'] } as const, { kind: 'runs', ids: ['r1'] } as const],
    ];
    expect(coalesced(events).map(brief)).toEqual([
      ...['progress r2 1', 'progress r1 2', 'notice two', 'notice ', 'datasets', 'runs r1'],
    ]);
  });

  it('puts points and lines of a run together, in order, and none across the end of a curve', () => {
    const events: StudioEvent[] = [
      ...[points('r1', 1, 2), log('r1', 'a'), points('r2', 1, 1), points('r1', 3, 4), log('r1', 'b', 'c')],
      ...[{ kind: 'pointsDropped', run: 'r1', afterStep: 2 } as const, points('r1', 3, 3)],
      ...[points('r2', 2, 2), points('r1', 4, 4)],
    ];
    expect(coalesced(events).map(brief)).toEqual([
      ...['points r1 1-4', 'log r1 a b c', 'points r2 1-2', 'dropped r1 2', 'points r1 3-4'],
    ]);
  });

  it('tells of a run again after it was deleted', () => {
    const events: StudioEvent[] = [
      { kind: 'runs', ids: ['r1'] },
      { kind: 'runsDeleted', ids: ['r1'] },
      { kind: 'runs', ids: ['r1'] },
      { kind: 'runs', ids: ['r1'] },
    ];
    expect(coalesced(events).map(brief)).toEqual(['runs r1', 'runsDeleted r1', 'runs r1']);
  });

  it('leaves the events that it was given as they were', () => {
    const first = points('r1', 1, 2);
    coalesced([first, points('r1', 3, 4)]);
    expect(first).toEqual(points('r1', 1, 2));
  });
});

describe('a hub', () => {
  it('gathers for a while, and numbers what it tells', async () => {
    const hub = quickHub();
    const heard = listen(hub, null);
    hub.publish([points('r1', 1, 1)]);
    hub.publish([points('r1', 2, 2), progress('r1', 2)]);
    expect(heard).toEqual([]);
    await nextBatch(hub);
    await tell(hub, [progress('r1', 3)]);
    expect(briefly(heard)).toEqual([['points r1 1-2', 'progress r1 2'], ['progress r1 3']]);
    expect(heard.map(({ cursor }) => cursor)).toEqual(['s.1', 's.2']);
    expect(hub.cursor).toBe('s.2');
  });

  it('goes on after a cursor: all that came later, and nothing else', async () => {
    const hub = quickHub();
    for (const step of [1, 2, 3]) await tell(hub, [points('r1', step, step)]);
    const from = (cursor: string | null) => briefly(listen(hub, cursor)).flat();
    expect(from('s.0')).toEqual(['points r1 1-1', 'points r1 2-2', 'points r1 3-3']);
    expect(from('s.2')).toEqual(['points r1 3-3']);
    expect(from('s.3')).toEqual([]);
    expect(from(null)).toEqual([]);
    const waiting = listen(hub, 's.2');
    await tell(hub, [points('r1', 4, 4)]);
    expect(briefly(waiting).flat()).toEqual(['points r1 3-3', 'points r1 4-4']);
  });

  it.each([
    '',
    's',
    's.',
    's.x',
    's.-1',
    's.4',
    's.1.5',
    'other.2',
    'S.2',
    '.2',
    '__proto__',
    's.1e0',
    's. 1',
  ])('tells a client that comes with the cursor %j to begin anew, and goes on from there', async (cursor) => {
    const hub = quickHub();
    for (const step of [1, 2, 3]) await tell(hub, [points('r1', step, step)]);
    const heard = listen(hub, cursor);
    expect(heard).toEqual([{ cursor: 's.3', events: [{ kind: 'reset' }] }]);
    await tell(hub, [points('r1', 4, 4)]);
    expect(briefly(heard.slice(1)).flat()).toEqual(['points r1 4-4']);
  });

  it('tells a client that was away for too many batches to begin anew', async () => {
    const hub = quickHub();
    for (let step = 1; step <= 601; step++) await tell(hub, [points('r1', step, step)]);
    expect(briefly(listen(hub, 's.0'))).toEqual([['reset']]);
    expect(listen(hub, 's.1')).toHaveLength(600);
  });

  it('takes ten thousand reports of a run at once, and tells of them in a few events', async () => {
    const hub = quickHub();
    const heard = listen(hub, null);
    for (let step = 1; step <= 10_000; step++)
      hub.publish([points('r1', step, step), progress('r1', step), { kind: 'runs', ids: ['r1'] }]);
    await nextBatch(hub);
    expect(briefly(heard)).toEqual([['points r1 1-10000', 'progress r1 10000', 'runs r1']]);
  });

  it('counts what is in an event: a million points at once are asked for, not told', async () => {
    const hub = quickHub();
    const heard = listen(hub, null);
    const many = Array.from({ length: 1_000_000 }, () => samplePoint('step/loss', 1));
    await tell(hub, [{ kind: 'points', run: 'r1', points: many }, progress('r1', 1)]);
    expect(briefly(heard)).toEqual([['reset']]);
  });

  it('keeps as much for who comes back as a connection takes at once, however much there was', async () => {
    const hub = quickHub();
    for (let batch = 0; batch < 20; batch++)
      await tell(hub, [points('r1', 1 + 10_000 * batch, 10_000 * (batch + 1))]);
    expect(briefly(listen(hub, 's.10'))).toEqual([['reset']]);
    expect(briefly(listen(hub, 's.15')).flat()).toHaveLength(5);
    const bytes = listen(hub, 's.15').reduce((sum, batch) => sum + JSON.stringify(batch).length, 0);
    expect(bytes).toBeLessThan(8e6);
  });

  it('does not grow with what it has told', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const hub = quickHub();
    const usedBytes = async (batches: number) => {
      for (let batch = 0; batch < batches; batch++) await tell(hub, [points('r1', 1, 10_000)]);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await usedBytes(10);
    const after = await usedBytes(100);
    // A million points are a hundred megabytes.
    expect(after - before).toBeLessThan(20e6);
  });

  it('tells nothing once it is closed', async () => {
    const hub = quickHub();
    const heard = listen(hub, null);
    hub.publish([{ kind: 'datasets' }]);
    hub.close();
    hub.publish([{ kind: 'engines' }]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toEqual([]);
  });
});
