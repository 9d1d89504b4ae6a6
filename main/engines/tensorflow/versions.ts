/** @file Runs anywhere. Comparison of dotted versions. */

/** Whether a dotted version is at least another one; null never is. Missing parts count as 0. */
export function isAtLeast(version: string | null, least: string): boolean {
  if (version === null) return false;
  const [have, want] = [version.split('.').map(Number), least.split('.').map(Number)];
  const differing = want.findIndex((part, index) => (have[index] ?? 0) !== part);
  return differing === -1 || (have[differing] ?? 0) > want[differing]!;
}
