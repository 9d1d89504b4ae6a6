/** @file Runs under Node. Tells a person's own address that a run is done or has failed; only if they gave one. */
import { request } from 'undici';
import { StudioError } from '../../shared/errors.ts';
import type { RunRecord } from '../../shared/runs.ts';

const TIMEOUT_MS = 10_000;

/** What is posted, as JSON. */
export interface WebhookMessage {
  readonly run: string;
  readonly name: string | null;
  readonly state: string;
  readonly dataset: string;
  readonly testAccuracy: number | null;
  readonly message: string;
}

export function webhookMessage({ id, name, state, config, result, error }: RunRecord): WebhookMessage {
  const message = error === null ? `Run ${id} is ${state}.` : `Run ${id} has failed: ${error.message}`;
  return {
    run: id,
    name,
    state,
    dataset: config.dataset.name,
    testAccuracy: result?.testAccuracy ?? null,
    message,
  };
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
