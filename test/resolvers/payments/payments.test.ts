import { expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import {
  AlreadyExists,
  IdempotencyKeyReused,
  InvalidInput,
  InvalidState,
  NotFound,
  Refused,
} from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { cancelBooking } from '../../../src/resolvers/bookings/cancelBooking.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../../src/resolvers/customers/deleteCustomer.ts';
import { recordPayment } from '../../../src/resolvers/payments/recordPayment.ts';
import { refundPayment } from '../../../src/resolvers/payments/refundPayment.ts';
import { createService } from '../../../src/resolvers/services/createService.ts';
import {
  atOnce,
  createWorkspace,
  openTestDatabase,
  refused,
  type TestWorkspace,
} from '../../support/context.ts';

const db = await openTestDatabase();
const eur = (amount: string) => ({ amount, currency: 'EUR' });

async function bookedIn(shop: TestWorkspace) {
  const ctx = await shop.asUser('ADMIN');
  const customer = await createCustomer(ctx, { firstName: 'Ada' });
  const service = await createService(ctx, { name: 'Cut', durationMinutes: 30, price: eur('25') });
  const customerId = encodeId('Customer', customer.id);
  const startsAt = new Date('2026-12-01T10:00:00Z');
  const booking = await createBooking(ctx, {
    customerId,
    serviceId: encodeId('Service', service.id),
    startsAt,
  });
  return { ctx, customer, customerId, booking, bookingId: encodeId('Booking', booking.id) };
}

const spending = (ctx: Context) =>
  db.customerSpending.findMany({
    where: { workspaceId: ctx.workspace.id },
    select: { currency: true, amountMinor: true, payments: true },
    orderBy: { currency: 'asc' },
  });

const paid = { amount: eur('25.00'), method: 'CARD', gateway: 'Stripe', transactionId: 'pi_1' };

test('A payment for a booking is its customer’s, counts as spent, and stands on the timeline.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, customer, booking, bookingId, customerId } = await bookedIn(shop);
  const payment = await recordPayment(ctx, { ...paid, bookingId, customerId });
  expect(payment).toMatchObject({
    customerId: customer.id,
    bookingId: booking.id,
    amountMinor: 2500n,
    refundedMinor: 0n,
    currency: 'EUR',
    gateway: 'stripe',
    status: 'SUCCEEDED',
    paidAt: shop.clock.now(),
  });
  expect(await spending(ctx)).toEqual([{ currency: 'EUR', amountMinor: 2500n, payments: 1 }]);
  expect(await shop.events('payment.recorded')).toMatchObject([
    {
      subjectId: payment.id,
      customerId: customer.id,
      data: {
        paymentId: encodeId('Payment', payment.id),
        bookingId,
        amountMinor: '2500',
        currency: 'EUR',
        method: 'CARD',
      },
    },
  ]);
});

test('A payment of nothing, one without a booking and one in another currency are payments too.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, customerId, bookingId } = await bookedIn(shop);
  const paidAt = new Date('2026-11-01T08:00:00Z');
  expect(await recordPayment(ctx, { customerId, amount: eur('0'), method: 'VOUCHER', paidAt })).toMatchObject(
    { amountMinor: 0n, bookingId: null, paidAt },
  );
  expect(
    await recordPayment(ctx, { bookingId, amount: { amount: '900', currency: 'JPY' }, method: 'CASH' }),
  ).toMatchObject({ amountMinor: 900n });
  expect(await spending(ctx)).toEqual([
    { currency: 'EUR', amountMinor: 0n, payments: 1 },
    { currency: 'JPY', amountMinor: 900n, payments: 1 },
  ]);
});

test('A cancelled booking, and one of a deleted customer, can still be paid for and refunded.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, customerId, bookingId } = await bookedIn(shop);
  const early = await recordPayment(ctx, { bookingId, amount: eur('5'), method: 'CASH' });
  await cancelBooking(ctx, { id: bookingId });
  await deleteCustomer(ctx, { id: customerId });
  const late = await recordPayment(ctx, { bookingId, amount: eur('5'), method: 'CASH' });
  for (const payment of [early, late])
    await refundPayment(ctx, { id: encodeId('Payment', payment.id), reason: 'Ada was ill' });
  expect(await shop.events('payment.refunded')).toMatchObject([{ personal: null }, { personal: null }]);
  expect(
    await refused(ctx, () => recordPayment(ctx, { customerId, amount: eur('5'), method: 'CASH' })),
  ).toMatchObject({ id: customerId });
});

test('Malformed and contradicting payments are refused.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, customerId, bookingId } = await bookedIn(shop);
  const other = encodeId('Customer', (await createCustomer(ctx, { firstName: 'Bob' })).id);
  for (const [path, input] of [
    ['', { ...paid }],
    ['customerId', { ...paid, bookingId, customerId: other }],
    ['customerId', { ...paid, bookingId, customerId: encodeId('Customer', newId()) }],
    ['customerId', { ...paid, customerId: bookingId }],
    ['amount.amount', { ...paid, customerId, amount: eur('-1') }],
    ['amount.amount', { ...paid, customerId, amount: eur('1.001') }],
    ['amount.currency', { ...paid, customerId, amount: { amount: '1', currency: 'EURO' } }],
    ['amount', { ...paid, customerId, amount: null }],
    ['method', { ...paid, customerId, method: 'GOLD' }],
    ['paidAt', { ...paid, customerId, paidAt: new Date('2026-11-25T00:00:00Z') }],
  ] as const) {
    expect(await refused(ctx, () => recordPayment(ctx, input))).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path }],
    });
  }
});

test('Who cannot see the booking or customer, or may not record payments, is refused.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, customerId, bookingId } = await bookedIn(shop);
  const elsewhere = await bookedIn(await createWorkspace(db));
  const sales = await shop.asUser('SALES');
  for (const input of [{ customerId }, { bookingId }]) {
    expect(await refused(ctx, () => recordPayment(sales, { ...paid, ...input }))).toBeInstanceOf(NotFound);
    expect(await refused(ctx, () => recordPayment(elsewhere.ctx, { ...paid, ...input }))).toBeInstanceOf(
      NotFound,
    );
  }
  const payment = await recordPayment(ctx, { ...paid, customerId });
  const id = encodeId('Payment', payment.id);
  for (const other of [sales, elsewhere.ctx])
    expect(await refused(ctx, () => refundPayment(other, { id }))).toMatchObject({ id });
  const viewer = await shop.asUser('VIEWER');
  expect(await refused(ctx, () => recordPayment(viewer, { ...paid, customerId }))).toBeInstanceOf(Refused);
  expect(await refused(ctx, () => refundPayment(viewer, { id }))).toBeInstanceOf(Refused);
});

test('One transaction of a provider is recorded once, however many report it at once.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, customerId, bookingId } = await bookedIn(shop);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => recordPayment(ctx, { ...paid, bookingId })),
  );
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(failed).toHaveLength(19);
  for (const { reason } of failed) expect(reason).toBeInstanceOf(AlreadyExists);
  expect(
    await refused(ctx, () => recordPayment(ctx, { ...paid, customerId, gateway: ' STRIPE' })),
  ).toMatchObject({ field: 'transactionId' });
  await recordPayment(ctx, { ...paid, bookingId, gateway: 'paypal' });
  await recordPayment(ctx, { ...paid, bookingId, gateway: null });
  expect(
    await refused(ctx, () => recordPayment(ctx, { ...paid, bookingId, gateway: undefined })),
  ).toBeInstanceOf(AlreadyExists);
  expect(await spending(ctx)).toEqual([{ currency: 'EUR', amountMinor: 7500n, payments: 3 }]);
});

test('With an idempotency key, twenty calls at once record one payment, and twenty refund it once.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, bookingId } = await bookedIn(shop);
  const input = { bookingId, amount: eur('25'), method: 'CASH', idempotencyKey: 'one' };
  const payments = await atOnce(20, () => recordPayment(ctx, input));
  expect(new Set(payments.map(({ id }) => id)).size).toBe(1);
  expect(await spending(ctx)).toEqual([{ currency: 'EUR', amountMinor: 2500n, payments: 1 }]);
  expect(await refused(ctx, () => recordPayment(ctx, { ...input, amount: eur('26') }))).toBeInstanceOf(
    IdempotencyKeyReused,
  );

  const refund = {
    id: encodeId('Payment', payments[0]?.id as string),
    amount: eur('10'),
    idempotencyKey: 'one',
  };
  const refunds = await atOnce(20, () => refundPayment(ctx, refund));
  expect(refunds.every(({ refundedMinor }) => refundedMinor === 1000n)).toBe(true);
  expect(await shop.events('payment.refunded')).toHaveLength(1);
  shop.clock.advance({ days: 3 });
  expect(await recordPayment(ctx, input)).toMatchObject({ id: payments[0]?.id, refundedMinor: 1000n });
});

test('A payment is refunded in parts, and what is left by default; the reason stands beside the event.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, customer, bookingId } = await bookedIn(shop);
  const payment = await recordPayment(ctx, { ...paid, bookingId });
  const id = encodeId('Payment', payment.id);
  expect(await refundPayment(ctx, { id, amount: eur('10'), reason: 'Ada was ill' })).toMatchObject({
    refundedMinor: 1000n,
    status: 'PARTIALLY_REFUNDED',
  });
  expect(await refundPayment(ctx, { id })).toMatchObject({ refundedMinor: 2500n, status: 'REFUNDED' });
  expect(await spending(ctx)).toEqual([{ currency: 'EUR', amountMinor: 0n, payments: 1 }]);
  expect(await shop.events('payment.refunded')).toMatchObject([
    {
      subjectId: payment.id,
      customerId: customer.id,
      data: {
        paymentId: id,
        amountMinor: '2500',
        refundMinor: '1000',
        refundedMinor: '1000',
        currency: 'EUR',
      },
      personal: { data: { reason: 'Ada was ill' } },
    },
    { data: { refundMinor: '1500', refundedMinor: '2500' }, personal: null },
  ]);
});

test('More than is left, another currency, nothing, and a payment that is gone already are not refunded.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, bookingId } = await bookedIn(shop);
  const id = encodeId('Payment', (await recordPayment(ctx, { ...paid, bookingId })).id);
  await refundPayment(ctx, { id, amount: eur('20') });
  for (const [path, amount] of [
    ['amount', eur('5.01')],
    ['amount', eur('0')],
    ['amount.currency', { amount: '5', currency: 'USD' }],
  ] as const) {
    const failure = await refused(ctx, () => refundPayment(ctx, { id, amount }));
    expect(failure).toBeInstanceOf(InvalidInput);
    expect(failure).toMatchObject({ issues: [{ path }] });
  }
  await refundPayment(ctx, { id, amount: eur('5') });
  expect(await refused(ctx, () => refundPayment(ctx, { id }))).toBeInstanceOf(InvalidState);
  expect(await refused(ctx, () => refundPayment(ctx, { id, amount: eur('0.01') }))).toMatchObject({
    issues: [{ path: 'amount' }],
  });
  const free = encodeId(
    'Payment',
    (await recordPayment(ctx, { bookingId, amount: eur('0'), method: 'CASH' })).id,
  );
  expect(await refused(ctx, () => refundPayment(ctx, { id: free }))).toBeInstanceOf(InvalidState);
});

test('Twenty refunds at once never give back more than was paid.', async () => {
  const shop = await createWorkspace(db);
  const { ctx, bookingId } = await bookedIn(shop);
  const id = encodeId('Payment', (await recordPayment(ctx, { ...paid, bookingId })).id);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => refundPayment(ctx, { id, amount: eur('10') })),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  expect(await shop.events('payment.refunded')).toHaveLength(2);
  expect(await spending(ctx)).toEqual([{ currency: 'EUR', amountMinor: 500n, payments: 1 }]);
});
