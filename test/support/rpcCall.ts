/** @file Tests. A call of the contract over loopback, as a script with the key makes it. */
import type { Input, Output, RouteName } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/contract/route.ts';

export interface StudioAddress {
  readonly origin: string;
  readonly key: string;
}

export function postCall({ origin, key }: StudioAddress, route: string, input: unknown): Promise<Response> {
  return fetch(`${origin}/rpc/${route}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify(input),
  });
}

/** @throws when the studio says no. */
export async function rpcCall<Name extends RouteName>(
  address: StudioAddress,
  route: Name,
  input: Input<Name>,
): Promise<Output<Name>> {
  const answer = await postCall(address, route, input);
  if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
  const result = (await answer.json()) as Result<Output<Name>>;
  if (!result.ok) throw new Error(`${route}: ${result.error.code} ${result.error.message}`);
  return result.value;
}
