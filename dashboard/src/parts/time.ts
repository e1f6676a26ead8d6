import dayjs from 'dayjs';
import timezone from 'dayjs/plugin/timezone';
import utc from 'dayjs/plugin/utc';

dayjs.extend(utc);
dayjs.extend(timezone);

export const viewerZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A day by the calendar of a zone, as `2026-11-21`. */
export const dayIn = (zone: string, at: number | string = Date.now()) =>
  dayjs(at).tz(zone).format('YYYY-MM-DD');

/** The time by the clock of a zone, as `09:30`. */
export const clockIn = (zone: string, at: string) => dayjs(at).tz(zone).format('HH:mm');

/** The instant of a day and a time by the clock of a zone. */
export const instantAt = (day: string, time: string, zone: string) =>
  dayjs.tz(`${day}T${time}:00`, zone).toISOString();

/** Where a day begins and ends, as instants; a day may have 23 or 25 hours. */
export function boundsOf(day: string, zone: string): { gte: string; lt: string } {
  const start = dayjs.tz(`${day}T00:00:00`, zone);
  const end = dayjs.tz(`${otherDay(day, 1)}T00:00:00`, zone);
  return { gte: start.toISOString(), lt: end.toISOString() };
}

export const otherDay = (day: string, days: number) => dayjs.utc(day).add(days, 'day').format('YYYY-MM-DD');

/** How often one sleeps from one day to another. */
export const nightsBetween = (from: string, to: string) => dayjs.utc(to).diff(dayjs.utc(from), 'day');

const formats = new Map<string, Intl.DateTimeFormat>();

/** As people here write it. */
export function formatTime(at: number | string, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify(options);
  const format = formats.get(key) ?? new Intl.DateTimeFormat(undefined, options);
  formats.set(key, format);
  return format.format(new Date(at));
}

export const clockTime = (at: number | string, timeZone?: string) =>
  formatTime(at, { hour: '2-digit', minute: '2-digit', timeZone });

export const shortDate = (at: number | string, timeZone?: string) =>
  formatTime(at, { day: 'numeric', month: 'short', year: 'numeric', timeZone });

/** `Saturday 21 November`, of a day such as `2026-11-21`. */
export const longDay = (day: string) =>
  formatTime(`${day}T12:00:00Z`, { weekday: 'long', day: 'numeric', month: 'long', timeZone: 'UTC' });

/** Date, time and zone, and the viewer's own where they differ. */
export function absolute(at: number | string, timeZone: string): string {
  const of = (zone: string) => formatTime(at, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone });
  const [there, here] = [of(timeZone), of(viewerZone)];
  const city = (zone: string) => zone.split('/').at(-1)?.replaceAll('_', ' ');
  return there === here
    ? `${there}, ${city(timeZone)} time`
    : `${there}, ${city(timeZone)} time (${here} where you are)`;
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });
const steps = [
  { unit: 'second', ms: 1_000, below: 60_000 },
  { unit: 'minute', ms: 60_000, below: 3_600_000 },
  { unit: 'hour', ms: 3_600_000, below: 86_400_000 },
  { unit: 'day', ms: 86_400_000, below: 30 * 86_400_000 },
  { unit: 'month', ms: 30.44 * 86_400_000, below: 365 * 86_400_000 },
  { unit: 'year', ms: 365.25 * 86_400_000, below: Number.POSITIVE_INFINITY },
] as const;

/** `5 min ago`, `in 2 days`, and `now` for what is seconds away. */
export function ago(at: number | string, now = Date.now()): string {
  const ms = new Date(at).getTime() - now;
  if (Math.abs(ms) < 10_000) return 'now';
  const step = steps.find(({ below }) => Math.abs(ms) < below) as (typeof steps)[number];
  return relative.format(Math.round(ms / step.ms), step.unit);
}
