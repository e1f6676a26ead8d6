import type { Context } from '../../core/context.ts';
import { type Event, Prisma, type Tx } from '../../core/database.ts';
import { advance } from '../../scoring/advance.ts';
import { scoredEvents } from '../../scoring/rule.ts';
import { scoreEvent } from '../../scoring/scoreEvent.ts';
import { type Held, holdLedgers } from './holdLedgers.ts';
import { holdsOf, isScored, type Scoring, scoredEvent, scoringOf } from './scoringOf.ts';
import { gradeSql, settle } from './settle.ts';

/** Customers for whom time has something to do, in one transaction. */
const batch = 1_000;

/**
 * Keeps lead scores in step: a page of events is scored with a handful of statements, however many customers it is about;
 * what ends, decays or falls silent is done when it is due, for those alone whom it is due for.
 */
export const keepScores = {
  async read(ctx: Context, tx: Tx, events: readonly Event[]): Promise<void> {
    if (!events.some(({ type }) => concernsScores(type))) return;
    const scoring = await scoringOf(ctx, tx);
    await lookAgain(ctx, tx, scoring, events);
    const matters = isScored(scoring.rules);
    const scored = events.filter(({ customerId, type }) => customerId && matters(type));
    if (scored.length === 0) return;

    const customers = scored.map(({ customerId }) => customerId as string);
    const held = await holdLedgers(ctx, tx, scoring.rules, customers, {
      earliest: scored.reduce(
        (first, { occurredAt }) => (occurredAt < first ? occurredAt : first),
        ctx.clock.now(),
      ),
      amounts: scored.some(({ type }) => /^payment\.|^booking\.completed$/.test(type)),
      refunds: scored.some(({ type }) => type === 'payment.refunded'),
    });
    const holds = await holdsOf(ctx, tx, scoring.rules, [...held.keys()]);
    const touched = new Set<Held>();
    for (const event of scored) {
      const of = held.get(event.customerId as string);
      // They may have been worked out again from a history that reaches further.
      if (!of || event.position <= of.position) continue;
      scoreEvent(of.ledger, scoring.rules, scoredEvent(event), ctx.workspace.currency, holds(of.customerId));
      of.position = event.position;
      of.advancedTo = event.recordedAt;
      touched.add(of);
    }
    await settle(ctx, tx, scoring, [...touched]);
  },

  async pass(ctx: Context, tx: Tx, _from: Date, until: Date): Promise<Date | null> {
    const due = await tx.leadScoreState.findMany({
      where: { workspaceId: ctx.workspace.id, dueAt: { lte: until } },
      orderBy: { dueAt: 'asc' },
      take: batch,
      select: { customerId: true },
    });
    if (due.length > 0) {
      const scoring = await scoringOf(ctx, tx);
      const customers = due.map(({ customerId }) => customerId);
      const about = { earliest: until, amounts: false, refunds: false };
      const silent = scoring.rules.filter(({ inactiveDays }) => inactiveDays !== null);
      const held = await holdLedgers(ctx, tx, silent, customers, about);
      const holds = await holdsOf(ctx, tx, silent, [...held.keys()]);
      for (const of of held.values()) {
        advance(of.ledger, scoring.rules, until, holds(of.customerId));
        of.advancedTo = until;
      }
      await settle(ctx, tx, scoring, [...held.values()]);
    }
    const next = await tx.leadScoreState.findFirst({
      where: { workspaceId: ctx.workspace.id, dueAt: { not: null } },
      orderBy: { dueAt: 'asc' },
      select: { dueAt: true },
    });
    return next?.dueAt ?? null;
  },
};

/** Whether it may make a difference, whatever the rules are. What scoring records itself never does. */
const concernsScores = (type: string) =>
  /^(lead_score_rule|settings)\./.test(type) || (scoredEvents as readonly string[]).includes(type);

/** A rule about inactivity or the grades changed: those for whom it may make a difference are due, and no others. */
async function lookAgain(ctx: Context, tx: Tx, scoring: Scoring, events: readonly Event[]): Promise<void> {
  const workspaceId = ctx.workspace.id;
  const ruleIds = new Set(
    events.filter(({ type }) => type.startsWith('lead_score_rule.')).map(({ subjectId }) => subjectId),
  );
  for (const { id, inactiveDays } of scoring.rules) {
    if (inactiveDays === null || !ruleIds.has(id)) continue;
    const due = Prisma.sql`greatest(last_at + make_interval(hours => 24 * ${inactiveDays}::integer), last_recorded_at + interval '1 hour')`;
    await tx.$executeRaw`UPDATE lead_score_state SET due_at = ${due}
      WHERE workspace_id = ${workspaceId}::uuid AND last_at IS NOT NULL AND (due_at IS NULL OR due_at > ${due})`;
  }
  if (events.some(({ type }) => type === 'settings.updated'))
    await tx.$executeRaw`UPDATE lead_score_state s SET due_at = ${ctx.clock.now()} FROM customer c
      WHERE c.workspace_id = ${workspaceId}::uuid AND c.lead_score > 0
        AND c.lead_grade <> ${gradeSql(Prisma.sql`c.lead_score`, scoring.thresholds)}
        AND s.workspace_id = c.workspace_id AND s.customer_id = c.id`;
}
