import type { Context } from '../../core/context.ts';
import { Prisma, type Tx } from '../../core/database.ts';
import { recordAll } from '../../events/record.ts';
import { nextSilence } from '../../scoring/advance.ts';
import type { Grade, Thresholds } from '../../scoring/grade.ts';
import { counts, type Entry } from '../../scoring/ledger.ts';
import type { Held } from './holdLedgers.ts';
import type { Scoring } from './scoringOf.ts';

/**
 * Stores what became of ledgers: their new entries, those that ended, and from the whole ledger the customers' scores
 * and grades. Says of each score that changed why it did, after the row is written, so that whoever hears of it finds it.
 */
export async function settle(
  ctx: Context,
  tx: Tx,
  { rules, thresholds }: Scoring,
  held: readonly Held[],
  /** Why scores changed, where the entries do not say. */
  why?: string,
): Promise<number> {
  if (held.length === 0) return 0;
  await insertEntries(ctx, tx, held);
  await changeEntries(ctx, tx, held);
  const byId = new Map(held.map((one) => [one.customerId, one]));
  const changed = await storeScores(
    ctx,
    tx,
    thresholds,
    held.map(({ customerId, ledger, position, advancedTo, dueAt }) => ({
      customer: customerId,
      position: String(position),
      event: ledger.last?.eventId ?? null,
      at: ledger.last?.occurredAt ?? null,
      recorded: ledger.last?.recordedAt ?? null,
      quiet: advancedTo ? nextSilence(ledger, rules, advancedTo) : dueAt,
    })),
  );
  const now = ctx.clock.now();
  await recordAll(
    ctx,
    tx,
    'lead_score.changed',
    changed.map(({ id, score, grade }) => {
      const before = byId.get(id) as Held;
      return {
        subjectId: id,
        customerId: id,
        data: {
          previousScore: before.score,
          score,
          previousGrade: before.grade,
          grade,
          reason: why ?? reasonOf(before, score, now),
        },
      };
    }),
  );
  return changed.length;
}

async function insertEntries(ctx: Context, tx: Tx, held: readonly Held[]): Promise<void> {
  const rows = held.flatMap(({ customerId, ledger }) =>
    [...ledger.written].map((entry) => rowOf(customerId, entry)),
  );
  if (rows.length === 0) return;
  await tx.$executeRaw`
    INSERT INTO lead_score_entry (workspace_id, id, customer_id, rule_id, event_id, of_entry_id, points, reason, amount_minor,
        occurred_at, expires_at, decays_at, created_at)
      SELECT ${ctx.workspace.id}::uuid, id, customer, rule, event, entry, points, reason, amount, at, expires, decays, ${ctx.clock.now()}
      FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r (id uuid, customer uuid, rule uuid, event uuid, entry uuid,
        points integer, reason text, amount bigint, at timestamptz, expires timestamptz, decays timestamptz)
    ON CONFLICT (workspace_id, rule_id, event_id) DO NOTHING`;
}

const rowOf = (customer: string, entry: Entry) => ({
  customer,
  id: entry.id,
  rule: entry.ruleId,
  event: entry.eventId,
  entry: entry.ofEntryId,
  points: entry.points,
  reason: entry.reason,
  amount: entry.amountMinor === null ? null : String(entry.amountMinor),
  at: entry.occurredAt,
  expires: entry.expiresAt,
  decays: entry.decaysAt,
});

/** What decay took from an entry ends with it. */
async function changeEntries(ctx: Context, tx: Tx, held: readonly Held[]): Promise<void> {
  const rows = held.flatMap(({ customerId, ledger }) =>
    [...ledger.changed.keys()].map((entry) => rowOf(customerId, entry)),
  );
  if (rows.length === 0) return;
  await tx.$executeRaw`
    UPDATE lead_score_entry e SET expires_at = r.expires, decays_at = CASE WHEN e.id = r.id THEN r.decays END
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r (id uuid, customer uuid, expires timestamptz, decays timestamptz)
    WHERE e.workspace_id = ${ctx.workspace.id}::uuid AND e.customer_id = r.customer AND (e.id = r.id OR e.of_entry_id = r.id)`;
}

/** The band that a score falls into, in SQL; `gradeOf` says the same. */
export const gradeSql = (score: Prisma.Sql, { warmFrom, hotFrom, qualifiedFrom }: Thresholds) => Prisma.sql`
  (CASE WHEN ${score} >= ${qualifiedFrom}::integer THEN 'QUALIFIED' WHEN ${score} >= ${hotFrom}::integer THEN 'HOT'
    WHEN ${score} >= ${warmFrom}::integer THEN 'WARM' ELSE 'COLD' END)::lead_grade`;

interface NewState {
  customer: string;
  position: string;
  event: string | null;
  at: Date | null;
  recorded: Date | null;
  quiet: Date | null;
}

/** Works scores out from the ledgers, in one statement, and answers those that changed. */
async function storeScores(
  ctx: Context,
  tx: Tx,
  thresholds: Thresholds,
  states: readonly NewState[],
): Promise<{ id: string; score: number; grade: Grade }[]> {
  const workspaceId = ctx.workspace.id;
  const now = ctx.clock.now();
  return tx.$queryRaw`
    WITH given AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(states)}::json)
        AS g (customer uuid, position bigint, event uuid, at timestamptz, recorded timestamptz, quiet timestamptz)
    ), summed AS (
      SELECT g.*, sums.score, least(sums.ends, sums.decays, g.quiet) AS due FROM given g CROSS JOIN LATERAL (
        SELECT greatest(-2000000000, least(2000000000, coalesce(sum(e.points) FILTER
            (WHERE e.expires_at IS NULL OR e.expires_at > ${now}), 0)))::integer AS score,
          min(e.expires_at) FILTER (WHERE e.expires_at > ${now}) AS ends, min(e.decays_at) AS decays
        FROM lead_score_entry e WHERE e.workspace_id = ${workspaceId}::uuid AND e.customer_id = g.customer) sums
    ), stated AS (
      INSERT INTO lead_score_state (workspace_id, customer_id, position, last_event_id, last_at, last_recorded_at, calculated_at, due_at)
        SELECT ${workspaceId}::uuid, customer, position, event, at, recorded, ${now}, due FROM summed
      ON CONFLICT (workspace_id, customer_id) DO UPDATE SET position = EXCLUDED.position, last_event_id = EXCLUDED.last_event_id,
        last_at = EXCLUDED.last_at, last_recorded_at = EXCLUDED.last_recorded_at, calculated_at = EXCLUDED.calculated_at,
        due_at = EXCLUDED.due_at
    )
    UPDATE customer c SET lead_score = s.score, lead_grade = ${gradeSql(Prisma.sql`s.score`, thresholds)} FROM summed s
    WHERE c.workspace_id = ${workspaceId}::uuid AND c.id = s.customer
      AND (c.lead_score, c.lead_grade) IS DISTINCT FROM (s.score, ${gradeSql(Prisma.sql`s.score`, thresholds)})
    RETURNING c.id, c.lead_score AS score, c.lead_grade::text AS grade`;
}

const maxReason = 300;

/** Where the difference comes from: "Booking +10, Inactive 14 days -5". */
function reasonOf({ ledger, lapsed, score: before }: Held, score: number, now: Date): string {
  const sums = new Map<string, number>();
  const add = (reason: string, points: number) => sums.set(reason, (sums.get(reason) ?? 0) + points);
  for (const entry of ledger.written) if (counts(entry, now)) add(entry.reason, entry.points);
  for (const { ruleId, reason, points } of lapsed)
    add(`${ruleId ? reason : 'Points given by hand'}, ended`, -points);
  for (const [entry, expiresAt] of ledger.changed)
    if (counts({ expiresAt }, now) && !counts(entry, now)) add(entry.reason, -entry.points);
  const rest = [...sums.values()].reduce((left, points) => left - points, score - before);
  if (rest !== 0) add('Other points', rest);
  const parts = [...sums].filter(([, points]) => points !== 0);
  const text = parts.map(([reason, points]) => `${reason} ${points > 0 ? '+' : ''}${points}`).join(', ');
  if (text.length > maxReason) return `${text.slice(0, maxReason - 1)}…`;
  return text || (score === before ? 'Grades were set anew' : 'Several that make up for each other');
}
