import { type Condition, type Leaf, leavesOf } from '../../conditions/condition.ts';
import { evaluate, type Facts } from '../../conditions/evaluate.ts';
import { fields } from '../../conditions/fields.ts';
import type { Moment } from '../../conditions/moment.ts';
import type { Context } from '../../core/context.ts';
import type { Event, LeadScoreRule, Tx } from '../../core/database.ts';
import { type EventName, upgrade } from '../../events/catalogue.ts';
import type { Thresholds } from '../../scoring/grade.ts';
import { type ScoreRule, typesOf } from '../../scoring/rule.ts';
import { isAct, type ScoredEvent } from '../../scoring/scoreEvent.ts';
import { momentOf } from '../conditions/momentOf.ts';
import { factsOf } from '../conditions/watch.ts';
import { addDefaultRules } from '../leadScoreRules/addDefaultRules.ts';

/** By what a business scores. */
export interface Scoring {
  /** Those that are active. */
  rules: ScoreRule[];
  thresholds: Thresholds;
}

/** Rules as they were read last, so that they are not read again for every page of events. */
const known = new WeakMap<object, Map<string, { mark: string; rules: ScoreRule[] }>>();

/** By what the business scores at present. */
export async function scoringOf(ctx: Pick<Context, 'db' | 'workspace' | 'clock'>, tx: Tx): Promise<Scoring> {
  const workspaceId = ctx.workspace.id;
  // Whatever changes a rule gives its row another xmin, also when the clock stands still.
  const read = () =>
    tx.$queryRaw<(Thresholds & { scoringSince: Date | null; mark: string })[]>`
      SELECT warm_from AS "warmFrom", hot_from AS "hotFrom", qualified_from AS "qualifiedFrom", scoring_since AS "scoringSince",
        (SELECT concat(count(*), ' ', max(r.xmin::text::bigint)) FROM lead_score_rule r WHERE r.workspace_id = w.id) AS mark
      FROM workspace w WHERE w.id = ${workspaceId}::uuid`;
  let [row] = await read();
  if (row && !row.scoringSince) {
    await addDefaultRules(ctx, tx);
    [row] = await read();
  }
  if (!row) throw new Error(`There is no workspace ${workspaceId}.`);
  const { mark, scoringSince: _, ...thresholds } = row;
  const ofDatabase = known.get(ctx.db) ?? new Map();
  known.set(ctx.db, ofDatabase);
  let last = ofDatabase.get(workspaceId);
  if (last?.mark !== mark) {
    const rows = await tx.leadScoreRule.findMany({
      where: { workspaceId, active: true },
      orderBy: { id: 'asc' },
    });
    last = { mark, rules: rows.map(ruleOf) };
    ofDatabase.set(workspaceId, last);
  }
  return { rules: last.rules, thresholds };
}

export const ruleOf = ({ condition, ...row }: LeadScoreRule): ScoreRule => ({
  ...row,
  condition: condition as Condition | null,
});

/** Types of the events that make a difference. */
export function isScored(rules: readonly ScoreRule[]): (type: string) => boolean {
  const types = new Set(rules.flatMap(typesOf));
  return (type) => types.has(type) || isAct(type);
}

export function scoredEvent(event: Event): ScoredEvent {
  const { id, type, subjectId, occurredAt, recordedAt } = event;
  const data = upgrade(type as EventName, event.version, event.data) as Record<string, unknown>;
  return { id, type, subjectId, occurredAt, recordedAt, data };
}

/** Whether a rule's condition holds, for an event of this customer or for the customer alone. */
export type Holds = (customerId: string) => (rule: ScoreRule, event?: ScoredEvent | null) => boolean;

/**
 * Reads what the rules' conditions ask about these customers, in one statement; none when they ask nothing. Lengths of
 * time are seen from the event, so that a history is judged as it was then.
 */
export async function holdsOf(
  ctx: Pick<Context, 'workspace' | 'clock'>,
  tx: Tx,
  rules: readonly ScoreRule[],
  customerIds: readonly string[],
): Promise<Holds> {
  const leaves: Leaf[] = rules
    .flatMap(({ condition }) => (condition ? [...leavesOf(condition)] : []))
    .map(([leaf]) => leaf)
    .filter(({ field }) => fields.get(field)?.about === 'CUSTOMER');
  const { timeZone: zone, currency } = ctx.workspace;
  const asks = leaves.length > 0;
  const moment: Moment = asks ? await momentOf(ctx, tx) : { now: ctx.clock.now(), zone, currency, rfm: null };
  const known: ReadonlyMap<string, Facts> = asks
    ? await factsOf(ctx, tx, leaves, customerIds, moment)
    : new Map();
  return (customerId) => {
    const facts: Facts = known.get(customerId) ?? new Map();
    return ({ condition }, event = null) =>
      !condition || evaluate(condition, facts, event ? { ...moment, now: event.occurredAt } : moment, event);
  };
}
