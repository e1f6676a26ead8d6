import { AlreadyExists, IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { recordPayment } from '../resolvers/payments/recordPayment.ts';
import { refundPayment } from '../resolvers/payments/refundPayment.ts';
import { builder } from './builder.ts';
import { PaymentMethodEnum, PaymentStatusEnum } from './enums.ts';
import { conditions, DateTimeFilter, IdFilter, idConditions } from './filters.ts';
import { MoneyInput } from './money.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';
import { type List, money, objectOf, one, orderInput, page, relation } from './read.ts';

export const Payment = objectOf(
  'Payment',
  'Payment',
  builder.prismaNode('Payment', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'Money received from a customer.',
    select: { id: true },
    fields: (t) => ({
      customer: relation(t, 'Customer', 'customer', { nullable: false, description: 'Who paid.' }),
      booking: relation(t, 'Booking', 'booking', {
        nullable: true,
        description: 'What was paid for; null for a payment without a booking.',
      }),
      amount: money(t, { minor: 'amountMinor', currency: 'currency' }, 'What was received; may be zero.'),
      refunded: money(t, { minor: 'refundedMinor', currency: 'currency' }, 'What of it has gone back.'),
      method: t.expose('method', { type: PaymentMethodEnum, description: 'How it was made.' }),
      gateway: t.exposeString('gateway', {
        nullable: true,
        description: 'The payment provider, in lower case: stripe, paypal.',
      }),
      transactionId: t.exposeString('transactionId', {
        nullable: true,
        description: "The provider's id of the transaction; unique per method and gateway.",
      }),
      status: t.expose('status', { type: PaymentStatusEnum, description: 'Where it stands.' }),
      paidAt: t.expose('paidAt', { type: 'DateTime', description: 'When the money was received.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was recorded.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    }),
  }),
);

const PaymentFilter = builder.inputType('PaymentFilter', {
  description: 'Which payments; every condition given must hold.',
  fields: (t) => ({
    customerId: t.field({ type: IdFilter, description: 'Who paid.' }),
    bookingId: t.field({ type: IdFilter, description: 'What was paid for.' }),
    paidAt: t.field({ type: DateTimeFilter, description: 'When the money was received.' }),
  }),
});

type Given = Record<string, unknown> | null | undefined;

export const paymentList: List<'Payment'> = {
  model: 'Payment',
  cursor: 'id',
  filter: {
    type: PaymentFilter as never,
    where: (filter: Record<string, Given>) => ({
      customerId: idConditions('Customer', filter.customerId),
      bookingId: idConditions('Booking', filter.bookingId),
      paidAt: conditions(filter.paidAt),
    }),
  },
  served: {
    customerId: { as: 'part', orders: ['paidAt'], few: true },
    bookingId: { as: 'part', orders: ['paidAt'], few: true },
    paidAt: { as: 'span' },
  },
  order: orderInput(
    'Payment',
    { PAID_AT: { column: 'paidAt', description: 'When the money was received.' } },
    { column: 'paidAt', direction: 'desc' },
  ),
};

builder.queryField('payment', (t) =>
  one(t, 'Payment', 'Payment', 'The payment with this id; null when there is none that you can see.'),
);
builder.queryField('payments', (t) => page(t, paymentList, 'Payments, newest first.'));

const payload = { field: 'payment', type: Payment, description: 'The payment as it is now.' };

mutation('recordPayment', {
  description:
    'Records money received for a booking, or from a customer. One transaction of a provider is recorded once. Moves no money itself.',
  input: (t) => ({
    bookingId: t.id({ description: 'What was paid for. This or customerId is needed.' }),
    customerId: t.id({ description: 'Who paid; follows from the booking when there is one.' }),
    amount: t.field({ type: MoneyInput, required: true, description: 'What was received; zero is valid.' }),
    method: t.field({ type: PaymentMethodEnum, required: true, description: 'How it was made.' }),
    gateway: t.string({ description: 'The payment provider: stripe, paypal. Kept in lower case.' }),
    transactionId: t.string({
      description: "The provider's id of the transaction; unique per method and gateway.",
    }),
    paidAt: t.field({
      type: 'DateTime',
      description: 'When the money was received; now unless said otherwise.',
    }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload,
  failures: [NotFound, AlreadyExists, IdempotencyKeyReused],
  run: recordPayment,
});

mutation('refundPayment', {
  description: 'Records that all or part of a payment has gone back. Moves no money itself.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The payment to refund.' }),
    amount: t.field({
      type: MoneyInput,
      description: 'How much of it, in its currency; all that is left unless said otherwise.',
    }),
    reason: t.string({ description: 'Why, in a sentence.' }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload,
  failures: [NotFound, InvalidState, IdempotencyKeyReused],
  run: refundPayment,
});
