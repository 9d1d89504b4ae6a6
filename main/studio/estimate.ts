/** @file Runs under Node. What a run would take, as far as it can be told without measuring, and what looks wrong with it. */
import type { RunRequest } from '../../shared/contract/inputs.ts';
import type { Estimate, EstimateCheck } from '../../shared/contract/queue.ts';
import type { Dataset } from '../../shared/datasets.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import { stepsPerEpoch } from '../data/batches.ts';
import { requireDataset } from '../data/datasets.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { formatBytes, freeBytes } from '../files/disk.ts';
import { elementCount, parameterShapes } from '../model/parameters.ts';
import type { HostContext } from './hosting.ts';
import { startingPoint } from './startingPoint.ts';
import { requireTrainable } from './trainable.ts';

/** A value and Adam's two moments, 32 bits each. */
const BYTES_PER_PARAMETER = 12;
/** The newest two and, with keep "best", the best one; while one is written the oldest is still there. */
const KEPT_CHECKPOINTS = 3;
const UNBALANCED = 3;
const STEEP_LEARNING_RATE = 1e-3;
const LARGE_NETWORK = 10_000_000;

type EstimateSetting = Pick<HostContext, 'databases' | 'engines' | 'dataDirectory'>;

/** @throws StudioError NOT_FOUND, USAGE, ENGINE_MISSING: what is wrong with the request. */
export async function estimateRun(context: EstimateSetting, request: RunRequest): Promise<Estimate> {
  const { databases, engines, dataDirectory } = context;
  const { hyperparameters } = request;
  const dataset = requireDataset(databases.cache(), request.dataset);
  requireTrainable(dataset, hyperparameters);
  const { model, tokenizer } = startingPoint(databases, request, dataset);
  const parameters = parameterShapes(model).reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const perEpoch = stepsPerEpoch(dataset.rows.train, hyperparameters.batchSize);
  const checkpointBytes = parameters * BYTES_PER_PARAMETER;
  const kept = KEPT_CHECKPOINTS + (hyperparameters.keep === 'best' ? 1 : 0);
  const sizes = { diskBytes: kept * checkpointBytes, freeDiskBytes: freeBytes(dataDirectory) };
  return {
    engine: await engines.choose(request.engine),
    trainPairs: dataset.rows.train,
    stepsPerEpoch: perEpoch,
    totalSteps: perEpoch * hyperparameters.epochs,
    parameters,
    tokenizer: tokenizer.kind,
    vocabularySize: tokenizer.size,
    longestPair: dataset.report.lengthQuantiles.max,
    checkpointBytes,
    ...sizes,
    checks: [
      ...checksOfData(dataset),
      ...lengthChecks(dataset, request, tokenizer),
      ...checksOfSettings(hyperparameters, parameters, dataset),
      roomCheck(sizes),
    ],
  };
}

function checksOfData({ report, rows }: Dataset): EstimateCheck[] {
  const counts = report.splits.find(({ split }) => split === 'train')?.labelCounts ?? [];
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const across = report.acrossSplits.reduce((sum, { pairs }) => sum + pairs, 0);
  return [
    fewest * UNBALANCED >= most
      ? good('The labels are balanced.')
      : warning(
          `The rarest label has ${fewest} training pairs, the commonest ${most}: class weights may help.`,
        ),
    across === 0
      ? good('No pair stands in two splits.')
      : warning(
          across === 1
            ? '1 pair stands in two splits: figures on it flatter.'
            : `${across} pairs stand in two splits: figures on them flatter.`,
        ),
    report.duplicateRows === 0
      ? good('No pair is there twice.')
      : warning(
          report.duplicateRows === 1
            ? '1 row repeats an earlier one.'
            : `${report.duplicateRows} rows repeat an earlier one.`,
        ),
    ...(rows.dev === 0 ? [warning('There is no dev split: choices would look at test labels.')] : []),
  ];
}

/**
 * The import counts words, which are the tokens of a run in words. In WordPiece a pair is about as long or longer: what
 * is too long in words can be told, that nothing is too long cannot.
 */
function lengthChecks(
  { report, rows }: Dataset,
  { hyperparameters: { maxLen }, startFrom }: RunRequest,
  tokenizer: PairTokenizer,
): EstimateCheck[] {
  const longer = report.lengthHistogram
    .filter(({ from }) => from > maxLen)
    .reduce((sum, { pairs }) => sum + pairs, 0);
  const some = `At least ${longer} of ${rows.train + rows.dev + rows.test} pairs ${longer === 1 ? 'is' : 'are'}`;
  const inWords = tokenizer.kind === 'words';
  const checks: EstimateCheck[] = [];
  if (longer > 0)
    checks.push(
      warning(
        `${some} longer than ${maxLen} tokens${inWords ? '' : ' even in words'} and will be truncated.`,
      ),
    );
  else if (inWords) checks.push(good(`No pair is longer than ${maxLen} tokens.`));
  // From random weights every position is learnt, whatever the files were made for.
  if (startFrom !== null && tokenizer.maxLen !== null && maxLen > tokenizer.maxLen)
    checks.push(
      warning(
        `The files of the model's tokenizer name ${tokenizer.maxLen} tokens as its longest pair; this run reads up to ${maxLen}.`,
      ),
    );
  return checks;
}

function checksOfSettings(settings: Hyperparameters, parameters: number, { rows }: Dataset): EstimateCheck[] {
  const { batchSize, lr } = settings;
  const checks: EstimateCheck[] = [];
  if (batchSize > rows.train)
    checks.push(
      warning(`A batch of ${batchSize} is more than the ${rows.train} training pairs: one step an epoch.`),
    );
  if (lr >= STEEP_LEARNING_RATE && parameters > LARGE_NETWORK)
    checks.push(warning(`A learning rate of ${lr} is steep for a network of this size.`));
  return checks;
}

function roomCheck({
  diskBytes,
  freeDiskBytes,
}: {
  diskBytes: number;
  freeDiskBytes: number;
}): EstimateCheck {
  if (freeDiskBytes > 2 * diskBytes) return good('There is room on the disk.');
  const text = `Checkpoints take ${formatBytes(diskBytes)}; ${formatBytes(freeDiskBytes)} are free.`;
  return freeDiskBytes > diskBytes ? warning(text) : { verdict: 'bad', text };
}

const good = (text: string): EstimateCheck => ({ verdict: 'good', text });
const warning = (text: string): EstimateCheck => ({ verdict: 'warning', text });
