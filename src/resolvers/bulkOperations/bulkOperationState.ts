import type { Context } from '../../core/context.ts';
import type { BulkOperation, Tx } from '../../core/database.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';

/** How long a worker that says nothing keeps an operation for itself. */
export const leaseSeconds = 15;

/** The operation is no longer this worker's: it was called off, or taken over. */
export class NoLongerMine extends Error {
  override name = 'NoLongerMine';
}

/** Takes the oldest operation that waits, or whose worker is gone, for a worker; null when there is none. */
export async function claimBulkOperation(
  { db }: Pick<Context, 'db'>,
  worker: string,
): Promise<BulkOperation | null> {
  const [claimed] = await db.$queryRaw<{ id: string }[]>`
    UPDATE bulk_operation SET status = 'RUNNING', claimed_by = ${worker}::uuid,
      claimed_until = now() + make_interval(secs => ${leaseSeconds}::integer), started_at = coalesce(started_at, now())
    WHERE id = (
      SELECT id FROM bulk_operation WHERE status IN ('QUEUED', 'RUNNING') AND (claimed_until IS NULL OR claimed_until < now())
      ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id`;
  return claimed ? db.bulkOperation.findUniqueOrThrow({ where: { id: claimed.id } }) : null;
}

/** Says that the worker is still at it. */
export async function renewClaim({ db }: Pick<Context, 'db'>, id: string, worker: string): Promise<void> {
  await db.$executeRaw`
    UPDATE bulk_operation SET claimed_until = now() + make_interval(secs => ${leaseSeconds}::integer)
    WHERE id = ${id}::uuid AND claimed_by = ${worker}::uuid AND status = 'RUNNING'`;
}

/** Leaves it to the next worker, at once. */
export async function releaseClaim({ db }: Pick<Context, 'db'>, id: string, worker: string): Promise<void> {
  await db.$executeRaw`UPDATE bulk_operation SET claimed_until = NULL
    WHERE id = ${id}::uuid AND claimed_by = ${worker}::uuid AND status = 'RUNNING'`;
}

/**
 * Holds the operation until the transaction ends, so that it is called off or taken over before or after what the
 * transaction does, never in between. Throws NoLongerMine.
 */
export async function holdMine(tx: Tx, id: string, worker: string): Promise<void> {
  const [mine] = await tx.$queryRaw<object[]>`
    SELECT 1 FROM bulk_operation WHERE id = ${id}::uuid AND claimed_by = ${worker}::uuid AND status = 'RUNNING'
    FOR NO KEY UPDATE`;
  if (!mine) throw new NoLongerMine('The operation was called off or taken over.');
}

/** Ends an operation that is under way or waits, and says so. Answers null when it had ended already. */
export async function finishBulkOperation(
  ctx: Context,
  id: string,
  status: 'COMPLETED' | 'CANCELLED' | 'FAILED',
  error: string | null = null,
): Promise<BulkOperation | null> {
  return write(ctx, async (tx) => {
    const now = ctx.clock.now();
    const { count } = await tx.bulkOperation.updateMany({
      where: { id, workspaceId: ctx.workspace.id, status: { in: ['QUEUED', 'RUNNING'] } },
      data: { status, error, finishedAt: now, updatedAt: now, claimedBy: null, claimedUntil: null },
    });
    if (count === 0) return null;
    const operation = await tx.bulkOperation.findUniqueOrThrow({ where: { id } });
    const { kind, rowsDone, rowsRefused } = operation;
    await record(ctx, tx, 'bulk_operation.finished', {
      subjectId: id,
      data: { kind, status, rowsDone, rowsRefused },
    });
    return operation;
  });
}
