/** @file Runs in the training worker. The work of a run by its kind. */
import { runKind } from '../../shared/runs.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { openFineTuning } from './fineTuningWork.ts';
import type { TrainingJob } from './jobs.ts';
import { openPretraining } from './pretrainingWork.ts';
import type { WorkMaker } from './runWork.ts';

/** Reads the run's data; its network is made when the engine is open. `beat` is called as reading moves on. */
export async function openWork(
  job: TrainingJob,
  tokenizer: PairTokenizer,
  beat: () => void,
): Promise<WorkMaker> {
  const open = runKind(job.config) === 'pretraining' ? openPretraining : openFineTuning;
  return await open(job, tokenizer, beat);
}
