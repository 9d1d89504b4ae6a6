/** @file Runs in the training worker. From a job to its work: tokenizer, data, engine, the other workers, weights. */
import type { EngineRecord } from '../../shared/engines.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { ownTokenizer } from '../data/ownTokenizer.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { openEngine } from '../engines/registry.ts';
import { firstWeights, resumePoint } from './beginning.ts';
import type { CrewPlace, TrainingJob } from './jobs.ts';
import { freshState, type LoopState } from './loopState.ts';
import { openWork } from './openWork.ts';
import type { Crew } from './parallel/gradientExchange.ts';
import { meet } from './parallel/meeting.ts';
import type { RunWork } from './runWork.ts';

export interface OpenRun {
  readonly tokenizer: PairTokenizer;
  /** Of the whole run, whichever worker asks. */
  readonly engine: EngineRecord;
  /** Kernels that the engine has not, by name. */
  readonly fallbacks: ReadonlyMap<string, number>;
  /** See `OpenEngine`. */
  readonly keepUp: () => Promise<void>;
  readonly work: RunWork;
  readonly state: LoopState;
  /** Null where one worker trains alone. */
  readonly crew: Crew | null;
}

export interface OpeningLinks {
  /** Hears what a person should know of how the run begins, … */
  readonly report: (report: WorkerReport) => void;
  /** … and of what this worker computes on. */
  readonly notice: (text: string) => void;
  readonly beat: () => void;
}

export async function openRun(
  job: TrainingJob,
  { report, notice: tell, beat }: OpeningLinks,
): Promise<OpenRun> {
  const tokenizer = ownTokenizer(job.runDirectory, job.config);
  const makeWork = await openWork(job, tokenizer, beat);
  const { precision, nice } = job.config.hyperparameters;
  const {
    record,
    adamVariables,
    fallbacks = new Map(),
    keepUp = async () => {},
    notice = null,
  } = await openEngine(job.engine, {
    dataDirectory: job.dataDirectory,
    ...(job.threads === null ? {} : { threads: job.threads }),
    ...(job.devices[0] === undefined ? {} : { device: job.devices[0] }),
    ...{ sharedBy: sharersOf(job), precision, nice, beat },
  });
  beat();
  if (notice !== null) tell(notice);
  const engine = ofAllWorkers(record, job.crew);
  const checkpoint = job.resumeFrom === null ? null : resumePoint(job, engine, report);
  const begin = checkpoint?.parameter ?? firstWeights(job, report);
  const crew = job.crew === undefined ? null : { exchange: await meet(job.crew, beat), waiting: beat };
  const work = makeWork({ engine: engine.engine, factory: adamVariables, begin, crew });
  const state = checkpoint?.state ?? freshState();
  return { tokenizer, engine, fallbacks, keepUp, work, state, crew };
}

/** How many workers of the run compute on the processor, where this one does. */
function sharersOf({ crew, devices }: TrainingJob): number {
  return crew !== undefined && devices[0] === 'cpu' ? processorWorkers(crew) : 1;
}

const processorWorkers = ({ devices }: CrewPlace) => devices.filter((device) => device === 'cpu').length;

/** `own`: what the first worker's engine says of its device. */
function deviceText(own: string, [first, ...others]: CrewPlace['devices']): string {
  return others.every((device) => device === first)
    ? `${own} × ${others.length + 1}`
    : [own, ...others].join(', ');
}

/** Sums over several devices are taken in another order, so their number is a setting that changes bits. */
function ofAllWorkers(record: EngineRecord, crew: CrewPlace | undefined): EngineRecord {
  if (crew === undefined) return record;
  const { devices } = crew;
  return {
    ...record,
    ...{ device: deviceText(record.device, devices), devices },
    threads: record.threads * Math.max(1, processorWorkers(crew)),
    pinned: { ...record.pinned, devices: String(devices.length) },
  };
}
