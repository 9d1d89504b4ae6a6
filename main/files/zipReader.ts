/** @file Node. Lets the zip package read from any source of bytes. It never closes it: the source is its owner's. */
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import type { ByteSource } from './byteSource.ts';

/** Reads the end record of an archive; entries are read as they are asked for. */
export function openDirectory(source: ByteSource): Promise<ZipFile> {
  const options = { autoClose: false, strictFileNames: true };
  return fromRandomAccessReaderPromise(new SourceReader(source), source.sizeBytes, options);
}

class SourceReader extends RandomAccessReader {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super();
    this.#source = source;
  }

  /** As the package calls it: the callback wants the number of bytes too, which its types leave out. */
  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#source.read(position, length).then(
      (bytes) => {
        bytes.copy(buffer, offset);
        callback(null, length);
      },
      (error: Error) => callback(error),
    );
  }
}
