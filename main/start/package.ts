/** @file Runs under Node; what `npm run package` runs. Builds everything and makes the application of this platform. */
import { join } from 'node:path';
import { build } from 'electron-builder';
import { projectFolder } from '../version.ts';
import { buildDesktop } from './buildDesktop.ts';
import { buildPagesIfNeeded } from './buildPages.ts';

const root = projectFolder();
const say = (text: string) => void process.stdout.write(`${text}\n`);
await buildPagesIfNeeded(say, root);
await buildDesktop(join(root, 'dist', 'desktop'), root);
for (const path of await build({ projectDir: root, config: join(root, 'electron-builder.yml') })) say(path);
