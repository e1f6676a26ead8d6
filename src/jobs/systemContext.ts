import { type Context, nowhere, type Workspace } from '../core/context.ts';
import { newId } from '../core/ids.ts';
import { allPermissions } from '../core/permissions.ts';

export type SystemServices = Pick<Context, 'db' | 'clock' | 'log' | 'committed' | 'outside'>;

/** May do everything, in one workspace. */
export const everyRight = { permissions: new Set(allPermissions), rowScope: 'ALL', principals: [] } as const;

/** The context of Frontdesk itself, for jobs and the start. */
export function systemContext(services: SystemServices, workspace: Workspace = nowhere): Context {
  const { db, clock, log, committed, outside } = services;
  return {
    db,
    clock,
    log,
    committed,
    ...(outside && { outside }),
    viewer: { kind: 'system', ...everyRight },
    workspace,
    requestId: newId(),
  };
}
