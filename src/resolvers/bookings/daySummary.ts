import { DateTime } from 'luxon';
import type { Context } from '../../core/context.ts';
import { Refused } from '../../core/errors.ts';
import type { Money } from '../../core/money.ts';
import { allow } from '../../core/permissions.ts';
import { reachSql } from '../../core/visible.ts';

export interface DaySummary extends Counts {
  startsAt: Date;
  endsAt: Date;
  revenue: Money[];
}

interface Counts {
  totalBookings: number;
  pendingBookings: number;
  completedBookings: number;
  cancelledBookings: number;
  noShowBookings: number;
  upcomingBookings: number;
  nextBookingAt: Date | null;
  bookingsMade: number;
  totalPayments: number;
}

/** How a day goes by the business's clock, in one statement: what begins on it, what was booked on it, what was paid on it. */
export async function daySummary(ctx: Context, date?: Date | null): Promise<DaySummary> {
  allow(ctx, 'bookings.read');
  const { startsAt, endsAt } = boundsOf(ctx, date);
  const id = ctx.workspace.id;
  const [found] = await ctx.db.$queryRaw<
    [Counts & { revenue: { currency: string; minor: string }[] | null }]
  >`
    SELECT * FROM (
      SELECT count(*)::integer AS "totalBookings",
        count(*) FILTER (WHERE status = 'PENDING')::integer AS "pendingBookings",
        count(*) FILTER (WHERE status = 'COMPLETED')::integer AS "completedBookings",
        count(*) FILTER (WHERE status = 'CANCELLED')::integer AS "cancelledBookings",
        count(*) FILTER (WHERE status = 'NO_SHOW')::integer AS "noShowBookings",
        count(*) FILTER (WHERE status IN ('PENDING', 'CONFIRMED') AND starts_at > ${ctx.clock.now()})::integer AS "upcomingBookings",
        min(starts_at) FILTER (WHERE status IN ('PENDING', 'CONFIRMED') AND starts_at > ${ctx.clock.now()}) AS "nextBookingAt"
      FROM booking b
      WHERE workspace_id = ${id}::uuid AND starts_at >= ${startsAt} AND starts_at < ${endsAt} AND ${reachSql(ctx, 'b')}
    ) begins, (
      SELECT count(*)::integer AS "bookingsMade" FROM booking b
      WHERE workspace_id = ${id}::uuid AND created_at >= ${startsAt} AND created_at < ${endsAt} AND ${reachSql(ctx, 'b')}
    ) made, (
      SELECT coalesce(sum(payments), 0)::integer AS "totalPayments",
        json_agg(json_build_object('currency', currency, 'minor', minor::text) ORDER BY currency <> ${ctx.workspace.currency}, currency) AS revenue
      FROM (
        SELECT currency, count(*) AS payments, sum(amount_minor - refunded_minor) AS minor FROM payment p
        WHERE workspace_id = ${id}::uuid AND paid_at >= ${startsAt} AND paid_at < ${endsAt} AND ${reachSql(ctx, 'p')}
        GROUP BY currency
      ) by_currency
    ) paid`;
  const revenue = (found.revenue ?? []).map(({ currency, minor }) => ({ currency, minor: BigInt(minor) }));
  return { ...found, startsAt, endsAt, revenue };
}

/** A day may have 23 or 25 hours. */
function boundsOf({ workspace, clock }: Context, date?: Date | null) {
  const zone = workspace.timeZone;
  // A day of the calendar comes as its midnight in UTC.
  const day = date
    ? DateTime.fromJSDate(date, { zone: 'UTC' }).setZone(zone, { keepLocalTime: true })
    : DateTime.fromJSDate(clock.now(), { zone });
  const start = day.startOf('day');
  if (!start.isValid || start.year < 1000 || start.year > 9000)
    throw new Refused('BAD_USER_INPUT', 'date: Must be a day between the years 1000 and 9000.');
  return { startsAt: start.toJSDate(), endsAt: start.plus({ days: 1 }).startOf('day').toJSDate() };
}
