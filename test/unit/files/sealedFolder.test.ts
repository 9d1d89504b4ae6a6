/** @file Tests. Sealed folders: what is written comes back, and what was changed is refused. */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { removeSealedFolder, writeSealedFolder } from '../../../main/files/sealedFolder.ts';
import {
  newestValid,
  readSealedFolder,
  verifySealedFolder,
} from '../../../main/files/sealedFolderReading.ts';
import { fingerprint, sampleContent } from '../../support/folderContents.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

function sealed(seed = 1): { parent: string; path: string } {
  const parent = temporaryFolder();
  writeSealedFolder(parent, 'ckpt-1', sampleContent(seed));
  return { parent, path: join(parent, 'ckpt-1') };
}

function editManifest(path: string, edit: (manifest: ManifestText) => void): void {
  const file = join(path, 'manifest.json');
  const manifest: ManifestText = JSON.parse(readFileSync(file, 'utf8'));
  edit(manifest);
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

interface ManifestText {
  format: string;
  version: number;
  files: { name: string; sizeBytes: number; sha256: string }[];
}

describe('a sealed folder', () => {
  test('gives back what was written', () => {
    const { parent, path } = sealed();
    expect(readdirSync(parent)).toEqual(['ckpt-1']);
    expect(fingerprint(readSealedFolder(path))).toBe(fingerprint(sampleContent(1)));
  });

  test('has a seal that is its size and the sum of its manifest, the same for the same content', () => {
    const parent = temporaryFolder();
    const seal = writeSealedFolder(parent, 'a', sampleContent(1));
    const manifest = readFileSync(join(parent, 'a', 'manifest.json'));
    expect(seal.manifestSha256).toBe(createHash('sha256').update(manifest).digest('hex'));
    const sizes = readdirSync(join(parent, 'a')).map(
      (name) => readFileSync(join(parent, 'a', name)).byteLength,
    );
    expect(seal.sizeBytes).toBe(sizes.reduce((sum, size) => sum + size));
    const reversed = new Map([...sampleContent(1)].reverse());
    expect(writeSealedFolder(parent, 'b', reversed)).toEqual(seal);
    expect(writeSealedFolder(parent, 'c', sampleContent(2)).manifestSha256).not.toBe(seal.manifestSha256);
    expect(verifySealedFolder(join(parent, 'a'))).toMatchObject({ ...seal });
  });

  test('starts an ArrayBuffer of its own for every file, so that numbers can be viewed in place', () => {
    const bytes = readSealedFolder(sealed(7).path).get('weights.safetensors')!;
    expect(bytes.byteOffset).toBe(0);
    expect(new Float32Array(bytes.buffer, 0, 3000)[2999]).toBe(7);
  });

  test('is left alone when the same is written again, and refuses something else', () => {
    const { parent, path } = sealed(1);
    writeSealedFolder(parent, 'ckpt-1', sampleContent(1));
    const error = studioErrorOf(() => writeSealedFolder(parent, 'ckpt-1', sampleContent(2)));
    expect(error.code).toBe('ALREADY_EXISTS');
    expect(fingerprint(readSealedFolder(path))).toBe(fingerprint(sampleContent(1)));
    expect(readdirSync(parent)).toEqual(['ckpt-1']);
  });

  test('replaces a sound one when asked to', () => {
    const { parent, path } = sealed(1);
    writeSealedFolder(parent, 'ckpt-1', sampleContent(2), { replace: true });
    expect(fingerprint(readSealedFolder(path))).toBe(fingerprint(sampleContent(2)));
    expect(readdirSync(parent)).toEqual(['ckpt-1']);
  });

  test('replaces a damaged one', () => {
    const { parent, path } = sealed(1);
    writeFileSync(join(path, 'config.json'), '{"seed":9}');
    writeSealedFolder(parent, 'ckpt-1', sampleContent(2));
    expect(fingerprint(readSealedFolder(path))).toBe(fingerprint(sampleContent(2)));
    expect(readdirSync(parent)).toEqual(['ckpt-1']);
  });

  test('is removed, twice if need be', () => {
    const { parent } = sealed();
    removeSealedFolder(parent, 'ckpt-1');
    removeSealedFolder(parent, 'ckpt-1');
    expect(readdirSync(parent)).toEqual([]);
  });

  test.each([
    '../x',
    'a/b',
    'a\\b',
    '.hidden',
    '',
    'manifest.json',
    'MANIFEST.json',
    'nul\0',
    '-x',
    'n'.repeat(128),
  ])('does not take a file called %j', (name) => {
    const parent = temporaryFolder();
    expect(() => writeSealedFolder(parent, 'ckpt-1', new Map([[name, Buffer.from('x')]]))).toThrow(
      'cannot be',
    );
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe('reading notices', () => {
  test('one flipped byte anywhere, and names the file', () => {
    const { path } = sealed();
    for (const name of readdirSync(path)) {
      const file = join(path, name);
      const original = readFileSync(file);
      const step = name === 'manifest.json' ? 1 : 997;
      for (let at = 0; at < original.byteLength; at += step) {
        const changed = Buffer.from(original);
        changed[at] = changed[at]! ^ (1 << (at % 8));
        writeFileSync(file, changed);
        const error = studioErrorOf(() => readSealedFolder(path));
        expect(['CHECKSUM_MISMATCH', 'BAD_FILE', 'UNREADABLE']).toContain(error.code);
        if (name !== 'manifest.json') {
          expect(error.code).toBe('CHECKSUM_MISMATCH');
          expect(error.place).toEqual({ file });
        }
      }
      writeFileSync(file, original);
    }
    readSealedFolder(path);
  });

  test('a file that is shorter, longer, missing or extra, also by the cheap check', () => {
    const damages: [string, (path: string) => void, string][] = [
      ['CHECKSUM_MISMATCH', (path) => truncateSync(join(path, 'weights.safetensors'), 11_999), '11999 bytes'],
      ['CHECKSUM_MISMATCH', (path) => writeFileSync(join(path, 'empty.bin'), 'x'), '1 bytes, not 0'],
      ['BAD_FILE', (path) => rmSync(join(path, 'empty.bin')), 'empty.bin is missing'],
      ['BAD_FILE', (path) => writeFileSync(join(path, 'notes.txt'), ''), 'notes.txt does not belong'],
      ['BAD_FILE', (path) => mkdirSync(join(path, 'sub')), 'sub does not belong'],
      ['BAD_FILE', (path) => rmSync(join(path, 'manifest.json')), 'no manifest.json'],
    ];
    for (const [code, damage, words] of damages) {
      const { path } = sealed();
      damage(path);
      for (const act of [() => readSealedFolder(path), () => verifySealedFolder(path)]) {
        const error = studioErrorOf(act);
        expect(error.code).toBe(code);
        expect(error.message).toContain(words);
        expect(error.nextStep).toContain('another checkpoint');
      }
    }
  });

  test('a manifest that was exchanged together with the files, when its sum is known from elsewhere', () => {
    const parent = temporaryFolder();
    const { manifestSha256 } = writeSealedFolder(parent, 'a', sampleContent(1));
    writeSealedFolder(parent, 'b', sampleContent(2));
    readSealedFolder(join(parent, 'a'), { manifestSha256 });
    const error = studioErrorOf(() => readSealedFolder(join(parent, 'b'), { manifestSha256 }));
    expect(error.code).toBe('CHECKSUM_MISMATCH');
    expect(error.message).toContain('manifest.json');
  });

  test('files that are links, and folders where files should be', () => {
    const { parent, path } = sealed();
    renameSync(join(path, 'config.json'), join(parent, 'elsewhere'));
    symlinkSync(join(parent, 'elsewhere'), join(path, 'config.json'));
    expect(studioErrorOf(() => readSealedFolder(path)).code).toBe('BAD_FILE');
    rmSync(join(path, 'config.json'));
    mkdirSync(join(path, 'config.json'));
    expect(studioErrorOf(() => readSealedFolder(path)).code).toBe('BAD_FILE');
  });

  test('manifests that lead elsewhere or are nonsense', () => {
    const edits: ((manifest: ManifestText) => unknown)[] = [
      (manifest) => Object.assign(manifest.files[0]!, { name: '../config.json' }),
      (manifest) => Object.assign(manifest.files[0]!, { name: '/etc/passwd' }),
      (manifest) => Object.assign(manifest.files[0]!, { name: 'manifest.json' }),
      (manifest) => Object.assign(manifest.files[0]!, { name: '__proto__' }),
      (manifest) => Object.assign(manifest.files[0]!, { sizeBytes: -1 }),
      (manifest) => Object.assign(manifest.files[0]!, { sizeBytes: 1e300 }),
      (manifest) => Object.assign(manifest.files[0]!, { sha256: 'x' }),
      (manifest) => manifest.files.push(manifest.files[0]!),
      (manifest) => manifest.files.reverse(),
      (manifest) => Object.assign(manifest, { more: 1 }),
      (manifest) => Object.assign(manifest, { format: 'something-else' }),
      (manifest) => Object.assign(manifest, { version: 0 }),
    ];
    for (const edit of edits) {
      const { path } = sealed();
      editManifest(path, edit);
      expect(studioErrorOf(() => readSealedFolder(path)).code).toBe('BAD_FILE');
    }
    for (const text of ['', '[]', 'null', '{"files":[', `${'[ '.repeat(100_000)}`, 'x'.repeat(2 << 20)]) {
      const { path } = sealed();
      writeFileSync(join(path, 'manifest.json'), text);
      expect(studioErrorOf(() => readSealedFolder(path)).code).toBe('BAD_FILE');
    }
  });

  test("a newer version's folder, which it neither reads nor replaces", () => {
    const { parent, path } = sealed();
    editManifest(path, (manifest) => void manifest.version++);
    const error = studioErrorOf(() => readSealedFolder(path));
    expect(error.message).toContain('newer version');
    expect(studioErrorOf(() => writeSealedFolder(parent, 'ckpt-1', sampleContent(2))).code).toBe(error.code);
    expect(readdirSync(parent)).toEqual(['ckpt-1']);
  });

  test('that there is nothing', () => {
    const parent = temporaryFolder();
    expect(studioErrorOf(() => readSealedFolder(join(parent, 'none'))).code).toBe('NOT_FOUND');
    writeFileSync(join(parent, 'file'), '');
    expect(studioErrorOf(() => readSealedFolder(join(parent, 'file'))).code).toBe('NOT_FOUND');
  });

  test('but not what a file browser leaves behind', () => {
    const { path } = sealed();
    writeFileSync(join(path, '.DS_Store'), 'x');
    readSealedFolder(path);
  });
});

describe('newestValid', () => {
  test('takes the first sound folder and says what is wrong with those before it', () => {
    const parent = temporaryFolder();
    for (const step of [10, 20, 30]) writeSealedFolder(parent, `ckpt-${step}`, sampleContent(step));
    truncateSync(join(parent, 'ckpt-30', 'config.json'), 3);
    const { found, damaged } = newestValid(parent, ['ckpt-40', 'ckpt-30', 'ckpt-20', 'ckpt-10']);
    expect(found?.name).toBe('ckpt-20');
    expect(fingerprint(found!.files)).toBe(fingerprint(sampleContent(20)));
    expect(damaged.map(({ name, error }) => [name, error.code])).toEqual([
      ['ckpt-40', 'NOT_FOUND'],
      ['ckpt-30', 'CHECKSUM_MISMATCH'],
    ]);
    expect(newestValid(parent, ['ckpt-30']).found).toBeNull();
    expect(newestValid(parent, [])).toEqual({ found: null, damaged: [] });
  });
});
