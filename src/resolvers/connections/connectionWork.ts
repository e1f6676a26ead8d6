import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../core/context.ts';
import type { BulkOperation, Prisma, Tx } from '../../core/database.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { OutsideFailure } from '../../integrations/failure.ts';
import { finishBulkOperation, holdMine } from '../bulkOperations/bulkOperationState.ts';
import { type OpenConnection, openConnection } from './openConnection.ts';

/** A progress event this often at most. */
const tellMs = 1_000;
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

export interface Work {
  open: OpenConnection;
  /** Calls the outside system until it answers: an operation outlives a night without it. */
  patiently<Result>(call: () => Promise<Result>): Promise<Result>;
  /** Commits a step: its rows, the checkpoint and the figures, if the operation is still this worker's. */
  step(change: Prisma.BulkOperationUncheckedUpdateInput, also?: (tx: Tx) => Promise<unknown>): Promise<void>;
}

/** What a backfill and a drift check share: the connection, patience, the checkpoint, and the end. */
export async function connectionWork(
  ctx: Context,
  operation: BulkOperation,
  worker: string,
  signal: AbortSignal,
  work: (work: Work) => Promise<void>,
): Promise<void> {
  const { id, kind } = operation;
  const row = await ctx.db.integrationConnection.findUniqueOrThrow({
    where: { id: operation.connectionId as string },
  });
  if (row.status === 'DISCONNECTED') {
    await finishBulkOperation(ctx, id, 'FAILED', 'The connection is disconnected.');
    return;
  }
  const open = openConnection(ctx, row, { lane: 'backfill', signal });
  let toldAt = 0;
  try {
    await work({
      open,
      async patiently(call) {
        for (let attempt = 0; ; attempt++) {
          try {
            return await call();
          } catch (error) {
            const passes =
              error instanceof OutsideFailure &&
              ['UNAVAILABLE', 'RATE_LIMITED', 'UNEXPECTED'].includes(error.kind);
            if (!passes || signal.aborted || (error.kind === 'UNEXPECTED' && attempt > 5)) throw error;
            const own = Math.min(firstPauseMs * 2 ** attempt, longestPauseMs) * (0.5 + Math.random());
            await sleep(Math.max(error.retryAfterMs ?? own, firstPauseMs), null, { signal });
          }
        }
      },
      async step(change, also) {
        await write(ctx, async (tx) => {
          await holdMine(tx, id, worker);
          await also?.(tx);
          const { rowsDone, rowsRefused } = await tx.bulkOperation.update({
            where: { id },
            data: { ...change, updatedAt: ctx.clock.now() },
          });
          if (performance.now() - toldAt < tellMs) return;
          toldAt = performance.now();
          await record(ctx, tx, 'bulk_operation.progressed', {
            subjectId: id,
            data: { kind, rowsDone, rowsRefused },
          });
        });
      },
    });
    if (!signal.aborted) await finishBulkOperation(ctx, id, 'COMPLETED');
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof OutsideFailure)) throw error;
    await finishBulkOperation(ctx, id, 'FAILED', error.message);
  }
}
