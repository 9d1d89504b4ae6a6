/** @file Node. Version 4 of studio.db: what devices a run asks for, and which it has taken. See docs/database.md. */
import type { Migration } from './migration.ts';

const COLUMNS = `
ALTER TABLE runs ADD COLUMN devices TEXT;
ALTER TABLE leases ADD COLUMN devices TEXT;
`;

export const migration0004: Migration = {
  version: 4,
  name: '0004_devices',
  apply: (connection) => void connection.exec(COLUMNS),
};
