/** @file Runs anywhere. What a run takes up, on the disk and in the database. */

export interface RunSize {
  readonly metricPoints: number;
  readonly evaluations: number;
  readonly logLines: number;
  readonly checkpoints: number;
  /** In the run's folder, as its checkpoints were reported. */
  readonly checkpointBytes: number;
  /** In studio.db, roughly. */
  readonly databaseBytes: number;
}
