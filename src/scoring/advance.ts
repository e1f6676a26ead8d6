import { newId } from '../core/ids.ts';
import { change, counts, dayMs, daysAfter, type Entry, type LastAct, type Ledger, write } from './ledger.ts';
import type { ScoreRule } from './rule.ts';

/** What is told late, as an import does, is given so long to be told as a whole before silence counts. */
const settleMs = 3_600_000;

/** When silence after an act has lasted long enough for a rule. */
export function silenceDue({ occurredAt, recordedAt }: LastAct, inactiveDays: number): Date {
  return new Date(Math.max(occurredAt.getTime() + inactiveDays * dayMs, recordedAt.getTime() + settleMs));
}

/**
 * Brings a ledger up to a moment: the points that decay took by then, and rules about inactivity, each once for each
 * silence, since its entry is for the act that began it. It makes no difference in how many steps one gets there.
 */
export function advance(
  ledger: Ledger,
  rules: readonly ScoreRule[],
  until: Date,
  /** Whether the rule's condition holds for the customer. */
  holds: (rule: ScoreRule) => boolean,
): void {
  for (const rule of rules) {
    const { last } = ledger;
    if (rule.inactiveDays === null || !last) continue;
    const due = silenceDue(last, rule.inactiveDays);
    if (due > until || isWritten(ledger, rule, last.eventId) || isFull(ledger, rule, due) || !holds(rule))
      continue;
    write(ledger, rule, { id: newId(), ...entryOf(rule, last.eventId, due), points: rule.points });
  }
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  for (const entry of ledger.decaying) decay(ledger, entry, byId.get(entry.ruleId ?? ''), until);
}

/** When `advance` would next do something because of silence; null when nothing is in sight. */
export function nextSilence({ last }: Ledger, rules: readonly ScoreRule[], after: Date): Date | null {
  const dues = rules.flatMap(({ inactiveDays }) =>
    last && inactiveDays !== null ? silenceDue(last, inactiveDays).getTime() : [],
  );
  const coming = dues.filter((due) => due > after.getTime());
  return coming.length > 0 ? new Date(Math.min(...coming)) : null;
}

/** What every entry of a rule has. */
export function entryOf(rule: ScoreRule, eventId: string, occurredAt: Date) {
  return {
    eventId,
    ofEntryId: null,
    reason: rule.name,
    amountMinor: null,
    occurredAt,
    expiresAt: rule.expiresAfterDays === null ? null : daysAfter(occurredAt, rule.expiresAfterDays),
    decaysAt: rule.decayPerDay === null ? null : daysAfter(occurredAt, 1),
  };
}

export function isWritten({ keys }: Ledger, rule: ScoreRule, eventId: string): boolean {
  return keys.has(`${rule.id} ${eventId}`);
}

/** The entries of a rule that count at that time. */
export function counting({ entries }: Ledger, rule: ScoreRule, at: Date): Entry[] {
  return (entries.get(rule.id) ?? []).filter((entry) => counts(entry, at));
}

/** Whether a cap leaves no room for another entry, renewal aside. */
export function isFull(ledger: Ledger, rule: ScoreRule, at: Date): boolean {
  const { maxOccurrences, maxPerPeriod, periodDays, renews } = rule;
  if (maxPerPeriod !== null && periodDays !== null) {
    const near = (ledger.entries.get(rule.id) ?? []).filter(
      ({ occurredAt }) => Math.abs(occurredAt.getTime() - at.getTime()) < periodDays * dayMs,
    );
    if (near.length >= maxPerPeriod) return true;
  }
  return maxOccurrences !== null && !renews && counting(ledger, rule, at).length >= maxOccurrences;
}

/** Takes away what is due by then, an entry a day, until nothing is left or the points ended. */
function decay(ledger: Ledger, entry: Entry, rule: ScoreRule | undefined, until: Date): void {
  if (!entry.decaysAt || entry.decaysAt > until) return;
  change(ledger, entry);
  const taken = ledger.taken.get(entry.id) ?? [];
  let left = Math.abs(taken.reduce((sum, { points }) => sum + points, entry.points));
  while (entry.decaysAt && entry.decaysAt <= until) {
    const ended = entry.expiresAt !== null && entry.decaysAt >= entry.expiresAt;
    if (!rule?.decayPerDay || left === 0 || ended) {
      entry.decaysAt = null;
      break;
    }
    const step = Math.min(rule.decayPerDay, left);
    left -= step;
    write(ledger, rule, {
      id: newId(),
      eventId: null,
      ofEntryId: entry.id,
      points: entry.points > 0 ? -step : step,
      reason: `${rule.name}, daily decay`,
      amountMinor: null,
      occurredAt: entry.decaysAt,
      expiresAt: entry.expiresAt,
      decaysAt: null,
    });
    entry.decaysAt = left === 0 ? null : daysAfter(entry.decaysAt, 1);
  }
  if (!entry.decaysAt) ledger.decaying.delete(entry);
}
