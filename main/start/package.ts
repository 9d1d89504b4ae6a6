/**
 * @file Runs under Node; what `npm run package` runs. Builds everything and makes the application of this platform.
 * `npm run package -- --unpacked` leaves a folder instead of installers, `--output FOLDER` puts it elsewhere, and
 * `--electron FOLDER` takes Electron from a folder instead of fetching it.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, Platform } from 'electron-builder';
import { projectFolder } from '../version.ts';
import { buildDesktop } from './buildDesktop.ts';
import { buildExportPageIfNeeded } from './buildExportPage.ts';
import { buildNativeIfNeeded } from './buildNative.ts';
import { buildPagesIfNeeded } from './buildPages.ts';

const { values: wish } = parseArgs({
  options: { unpacked: { type: 'boolean' }, output: { type: 'string' }, electron: { type: 'string' } },
});
const root = projectFolder();
const say = (text: string) => void process.stdout.write(`${text}\n`);
await buildPagesIfNeeded(say, root);
await buildExportPageIfNeeded(say, root);
await buildNativeIfNeeded({ say, root, strict: true });
await buildDesktop(join(root, 'dist', 'desktop'), root);
const made = await build({
  projectDir: root,
  publish: 'never',
  ...(wish.unpacked === true ? { targets: Platform.current().createTarget('dir') } : {}),
  config: {
    extends: join(root, 'electron-builder.yml'),
    ...(wish.electron === undefined ? {} : { electronDist: resolve(wish.electron) }),
    ...(wish.output === undefined ? {} : { directories: { output: resolve(wish.output) } }),
  },
});
for (const path of made) say(path);
// A library of electron-builder listens to the launcher's channel, and this process would stay for it.
process.channel?.unref();
