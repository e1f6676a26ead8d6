import type { Context } from '../../core/context.ts';
import type { BulkOperation, Tx } from '../../core/database.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import type { Entry, Ledger } from '../../scoring/ledger.ts';
import { finishBulkOperation, holdMine } from '../bulkOperations/bulkOperationState.ts';
import { type Held, holdCustomers } from './holdLedgers.ts';
import { endOfLog, replay } from './replay.ts';
import { scoringOf } from './scoringOf.ts';
import { settle } from './settle.ts';

/** Customers in one transaction. */
const batch = 200;
const batchMs = 120_000;
/** Progress becomes an event this often at most. */
const tellMs = 1_000;

interface Checkpoint {
  /** The last customer that is done. */
  after?: string;
}

/**
 * Works scores out again, some customers a transaction and the checkpoint in each, so that a kill costs the batch under
 * way. Events go on being scored meanwhile: each customer's state says up to which event they are. Points given by hand
 * stay; what a customer's ledger says already is left untouched. Throws NoLongerMine.
 */
export async function runRescore(
  ctx: Context,
  operation: BulkOperation,
  worker: string,
  stopping: AbortSignal,
): Promise<void> {
  const { id } = operation;
  const workspaceId = ctx.workspace.id;
  const bytesTotal = BigInt(
    Math.max(1, await ctx.db.customer.count({ where: { workspaceId, deletedAt: null } })),
  );
  await ctx.db.bulkOperation.update({ where: { id }, data: { bytesTotal } });
  let { after } = operation.mapping as Checkpoint;
  while (!stopping.aborted) {
    const last = await write(ctx, (tx) => rescoreBatch(ctx, tx, id, worker, after), batchMs);
    if (!last) return void (await finishBulkOperation(ctx, id, 'COMPLETED'));
    after = last;
  }
}

/** The next customers; answers the last of them, null when there are none left. */
async function rescoreBatch(
  ctx: Context,
  tx: Tx,
  id: string,
  worker: string,
  after: string | undefined,
): Promise<string | null> {
  await holdMine(tx, id, worker);
  const workspaceId = ctx.workspace.id;
  const customers = await tx.customer.findMany({
    where: { workspaceId, deletedAt: null, ...(after && { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take: batch,
    select: { id: true },
  });
  const last = customers.at(-1);
  if (!last) return null;
  const changed = await rescore(
    ctx,
    tx,
    customers.map((customer) => customer.id),
  );
  const now = ctx.clock.now();
  const operation = await tx.bulkOperation.update({
    where: { id },
    data: {
      mapping: { after: last.id } satisfies Checkpoint,
      rowsDone: { increment: customers.length },
      rowsKnown: { increment: customers.length - changed },
      bytesDone: { increment: customers.length },
      updatedAt: now,
    },
  });
  const { kind, rowsDone, rowsRefused, toldAt } = operation;
  if (toldAt && now.getTime() - toldAt.getTime() < tellMs) return last.id;
  await tx.bulkOperation.update({ where: { id }, data: { toldAt: now } });
  await record(ctx, tx, 'bulk_operation.progressed', {
    subjectId: id,
    data: { kind, rowsDone, rowsRefused },
  });
  return last.id;
}

/** Answers how many ledgers are not as they were. */
async function rescore(ctx: Context, tx: Tx, customerIds: readonly string[]): Promise<number> {
  const workspaceId = ctx.workspace.id;
  const scoring = await scoringOf(ctx, tx);
  const held = await holdCustomers(ctx, tx, customerIds);
  const ids = [...held.keys()];
  const end = await endOfLog(ctx, tx);
  const ledgers = await replay(ctx, tx, scoring.rules, ids, end);
  const before = Map.groupBy(
    await tx.leadScoreEntry.findMany({
      where: {
        workspaceId,
        customerId: { in: ids },
        OR: [{ eventId: { not: null } }, { ofEntryId: { not: null } }],
      },
    }),
    ({ customerId }) => customerId,
  );
  const now = ctx.clock.now();
  const other: string[] = [];
  for (const [id, of] of held) {
    const ledger = ledgers.get(id) as Ledger;
    const isOther = String(linesOf(before.get(id) ?? [])) !== String(linesOf([...ledger.written]));
    if (isOther) other.push(id);
    of.ledger = { ...ledger, written: isOther ? ledger.written : new Set() };
    of.position = end;
    of.advancedTo = now;
  }
  await tx.leadScoreEntry.deleteMany({
    where: {
      workspaceId,
      customerId: { in: other },
      OR: [{ eventId: { not: null } }, { ofEntryId: { not: null } }],
    },
  });
  const among = (wanted: (of: Held) => boolean) => [...held.values()].filter(wanted);
  const isOther = new Set(other);
  await settle(
    ctx,
    tx,
    scoring,
    among(({ customerId }) => isOther.has(customerId)),
    'Worked out again',
  );
  await settle(
    ctx,
    tx,
    scoring,
    among(({ customerId }) => !isOther.has(customerId)),
  );
  return other.length;
}

/** A ledger without the ids of its entries, so that two can be compared. */
function linesOf(entries: readonly Omit<Entry, 'id'>[]): string[] {
  const at = (date: Date | null) => date?.getTime() ?? '';
  return entries
    .map((entry) =>
      JSON.stringify([
        entry.ruleId,
        entry.eventId,
        entry.ofEntryId !== null,
        entry.points,
        entry.reason,
        String(entry.amountMinor),
        at(entry.occurredAt),
        at(entry.expiresAt),
        at(entry.decaysAt),
      ]),
    )
    .sort();
}
