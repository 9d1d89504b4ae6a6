/** @file Runs in the page. Calls of the contract with their types: an answer, or a StudioError that is thrown. */
import type { Input, Output, RouteName } from '../../shared/contract/contract.ts';
import { errorFromData } from '../../shared/errors.ts';
import { stepsInStudio } from './nextSteps.ts';
import type { Transport } from './transport.ts';

export interface Client {
  /** @throws StudioError whatever the studio says no with, CONNECTION_LOST when it cannot be reached. */
  request<Name extends RouteName>(route: Name, input: Input<Name>): Promise<Output<Name>>;
  readonly transport: Transport;
}

export function clientOver(transport: Transport): Client {
  return {
    transport,
    request: async <Name extends RouteName>(route: Name, input: Input<Name>) => {
      const result = await transport.request(route, input);
      if (!result.ok) throw errorFromData(stepsInStudio(result.error));
      return result.value as Output<Name>;
    },
  };
}
