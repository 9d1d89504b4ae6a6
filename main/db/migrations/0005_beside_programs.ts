/** @file Node. Version 5 of studio.db: which waiting runs start beside programs that are no Entail. See docs/database.md. */
import type { Migration } from './migration.ts';

const COLUMN = `
ALTER TABLE runs ADD COLUMN beside_programs INTEGER NOT NULL DEFAULT 0 CHECK (beside_programs IN (0, 1));
`;

export const migration0005: Migration = {
  version: 5,
  name: '0005_beside_programs',
  apply: (connection) => void connection.exec(COLUMN),
};
