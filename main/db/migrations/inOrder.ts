/** @file Node. Every migration of studio.db, oldest first. Add yours at the end; never change one that was released. */

import { migration0001 } from './0001_runs.ts';
import { migration0002 } from './0002_studio.ts';
import { migration0003 } from './0003_exports.ts';
import { migration0004 } from './0004_devices.ts';
import { migration0005 } from './0005_beside_programs.ts';
import { migration0006 } from './0006_micro_batch.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  ...[migration0001, migration0002, migration0003],
  ...[migration0004, migration0005, migration0006],
];
