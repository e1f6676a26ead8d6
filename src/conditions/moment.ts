import { DateTime } from 'luxon';
import type { Relative, Span, Unit, Value } from './condition.ts';

/** Quintiles of a business: the four values that part its customers into five groups of about one size. */
export interface RfmBounds {
  /** Milliseconds since 1970 of the last visit. */
  recency: number[];
  /** Completed bookings. */
  frequency: number[];
  /** Spent, in minor units of the business's currency. */
  monetary: bigint[];
}

/** What a condition is looked at from: the time, and the business's own settings. */
export interface Moment {
  now: Date;
  /** IANA zone of the business: where its days begin. */
  zone: string;
  /** ISO 4217. */
  currency: string;
  /** Null until it was worked out for the first time: then nobody has RFM scores. */
  rfm: RfmBounds | null;
}

/** How far a bound is from now; the bound moves with it. */
export interface Shift {
  amount: number;
  unit: Unit;
}

export const isRelative = (value: unknown): value is Relative =>
  typeof value === 'object' && value !== null && ('ago' in value || 'ahead' in value);

export const shiftOf = (value: Relative): Shift =>
  'ago' in value ? { amount: -value.ago, unit: value.unit } : { amount: value.ahead, unit: value.unit };

/** The moment that this is at now. */
export function shifted(from: Date, shift: Shift, zone: string): Date {
  const { amount, unit } = shift;
  const calendar = unit === 'months' || unit === 'years';
  return DateTime.fromJSDate(from, { zone: calendar ? zone : 'UTC' })
    .plus({ [unit]: amount })
    .toJSDate();
}

/** The instant that a value of a date and time means. A day alone is its beginning in the business's zone. */
export function instantOf(value: Value, { now, zone }: Moment): Date {
  if (isRelative(value)) return shifted(now, shiftOf(value), zone);
  const text = String(value);
  return /^\d{4}-\d\d-\d\d$/.test(text) ? DateTime.fromISO(text, { zone }).toJSDate() : new Date(text);
}

/** The day that a value of a date means, as YYYY-MM-DD. */
export function dayOf(value: Value, { now, zone }: Moment): string {
  if (!isRelative(value)) return String(value);
  const { amount, unit } = shiftOf(value);
  return DateTime.fromJSDate(now, { zone })
    .plus({ [unit]: amount })
    .toISODate() as string;
}

/** The bounds of a span, of which the first is excluded where it moves with now, and included where it stands still. */
export function boundsOf(
  span: Span,
  moment: Moment,
): { after?: Date; from?: Date; upTo?: Date; until?: Date } {
  const { now, zone } = moment;
  if ('last' in span)
    return { after: shifted(now, { amount: -span.last, unit: span.unit }, zone), upTo: now };
  if ('next' in span) return { after: now, upTo: shifted(now, { amount: span.next, unit: span.unit }, zone) };
  return {
    ...(span.from && { from: instantOf(span.from, moment) }),
    ...(span.until && { until: instantOf(span.until, moment) }),
  };
}

/** What of a span moves with now: a row that such a bound passes comes in or falls out. */
export function shiftsOf(span: Span): Shift[] {
  const still: Shift = { amount: 0, unit: 'minutes' };
  if ('last' in span) return [{ amount: -span.last, unit: span.unit }, still];
  if ('next' in span) return [still, { amount: span.next, unit: span.unit }];
  return [];
}
