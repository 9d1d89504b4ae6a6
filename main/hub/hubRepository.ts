/** @file Node. A repository of a hub at one commit: which files it has, how large they are, and their sums. */
import { datasetInfo, listFiles, modelInfo } from '@huggingface/hub';
import { z } from 'zod';
import type { StudioError } from '../../shared/errors.ts';
import type { DownloadLimits } from '../files/downloadRequest.ts';
import { DOWNLOAD_LIMITS } from '../files/downloadRequest.ts';
import { openHttpClient } from '../files/httpGet.ts';
import { oddAnswer } from './hubErrors.ts';
import { hubFetch } from './hubFetch.ts';
import { type HubKind, type HubReference, hubReferenceText } from './hubReference.ts';
import type { HubSettings } from './hubSettings.ts';

export interface HubFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the content: files in large storage have a SHA-256, others git's own sum. Hexadecimal. */
  readonly sum: { readonly sha256: string } | { readonly gitSha1: string };
}

export interface HubRepository {
  readonly kind: HubKind;
  /** As the hub calls it today, which may differ from what was asked for. */
  readonly name: string;
  /** 40 hexadecimal digits: what was downloaded, whatever becomes of the branch. */
  readonly commit: string;
  /** What its card says the licence is; null when it does not say. */
  readonly license: string | null;
  /** The card's data about itself, unchecked. */
  readonly card: unknown;
  /** In the order of the hub. */
  readonly files: readonly HubFile[];
}

export interface HubAsking {
  readonly settings: HubSettings;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<DownloadLimits>;
}

/** No model or data set that can be read here comes near. */
const MAX_FILES = 20_000;

const infoSchema = z.object({
  name: z.string().regex(/^[\w.-]+(\/[\w.-]+)?$/),
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  // A repository without a README has none.
  cardData: z.unknown().optional(),
});
const cardSchema = z.object({ license: z.union([z.string(), z.array(z.string())]) });
/** A path cannot leave the folder that it is put into. */
const filePath = z.string().regex(/^(?!\/)(?!(.*\/)?\.{1,2}(\/|$))[^\0\\]{1,1000}$/);
const fileSchema = z.object({
  type: z.literal('file'),
  path: filePath,
  size: z.number().int().min(0),
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.number().int().min(0) }).optional(),
});

/**
 * Asks the hub for a repository: what its revision is today, and the files of that commit.
 * @throws StudioError OFFLINE, NOT_FOUND, UNAUTHORISED, FORBIDDEN, TOO_MANY_ATTEMPTS, DOWNLOAD_FAILED; what the signal
 * was aborted with
 */
export async function askRepository(
  kind: HubKind,
  reference: HubReference,
  asking: HubAsking,
): Promise<HubRepository> {
  const { settings, signal, limits } = asking;
  const client = openHttpClient({ ...DOWNLOAD_LIMITS, ...limits });
  const { endpoint } = settings;
  const common = {
    hubUrl: endpoint.href.replace(/\/$/, ''),
    fetch: hubFetch({ ...asking, client, what: hubReferenceText(reference) }),
  };
  const odd = (what: string, cause?: unknown): StudioError => oddAnswer(endpoint.host, what, cause);
  try {
    const ask = kind === 'model' ? modelInfo<'sha' | 'cardData'> : datasetInfo<'sha' | 'cardData'>;
    const answer = await readable(odd, () =>
      ask({
        ...common,
        name: reference.repository,
        additionalFields: ['sha', 'cardData'],
        ...(reference.revision === null ? {} : { revision: reference.revision }),
      }),
    );
    const info = infoSchema.safeParse(answer);
    if (!info.success) throw odd('it does not say which commit the repository is at', info.error);
    const { name, sha: commit, cardData: card } = info.data;
    const files: HubFile[] = [];
    const listing = listFiles({ ...common, repo: { type: kind, name }, revision: commit, recursive: true });
    await readable(odd, async () => {
      for await (const entry of listing) {
        signal?.throwIfAborted();
        if (entry.type === 'directory') continue;
        const file = fileSchema.safeParse(entry);
        if (!file.success) throw odd('its list of files cannot be read', file.error);
        files.push(fileOf(file.data));
        if (files.length > MAX_FILES) throw odd(`it lists more than ${MAX_FILES} files`);
      }
    });
    return { kind, name, commit, license: licenseOf(card), card, files };
  } finally {
    await client.destroy();
  }
}

function fileOf({ path, size, oid, lfs }: z.infer<typeof fileSchema>): HubFile {
  if (lfs === undefined) return { path, sizeBytes: size, sum: { gitSha1: oid } };
  return { path, sizeBytes: lfs.size, sum: { sha256: lfs.oid } };
}

/** The library reads JSON, which may be none, and of a shape that it does not check. */
async function readable<Value>(
  odd: (what: string, cause?: unknown) => StudioError,
  read: () => Promise<Value>,
): Promise<Value> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof TypeError)
      throw odd('its answer is not JSON of the expected form', thrown);
    throw thrown;
  }
}

function licenseOf(card: unknown): string | null {
  const { success, data } = cardSchema.safeParse(card);
  if (!success) return null;
  return [data.license].flat().join(', ').slice(0, 200);
}
