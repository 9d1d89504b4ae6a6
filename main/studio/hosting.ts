/** @file Runs under Node. What a hosted studio is: what the host brings, and what every area of handlers is given. */
import type { AppInfo } from '../../shared/contract/app.ts';
import type { StudioEvent } from '../../shared/contract/events.ts';
import type { EngineTestReport } from '../../shared/engineTest.ts';
import type { Entries } from '../entries.ts';
import type { Dispatch } from '../rpc/dispatch.ts';
import type { EventHub } from '../rpc/eventHub.ts';
import type { Databases } from './databases.ts';
import type { DatasetChanges } from './datasetChanges.ts';
import type { DatasetService } from './datasets.ts';
import type { Deletions } from './deletions.ts';
import type { DeviceService } from './devices.ts';
import type { DirectoryChoice } from './directoryChoice.ts';
import type { EngineReportWish } from './engineReport.ts';
import type { EngineService } from './engines.ts';
import type { ErrorAnalysisService } from './errorAnalysis.ts';
import type { ExportService } from './exports.ts';
import type { ImportedModelService } from './importedModels.ts';
import type { InferenceService } from './inference.ts';
import type { JobService } from './jobs.ts';
import type { ModelChanges } from './modelChanges.ts';
import type { PlaygroundService } from './playground.ts';
import type { QueueService } from './queue.ts';
import type { TakenRun } from './runImport.ts';
import type { RunIndex } from './runIndex.ts';
import type { RunService } from './runs.ts';
import type { SettingsService } from './settings.ts';
import type { TextService } from './texts.ts';
import type { TrainingService } from './training.ts';
import type { Uploads } from './uploads.ts';

/** What only the host can do: Electron most of it, the loopback server little. */
export interface HostPlatform {
  readonly capabilities: AppInfo['capabilities'];
  /** Null when the person cancelled. @throws StudioError NOT_AVAILABLE. */
  chooseFile(purpose: 'dataset' | 'folder' | 'vocabulary'): Promise<string | null>;
  /** @throws StudioError NOT_AVAILABLE. */
  showFolder(path: string): void;
  /** A notification of the system; does nothing where there are none. */
  notify(notification: { readonly title: string; readonly body: string; readonly run: string }): void;
  /** Where the studio opens next time, and who says so. */
  readonly directoryChoice: DirectoryChoice;
  /** True while something trains: the machine must not sleep. */
  keepAwake(awake: boolean): void;
}

/** Control over a run that goes on, in this process or another. */
export interface RunControl {
  /** `keep`: in good order, with figures on the test split. `now`: at once. @throws StudioError NOT_FOUND, USAGE. */
  stop(run: string, how: 'keep' | 'now'): Promise<void>;
  pause(run: string): Promise<void>;
  /** A paused run goes on; another one that can goes into the queue. */
  resume(run: string, microBatchTokens?: number): Promise<void>;
  /** Ends it at once and deletes it, with time to think again. */
  discard(run: string): Promise<{ undoableUntilMs: number }>;
}

/** What the handlers of every area are made from. */
export interface HostContext {
  readonly version: string;
  readonly dataDirectory: string;
  readonly databases: Databases;
  readonly entries: Entries;
  readonly datasets: DatasetService;
  readonly datasetChanges: DatasetChanges;
  readonly engines: EngineService;
  readonly devices: DeviceService;
  readonly runs: RunService;
  readonly texts: TextService;
  readonly training: TrainingService;
  readonly inference: InferenceService;
  readonly exports: ExportService;
  takeInRun(path: string, signal: AbortSignal): Promise<TakenRun>;
  reportEngine(wish: EngineReportWish): Promise<EngineTestReport>;
  readonly models: ImportedModelService;
  readonly modelChanges: ModelChanges;
  readonly errorAnalysis: ErrorAnalysisService;
  readonly playground: PlaygroundService;
  readonly runIndex: RunIndex;
  readonly deletions: Deletions;
  readonly runControl: RunControl;
  readonly queue: QueueService;
  readonly jobs: JobService;
  readonly settings: SettingsService;
  readonly uploads: Uploads;
  readonly platform: HostPlatform;
  /** Tells clients what has been committed. */
  publish(events: readonly StudioEvent[]): void;
  /** Sentences that a person should read, collected since the start. */
  readonly notices: readonly string[];
}

/** A studio with its doors open: both hosts are a thin shell around it. */
export interface HostedStudio {
  readonly dataDirectory: string;
  readonly dispatch: Dispatch;
  readonly events: EventHub;
  /**
   * Its doors are open: tells other studios on the directory where it is, and starts waiting runs from now on. A host
   * that comes to nothing (its port is in use) has touched none.
   */
  announce(address: { readonly host: 'desktop' | 'headless'; readonly url: string | null }): void;
  /** True while a run trains here. */
  isBusy(): boolean;
  /** Stops what trains in good order (a checkpoint), refuses new calls, closes the databases. */
  close(): Promise<void>;
}
