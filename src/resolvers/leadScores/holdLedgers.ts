import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import type { Grade } from '../../scoring/grade.ts';
import { add, type Entry, type Ledger, newLedger } from '../../scoring/ledger.ts';
import type { ScoreRule } from '../../scoring/rule.ts';

/** A customer whose ledger is being written. */
export interface Held {
  customerId: string;
  ledger: Ledger;
  /** As they stand in the customer's row. */
  score: number;
  grade: Grade;
  /** Up to here the customer's events are scored. */
  position: bigint;
  /** Up to when time is taken into account; null while it is left to whoever is due. */
  advancedTo: Date | null;
  dueAt: Date | null;
  /** Points that ended since the score was last worked out. */
  lapsed: { ruleId: string | null; reason: string; points: number }[];
}

interface State {
  id: string;
  score: number;
  grade: Grade;
  position: bigint | null;
  lastEventId: string | null;
  lastAt: Date | null;
  lastRecordedAt: Date | null;
  dueAt: Date | null;
}

/**
 * Holds customers until the transaction ends and reads what their next entries depend on. Who was deleted is left out.
 * What an entry can depend on goes back to the earliest of these times.
 */
export async function holdLedgers(
  ctx: Pick<Context, 'workspace' | 'clock'>,
  tx: Tx,
  rules: readonly ScoreRule[],
  customerIds: readonly string[],
  about: { earliest: Date; amounts: boolean; refunds: boolean },
): Promise<Map<string, Held>> {
  const now = ctx.clock.now();
  const workspaceId = ctx.workspace.id;
  const held = await holdCustomers(ctx, tx, customerIds);
  const ids = [...held.keys()];

  const idsOf = (wanted: (rule: ScoreRule) => boolean) => rules.filter(wanted).map(({ id }) => id);
  const capped = idsOf((rule) => rule.maxOccurrences !== null);
  const silent = idsOf((rule) => rule.inactiveDays !== null && rule.maxOccurrences !== null); // Due before the first event.
  const periodic = rules.filter((rule) => rule.periodDays !== null);
  const longest = Math.max(0, ...periodic.map(({ periodDays }) => periodDays as number));
  const entries = await tx.$queryRaw<(Entry & { customerId: string; lapsed: boolean })[]>`
    SELECT e.customer_id AS "customerId", e.id, e.rule_id AS "ruleId", e.event_id AS "eventId", e.of_entry_id AS "ofEntryId",
      e.points, e.reason, e.amount_minor AS "amountMinor", e.occurred_at AS "occurredAt", e.expires_at AS "expiresAt",
      e.decays_at AS "decaysAt", coalesce(e.expires_at > s.calculated_at AND e.expires_at <= ${now}, false) AS lapsed
    FROM lead_score_entry e JOIN lead_score_state s ON s.workspace_id = e.workspace_id AND s.customer_id = e.customer_id
    WHERE e.workspace_id = ${workspaceId}::uuid AND e.customer_id = ANY(${ids}::uuid[]) AND (
      e.rule_id = ANY(${capped}::uuid[]) AND (e.expires_at IS NULL OR e.expires_at > ${about.earliest})
      OR e.rule_id = ANY(${periodic.map(({ id }) => id)}::uuid[])
        AND e.occurred_at > ${about.earliest}::timestamptz - make_interval(days => ${longest}::integer)
      OR e.rule_id = ANY(${silent}::uuid[]) OR e.event_id = s.last_event_id OR e.decays_at IS NOT NULL
      OR e.expires_at > s.calculated_at AND e.expires_at <= ${now}
      OR e.of_entry_id IS NOT NULL AND EXISTS (SELECT 1 FROM lead_score_entry p
        WHERE p.workspace_id = e.workspace_id AND p.id = e.of_entry_id AND p.decays_at IS NOT NULL))
    ORDER BY e.occurred_at, e.id`;
  for (const { customerId, lapsed, ...entry } of entries) {
    const of = held.get(customerId) as Held;
    add(of.ledger, entry);
    if (lapsed) of.lapsed.push(entry);
  }

  const byAmount = about.amounts ? idsOf((rule) => rule.perAmountMinor !== null) : [];
  if (byAmount.length > 0) {
    const sums = await tx.$queryRaw<{ customerId: string; ruleId: string; minor: bigint }[]>`
      SELECT customer_id AS "customerId", rule_id AS "ruleId", sum(amount_minor)::bigint AS minor FROM lead_score_entry
      WHERE workspace_id = ${workspaceId}::uuid AND customer_id = ANY(${ids}::uuid[]) AND rule_id = ANY(${byAmount}::uuid[])
      GROUP BY 1, 2`;
    for (const { customerId, ruleId, minor } of sums) held.get(customerId)?.ledger.spent.set(ruleId, minor);
  }
  if (byAmount.length > 0 && about.refunds) {
    const paid = await tx.$queryRaw<{ customerId: string; ruleId: string; paymentId: string }[]>`
      SELECT e.customer_id AS "customerId", e.rule_id AS "ruleId", v.subject_id AS "paymentId" FROM lead_score_entry e
        JOIN event v ON v.workspace_id = e.workspace_id AND v.id = e.event_id
      WHERE e.workspace_id = ${workspaceId}::uuid AND e.customer_id = ANY(${ids}::uuid[]) AND e.rule_id = ANY(${byAmount}::uuid[])`;
    for (const { customerId, ruleId, paymentId } of paid)
      held.get(customerId)?.ledger.earned.add(`${ruleId} ${paymentId}`);
  }
  return held;
}

/** The customers alone, with ledgers of which nothing was read. */
export async function holdCustomers(
  ctx: Pick<Context, 'workspace' | 'clock'>,
  tx: Tx,
  customerIds: readonly string[],
): Promise<Map<string, Held>> {
  const workspaceId = ctx.workspace.id;
  const wanted = [...new Set(customerIds)];
  await tx.$queryRaw`SELECT 1 FROM customer
    WHERE workspace_id = ${workspaceId}::uuid AND id = ANY(${wanted}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  // Read only now: whoever held them before may have written the state.
  const states = await tx.$queryRaw<State[]>`
    SELECT c.id, c.lead_score AS score, c.lead_grade::text AS grade, s.position, s.last_event_id AS "lastEventId",
      s.last_at AS "lastAt", s.last_recorded_at AS "lastRecordedAt", s.due_at AS "dueAt"
    FROM customer c LEFT JOIN lead_score_state s ON s.workspace_id = c.workspace_id AND s.customer_id = c.id
    WHERE c.workspace_id = ${workspaceId}::uuid AND c.id = ANY(${wanted}::uuid[]) AND c.deleted_at IS NULL ORDER BY c.id`;
  return new Map(
    states.map(({ id, score, grade, position, lastEventId, lastAt, lastRecordedAt, dueAt }) => [
      id,
      {
        customerId: id,
        ledger: newLedger(
          lastEventId && lastAt && lastRecordedAt
            ? { eventId: lastEventId, occurredAt: lastAt, recordedAt: lastRecordedAt }
            : null,
        ),
        score,
        grade,
        position: position ?? 0n,
        advancedTo: null,
        dueAt,
        lapsed: [],
      },
    ]),
  );
}
