import DataLoader from 'dataloader';
import type { Context } from '../../core/context.ts';

/** How much there is to do for a connection. */
export interface Backlog {
  waiting: number;
  parked: number;
}

const loaders = new WeakMap<object, DataLoader<string, Backlog>>();

/** Counted at once for all connections that one operation asks about. */
export function backlogOf(ctx: Pick<Context, 'db' | 'workspace'>, connectionId: string): Promise<Backlog> {
  const known = loaders.get(ctx);
  if (known) return known.load(connectionId);
  const loader = new DataLoader<string, Backlog>(async (ids) => {
    const counts = await ctx.db.delivery.groupBy({
      by: ['connectionId', 'status'],
      where: {
        workspaceId: ctx.workspace.id,
        connectionId: { in: [...ids] },
        status: { in: ['WAITING', 'PARKED'] },
      },
      _count: { _all: true },
    });
    const count = (id: string, status: string) =>
      counts.find((one) => one.connectionId === id && one.status === status)?._count._all ?? 0;
    return ids.map((id) => ({ waiting: count(id, 'WAITING'), parked: count(id, 'PARKED') }));
  });
  loaders.set(ctx, loader);
  return loader.load(connectionId);
}
