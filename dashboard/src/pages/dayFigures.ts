import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import { stream } from '../api/live.ts';
import type { PaymentsOfDayQuery } from '../generated/graphql.ts';
import { type Amount, negated, sumByCurrency } from '../parts/money.ts';

/** A thousand payments of a day are added up here; the sum of more says that it is not all. */
const mostPages = 10;

export interface Money {
  /** Payments of the day less what of them was given back; a sum per currency. */
  revenue: Amount[];
  payments: number;
  /** There were more payments than were added up. */
  more: boolean;
  /** Bookings made on the day, for whatever day. */
  made: number | null;
}

interface Bounds {
  gte: string;
  lt: string;
}

const paymentsOfDay = graphql(`
  query PaymentsOfDay($gte: DateTime!, $lt: DateTime!, $after: String) {
    payments(first: 100, after: $after, filter: { paidAt: { gte: $gte, lt: $lt } }) {
      nodes { amount { amount currency } refunded { amount currency } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const madeOnDay = graphql(`
  query MadeOnDay($gte: DateTime!, $lt: DateTime!) {
    bookings(first: 1, filter: { createdAt: { gte: $gte, lt: $lt } }) { totalCount }
  }
`);

const changesFigures = graphql(`
  subscription ChangesFigures($after: String) {
    activityAdded(types: [BOOKING_CREATED, PAYMENT_RECORDED, PAYMENT_REFUNDED], after: $after) { cursor }
  }
`);

export async function readDayFigures(gateway: Gateway, bounds: Bounds, maySeeMoney: boolean): Promise<Money> {
  const [made, money] = await Promise.all([
    gateway.ask(madeOnDay, bounds),
    maySeeMoney ? addUp(gateway, bounds) : { revenue: [], payments: 0, more: false },
  ]);
  return { ...money, made: made.bookings.totalCount };
}

async function addUp(gateway: Gateway, bounds: Bounds): Promise<Omit<Money, 'made'>> {
  const amounts: Amount[] = [];
  let payments = 0;
  let after: string | null = null;
  for (let page = 1; page <= mostPages; page++) {
    const read: PaymentsOfDayQuery = await gateway.ask(paymentsOfDay, { ...bounds, after });
    payments += read.payments.nodes.length;
    for (const { amount, refunded } of read.payments.nodes) amounts.push(amount, negated(refunded));
    if (!read.payments.pageInfo.hasNextPage)
      return { revenue: sumByCurrency(amounts), payments, more: false };
    after = read.payments.pageInfo.endCursor ?? null;
  }
  return { revenue: sumByCurrency(amounts), payments, more: true };
}

export const dayFiguresStream = () =>
  stream<Money, never, { after?: string | null }>(changesFigures as never, {}, 'readAgain');
