import { doneByCustomers } from '../conditions/fields.ts';
import { newId } from '../core/ids.ts';
import { advance, counting, entryOf, isFull, isWritten } from './advance.ts';
import { end, type Ledger, write } from './ledger.ts';
import { type ScoreRule, typesOf } from './rule.ts';

export interface ScoredEvent {
  id: string;
  type: string;
  subjectId: string;
  occurredAt: Date;
  recordedAt: Date;
  data: Record<string, unknown>;
}

const acts: ReadonlySet<string> = new Set(doneByCustomers);

/** Whether an event ends a silence. */
export const isAct = (type: string) => acts.has(type);

/**
 * Writes into a customer's ledger what an event brings about. Events come in the order of the log; when they happened
 * decides which entries count, so a history that is told out of order is scored as if it had been told in time.
 */
export function scoreEvent(
  ledger: Ledger,
  rules: readonly ScoreRule[],
  event: ScoredEvent,
  /** ISO 4217, of the business: money in another one earns nothing. */
  currency: string,
  /** Whether the rule's condition holds, for the event or, in silence, for the customer alone. */
  holds: (rule: ScoreRule, event: ScoredEvent | null) => boolean,
): void {
  advance(ledger, rules, event.recordedAt, (rule) => holds(rule, null));
  for (const rule of rules) {
    if (!typesOf(rule).includes(event.type) || isWritten(ledger, rule, event.id)) continue;
    if (rule.perAmountMinor !== null) scoreAmount(ledger, rule, event, currency, holds);
    else if (holds(rule, event)) scoreOnce(ledger, rule, event);
  }
  const { last } = ledger;
  if (isAct(event.type) && (!last || event.occurredAt >= last.occurredAt))
    ledger.last = { eventId: event.id, occurredAt: event.occurredAt, recordedAt: event.recordedAt };
}

function scoreOnce(ledger: Ledger, rule: ScoreRule, event: ScoredEvent): void {
  const at = event.occurredAt;
  if (isFull(ledger, rule, at)) return;
  const entry = { id: newId(), ...entryOf(rule, event.id, at), points: rule.points };
  if (rule.renews && rule.maxOccurrences !== null) {
    const inTime = counting(ledger, rule, at).sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime());
    const earlier = inTime.filter(({ occurredAt }) => occurredAt <= at);
    const [oldest] = earlier;
    if (oldest && earlier.length >= rule.maxOccurrences) end(ledger, oldest, at);
    // What is told late made place already for what came after it.
    const next = inTime[earlier.length + rule.maxOccurrences - 1];
    if (next && (entry.expiresAt === null || next.occurredAt < entry.expiresAt))
      entry.expiresAt = next.occurredAt;
  }
  write(ledger, rule, entry);
}

/** Points for each full amount of everything spent so far: what is left over of one payment counts with the next. */
function scoreAmount(
  ledger: Ledger,
  rule: ScoreRule,
  event: ScoredEvent,
  currency: string,
  holds: (rule: ScoreRule, event: ScoredEvent) => boolean,
): void {
  const amount = amountOf(event, currency);
  if (amount === null) return;
  const payment = `${rule.id} ${event.subjectId}`;
  const isRefund = event.type === 'payment.refunded';
  if (isRefund ? !ledger.earned.has(payment) : !holds(rule, event)) return;
  ledger.earned.add(payment);
  const before = ledger.spent.get(rule.id) ?? 0n;
  const after = before + amount;
  ledger.spent.set(rule.id, after);
  const per = rule.perAmountMinor as bigint;
  const points = Number(after / per - before / per) * rule.points;
  write(ledger, rule, {
    id: newId(),
    ...entryOf(rule, event.id, event.occurredAt),
    points: Math.max(-mostPoints, Math.min(mostPoints, points)),
    amountMinor: amount,
  });
}

/** Of one entry: far from where sums would no longer fit their column. */
const mostPoints = 1_000_000;

function amountOf({ type, data }: ScoredEvent, currency: string): bigint | null {
  if (data.currency !== currency) return null;
  const [minor, sign] =
    type === 'payment.refunded'
      ? [data.refundMinor, -1n]
      : [type === 'payment.recorded' ? data.amountMinor : data.priceMinor, 1n];
  return minor == null ? null : sign * BigInt(minor as string);
}
