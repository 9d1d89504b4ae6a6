/**
 * @file Runs under Node. Data sets that are new, gone or others than before, told once: whether this process, a child of
 * it or another program (an import on the command line, a deleted cache.db) has changed them.
 */
import type { StudioEvent } from '../../shared/contract/events.ts';
import type { Cache } from '../data/cache.ts';
import { datasetsStamp } from '../data/datasets.ts';
import type { Databases } from './databases.ts';

/** What was read last, of which file. */
interface Reading {
  readonly cache: Cache;
  /** Moves when another connection writes. */
  readonly version: number;
}

export class DatasetChanges {
  readonly #databases: Databases;
  readonly #publish: (events: readonly StudioEvent[]) => void;
  #read: Reading | null = null;
  /** Null before the first reading, which is told: something may have changed between a page's question and it. */
  #told: string | null = null;

  constructor(databases: Databases, publish: (events: readonly StudioEvent[]) => void) {
    this.#databases = databases;
    this.#publish = publish;
  }

  /** Notices what others have done; cheap while they do nothing. @throws StudioError when the cache cannot be read. */
  look(): void {
    // Who has asked for no data set has nothing that could be out of date.
    const cache = this.#databases.cacheInUse();
    if (cache === null) return;
    const version = cache.guard(() => Number(cache.database.pragma('data_version', { simple: true })));
    if (this.#read?.cache === cache && this.#read.version === version) return;
    this.#compare(cache);
    this.#read = { cache, version };
  }

  /** After a change by this process, which SQLite does not count. */
  tell(): void {
    this.#compare(this.#databases.cache());
  }

  #compare(cache: Cache): void {
    const stamp = datasetsStamp(cache);
    if (stamp === this.#told) return;
    this.#told = stamp;
    this.#publish([{ kind: 'datasets' }]);
  }
}
