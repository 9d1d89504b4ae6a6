/** @file Runs under Node. What a hub's repositories hold, asked before anything large is fetched. */
import type { HubDatasetLook, HubModelLook } from '../../shared/contract/hub.ts';
import { findHubDataset } from '../data/findHubDataset.ts';
import { beginningConfig, takenSplits } from '../data/hubPieces.ts';
import { hubReferenceText, nameInHub, parseHubReference } from '../hub/hubReference.ts';
import { askRepository, type HubRepository } from '../hub/hubRepository.ts';
import { hubSettings } from '../hub/hubSettings.ts';
import { neededFiles } from '../models/download/neededFiles.ts';
import { suggestedModelName } from '../models/store/modelName.ts';

/** @throws StudioError as the contract says. */
export async function lookAtHubDataset(text: string): Promise<HubDatasetLook> {
  const reference = parseHubReference(text);
  const { repository, pieces } = await findHubDataset(reference, { settings: hubSettings() });
  const configs = [...new Set(pieces.map(({ config }) => config))].map((name) => {
    const own = pieces.filter(({ config }) => config === name);
    const names = [...new Set(own.map(({ split }) => split))];
    const taken = takenSplits(names);
    const sizeOf = (split: string) =>
      own.reduce((sum, piece) => (piece.split === split ? sum + piece.file.sizeBytes : sum), 0);
    return {
      name,
      splits: names.map((split) => ({ name: split, sizeBytes: sizeOf(split), taken: taken.includes(split) })),
    };
  });
  return {
    origin: originOf(repository),
    license: repository.license,
    configs,
    config: beginningConfig(
      configs.map(({ name }) => name),
      repository,
    ),
    suggestedName: nameInHub(reference),
  };
}

/** @throws StudioError as the contract says. */
export async function lookAtHubModel(text: string): Promise<HubModelLook> {
  const reference = parseHubReference(text);
  const repository = await askRepository('model', reference, { settings: hubSettings() });
  const { configuration, besides, weights } = neededFiles(repository);
  return {
    origin: originOf(repository),
    licence: repository.license,
    files: [configuration, ...besides, ...weights].map(({ path, sizeBytes }) => ({ path, sizeBytes })),
    suggestedName: suggestedModelName(nameInHub(reference), () => false),
  };
}

function originOf({ name, commit }: HubRepository): string {
  return hubReferenceText({ repository: name, revision: commit });
}
