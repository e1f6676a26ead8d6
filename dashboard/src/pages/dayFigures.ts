import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import { stream } from '../api/live.ts';
import type { DayFiguresQuery } from '../generated/graphql.ts';

export type Figures = NonNullable<DayFiguresQuery['daySummary']>;

const figures = graphql(`
  query DayFigures($day: Date!, $money: Boolean!) {
    daySummary(date: $day) {
      totalBookings pendingBookings completedBookings cancelledBookings noShowBookings
      upcomingBookings nextBookingAt bookingsMade
      totalPayments @include(if: $money)
      revenue @include(if: $money) { amount currency }
    }
  }
`);

const changes = graphql(`
  subscription ChangesFigures($after: String) {
    activityAdded(
      types: [
        BOOKING_CREATED BOOKING_CONFIRMED BOOKING_CANCELLED BOOKING_COMPLETED BOOKING_NO_SHOW BOOKING_RESCHEDULED
        PAYMENT_RECORDED PAYMENT_REFUNDED
      ]
      after: $after
    ) { cursor }
  }
`);

export async function readDayFigures(gateway: Gateway, day: string, money: boolean): Promise<Figures | null> {
  return (await gateway.ask(figures, { day, money })).daySummary ?? null;
}

export const dayFiguresStream = () =>
  stream<Figures | null, never, { after?: string | null }>(changes as never, {}, 'readAgain');
