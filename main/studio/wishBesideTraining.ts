/** @file Runs under Node. The engine and threads of a model that answers, which may have to share the processors. */
import { runsInWork } from '../db/runsInWork.ts';
import type { Databases } from './databases.ts';
import type { EngineWish } from './inference.ts';

/** A run that trains here or in another process needs the processors: one thread then. */
export function wishBesideTraining(databases: Databases, wish: EngineWish): EngineWish {
  const trains = runsInWork(databases.store()).some(({ state }) => state !== 'paused');
  return trains ? { ...wish, threads: 1 } : wish;
}
