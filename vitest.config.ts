/** @file Runs under Node. The fast tests: everything but `*.slow.test.ts`. */
import { defineConfig } from 'vitest/config';
import type { InlineConfig } from 'vitest/node';

export const sharedTestOptions = {
  // Tests start real processes and load native libraries: a process each, and no more than two cores can serve.
  pool: 'forks' as const,
  globalSetup: ['test/support/nativeForTests.ts', 'test/support/softwareVulkan.ts'],
  maxWorkers: 2,
  // Generous, because a loaded machine is no defect; nothing in a test waits for time to pass.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  teardownTimeout: 60_000,
  slowTestThreshold: 10_000,
  // Less than a test's limit, so that it can still say what it last saw.
  expect: { poll: { timeout: 200_000 } },
} satisfies InlineConfig;

export default defineConfig({
  test: {
    ...sharedTestOptions,
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.slow.test.ts', 'node_modules/**'],
  },
});
