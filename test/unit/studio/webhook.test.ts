/** @file Tests. The webhook: what a receiver gets over real HTTP, and what is said of one that cannot be told. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, describe, expect, it } from 'vitest';
import { claimRun } from '../../../main/db/lease.ts';
import { failRun } from '../../../main/db/runState.ts';
import { createRun, findRun } from '../../../main/db/runs.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { RunAnnouncer } from '../../../main/studio/runAnnouncer.ts';
import { RunIndex } from '../../../main/studio/runIndex.ts';
import { SettingsService } from '../../../main/studio/settings.ts';
import { postWebhook, type WebhookMessage, webhookMessage } from '../../../main/studio/webhook.ts';
import type { StudioEvent } from '../../../shared/contract/events.ts';
import { plainPlatform } from '../../support/hostedStudio.ts';
import { closedOrigin, loopbackServer, rawServer } from '../../support/loopbackServer.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { endedRun } from '../../support/studioFile.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const message: WebhookMessage = {
  ...{ run: 'r1', name: 'Ü "x"', state: 'completed', dataset: 'snli', testAccuracy: 0.784 },
  ...{ text: 'Run Ü "x" (r1) on snli is completed: test accuracy 78.4 %.', message: 'Run r1 is completed.' },
};
const SECRET = 'tops3cret';

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  await once(request, 'end');
  return JSON.parse(Buffer.concat(pieces).toString('utf8'));
}

describe('a receiver', () => {
  it('gets one POST of JSON, at the very address', async () => {
    const bodies: Promise<unknown>[] = [];
    const { origin, requests } = await loopbackServer((request, response) => {
      bodies.push(bodyOf(request).finally(() => response.writeHead(204).end()));
    });
    await postWebhook(`${origin}/hook/${SECRET}?to=me`, message);
    expect(requests.map(({ method, url, headers }) => [method, url, headers['content-type']])).toEqual([
      ['POST', `/hook/${SECRET}?to=me`, 'application/json'],
    ]);
    expect(await Promise.all(bodies)).toEqual([message]);
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    [
      'refuses',
      async () => (await loopbackServer((_, response) => response.writeHead(403).end())).origin,
      /answered 403/,
    ],
    [
      'sends elsewhere, where nothing is sent to',
      async () => {
        const headers = { location: 'http://127.0.0.1:1/' };
        return (await loopbackServer((_, response) => response.writeHead(307, headers).end())).origin;
      },
      /answered 307/,
    ],
    ['is not there', closedOrigin, /could not be told/],
    ['hangs up', async () => await rawServer((socket) => socket.destroy()), /could not be told/],
    [
      'speaks nonsense',
      async () => await rawServer((socket) => socket.end('hello\r\n\r\n')),
      /could not be told/,
    ],
  ])('that %s is named by its host only', async (_, open, says) => {
    const origin = await open();
    const url = origin.replace('http://', `http://me:${SECRET}@`);
    const error = await studioRejectionOf(postWebhook(`${url}/${SECRET}?k=${SECRET}#${SECRET}`, message));
    expect(error).toMatchObject({ code: 'DOWNLOAD_FAILED', nextStep: 'Check its address in the settings.' });
    expect(error.message).toMatch(says);
    expect(error.message).toContain(new URL(origin).host);
    expect(JSON.stringify(error.toData())).not.toContain(SECRET);
  });
});

describe('the announcer', () => {
  const places = dataPlaces(temporaryFolder());
  const databases = new Databases(places, () => {});
  const events: StudioEvent[] = [];
  const notified: string[] = [];
  const publish = (some: readonly StudioEvent[]) => void events.push(...some);
  const settings = new SettingsService(databases, publish);
  const announcer = new RunAnnouncer({
    ...{ databases, settings, publish, runIndex: new RunIndex(databases) },
    platform: { ...plainPlatform, notify: ({ title, body }) => notified.push(`${title}: ${body}`) },
  });
  const done = endedRun(databases.store(), [], { name: '<!channel> & co' });
  const failed = createRun(databases.store(), { config: sampleConfig(), environment: sampleEnvironment });
  claimRun(databases.store(), failed);
  failRun(databases.store(), failed, {
    code: 'LOSS_NOT_FINITE',
    message: 'The loss is not a number.',
    nextStep: '',
  });
  afterAll(() => databases.close());

  it('tells of runs that are done or have failed, and of no others', async () => {
    const bodies: Promise<unknown>[] = [];
    const { origin } = await loopbackServer((request, response) => {
      bodies.push(bodyOf(request).finally(() => response.end('thanks')));
    });
    settings.change({ webhookUrl: `${origin}/h` });
    for (const state of ['stopped', 'interrupted', 'paused'] as const) announcer.ended(done, state);
    announcer.ended(done, 'completed');
    announcer.ended(failed, 'failed');
    await until(() => bodies.length === 2);
    const told = (await Promise.all(bodies)) as WebhookMessage[];
    expect(told.toSorted((one, other) => one.state.localeCompare(other.state))).toEqual([
      {
        ...{ run: done, name: '<!channel> & co', state: 'completed', dataset: 'snli', testAccuracy: 0.784 },
        text: `Run &lt;!channel&gt; &amp; co (${done}) on snli is completed: test accuracy 78.4 %.`,
        message: `Run ${done} is completed.`,
      },
      {
        ...{ run: failed, name: null, state: 'failed', dataset: 'snli', testAccuracy: null },
        text: `Run ${failed} on snli has failed: The loss is not a number.`,
        message: `Run ${failed} has failed: The loss is not a number.`,
      },
    ]);
    expect(told[0]).toEqual(webhookMessage(findRun(databases.store(), told[0]!.run)));
    expect(notified).toEqual([
      '<!channel> & co is done: Test accuracy 78.4 %',
      `${failed} has failed: The loss is not a number.`,
    ]);
  });

  it('says once and without the secret that a receiver cannot be told, and nothing where there is none', async () => {
    events.length = 0;
    settings.change({ webhookUrl: `${await closedOrigin()}/${SECRET}`, notifyWhenDone: false });
    events.length = 0;
    announcer.ended(done, 'completed');
    await until(() => events.length > 0);
    expect(events).toMatchObject([{ kind: 'notice', id: 'webhook', level: 'warning' }]);
    expect(JSON.stringify(events)).not.toContain(SECRET);
    expect(notified).toHaveLength(2);
    settings.change({ webhookUrl: null });
    events.length = 0;
    announcer.ended(done, 'completed');
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
  });
});
