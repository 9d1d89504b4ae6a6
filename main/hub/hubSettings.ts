/**
 * @file Node. Which hub is asked and as whom, from the variables and the file that the hub's own tools use: HF_ENDPOINT,
 * HF_TOKEN, HF_TOKEN_PATH, HF_HOME, HF_HUB_OFFLINE.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';

export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: URL;
  /** Secret: goes to `endpoint` only, into no message and no record. */
  readonly token: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PUBLIC_HUB = 'https://huggingface.co';
/** What the hub's own tools take for "yes". */
const YES: ReadonlySet<string> = new Set(['1', 'ON', 'YES', 'TRUE']);
/** What an HTTP header can carry; a longer file is no token. */
const TOKEN = /^[\x21-\x7e]{1,500}$/;

/** @throws StudioError USAGE for a mirror that is no address or a token that is none, OFFLINE with HF_HUB_OFFLINE. */
export function hubSettings(environment: Environment = process.env): HubSettings {
  if (YES.has((environment['HF_HUB_OFFLINE'] ?? '').toUpperCase()))
    throw new StudioError('OFFLINE', 'HF_HUB_OFFLINE says that no hub is to be asked.', {
      nextStep: 'Unset it to download, or import a folder or file that you have.',
    });
  return { endpoint: endpointOf(environment), token: tokenOf(environment) };
}

function endpointOf(environment: Environment): URL {
  const text = (given(environment, 'HF_ENDPOINT') ?? PUBLIC_HUB).replace(/\/+$/, '');
  const url = URL.parse(text);
  if ((url?.protocol === 'https:' || url?.protocol === 'http:') && url.search === '' && url.hash === '')
    return url;
  throw new StudioError('USAGE', 'HF_ENDPOINT is not the address of a hub.', {
    nextStep: 'It looks like https://hub.example.org; unset it for the public hub.',
  });
}

function tokenOf(environment: Environment): string | null {
  const text = given(environment, 'HF_TOKEN') ?? given(environment, 'HUGGING_FACE_HUB_TOKEN');
  const token = text ?? readToken(tokenPath(environment));
  if (token === null || TOKEN.test(token)) return token;
  const nextStep = 'Write it again as the hub shows it, or take it away for what is public.';
  throw new StudioError('USAGE', 'The token for the hub (HF_TOKEN, or its file) is none.', { nextStep });
}

function tokenPath(environment: Environment): string {
  const cache = given(environment, 'XDG_CACHE_HOME') ?? join(homedir(), '.cache');
  const home = given(environment, 'HF_HOME') ?? join(cache, 'huggingface');
  return given(environment, 'HF_TOKEN_PATH') ?? join(home, 'token');
}

/** Null when there is no such file, or none that this user may read. */
function readToken(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return text === '' ? null : text;
  } catch {
    return null;
  }
}

function given(environment: Environment, name: string): string | null {
  const value = environment[name]?.trim();
  return value === undefined || value === '' ? null : value;
}
