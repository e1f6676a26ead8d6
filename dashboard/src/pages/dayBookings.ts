import type { Apply } from '../actions/bookingVerbs.ts';
import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import { oneByOne, stream } from '../api/live.ts';
import type { BookingsOfDayQuery } from '../generated/graphql.ts';

/** More than a page holds, fewer than would make the page slow; beyond that it says so. */
const mostPages = 6;

export interface DayBooking extends Row {
  /** What happened to it since the page was opened. */
  change?: { kind: 'made' | 'changed'; at: number; missed: boolean };
}
type Row = BookingsOfDayQuery['bookings']['nodes'][number];

export interface DayBookings {
  /** By their start; what was called off after what stands. */
  bookings: DayBooking[];
  /** There are more than are shown. */
  more: boolean;
}

interface Bounds {
  gte: string;
  lt: string;
}

const ofDay = graphql(`
  query BookingsOfDay($gte: DateTime!, $lt: DateTime!, $after: String) {
    bookings(
      first: 100
      after: $after
      filter: { startsAt: { gte: $gte, lt: $lt } }
      orderBy: { field: STARTS_AT, direction: ASC }
    ) {
      nodes {
        id reference status startsAt endsAt timeZone updatedAt
        viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule
        price { amount currency }
        customer { id fullName email deletedAt }
        service { name }
        staffMember { displayName }
        resource { name }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const changed = graphql(`
  subscription BookingOfDayChanged($after: String) {
    bookingChanged(after: $after) {
      cursor
      type
      booking {
        id reference status startsAt endsAt timeZone updatedAt
        viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule
        price { amount currency }
        customer { id fullName email deletedAt }
        service { name }
        staffMember { displayName }
        resource { name }
      }
    }
  }
`);

/** The bookings that begin within these bounds. */
export async function readDayBookings(gateway: Gateway, bounds: Bounds): Promise<DayBookings> {
  const bookings: DayBooking[] = [];
  let after: string | null = null;
  for (let page = 1; page <= mostPages; page++) {
    const { bookings: read }: BookingsOfDayQuery = await gateway.ask(ofDay, { ...bounds, after });
    bookings.push(...read.nodes);
    if (!read.pageInfo.hasNextPage) return { bookings: bookings.sort(inOrder), more: false };
    after = read.pageInfo.endCursor ?? null;
  }
  return { bookings: bookings.sort(inOrder), more: true };
}

/** By their start; of those at one time, first the ones that stand. */
const inOrder = (a: Row, b: Row) =>
  a.startsAt.localeCompare(b.startsAt) || Number(isOff(a)) - Number(isOff(b)) || a.id.localeCompare(b.id);

const isOff = ({ status }: Row) => status === 'CANCELLED' || status === 'NO_SHOW';

/** After an action on this page: the booking as it is then, if it is still of this day. */
export function withChange(
  data: DayBookings,
  { gte, lt }: Bounds,
  change: Parameters<Apply>[0],
): DayBookings {
  const bookings = data.bookings.map((booking) =>
    booking.id === change.id ? { ...booking, ...change } : booking,
  );
  return {
    ...data,
    bookings: bookings.filter(({ startsAt }) => startsAt >= gte && startsAt < lt).sort(inOrder),
  };
}

/** Bookings come, change and move away to another day. */
export const dayBookingsStream = ({ gte, lt }: Bounds) =>
  stream(
    changed,
    {},
    oneByOne((data: DayBookings, { event: { type, booking }, missed }) => {
      if (!booking) return data;
      const others = data.bookings.filter(({ id }) => id !== booking.id);
      const before = data.bookings.find(({ id }) => id === booking.id);
      if (booking.startsAt < gte || booking.startsAt >= lt) return { ...data, bookings: others };
      // The same state again: it was read after the event.
      if (before && before.updatedAt === booking.updatedAt && before.status === booking.status) return data;
      const kind = type === 'BOOKING_CREATED' || !before ? 'made' : 'changed';
      const row: DayBooking = { ...booking, change: { kind, at: Date.now(), missed } };
      return { ...data, bookings: [...others, row].sort(inOrder) };
    }),
  );
