/** @file Node. A model of a hub: asks what it is, fetches what is needed of it, and imports that. */
import { StudioError } from '../../../shared/errors.ts';
import type { ImportedModel } from '../../../shared/models.ts';
import type { DownloadLimits } from '../../files/downloadRequest.ts';
import { orByHand } from '../../hub/hubErrors.ts';
import { downloadHubFiles, removeDownloaded, requireRoomFor, waitingFolder } from '../../hub/hubFiles.ts';
import { type HubReference, hubReferenceText } from '../../hub/hubReference.ts';
import { askRepository, type HubAsking, type HubFile, type HubRepository } from '../../hub/hubRepository.ts';
import { type HubSettings, hubSettings } from '../../hub/hubSettings.ts';
import { readHuggingFaceConfig } from '../huggingFace/configFile.ts';
import { importModel, requireFreeModelName } from '../store/importModel.ts';
import type { ModelDownload } from './downloadProgress.ts';
import { neededFiles } from './neededFiles.ts';

export interface HubModelDownload extends ModelDownload {
  readonly reference: HubReference;
  readonly settings?: HubSettings;
  readonly limits?: Partial<DownloadLimits>;
}

/** Half-precision weights are kept at full length. */
const STORED_BYTES_A_BYTE = 2;

/**
 * The configuration comes first: a model of another family is refused before its weights are fetched. Files are removed once
 * the model is imported.
 * @throws StudioError OFFLINE (saying how to bring a folder), NOT_FOUND, UNAUTHORISED, FORBIDDEN, TOO_MANY_ATTEMPTS,
 * DOWNLOAD_FAILED, CHECKSUM_MISMATCH, DISK_FULL, CANCELLED; what `importModel` throws
 */
export async function downloadHubModel(download: HubModelDownload): Promise<ImportedModel> {
  const { reference, store, name, dataDirectory, signal, onProgress, limits } = download;
  requireFreeModelName(store, name);
  const asking: HubAsking = {
    settings: download.settings ?? hubSettings(),
    ...(signal === undefined ? {} : { signal }),
    ...(limits === undefined ? {} : { limits }),
  };
  const byHand =
    'download the files of its page elsewhere, copy their folder over, and run ' +
    `npx --no entail models import FOLDER --name ${name}.`;
  try {
    const repository = await askRepository('model', reference, asking);
    const folder = waitingFolder(dataDirectory, repository);
    await fetchModel({ ...asking, repository, folder }, onProgress);
    const model = await importModel(
      store,
      {
        ...download,
        path: folder,
        ...originOf(repository),
        licence: repository.license ?? download.licence,
        heads: null,
        layers: null,
      },
      { signal, onProgress: (fraction) => onProgress?.({ step: 'import', fraction }) },
    );
    removeDownloaded(dataDirectory, folder);
    return model;
  } catch (thrown) {
    if (signal?.aborted === true && !(thrown instanceof StudioError))
      throw new StudioError('CANCELLED', `The download of ${hubReferenceText(reference)} was cancelled.`, {
        nextStep: 'Start it again: it goes on where it stopped.',
      });
    throw orByHand(thrown, byHand);
  }
}

interface Fetching extends HubAsking {
  readonly repository: HubRepository;
  readonly folder: string;
}

async function fetchModel(fetching: Fetching, onProgress: ModelDownload['onProgress']): Promise<void> {
  const { repository, folder } = fetching;
  const { configuration, besides, weights } = neededFiles(repository);
  const files = [configuration, ...besides, ...weights];
  const origin = hubReferenceText({ repository: repository.name, revision: repository.commit });
  onProgress?.({ step: 'plan', plan: { origin, files: files.map(shown), licence: repository.license } });
  await downloadHubFiles({ ...fetching, files: [configuration] });
  readHuggingFaceConfig(folder);
  requireRoomFor(
    folder,
    files,
    STORED_BYTES_A_BYTE * weights.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
  await downloadHubFiles({
    ...fetching,
    files,
    onProgress: ({ receivedBytes, totalBytes }) =>
      onProgress?.({ step: 'download', receivedBytes, totalBytes }),
  });
}

function shown({ path, sizeBytes }: HubFile) {
  return { path, sizeBytes };
}

function originOf({ name, commit }: HubRepository) {
  return { origin: { source: `hf:${name}`, revision: commit } };
}
