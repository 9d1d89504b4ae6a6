/** @file Tests. Parquet files as hubs have them, written here. */
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';

export interface ParquetOptions {
  /** Names of the classes of the column "label", for the footer. */
  readonly names?: readonly string[];
  readonly rowGroupSize?: number;
}

export function parquetBytes(
  columnData: ColumnSource[],
  { names, rowGroupSize }: ParquetOptions = {},
): Buffer {
  const info = { info: { features: { label: { names, _type: 'ClassLabel' } } } };
  return Buffer.from(
    parquetWriteBuffer({
      columnData,
      ...(names === undefined ? {} : { kvMetadata: [{ key: 'huggingface', value: JSON.stringify(info) }] }),
      ...(rowGroupSize === undefined ? {} : { rowGroupSize }),
    }),
  );
}

export interface LabelledPair {
  readonly premise: string;
  readonly hypothesis: string;
  readonly label: number;
}

/** As SNLI and MultiNLI stand on hubs: two texts and a number. */
export function pairsParquet(pairs: readonly LabelledPair[], options: ParquetOptions = {}): Buffer {
  return parquetBytes(
    [
      { name: 'premise', data: pairs.map(({ premise }) => premise), type: 'STRING' },
      { name: 'hypothesis', data: pairs.map(({ hypothesis }) => hypothesis), type: 'STRING' },
      { name: 'label', data: pairs.map(({ label }) => BigInt(label)), type: 'INT64' },
    ],
    options,
  );
}
