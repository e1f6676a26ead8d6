import { type Context, nowhere, type Workspace } from '../core/context.ts';
import { newId } from '../core/ids.ts';
import { allPermissions } from '../core/permissions.ts';

/** The context of Frontdesk itself, for jobs and the start: may do everything, in one workspace. */
export function systemContext(
  services: Pick<Context, 'db' | 'clock' | 'log' | 'committed'>,
  workspace: Workspace = nowhere,
): Context {
  const { db, clock, log, committed } = services;
  const viewer = {
    kind: 'system',
    permissions: new Set(allPermissions),
    rowScope: 'ALL',
    principals: [],
  } as const;
  return { db, clock, log, committed, viewer, workspace, requestId: newId() };
}
