/** @file Tests. A real file system in which one chosen operation fails, or the process dies. */
import { type FileSystem, nodeFileSystem } from '../../main/files/fileSystem.ts';

/** What is counted: everything that can fail and leave a trace. */
export type Operation = Exclude<keyof FileSystem, 'pause' | 'list' | 'closeFile'>;

export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code });
}

export interface Faults {
  /** Called before each operation, counted from 1; throws to make it fail. */
  readonly before: (count: number, operation: Operation) => void;
}

/**
 * Passes everything to the real file system after asking `before`. Pauses take no time, and neither do syncs: what
 * they are for is tested on `powerCutDisk`.
 */
export function watchedFileSystem({ before }: Faults): FileSystem {
  let count = 0;
  const ask = (operation: Operation) => before(++count, operation);
  const asking =
    <Input extends unknown[], Output>(operation: Operation, act: (...input: Input) => Output) =>
    (...input: Input): Output => {
      ask(operation);
      return act(...input);
    };
  const real = nodeFileSystem;
  return {
    ...real,
    pause: () => {},
    makeFolder: asking('makeFolder', real.makeFolder),
    createFile: asking('createFile', real.createFile),
    // Half of the bytes get through, as when a disk fills up.
    write: (file, bytes) => {
      const half = bytes.subarray(0, Math.ceil(bytes.byteLength / 2));
      try {
        ask('write');
      } catch (thrown) {
        real.write(file, half);
        throw thrown;
      }
      return real.write(file, half);
    },
    syncFile: asking('syncFile', () => {}),
    rename: asking('rename', real.rename),
    syncFolder: asking('syncFolder', () => {}),
    remove: asking('remove', real.remove),
  };
}

/** The real file system without the waiting. */
export function quickFileSystem(): FileSystem {
  return watchedFileSystem({ before: () => {} });
}

/** The k-th operation fails with a system error of that code; all others work. */
export function failingFileSystem(
  k: number,
  code: string,
): { fileSystem: FileSystem; failed: () => boolean } {
  let failed = false;
  const before = (count: number) => {
    if (count !== k) return;
    failed = true;
    throw systemError(code);
  };
  return { fileSystem: watchedFileSystem({ before }), failed: () => failed };
}

/** From the k-th operation on nothing happens any more, as if the process had been killed there. */
export function stoppingFileSystem(k: number): { fileSystem: FileSystem; stopped: () => boolean } {
  let stopped = false;
  const before = (count: number) => {
    if (count < k) return;
    stopped = true;
    throw new Stopped();
  };
  return { fileSystem: watchedFileSystem({ before }), stopped: () => stopped };
}
