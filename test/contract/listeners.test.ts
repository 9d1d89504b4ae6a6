/** @file Tests. Listening over every transport (safety.md B3, I22 to I24): leaving, throwing, and far too much to hear. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createEventHub, type EventHub } from '../../main/rpc/eventHub.ts';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import type { EventBatch, StudioEvent } from '../../shared/contract/events.ts';
import { openHosted } from '../support/hostedStudio.ts';
import { samplePoint } from '../support/sampleRun.ts';
import { TRANSPORTS } from '../support/transports.ts';
import { until } from '../support/until.ts';

const notice = (text: string): StudioEvent => ({ kind: 'notice', id: text, level: 'info', text });
const textsOf = ({ events }: EventBatch) =>
  events.flatMap((event) => (event.kind === 'notice' ? [event.text] : [event.kind]));

describe.each(['memory', 'electron', 'http'] as const)('over %s', (name) => {
  let studio: HostedStudio;

  beforeAll(() => {
    studio = openHosted();
  });

  it('lets a listener leave twice, and others go on (I22)', async () => {
    const hub = createEventHub({ start: 's', batchMs: 1 });
    const door = await TRANSPORTS[name]({ dispatch: studio.dispatch, events: hub });
    const other: string[] = [];
    hub.subscribe(null, (batch) => other.push(...textsOf(batch)));
    const heard: string[] = [];
    const leave = await door.subscribe(null, (batch) => heard.push(...textsOf(batch)));
    hub.publish([notice('one')]);
    await until(() => heard.length === 1);
    leave();
    leave();
    hub.publish([notice('two')]);
    await until(() => other.length === 2);
    // A new listener of the same page is served as if nothing had been.
    const again: string[] = [];
    await door.subscribe('s.1', (batch) => again.push(...textsOf(batch)));
    await until(() => again.length === 1);
    expect([heard, again]).toEqual([['one'], ['two']]);
  });

  it('serves the others when a listener throws, and that one again the next time (I23)', async () => {
    const hub = createEventHub({ start: 's', batchMs: 1 });
    const door = await TRANSPORTS[name]({ dispatch: studio.dispatch, events: hub });
    const heard: string[] = [];
    const tried: string[] = [];
    if (name === 'http') {
      // Here a listener that throws is a client that goes away in the middle.
      const gone = await door.subscribe(null, (batch) => {
        tried.push(...textsOf(batch));
        gone();
      });
    } else {
      await door.subscribe(null, (batch) => {
        tried.push(...textsOf(batch));
        throw new Error('a defect of the page');
      });
    }
    hub.subscribe(null, (batch) => heard.push(...textsOf(batch)));
    hub.publish([notice('one')]);
    await until(() => heard.length === 1 && tried.length === 1);
    hub.publish([notice('two')]);
    await until(() => heard.length === 2);
    expect(heard).toEqual(['one', 'two']);
    expect(tried).toEqual(name === 'http' ? ['one'] : ['one', 'two']);
  });

  it('tells of a hundred thousand events a second in at most ten batches a second (I24)', async () => {
    const hub = createEventHub({ start: 's' });
    const door = await TRANSPORTS[name]({ dispatch: studio.dispatch, events: hub });
    const batches: EventBatch[] = [];
    await door.subscribe(null, (batch) => batches.push(batch));
    const beganMs = performance.now();
    const points = await flood(hub, { rounds: 10, eventsARound: 5000 });
    hub.publish([notice('end')]);
    await until(() => batches.some((batch) => textsOf(batch).includes('end')));
    const seconds = (performance.now() - beganMs) / 1000;
    expect(batches.length).toBeLessThanOrEqual(10 * seconds + 1);
    const progress = batches.map(({ events }) => events.filter(({ kind }) => kind === 'progress').length);
    expect(Math.max(...progress)).toBe(1);
    // Nothing is lost unless a client is told to begin anew.
    const told = batches.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === 'points' ? event.points.map(({ step }) => step) : [])),
    );
    const reset = batches.some((batch) => textsOf(batch).includes('reset'));
    if (!reset) expect(told).toEqual(Array.from({ length: points }, (_, at) => at + 1));
    expect(told).toEqual(told.toSorted((one, other) => one - other));
  });
});

/** Half of the events are points of a curve, half say how a run stands; a round every fifty milliseconds. */
async function flood(
  hub: EventHub,
  { rounds, eventsARound }: { rounds: number; eventsARound: number },
): Promise<number> {
  let step = 0;
  for (let round = 0; round < rounds; round++) {
    const events: StudioEvent[] = [];
    for (let at = 0; at < eventsARound / 2; at++) {
      step++;
      events.push({ kind: 'points', run: 'r1', points: [samplePoint('step/loss', step)] });
      events.push({ kind: 'progress', run: 'r1', state: 'running', progress: progressAt(step) });
    }
    hub.publish(events);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return step;
}

function progressAt(step: number) {
  return { step, totalSteps: 1e6, epoch: 0, phase: 'training', etaSeconds: 1, pairsPerSecond: 1 } as const;
}
