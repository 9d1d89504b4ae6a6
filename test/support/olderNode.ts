/** @file Tests. Node options that make this Node look to the launcher like one that it must not use itself. */

/** Loads code before anything else. */
function preload(code: string): string[] {
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}

const NO_TYPESCRIPT = "Object.defineProperty(process.features, 'typescript', { value: false });";

/** A Node that cannot run TypeScript: the launcher must find another. */
export const OLDER_NODE: readonly string[] = preload(NO_TYPESCRIPT);

/** The same on a processor for which npm has no Node. */
export const OLDER_NODE_ELSEWHERE: readonly string[] = preload(
  `${NO_TYPESCRIPT} Object.defineProperty(process, 'arch', { value: 'mips' });`,
);
