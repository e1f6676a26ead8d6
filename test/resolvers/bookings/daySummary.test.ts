import { expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { encodeId } from '../../../src/core/ids.ts';
import { cancelBooking } from '../../../src/resolvers/bookings/cancelBooking.ts';
import { completeBooking } from '../../../src/resolvers/bookings/completeBooking.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { daySummary } from '../../../src/resolvers/bookings/daySummary.ts';
import { markBookingNoShow } from '../../../src/resolvers/bookings/markBookingNoShow.ts';
import { recordPayment } from '../../../src/resolvers/payments/recordPayment.ts';
import { refundPayment } from '../../../src/resolvers/payments/refundPayment.ts';
import { watchStatements } from '../../reads/statements.ts';
import { createWorkspace, openTestDatabase, refused } from '../../support/context.ts';
import { aCustomer, aService, aStaffMember } from './bookable.ts';

const db = await openTestDatabase();

/** In Berlin that day began at 22:00 UTC the day before and had 25 hours. */
const longDay = new Date('2026-10-25');

async function aShop(at: string) {
  const shop = await createWorkspace(db);
  shop.clock.set(at);
  const admin = await shop.asUser('ADMIN');
  const [service, customer] = [await aService(admin), await aCustomer(admin)];
  const book = async (startsAt: string, fields: object = {}) => {
    const input = { customerId: customer.id, serviceId: service.id, startsAt: new Date(startsAt), ...fields };
    return encodeId('Booking', (await createBooking(admin, input)).id);
  };
  const pay = async (amount: string, currency: string, customerId = customer.id) => {
    const paid = await recordPayment(admin, { customerId, amount: { amount, currency }, method: 'CASH' });
    return encodeId('Payment', paid.id);
  };
  return { shop, admin, customer, book, pay };
}

test('A day of 25 hours has what begins on it, from its first moment to before its end, by status.', async () => {
  const { shop, admin, book } = await aShop('2026-10-24T09:00:00Z');
  await book('2026-10-24T21:59:00Z');
  const [first, second, third] = [
    await book('2026-10-24T22:00:00Z'),
    await book('2026-10-25T08:00:00Z'),
    await book('2026-10-25T09:00:00Z'),
  ];
  await book('2026-10-25T10:00:00Z');
  await book('2026-10-25T22:59:00Z');
  await book('2026-10-25T23:00:00Z');
  await completeBooking(admin, { id: first });
  await cancelBooking(admin, { id: second });
  await markBookingNoShow(admin, { id: third });
  shop.clock.set('2026-10-25T10:00:00Z');

  expect(await daySummary(admin, longDay)).toEqual({
    startsAt: new Date('2026-10-24T22:00:00Z'),
    endsAt: new Date('2026-10-25T23:00:00Z'),
    totalBookings: 5,
    pendingBookings: 2,
    completedBookings: 1,
    cancelledBookings: 1,
    noShowBookings: 1,
    // Whose start is now has begun.
    upcomingBookings: 1,
    nextBookingAt: new Date('2026-10-25T22:59:00Z'),
    bookingsMade: 0,
    totalPayments: 0,
    revenue: [],
  });
  expect(await daySummary(admin)).toEqual(await daySummary(admin, longDay));
  expect(await daySummary(admin, new Date('2026-10-24'))).toMatchObject({
    totalBookings: 1,
    bookingsMade: 7,
  });
});

test("Revenue is what was paid that day less what was given back, exact and by currency, the business's own first.", async () => {
  const { admin, pay } = await aShop('2026-10-25T09:00:00Z');
  await pay('90071992547409.93', 'EUR');
  await pay('0.01', 'EUR');
  await pay('1250', 'JPY');
  await pay('3.500', 'BHD');
  await refundPayment(admin, {
    id: await pay('20.00', 'EUR'),
    amount: { amount: '5.00', currency: 'EUR' },
  });
  const { revenue, totalPayments } = await daySummary(admin, longDay);
  expect([totalPayments, revenue]).toEqual([
    5,
    [
      { currency: 'EUR', minor: 9_007_199_254_742_494n },
      { currency: 'BHD', minor: 3_500n },
      { currency: 'JPY', minor: 1_250n },
    ],
  ]);
  expect((await daySummary(admin, new Date('2026-10-24'))).revenue).toEqual([]);
});

test('Who reaches some customers is told of theirs alone, and a customer of their own.', async () => {
  const { shop, admin, customer, book, pay } = await aShop('2026-10-25T09:00:00Z');
  const other = await aCustomer(admin);
  const grace = await aStaffMember(admin);
  await book('2026-10-25T10:00:00Z', { staffMemberId: grace.id });
  await book('2026-10-25T10:00:00Z', { customerId: other.id });
  await pay('10.00', 'EUR');
  await pay('7.00', 'EUR', other.id);

  const told = async (ctx: Context) => {
    const { totalBookings, bookingsMade, totalPayments, revenue } = await daySummary(ctx, longDay);
    return [totalBookings, bookingsMade, totalPayments, revenue.map(({ minor }) => minor)];
  };
  expect(await told(admin)).toEqual([2, 2, 2, [1_700n]]);
  expect(await told(await shop.asUser('STAFF', { principals: [grace.row.id] }))).toEqual([1, 1, 1, [1_000n]]);
  expect(await told(await shop.asUser('STAFF'))).toEqual([0, 0, 0, []]);
  expect(await told(shop.asCustomer(other.row.id))).toEqual([1, 1, 1, [700n]]);
  expect(await told(shop.asCustomer(customer.row.id))).toEqual([1, 1, 1, [1_000n]]);
  expect(await told(await (await createWorkspace(db)).asUser('ADMIN'))).toEqual([0, 0, 0, []]);
});

test('It is one statement; without the right to see bookings, or of a day outside of time, it is refused.', async () => {
  const { shop, admin } = await aShop('2026-10-25T09:00:00Z');
  const { statements } = await watchStatements(() => daySummary(admin, longDay));
  expect(statements).toHaveLength(1);
  const key = await shop.asKey('ADMIN', 'payments.read');
  expect(await refused(key, () => daySummary(key, longDay))).toMatchObject({ code: 'FORBIDDEN' });
  expect(await refused(admin, () => daySummary(admin, new Date('0200-01-01')))).toMatchObject({
    code: 'BAD_USER_INPUT',
  });
});
