import type { Condition } from '../conditions/condition.ts';
import { activityNames } from '../events/catalogue.ts';

/** What earns or costs points: a row of `lead_score_rule`, whose documentation in prisma/schema.prisma says what each means. */
export interface ScoreRule {
  id: string;
  name: string;
  eventType: string | null;
  inactiveDays: number | null;
  condition: Condition | null;
  points: number;
  perAmountMinor: bigint | null;
  maxOccurrences: number | null;
  maxPerPeriod: number | null;
  periodDays: number | null;
  expiresAfterDays: number | null;
  decayPerDay: number | null;
  renews: boolean;
}

/** Events that a rule may wait for: all of a timeline but those that scoring records, and those after which there is nobody to score. */
export const scoredEvents = activityNames.filter((name) => !/^(lead_score\.|customer\.deleted$)/.test(name));

/** Events that say an amount, for rules with `perAmountMinor`. */
export const amountEvents: readonly string[] = ['payment.recorded', 'booking.completed'];

/** Types whose events a rule looks at. */
export function typesOf({ eventType, perAmountMinor }: ScoreRule): string[] {
  if (!eventType) return [];
  return perAmountMinor !== null && eventType === 'payment.recorded'
    ? [eventType, 'payment.refunded']
    : [eventType];
}
