/** @file Runs under Node. Tells a person's own address that a run is done or has failed; only if they gave one. */
import { request } from 'undici';
import { StudioError } from '../../shared/errors.ts';
import type { RunRecord } from '../../shared/runs.ts';

const TIMEOUT_MS = 10_000;

/** What is posted, as JSON. */
export interface WebhookMessage {
  /** One sentence for a person: the field that Slack, Mattermost and their like show. */
  readonly text: string;
  readonly run: string;
  readonly name: string | null;
  readonly state: string;
  readonly dataset: string;
  readonly testAccuracy: number | null;
  readonly message: string;
}

export function webhookMessage(run: RunRecord): WebhookMessage {
  const { id, name, state, config, result, error } = run;
  const failed = state === 'failed' && error !== null;
  return {
    text: withoutMarkup(sentenceOf(run)),
    run: id,
    name,
    state,
    dataset: config.dataset.name,
    testAccuracy: result?.testAccuracy ?? null,
    message: failed ? `Run ${id} has failed: ${error.message}` : `Run ${id} is ${state}.`,
  };
}

/** Slack and its like read <…> in a text as a link or a call to everyone; a run may be called anything. */
const withoutMarkup = (sentence: string) =>
  sentence.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** "Run try (r1ab2c) on snli is completed: test accuracy 78.4 %." */
function sentenceOf({ id, name, state, config, result, error }: RunRecord): string {
  const run = `Run ${name === null ? id : `${name} (${id})`} on ${config.dataset.name}`;
  if (state === 'failed' && error !== null) return `${run} has failed: ${error.message}`;
  const accuracy = result?.testAccuracy ?? null;
  const chosen = result?.selectedOnTest === true ? ' (selected on test)' : '';
  const figure = accuracy === null ? '' : `: test accuracy ${(100 * accuracy).toFixed(1)} %${chosen}`;
  return `${run} is ${state}${figure}.`;
}

/** @throws StudioError DOWNLOAD_FAILED, saying why; the run is not touched by it. */
export async function postWebhook(url: string, message: WebhookMessage): Promise<void> {
  let status: number;
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    status = answer.statusCode;
    await answer.body.dump();
  } catch (thrown) {
    throw failed(url, (thrown as Error).message);
  }
  if (status >= 300) throw failed(url, `it answered ${status}`);
}

function failed(url: string, why: string): StudioError {
  // Addresses of webhooks often carry a secret.
  return new StudioError(
    'DOWNLOAD_FAILED',
    `The webhook at ${new URL(url).host} could not be told: ${why}.`,
    {
      nextStep: 'Check its address in the settings.',
    },
  );
}
