/** @file Runs anywhere. Why a hub does not give something, from its status and its X-Error-Code, and what to do. */
import { StudioError } from '../../shared/errors.ts';

export interface HubRefusal {
  /** What was asked for, as a person wrote it: "hf:OWNER/NAME@main". */
  readonly what: string;
  /** The hub's address, for messages. */
  readonly host: string;
  readonly status: number;
  /** The hub's X-Error-Code, such as GatedRepo; null when it gives none. */
  readonly code: string | null;
  readonly hasToken: boolean;
}

const HOW_TO_GIVE_A_TOKEN =
  'Make a token in your settings of the hub, set it in HF_TOKEN (it is sent to the hub only), and try again.';

/** @returns NOT_FOUND, UNAUTHORISED, FORBIDDEN, TOO_MANY_ATTEMPTS or DOWNLOAD_FAILED. */
export function hubRefusal(refusal: HubRefusal): StudioError {
  const { what, host, status, code, hasToken } = refusal;
  if (code === 'GatedRepo') return gated(refusal);
  if (code === 'DisabledRepo') return new StudioError('NOT_FOUND', `${host} has disabled ${what}.`);
  if (code === 'RevisionNotFound')
    return new StudioError('NOT_FOUND', `${what} has no such revision on ${host}.`, {
      nextStep: 'Name a branch, a tag or a whole commit of it, or leave @REVISION out.',
    });
  if (code === 'EntryNotFound')
    return new StudioError('NOT_FOUND', `A file of ${what} is not on ${host} any more.`, {
      nextStep: 'Start the download again: its list of files is then read anew.',
    });
  // Who may not see a repository is told the same as if there were none.
  if (code === 'RepoNotFound' || status === 404)
    return new StudioError('NOT_FOUND', `${host} has no ${what}, or does not show it to you.`, {
      nextStep: `Check the name. If it is private: ${hasToken ? 'your token must be allowed to read it.' : HOW_TO_GIVE_A_TOKEN}`,
    });
  if (status === 401 && hasToken)
    return new StudioError('UNAUTHORISED', `${host} does not accept the token that was given for it.`, {
      nextStep:
        'Make a new one in your settings of the hub and set it in HF_TOKEN; what is public needs none.',
    });
  if (status === 401)
    return new StudioError('UNAUTHORISED', `${host} gives ${what} only to people whom it knows.`, {
      nextStep: HOW_TO_GIVE_A_TOKEN,
    });
  if (status === 403)
    return new StudioError('FORBIDDEN', `${host} refuses to give ${what}.`, {
      nextStep: hasToken ? 'Your token must be allowed to read it.' : HOW_TO_GIVE_A_TOKEN,
    });
  if (status === 429)
    return new StudioError('TOO_MANY_ATTEMPTS', `${host} answers no more for now: it was asked too often.`, {
      nextStep: hasToken
        ? 'Wait a few minutes and start again: what was downloaded is kept.'
        : `Wait a few minutes and start again: what was downloaded is kept. With a token it allows more. ${HOW_TO_GIVE_A_TOKEN}`,
    });
  return new StudioError(
    'DOWNLOAD_FAILED',
    `${host} answered with status ${status} when asked for ${what}.`,
    {
      nextStep: 'Try again later: what was downloaded is kept.',
    },
  );
}

function gated({ what, host, hasToken }: HubRefusal): StudioError {
  const message = `${host} gives ${what} only to people who have accepted its terms.`;
  return hasToken
    ? new StudioError('FORBIDDEN', message, {
        nextStep: 'Accept them on its page, with the account of your token, and try again.',
      })
    : new StudioError('UNAUTHORISED', message, {
        nextStep: `Accept them on its page. ${HOW_TO_GIVE_A_TOKEN}`,
      });
}

/** That a hub's answer is not what its interface says. */
export function oddAnswer(host: string, what: string, cause?: unknown): StudioError {
  return new StudioError('DOWNLOAD_FAILED', `${host} does not answer as a hub does: ${what}.`, {
    nextStep: 'Check HF_ENDPOINT; perhaps a login page answers in its place.',
    cause,
  });
}

/** For a machine without a network: the same error, with the way by hand. */
export function orByHand(thrown: unknown, byHand: string): unknown {
  if (!(thrown instanceof StudioError) || thrown.code !== 'OFFLINE') return thrown;
  return new StudioError('OFFLINE', thrown.message, {
    nextStep: `${thrown.nextStep} Without a network here: ${byHand}`,
    cause: thrown,
  });
}
