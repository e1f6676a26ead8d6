import type { Context } from '../../core/context.ts';

const most = 1_000;

/** How the size of a segment went, newest hour first. */
export function sizesOf({ db, workspace }: Pick<Context, 'db' | 'workspace'>, segmentId: string) {
  return db.segmentSize.findMany({
    where: { workspaceId: workspace.id, segmentId },
    orderBy: { hour: 'desc' },
    take: most,
    select: { hour: true, members: true },
  });
}
