/** @file Runs under Node. The composition root: wires databases, engines and services of one data directory together. */

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { noticeSinceStart } from '../shared/contract/events.ts';
import type { EngineTestReport } from '../shared/engineTest.ts';
import type { Entries } from './entries.ts';
import { writeError } from './files/fileErrors.ts';
import { dispatcherOver } from './rpc/dispatch.ts';
import { createEventHub } from './rpc/eventHub.ts';
import { Databases } from './studio/databases.ts';
import { dataPlaces } from './studio/dataDirectory.ts';
import { DatasetService } from './studio/datasets.ts';
import { DeviceService } from './studio/devices.ts';
import { type EngineReportWish, reportEngine } from './studio/engineReport.ts';
import { EngineService, type PrepareEngines } from './studio/engines.ts';
import { describeEnvironment } from './studio/environment.ts';
import { ExportService } from './studio/exports.ts';
import { ForeignChanges } from './studio/foreignChanges.ts';
import { allHandlers } from './studio/handlers/all.ts';
import { hostContext } from './studio/hostContext.ts';
import type { HostedStudio, HostPlatform } from './studio/hosting.ts';
import { ImportedModelService } from './studio/importedModels.ts';
import { InferenceService } from './studio/inference.ts';
import { type TakenRun, takeInRun } from './studio/runImport.ts';
import { RunService } from './studio/runs.ts';
import { StoredQueue } from './studio/storedQueue.ts';
import { lockStudio } from './studio/studioLock.ts';
import { TextService } from './studio/texts.ts';
import { TrainingService } from './studio/training.ts';
import { projectFolder } from './version.ts';

export interface Studio {
  readonly dataDirectory: string;
  readonly datasets: DatasetService;
  readonly engines: EngineService;
  readonly devices: DeviceService;
  readonly runs: RunService;
  readonly training: TrainingService;
  readonly queue: StoredQueue;
  readonly inference: InferenceService;
  readonly texts: TextService;
  readonly models: ImportedModelService;
  readonly exports: ExportService;
  /** Compares an engine with PyTorch on this machine. */
  reportEngine(wish: EngineReportWish): Promise<EngineTestReport>;
  /** Takes in a run file of another studio. */
  takeInRun(path: string, signal: AbortSignal): Promise<TakenRun>;
  /** Closes the databases; a second call does nothing. */
  close(): void;
}

export interface StudioOptions {
  readonly dataDirectory: string;
  readonly entries: Entries;
  /** Entail's own version, for the record of a run. */
  readonly version: string;
  /** Sentences that a person should read, such as that a damaged file was set aside. */
  readonly onNotice: (notice: string) => void;
  /** Runs once, before an engine is chosen. */
  readonly prepareEngines?: PrepareEngines;
  /** -> the folder of the program of exported pages, made when it is first needed; as it was built unless told. */
  readonly prepareExportPage?: () => Promise<string>;
}

const builtExportPage = async () => join(projectFolder(), 'dist', 'exportPage');

/**
 * A studio over a data directory, which is made when it is not there. Databases open when they are first needed, so
 * that a damaged one does not keep `engines doctor` from answering.
 * @throws StudioError UNREADABLE or WRITE_FAILED for a directory that cannot be used.
 */
export function openStudio(options: StudioOptions): Studio {
  return servicesOf(options).studio;
}

function servicesOf(options: StudioOptions): { studio: Studio; databases: Databases } {
  const { dataDirectory, entries, version, onNotice } = options;
  try {
    mkdirSync(dataDirectory, { recursive: true });
  } catch (thrown) {
    throw writeError(thrown, dataDirectory);
  }
  const databases = new Databases(dataPlaces(dataDirectory), onNotice);
  const environment = describeEnvironment({ version, root: projectFolder() });
  const engines = new EngineService(dataDirectory, options.prepareEngines, { onNotice });
  const devices = new DeviceService({ databases, engines });
  const training = new TrainingService({ databases, entries, environment, engines, devices });
  const studio = {
    dataDirectory,
    datasets: new DatasetService(databases),
    engines,
    runs: new RunService(databases),
    devices,
    training,
    queue: new StoredQueue({ databases, devices, training }),
    inference: new InferenceService({ databases, entries, engines }),
    texts: new TextService(dataDirectory),
    models: new ImportedModelService(databases),
    exports: new ExportService({
      ...{ databases, entries, engines, version },
      preparePage: options.prepareExportPage ?? builtExportPage,
    }),
    reportEngine: (wish: EngineReportWish) =>
      reportEngine({ devices, engines, entries, dataDirectory, environment }, wish),
    takeInRun: (path: string, signal: AbortSignal) => takeInRun({ databases, entries }, path, signal),
    close: () => databases.close(),
  };
  return { studio, databases };
}

/**
 * A studio behind the contract, for the window and for browsers. It alone has the directory until it is closed.
 * @throws StudioError LOCKED, pointing to the studio that has the directory; what opening the databases throws.
 */
export function hostStudio(
  options: Omit<StudioOptions, 'onNotice'> & { readonly platform: HostPlatform },
): HostedStudio {
  const notices: string[] = [];
  const events = createEventHub({ start: randomUUID() });
  const onNotice = (text: string) => {
    notices.push(text);
    events.publish([noticeSinceStart(text, notices.length - 1)]);
  };
  const { studio, databases } = servicesOf({ ...options, onNotice });
  const lock = lockStudio(options.dataDirectory);
  try {
    databases.store();
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
  const context = hostContext({ ...options, ...studio, databases, notices }, events.publish);
  const { datasetChanges, modelChanges, queue, runIndex } = context;
  const dispatcher = dispatcherOver(allHandlers(context));
  const foreign = new ForeignChanges({
    ...{ databases, datasetChanges, modelChanges, runIndex, publish: events.publish },
    isOurs: (run) => queue.trains(run),
    onChange: () => queue.lookAround(),
  });
  foreign.start();
  return {
    dataDirectory: options.dataDirectory,
    dispatch: dispatcher.dispatch,
    events,
    announce: (address) => {
      lock.announce(address);
      queue.open();
    },
    isBusy: () => queue.isBusy(),
    close: async () => {
      foreign.stop();
      const answered = dispatcher.close();
      // Children first: nobody waits for a model that is still being loaded.
      await Promise.all([context.playground.close(), context.jobs.close(), queue.close()]);
      await answered;
      context.deletions.close();
      context.uploads.close();
      events.close();
      studio.close();
      lock.release();
    },
  };
}
