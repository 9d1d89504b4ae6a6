/** @file Tests. What counts as an installed TensorFlow, which one is taken, and what an uninstall removes. */
import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tensorflowEnvironment } from '../../../main/engines/tensorflow/environment.ts';
import {
  downloadFolder,
  findInstallation,
  type InstallationManifest,
  installationFolder,
  listInstallations,
  MANIFEST_FILE,
  tensorflowFolder,
} from '../../../main/engines/tensorflow/installation.ts';
import { tensorflowParts, uninstallTensorflow } from '../../../main/engines/tensorflow/uninstall.ts';
import { acquireFileLock } from '../../../main/files/fileLock.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const LIBRARY = 'tensorflow/libtensorflow_cc.so.2';

/** An installation of ten bytes. */
function install(
  dataDirectory: string,
  kind: 'cpu' | 'cuda',
  changes: Partial<InstallationManifest> = {},
): string {
  const folder = installationFolder(dataDirectory, kind);
  mkdirSync(join(folder, 'tensorflow'), { recursive: true });
  mkdirSync(join(folder, 'nvidia', 'cudnn', 'lib'), { recursive: true });
  writeFileSync(join(folder, LIBRARY), '0123456789');
  const files = [{ path: LIBRARY, sizeBytes: 10, sha256: 'aa' }];
  const cudnn = { path: 'nvidia/cudnn/lib/libcudnn.so.9', sizeBytes: 2, sha256: 'bb' };
  if (kind === 'cuda') writeFileSync(join(folder, cudnn.path), '12');
  const manifest: InstallationManifest = {
    format: 1,
    kind,
    tensorflowVersion: '2.21.0',
    bindingVersion: '4.22.0',
    compiler: 'c++',
    platform: process.platform,
    arch: process.arch,
    installedAt: '2026-01-01T00:00:00.000Z',
    wheels: [],
    files: kind === 'cuda' ? [...files, cudnn] : files,
    ...changes,
  };
  writeFileSync(join(folder, MANIFEST_FILE), JSON.stringify(manifest));
  return folder;
}

describe('findInstallation', () => {
  it('finds nothing in an empty data directory', () => {
    const data = temporaryFolder();
    expect(findInstallation(data, { cuda: false })).toBeNull();
    expect(tensorflowEnvironment({ dataDirectory: data, cuda: false })).toEqual({});
  });

  it('prefers the build with CUDA where there is a driver, and takes either without a choice', () => {
    const data = temporaryFolder();
    install(data, 'cuda');
    expect(findInstallation(data, { cuda: false })?.manifest.kind).toBe('cuda');
    install(data, 'cpu');
    expect(findInstallation(data, { cuda: false })?.manifest.kind).toBe('cpu');
    expect(findInstallation(data, { cuda: true })?.manifest.kind).toBe('cuda');
  });

  it.each([
    {
      what: 'a manifest that is missing',
      harm: (folder: string) => rmSync(join(folder, MANIFEST_FILE)),
      problem: 'installed.json is missing',
    },
    {
      what: 'a manifest that is garbage',
      harm: (folder: string) => writeFileSync(join(folder, MANIFEST_FILE), '{"format":1'),
      problem: 'installed.json cannot be read',
    },
    {
      what: 'a library that is missing',
      harm: (folder: string) => rmSync(join(folder, LIBRARY)),
      problem: `${LIBRARY} is missing`,
    },
    {
      what: 'a library that was cut off',
      harm: (folder: string) => truncateSync(join(folder, LIBRARY), 3),
      problem: `${LIBRARY} has 3 bytes, and should have 10`,
    },
  ])('does not take $what', ({ harm, problem }) => {
    const data = temporaryFolder();
    harm(install(data, 'cpu'));
    expect(findInstallation(data, { cuda: false })).toBeNull();
    expect(listInstallations(data)).toMatchObject([{ problem }]);
  });

  it('does not take one that was made for another machine', () => {
    const data = temporaryFolder();
    install(data, 'cpu', { arch: 'sparc' });
    expect(listInstallations(data)).toMatchObject([
      { problem: `it was made for ${process.platform} on sparc` },
    ]);
  });
});

describe('tensorflowEnvironment', () => {
  it('pins threads and oneDNN, and leads to the CUDA libraries', () => {
    const data = temporaryFolder();
    const folder = install(data, 'cuda');
    const environment = tensorflowEnvironment({ dataDirectory: data, cuda: true, threads: 3 });
    expect(environment).toMatchObject({
      TF_NUM_INTRAOP_THREADS: '3',
      TF_ENABLE_ONEDNN_OPTS: '1',
      TF_DETERMINISTIC_OPS: '1',
    });
    expect(environment['LD_LIBRARY_PATH']?.split(':')[0]).toBe(join(folder, 'nvidia', 'cudnn', 'lib'));
  });
});

describe('uninstallTensorflow', () => {
  it('shows and removes both builds, a broken one and kept downloads', () => {
    const data = temporaryFolder();
    install(data, 'cpu');
    rmSync(join(install(data, 'cuda'), MANIFEST_FILE));
    mkdirSync(downloadFolder(data), { recursive: true });
    writeFileSync(join(downloadFolder(data), 'a.whl'), '12345');
    const parts = tensorflowParts(data);
    expect(parts.map(({ what }) => what)).toEqual([
      'tensorflow (cpu)',
      'tensorflow (cuda)',
      'kept downloads',
    ]);
    expect(parts[1]?.sizeBytes).toBe(12);
    expect(parts[2]?.sizeBytes).toBe(5);
    expect(uninstallTensorflow(data)).toEqual(parts);
    for (const { folder } of parts) expect(existsSync(folder)).toBe(false);
    expect(uninstallTensorflow(data)).toEqual([]);
  });

  it('waits for nobody: a running installation is named', () => {
    const data = temporaryFolder();
    const folder = install(data, 'cpu');
    const lock = acquireFileLock(join(tensorflowFolder(data), 'install.lock'), {
      purpose: 'installing the engine tensorflow',
    });
    const error = studioErrorOf(() => uninstallTensorflow(data));
    lock.release();
    expect(error.code).toBe('LOCKED');
    expect(error.message).toContain('installing the engine tensorflow');
    expect(existsSync(folder)).toBe(true);
  });
});
