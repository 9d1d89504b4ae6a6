/** @file Node. Every wheel of a recipe, fetched and verified into the folder of downloads; what is there already is kept. */
import { requireFreeBytes } from '../../files/disk.ts';
import { downloadFolder } from './installation.ts';
import { downloadWheel, hasWheel } from './pipDownload.ts';
import { downloadBytes, type Recipe, unpackedBytes, type Wheel } from './recipe.ts';

/** What an installation takes from the network and from the disk. */
export interface InstallPlan {
  /** `isThere`: fetched and verified already. */
  readonly wheels: readonly (Pick<Wheel, 'project' | 'version' | 'sizeBytes'> & {
    readonly isThere: boolean;
  })[];
  /** Of those that are not there yet. */
  readonly downloadBytes: number;
  readonly unpackedBytes: number;
}

export interface FetchOptions {
  readonly dataDirectory: string;
  readonly signal?: AbortSignal;
  readonly onPlan?: (plan: InstallPlan) => void;
  /** A wheel that lies there is being compared with its sum. */
  readonly onChecking: (file: string) => void;
  /** Bytes of the whole recipe. */
  readonly onBytes: (file: string, doneBytes: number, totalBytes: number) => void;
}

/** Room for the binding, headers and the compiler's own files. */
const MARGIN_BYTES = 200 * 2 ** 20;

/** @throws DISK_FULL before anything is fetched; as `downloadWheel` */
export async function fetchWheels(recipe: Recipe, options: FetchOptions): Promise<void> {
  const folder = downloadFolder(options.dataDirectory);
  const totalBytes = downloadBytes(recipe);
  const place = { folder, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  const wanted: Wheel[] = [];
  for (const wheel of recipe.wheels) {
    options.onChecking(wheel.file);
    if (!(await hasWheel(wheel, place))) wanted.push(wheel);
  }
  const missingBytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  options.onPlan?.({
    wheels: recipe.wheels.map((wheel) => {
      const { project, version, sizeBytes } = wheel;
      return { project, version, sizeBytes, isThere: !wanted.includes(wheel) };
    }),
    downloadBytes: missingBytes,
    unpackedBytes: unpackedBytes(recipe),
  });
  const needed = missingBytes + unpackedBytes(recipe) + MARGIN_BYTES;
  requireFreeBytes(folder, needed, 'Installing TensorFlow');
  let before = totalBytes - missingBytes;
  for (const wheel of wanted) {
    const onBytes = (done: number) => options.onBytes(wheel.file, before + done, totalBytes);
    onBytes(0);
    await downloadWheel(wheel, { ...place, onBytes });
    before += wheel.sizeBytes;
  }
}
