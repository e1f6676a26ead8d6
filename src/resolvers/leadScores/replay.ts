import { doneByCustomers } from '../../conditions/fields.ts';
import type { Context } from '../../core/context.ts';
import type { Event, Tx } from '../../core/database.ts';
import { advance } from '../../scoring/advance.ts';
import { type Ledger, newLedger } from '../../scoring/ledger.ts';
import { type ScoreRule, typesOf } from '../../scoring/rule.ts';
import { scoreEvent } from '../../scoring/scoreEvent.ts';
import { holdsOf, scoredEvent } from './scoringOf.ts';

/**
 * What the ledgers of these customers would be if the rules had been in force from the beginning: their history up to a
 * position of the log, told to the same engine as when it happened. Conditions on the customer see them as they are now.
 */
export async function replay(
  ctx: Pick<Context, 'workspace' | 'clock'>,
  tx: Tx,
  rules: readonly ScoreRule[],
  customerIds: readonly string[],
  end: bigint,
): Promise<Map<string, Ledger>> {
  const types = [...new Set([...rules.flatMap(typesOf), ...doneByCustomers])];
  const events = await tx.$queryRaw<Event[]>`
    SELECT id, type, version, position, customer_id AS "customerId", subject_id AS "subjectId", occurred_at AS "occurredAt",
      recorded_at AS "recordedAt", data
    FROM event WHERE workspace_id = ${ctx.workspace.id}::uuid AND customer_id = ANY(${[...customerIds]}::uuid[])
      AND type = ANY(${types}::text[]) AND position <= ${end} ORDER BY position`;
  const holds = await holdsOf(ctx, tx, rules, customerIds);
  const ledgers = new Map(customerIds.map((id) => [id, newLedger()]));
  for (const event of events) {
    const id = event.customerId as string;
    scoreEvent(ledgers.get(id) as Ledger, rules, scoredEvent(event), ctx.workspace.currency, holds(id));
  }
  for (const [id, ledger] of ledgers) advance(ledger, rules, ctx.clock.now(), holds(id));
  return ledgers;
}

/** Where the workspace's log ends. */
export async function endOfLog(ctx: Pick<Context, 'workspace'>, tx: Tx): Promise<bigint> {
  const last = await tx.event.findFirst({
    where: { workspaceId: ctx.workspace.id },
    orderBy: { position: 'desc' },
    select: { position: true },
  });
  return last?.position ?? 0n;
}
