/** @file Tests, as a process of its own. Writes one sealed folder after another until it is killed, reporting each. */
import { writeSync } from 'node:fs';
import { writeSealedFolder } from '../../main/files/sealedFolder.ts';
import { sampleContent } from '../support/folderContents.ts';

const parent = process.argv[2]!;
for (let seed = 1; ; seed++) {
  writeSealedFolder(parent, `ckpt-${seed}`, sampleContent(seed));
  writeSync(1, `ckpt-${seed}\n`);
}
