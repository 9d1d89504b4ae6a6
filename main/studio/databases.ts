/** @file Runs under Node. The two databases of a data directory, each opened when it is first needed. */
import { errorData } from '../../shared/errors.ts';
import { type Cache, openCache } from '../data/cache.ts';
import { backupIfDue } from '../db/backup.ts';
import type { StudioDatabase } from '../db/connection.ts';
import { interruptOrphans } from '../db/lease.ts';
import { openStudioDatabase } from '../db/open.ts';
import type { DataPlaces } from './dataDirectory.ts';

export class Databases {
  readonly places: DataPlaces;
  readonly #tell: (notice: string) => void;
  #cache: Cache | null = null;
  #cacheWanted = false;
  #store: StudioDatabase | null = null;

  /** `tell` is given sentences for a person, such as that a damaged file was set aside. */
  constructor(places: DataPlaces, tell: (notice: string) => void) {
    this.places = places;
    this.#tell = tell;
  }

  /** The file that is there now, made where there is none: another program may have deleted or replaced an earlier one. */
  cache(): Cache {
    this.#cacheWanted = true;
    if (this.#cache?.isReplaced() === true) {
      this.#cache.close();
      this.#cache = null;
    }
    if (this.#cache === null) {
      this.#cache = openCache(this.places.cacheDatabase);
      if (this.#cache.notice !== null) this.#tell(this.#cache.notice);
    }
    return this.#cache;
  }

  /** Null as long as nobody has asked for anything in the cache. */
  cacheInUse(): Cache | null {
    return this.#cacheWanted ? this.cache() : null;
  }

  /** On the first call, runs whose process is gone become "interrupted". */
  store(): StudioDatabase {
    if (this.#store === null) {
      this.#store = openStudioDatabase(this.places.studioDatabase);
      for (const notice of this.#store.notices) this.#tell(notice);
      const orphans = interruptOrphans(this.#store);
      if (orphans.length > 0) {
        this.#tell(
          `interrupted while training, and resumable: ${orphans.join(', ')} (npx --no entail runs resume ID)`,
        );
      }
    }
    return this.#store;
  }

  /** Once a day a copy of studio.db is set aside; training does not wait for a disk that is too full for it. */
  async backUp(): Promise<void> {
    try {
      await backupIfDue(this.store());
    } catch (thrown) {
      this.#tell(`studio.db could not be backed up: ${errorData(thrown).message}`);
    }
  }

  close(): void {
    this.#cache?.close();
    this.#store?.close();
    this.#cache = null;
    this.#store = null;
  }
}
