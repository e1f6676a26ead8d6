import type { Context } from '../../core/context.ts';

const page = 1_000;

/** Why rows of an operation were refused, in the order of the file, read as they are taken. */
export async function* refusalsOf(
  { db, workspace }: Pick<Context, 'db' | 'workspace'>,
  operationId: string,
): AsyncGenerator<{ row: number; columns: string; field: string; message: string }> {
  for (let after = { row: 0, reason: 0 }; ; ) {
    const { row, reason } = after;
    const refusals = await db.bulkRefusal.findMany({
      where: {
        workspaceId: workspace.id,
        operationId,
        row: { gte: row },
        OR: [{ row: { gt: row } }, { reason: { gt: reason } }],
      },
      orderBy: [{ row: 'asc' }, { reason: 'asc' }],
      take: page,
    });
    for (const { row, columns, field, message } of refusals) yield { row, columns, field, message };
    const last = refusals.at(-1);
    if (!last || refusals.length < page) return;
    after = last;
  }
}
