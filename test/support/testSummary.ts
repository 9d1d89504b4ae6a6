/** @file Tests. What one vitest run counted. */
export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly file: string; readonly name: string; readonly reason: string }[];
}
