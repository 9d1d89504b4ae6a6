/** @file Tests. Where exports go: names, what is never replaced, and that a fault at any point leaves the earlier one whole. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { destinationFolder, PendingFolder, settlePlace } from '../../../main/export/destination.ts';
import { ExportFolder } from '../../../main/export/exportFolder.ts';
import { EXPORT_MANIFEST, exportManifestText } from '../../../main/export/exportManifest.ts';
import type { FileSystem } from '../../../main/files/fileSystem.ts';
import { failingFileSystem, quickFileSystem, stoppingFileSystem } from '../../support/faultyFileSystem.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

/** Writes an export of one file. */
async function put(
  destination: string,
  text: string,
  fileSystem: FileSystem = quickFileSystem(),
): Promise<string> {
  const pending = new PendingFolder(destination, 'onnx', fileSystem);
  try {
    const folder = new ExportFolder(pending.path, { fileSystem });
    await folder.writeText('onnx/model.onnx', text);
    await folder.writeText(EXPORT_MANIFEST, exportManifestText('onnx', folder.files));
    return pending.publish('good');
  } finally {
    pending.discard();
  }
}

/** Every file below a folder, by name. */
function contentsOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path, readFileSync(path, 'utf8')];
    }),
  );
}

describe('a name', () => {
  it.each(['CON', 'nul.txt', 'a.', 'a ', '-rf', 'a:b', 'x'.repeat(300), 'a\nb', 'a*'])(
    '%j is refused',
    (name) => {
      expect(studioErrorOf(() => destinationFolder(join(temporaryFolder(), name)))).toMatchObject({
        code: 'USAGE',
      });
    },
  );

  it('of another alphabet is fine', () => {
    const path = join(temporaryFolder(), 'вывод 模型');
    expect(destinationFolder(path)).toBe(path);
  });
});

describe('what is in the way', () => {
  it('is replaced when it is an export as it was written, and stays beside nothing else', async () => {
    const place = join(temporaryFolder(), 'exported');
    await put(place, 'first');
    await put(place, 'second');
    expect(readFileSync(join(place, 'onnx', 'model.onnx'), 'utf8')).toBe('second');
    expect(readdirSync(join(place, '..'))).toEqual(['exported']);
  });

  it.skipIf(process.platform !== 'linux')('is not walked through when it is somebody else’s', () => {
    // Thousands of files, many of which vanish meanwhile.
    expect(studioErrorOf(() => new PendingFolder('/proc', 'onnx'))).toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it('stays when it is an export of another format', async () => {
    const place = join(temporaryFolder(), 'exported');
    await put(place, 'first');
    expect(studioErrorOf(() => new PendingFolder(place, 'hf'))).toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringContaining('an export of another format (ONNX)') as string,
    });
    expect(readFileSync(join(place, 'onnx', 'model.onnx'), 'utf8')).toBe('first');
  });

  it.each([
    ['a folder of somebody', (place: string) => mkdirSync(join(place, 'holiday'), { recursive: true })],
    ['a file', (place: string) => writeFileSync(place, 'mine')],
  ])('stays when it is %s', async (_, make) => {
    const place = join(temporaryFolder(), 'exported');
    make(place);
    await expect(put(place, 'new')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it.each([
    [
      'a file that was added',
      (place: string) => writeFileSync(join(place, 'notes.txt'), 'mine'),
      'notes.txt',
    ],
    [
      'a file that was changed',
      (place: string) => writeFileSync(join(place, 'onnx/model.onnx'), 'FIRST'),
      'model.onnx',
    ],
  ])('stays when it holds %s', async (_, change, named) => {
    const place = join(temporaryFolder(), 'exported');
    await put(place, 'first');
    change(place);
    const before = contentsOf(place);
    await expect(put(place, 'second')).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringContaining(named) as string,
    });
    expect(contentsOf(place)).toEqual(before);
  });
});

it('of an export that failed is beside that of the earlier one, which stays', async () => {
  const place = join(temporaryFolder(), 'exported');
  await put(place, 'first');
  const before = contentsOf(place);
  const pending = new PendingFolder(place, 'onnx');
  const folder = new ExportFolder(pending.path);
  await folder.writeText(EXPORT_MANIFEST, exportManifestText('onnx', []));
  expect(pending.publish('failed')).toBe(`${place}.failed`);
  pending.discard();
  expect(contentsOf(place)).toEqual(before);
  expect(readdirSync(join(place, '..')).sort()).toEqual(['exported', 'exported.failed']);
});

describe('a fault at the k-th operation', () => {
  it('of a full disk leaves the earlier export whole and nothing beside it', async () => {
    for (let k = 1; ; k++) {
      const place = join(temporaryFolder(), 'exported');
      await put(place, 'first');
      const before = contentsOf(place);
      const { fileSystem, failed } = failingFileSystem(k, 'ENOSPC');
      const error = await put(place, 'second', fileSystem).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (!failed()) break;
      const isNew = readFileSync(join(place, 'onnx', 'model.onnx'), 'utf8') === 'second';
      // Only what comes after the last rename can fail with the new one in its place.
      if (!isNew) expect(contentsOf(place), `k = ${k}`).toEqual(before);
      if (!isNew) expect(error).toMatchObject({ code: 'DISK_FULL' });
      expect(k).toBeLessThan(100);
    }
  });

  it('of a kill leaves an export in its place that is whole, and nothing that the next one does not clear away', async () => {
    for (let k = 1; ; k++) {
      const place = join(temporaryFolder(), 'exported');
      await put(place, 'first');
      const { fileSystem, stopped } = stoppingFileSystem(k);
      await put(place, 'second', fileSystem).catch(() => {});
      if (!stopped()) break;
      settlePlace(place);
      const text = readFileSync(join(place, 'onnx', 'model.onnx'), 'utf8');
      expect(['first', 'second'], `k = ${k}`).toContain(text);
      expect(JSON.parse(readFileSync(join(place, EXPORT_MANIFEST), 'utf8')).files).toHaveLength(1);
      await put(place, 'third');
      expect(readFileSync(join(place, 'onnx', 'model.onnx'), 'utf8')).toBe('third');
      // What this very process is writing is swept by another one only.
      expect(readdirSync(join(place, '..')).filter((name) => !name.includes('.tmp-'))).toEqual(['exported']);
      rmSync(join(place, '..'), { recursive: true });
      expect(k).toBeLessThan(100);
    }
  });
});
