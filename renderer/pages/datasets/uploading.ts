/** @file Runs in the page. A dropped file on its way to the studio's machine, piece by piece, the same on any host. */
import { UPLOAD_PIECE_BYTES } from '../../../shared/contract/app.ts';
import type { Client } from '../../api/client.ts';

/** @returns the file's path there. @throws StudioError; when cancelled, what the signal was aborted with. */
export async function uploadFile(
  client: Client,
  file: File,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (fraction: number) => void },
): Promise<string> {
  const { id } = await client.request('uploads/begin', { name: file.name, sizeBytes: file.size });
  try {
    for (let offset = 0; offset < file.size; offset += UPLOAD_PIECE_BYTES) {
      signal.throwIfAborted();
      const base64 = await base64Of(file.slice(offset, offset + UPLOAD_PIECE_BYTES));
      await client.request('uploads/piece', { id, offset, base64 });
      onProgress(Math.min(1, (offset + UPLOAD_PIECE_BYTES) / file.size));
    }
    return (await client.request('uploads/finish', { id })).path;
  } catch (thrown) {
    await client.request('uploads/cancel', { id }).catch(() => {});
    throw thrown;
  }
}

async function base64Of(piece: Blob): Promise<string> {
  const bytes = new Uint8Array(await piece.arrayBuffer());
  let text = '';
  const STEP = 0x8000;
  for (let at = 0; at < bytes.length; at += STEP)
    text += String.fromCharCode(...bytes.subarray(at, at + STEP));
  return btoa(text);
}
