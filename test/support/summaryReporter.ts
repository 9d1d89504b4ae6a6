/** @file Tests. A vitest reporter that leaves the counts, and why tests were skipped, in a file for test/run.ts. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { TestSummary } from './testSummary.ts';

/** The reason given to `skip(reason)`, or the words in the name of the nearest group that says "SKIPPED". */
function skipReason(test: TestCase): string {
  const result = test.result();
  const note = result?.state === 'skipped' ? result.note : undefined;
  if (note !== undefined) return note;
  const told = test.fullName.split(' > ').find((part) => /skip/i.test(part));
  return told ?? test.fullName;
}

function summarise(modules: readonly TestModule[], unhandledErrors: number): TestSummary {
  const summary = {
    passed: 0,
    failed: unhandledErrors,
    skipped: [] as { file: string; name: string; reason: string }[],
  };
  for (const module of modules) {
    const file = relative(process.cwd(), module.moduleId);
    let failedTests = 0;
    for (const test of module.children.allTests()) {
      const state = test.result().state;
      if (state === 'passed') summary.passed += 1;
      else if (state === 'failed') failedTests += 1;
      else summary.skipped.push({ file, name: test.fullName, reason: skipReason(test) });
    }
    // A file that does not even load, or a failing hook, has no failed test of its own.
    summary.failed += failedTests === 0 && module.state() === 'failed' ? 1 : failedTests;
  }
  return summary;
}

/** Writes a TestSummary as JSON to the path in ENTAIL_TEST_SUMMARY. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const path = process.env['ENTAIL_TEST_SUMMARY'];
    if (path !== undefined) writeFileSync(path, JSON.stringify(summarise(modules, unhandledErrors.length)));
  }
}
