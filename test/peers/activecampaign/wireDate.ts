import { DateTime } from 'luxon';

/** The zone of the account: ActiveCampaign writes all times in it, with whole seconds. */
const zone = 'America/Chicago';

/** Zones are slow to ask, and most rows of a page were written in the same few seconds. */
const written = new Map<number, string>();

/** `2018-09-28T13:50:41-05:00` */
export function wireDate(ms: number): string {
  const second = Math.floor(ms / 1000);
  const known = written.get(second);
  if (known) return known;
  const text = DateTime.fromSeconds(second, { zone }).toISO({ suppressMilliseconds: true })!;
  if (written.size > 10_000) written.clear();
  written.set(second, text);
  return text;
}

/** Milliseconds of a time given by a caller, in the account's zone unless it names one; NaN when it is none. */
export function readDate(text: string): number {
  const read = DateTime.fromISO(text.trim().replace(' ', 'T'), { zone });
  return read.isValid ? read.toMillis() : Number.NaN;
}
