/** @file Runs under Node. The slow tests: kills, journeys, large files. One file at a time: they time out otherwise. */
import { defineConfig } from 'vitest/config';
import { sharedTestOptions } from './vitest.config.ts';

export default defineConfig({
  test: {
    ...sharedTestOptions,
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 900_000,
    expect: { poll: { timeout: 120_000 } },
    include: ['test/**/*.slow.test.ts'],
  },
});
