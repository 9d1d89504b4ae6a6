/** @file Runs under Node. Handlers of shared/contract/views.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { viewRoutes } from '../../../shared/contract/views.ts';
import { deleteView, listViews, saveView } from '../../db/views.ts';
import type { HostContext } from '../hosting.ts';

export function viewsHandlers({ databases }: HostContext): HandlersOf<typeof viewRoutes> {
  return {
    'views/list': ({ page }) => listViews(databases.store(), page),
    'views/save': ({ page, name, state }) => {
      saveView(databases.store(), page, name, state);
      return null;
    },
    'views/delete': ({ page, name }) => {
      deleteView(databases.store(), page, name);
      return null;
    },
  };
}
