/** @file Node. Version 6 of studio.db: what a run computes at once since it was resumed with less. See docs/database.md. */
import type { Migration } from './migration.ts';

const COLUMN = 'ALTER TABLE runs ADD COLUMN micro_batch_tokens INTEGER CHECK (micro_batch_tokens >= 0);';

export const migration0006: Migration = {
  version: 6,
  name: '0006_micro_batch',
  apply: (connection) => void connection.exec(COLUMN),
};
