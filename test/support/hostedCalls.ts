/** @file Tests. Calls of the contract with their types, to a studio in this process. */
import { expect } from 'vitest';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import type { Input, Output, RouteName } from '../../shared/contract/contract.ts';
import type { StudioEvent } from '../../shared/contract/events.ts';
import type { Job } from '../../shared/contract/jobs.ts';
import { type ErrorData, errorFromData } from '../../shared/errors.ts';
import { until } from './until.ts';

export interface HostedCalls {
  /** @throws StudioError what the studio says no with. */
  ask<Name extends RouteName>(route: Name, input: Input<Name>): Promise<Output<Name>>;
  /** What the studio says no with; fails the test when it says yes. */
  refusal(route: RouteName, input: unknown): Promise<ErrorData>;
  /** The job when it has ended, whatever its end. */
  ended(job: string): Promise<Job>;
  /** Everything that was told since this was made. */
  readonly events: readonly StudioEvent[];
}

export function callsTo(studio: Pick<HostedStudio, 'dispatch' | 'events'>): HostedCalls {
  const events: StudioEvent[] = [];
  studio.events.subscribe(null, (batch) => events.push(...batch.events));
  const ask = async <Name extends RouteName>(route: Name, input: Input<Name>): Promise<Output<Name>> => {
    const result = await studio.dispatch(route, input);
    if (!result.ok) throw errorFromData(result.error);
    return result.value as Output<Name>;
  };
  return {
    events,
    ask,
    refusal: async (route, input) => {
      const result = await studio.dispatch(route, input);
      expect(result.ok).toBe(false);
      return (result as Extract<typeof result, { ok: false }>).error;
    },
    ended: async (id) => {
      const find = async () => (await ask('jobs/list', {})).find((job) => job.id === id);
      return (await until(find, (job) => job !== undefined && job.state !== 'running'))!;
    },
  };
}
