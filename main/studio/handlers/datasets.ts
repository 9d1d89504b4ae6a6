/** @file Runs under Node. Handlers of shared/contract/datasets.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { DatasetEntry, datasetRoutes } from '../../../shared/contract/datasets.ts';
import type { Dataset } from '../../../shared/datasets.ts';
import { StudioError } from '../../../shared/errors.ts';
import { previewSource } from '../../data/preview.ts';
import { parseHubReference } from '../../hub/hubReference.ts';
import { startDownload, startHubDownload, startImport, startSampleImport } from '../dataJobs.ts';
import { ExampleBrowser } from '../exampleBrowser.ts';
import type { HostContext } from '../hosting.ts';

/** Without the keys that are undefined, which the reader takes for given. */
function given<Value extends object>(
  value: Value | undefined,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value ?? {}).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> };
}

export function datasetsHandlers(context: HostContext): HandlersOf<typeof datasetRoutes> {
  const { databases, datasets, datasetChanges, runIndex } = context;
  const browser = new ExampleBrowser(databases);
  const entryOf = (dataset: Dataset): DatasetEntry => ({
    ...dataset,
    ...datasets.size(dataset.name),
    usedBy: runsOn(context, dataset),
  });
  return {
    'datasets/list': () => datasets.list().map(entryOf),
    'datasets/show': ({ name }) => entryOf(datasets.require(name)),
    'datasets/rows': ({ name, from, count, ...search }) =>
      browser.page(datasets.require(name), search, { from, count }),
    'datasets/preview': ({ path, format, mapping }) =>
      previewSource(path, {
        ...given({ format }),
        ...(mapping === undefined ? {} : { mapping: given(mapping) }),
      }),
    'datasets/import': ({ path, name, format, mapping, splitSeed }) => ({
      job: startImport(context, {
        ...{ path, name, splitSeed },
        ...given({ format }),
        ...(mapping === undefined ? {} : { mapping: given(mapping) }),
      }),
    }),
    'datasets/importSample': () => ({ job: startSampleImport(context) }),
    'datasets/download': () => ({ job: startDownload(context) }),
    'datasets/downloadHub': ({ reference, name, ...choice }) => ({
      job: startHubDownload(context, { reference: parseHubReference(reference), name, ...given(choice) }),
    }),
    'datasets/delete': ({ name }) => {
      requireUnused(context, datasets.require(name));
      datasets.delete(name);
      runIndex.touch([]);
      datasetChanges.tell();
      return null;
    },
  };
}

/** From the index, which knows every run's data set. */
function runsOn({ runIndex }: HostContext, { contentHash }: Dataset): string[] {
  const { ids, settings } = runIndex.table();
  const column = settings.find(({ key }) => key === 'dataset.contentHash');
  const code = column?.values.indexOf(contentHash) ?? -1;
  return code === -1 ? [] : ids.filter((_, at) => column!.codes[at] === code);
}

/** @throws StudioError LOCKED while a run trains on it or waits to. */
function requireUnused(context: HostContext, dataset: Dataset): void {
  const { waiting, running } = context.queue.show();
  const users = new Set(runsOn(context, dataset));
  const user = [...running.map(({ run }) => run), ...waiting.map(({ id }) => id)].find((id) => users.has(id));
  if (user === undefined) return;
  throw new StudioError('LOCKED', `Run ${user} trains on ${dataset.name}, or waits to.`, {
    nextStep: 'Stop it, or take it out of the queue, first.',
  });
}
