/** @file Node. Bytes that are read by place, from a file or from memory: for formats whose parts stand anywhere. */
import { type FileHandle, open } from 'node:fs/promises';
import { readError } from './fileErrors.ts';
import { openRegularFile } from './regularFile.ts';

export interface ByteSource {
  /** A path, or words such as "bert.small.torch.zip/pretrained.params"; for messages. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Exactly that many bytes; whoever asks knows that they are there. */
  read(position: number, sizeBytes: number): Promise<Buffer>;
  /** Waits for a reading that was left in the middle. */
  close(): Promise<void>;
}

/** Most that the operating system is asked for at once. */
const CHUNK_BYTES = 1 << 30;

/** @throws StudioError NOT_FOUND, UNREADABLE (also for what is not a regular file). */
export async function openFileBytes(path: string): Promise<ByteSource> {
  const { sizeBytes } = openRegularFile(path, { content: 'any' });
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
  return {
    name: path,
    sizeBytes,
    read: (position, count) => readFully(file, position, count),
    close: () => file.close(),
  };
}

/** The bytes are not copied: what is read is a view of them. */
export function bytesInMemory(name: string, bytes: Buffer): ByteSource {
  return {
    name,
    sizeBytes: bytes.length,
    read: async (position, count) => {
      if (position + count > bytes.length) throw new Error(`${name} ends after ${bytes.length} bytes`);
      return bytes.subarray(position, position + count);
    },
    close: async () => undefined,
  };
}

async function readFully(file: FileHandle, position: number, count: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(count);
  for (let done = 0; done < count; ) {
    const length = Math.min(CHUNK_BYTES, count - done);
    const { bytesRead } = await file.read(bytes, done, length, position + done);
    if (bytesRead === 0) throw new Error('the file has become shorter');
    done += bytesRead;
  }
  return bytes;
}
