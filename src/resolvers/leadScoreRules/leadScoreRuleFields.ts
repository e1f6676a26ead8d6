import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { LeadScoreRule, Tx } from '../../core/database.ts';
import { AlreadyExists, InvalidInput, type Issue } from '../../core/errors.ts';
import { moneyInput } from '../../core/money.ts';
import { clearable, text } from '../../core/parse.ts';
import { amountEvents, scoredEvents } from '../../scoring/rule.ts';
import { readCriteria } from '../conditions/readCriteria.ts';

/** A business has so many score rules at most. */
export const maxScoreRules = 200;
const mostPoints = 10_000;
/** Longest that decay may take: each day of it is an entry. */
const mostDecayDays = 365;
const mostDays = 3_650;

const among = (least: number, most: number) => {
  const message = `Must be between ${least} and ${most}.`;
  return z.int({ message }).min(least, message).max(most, message);
};

export const leadScoreRuleFields = {
  name: text(100).transform((name) => name.replace(/\s+/g, ' ')),
  description: clearable(text(500)),
  eventType: z
    .string()
    .refine((type) => (scoredEvents as readonly string[]).includes(type), 'No rule can wait for this.')
    .nullish(),
  inactiveDays: among(1, mostDays).nullish(),
  condition: z.unknown().optional(),
  points: among(-mostPoints, mostPoints).refine((points) => points !== 0, 'Must not be 0.'),
  perAmount: moneyInput.nullish(),
  maxOccurrences: among(1, 10_000).nullish(),
  maxPerPeriod: among(1, 10_000).nullish(),
  periodDays: among(1, mostDays).nullish(),
  expiresAfterDays: among(1, mostDays).nullish(),
  decayPerDay: among(1, mostPoints).nullish(),
  renews: z.boolean().nullish(),
  active: z.boolean().nullish(),
};

/** What may be sent to change a rule, or to try a change. */
export const changedRuleFields = {
  ...leadScoreRuleFields,
  name: leadScoreRuleFields.name.optional(),
  points: leadScoreRuleFields.points.optional(),
};

export const leadScoreRuleConstraints = {
  lead_score_rule_workspace_id_name_key: () => new AlreadyExists('name', 'Another score rule has this name.'),
};

type Sent = { [Field in keyof typeof changedRuleFields]?: z.output<(typeof changedRuleFields)[Field]> };

/** The columns of a rule that can be set. */
export type RuleColumns = Omit<LeadScoreRule, 'id' | 'workspaceId' | 'key' | 'createdAt' | 'updatedAt'>;

export const emptyRule: Omit<RuleColumns, 'name' | 'points'> = {
  description: null,
  eventType: null,
  inactiveDays: null,
  condition: null,
  perAmountMinor: null,
  maxOccurrences: null,
  maxPerPeriod: null,
  periodDays: null,
  expiresAfterDays: null,
  decayPerDay: null,
  renews: false,
  active: true,
};

/** What a rule becomes by the fields that were sent, if that makes sense as a whole; says all that does not. */
export async function ruleWith(
  ctx: Context,
  tx: Tx,
  before: RuleColumns,
  { perAmount, condition, ...sent }: Sent,
): Promise<RuleColumns> {
  const given = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined));
  const rule: RuleColumns = { ...before, ...given };
  rule.renews ??= false;
  rule.active ??= true;
  if (perAmount !== undefined) rule.perAmountMinor = perAmount?.minor ?? null;
  if (condition !== undefined) rule.condition = condition as RuleColumns['condition'];

  const issues: Issue[] = [];
  const refuse = (path: string, message: string) => issues.push({ path, message });
  if ((rule.eventType === null) === (rule.inactiveDays === null))
    refuse('eventType', 'A rule waits for an event or for inactiveDays: give one of the two.');
  if ((rule.maxPerPeriod === null) !== (rule.periodDays === null))
    refuse('periodDays', 'Goes together with maxPerPeriod.');
  if (rule.renews && rule.maxOccurrences === null)
    refuse('renews', 'Needs maxOccurrences: at that many the oldest makes place.');
  if (rule.decayPerDay !== null && Math.abs(rule.points) / rule.decayPerDay > mostDecayDays)
    refuse('decayPerDay', `Must take all points away within ${mostDecayDays} days.`);
  if (perAmount && perAmount.currency !== ctx.workspace.currency)
    refuse('perAmount.currency', `Must be ${ctx.workspace.currency}, the currency of the business.`);
  if (rule.perAmountMinor !== null) {
    if (rule.perAmountMinor <= 0n) refuse('perAmount.amount', 'Must be more than zero.');
    if (!amountEvents.includes(rule.eventType ?? ''))
      refuse('perAmount', `Goes only with the events ${amountEvents.join(' and ')}, which say an amount.`);
    const { maxOccurrences, maxPerPeriod, expiresAfterDays, decayPerDay } = rule;
    if ([maxOccurrences, maxPerPeriod, expiresAfterDays, decayPerDay].some((value) => value !== null))
      refuse('perAmount', 'Counts everything spent so far, so it has neither caps nor expiry nor decay.');
  }
  if (issues.length > 0) throw new InvalidInput(issues);

  if (rule.condition !== null) {
    const about = rule.eventType === null ? 'CUSTOMER' : { eventTypes: [rule.eventType] };
    rule.condition = (await readCriteria(ctx, tx, rule.condition, 'condition', about)) as never;
  }
  return rule;
}
