/** @file Node. Writes a run file: a zip archive with a run's configuration, measurements, predictions and one checkpoint. */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readError } from '../../files/fileErrors.ts';
import { type ZipMember, zipChunks } from '../../files/zipWriter.ts';
import type { ExportFolder } from '../exportFolder.ts';
import { metricsJson } from '../metrics/textFiles.ts';
import { describeRunFile, ENTRIES, type RunFileParts } from './runFile.ts';

export const runFileName = (runId: string) => `${runId}.entail-run.zip`;
const READ_BYTES = 1 << 20;

/** @throws StudioError TOO_LARGE, UNREADABLE, and as the folder does. */
export async function writeRunFile(parts: RunFileParts, folder: ExportFolder): Promise<void> {
  const members = membersOf(parts);
  const files = [];
  for (const member of members) files.push({ name: member.name, ...(await summed(member)) });
  const description = Buffer.from(`${JSON.stringify(describeRunFile(parts, files), null, 2)}\n`);
  const first = { name: ENTRIES.description, content: () => [description] };
  await folder.write(runFileName(parts.run.id), zipChunks([first, ...members]));
}

function membersOf({
  run,
  curves,
  evaluations,
  predictions,
  checkpoint,
  runDirectory,
}: RunFileParts): ZipMember[] {
  const named = { runId: run.id, name: run.name ?? run.id, curves };
  const own = filesIn(runDirectory);
  const checkpointFolder = join(runDirectory, 'checkpoints', checkpoint.folder);
  return [
    { name: ENTRIES.metrics, content: () => metricsJson(named) },
    { name: ENTRIES.evaluations, content: () => [Buffer.from(`${JSON.stringify(evaluations)}\n`)] },
    ...predictions.map(({ split, probabilities: { buffer, byteOffset, byteLength } }) => ({
      name: ENTRIES.predictions(split),
      content: () => [new Uint8Array(buffer, byteOffset, byteLength)],
    })),
    ...own.map((name) => fileMember(ENTRIES.folder + name, join(runDirectory, name))),
    ...filesIn(checkpointFolder).map((name) =>
      fileMember(ENTRIES.checkpoint + name, join(checkpointFolder, name)),
    ),
  ];
}

function fileMember(name: string, path: string): ZipMember {
  return {
    name,
    content: () => createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>,
  };
}

function filesIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !/^\.|\.tmp-/.test(entry.name))
      .map(({ name }) => name);
  } catch (thrown) {
    throw readError(thrown, folder);
  }
}

async function summed({ content }: ZipMember): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of content()) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
