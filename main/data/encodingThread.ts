/** @file Runs in a worker thread (entry `encoding`). Encodes ranges of blocks that it reads from cache.db itself. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorData } from '../../shared/errors.ts';
import {
  BlockRangeEncoder,
  type EncodingTask,
  type ThreadAnswer,
  type ThreadRequest,
} from './blockRangeEncoder.ts';
import { openCacheForReading } from './cacheConnection.ts';

function main(): void {
  const port = parentPort;
  if (port === null) throw new Error('this file runs as a worker thread only');
  const task = workerData as EncodingTask & { readonly cachePath: string };
  const answer = (message: ThreadAnswer, buffers: ArrayBuffer[] = []): void =>
    port.postMessage(message, buffers);
  try {
    const cache = openCacheForReading(task.cachePath);
    const encoder = new BlockRangeEncoder(cache, task);
    port.on('message', (request: ThreadRequest) => {
      try {
        const chunk = encoder.encode(request.fromBlock, request.toBlock);
        const arrays = [chunk.ids, chunk.lengths, chunk.segmentStarts, chunk.labels];
        answer(
          { kind: 'encoded', chunk },
          arrays.map((array) => array.buffer as ArrayBuffer),
        );
      } catch (thrown) {
        answer({ kind: 'failed', error: errorData(thrown) });
      }
    });
    answer({ kind: 'ready' });
  } catch (thrown) {
    answer({ kind: 'failed', error: errorData(thrown) });
  }
}

main();
