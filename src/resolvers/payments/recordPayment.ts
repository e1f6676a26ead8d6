import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Payment, Tx } from '../../core/database.ts';
import { AlreadyExists, InvalidInput } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { moneyInput } from '../../core/money.ts';
import { idempotencyKey, idOf, instant, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { holdCustomerOf } from '../customers/holdCustomerOf.ts';
import { paymentFacts } from './paymentFacts.ts';

const RecordPaymentInput = z
  .object({
    bookingId: idOf('Booking').nullish(),
    customerId: idOf('Customer').nullish(),
    amount: moneyInput,
    method: z.enum(['CASH', 'CARD', 'BANK_TRANSFER', 'WALLET', 'VOUCHER', 'OTHER']),
    gateway: text(50).toLowerCase().nullish(),
    transactionId: text(255).nullish(),
    paidAt: instant.nullish(),
    idempotencyKey,
  })
  .refine(({ bookingId, customerId }) => bookingId || customerId, 'Give a bookingId, a customerId or both.');

const constraints = {
  payment_transaction_key: () =>
    new AlreadyExists('transactionId', 'This transaction of this provider is recorded already.'),
};

/** Clocks differ, days do not: a payment may be dated this far ahead of ours. */
const toleranceMs = 24 * 60 * 60_000;

/**
 * Records money received for a booking, or from a customer. An amount of zero is valid: a voucher, a favour.
 * One transaction of a provider is recorded once.
 */
export async function recordPayment(ctx: Context, input: unknown): Promise<Payment> {
  allow(ctx, 'payments.write');
  const parsed = parse(RecordPaymentInput, input);

  const create = async (tx: Tx) => {
    const paidAt = parsed.paidAt ?? ctx.clock.now();
    if (paidAt.getTime() > ctx.clock.now().getTime() + toleranceMs) {
      throw new InvalidInput([{ path: 'paidAt', message: 'Must not be in the future.' }]);
    }
    const customerId = await payer(ctx, tx, parsed);
    const payment = await onConstraint(
      tx.payment.create({
        data: {
          id: newId(),
          workspaceId: ctx.workspace.id,
          customerId,
          bookingId: parsed.bookingId ?? null,
          amountMinor: parsed.amount.minor,
          currency: parsed.amount.currency,
          method: parsed.method,
          gateway: parsed.gateway ?? null,
          transactionId: parsed.transactionId ?? null,
          status: 'SUCCEEDED',
          paidAt,
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      constraints,
    );
    await record(ctx, tx, 'payment.recorded', {
      subjectId: payment.id,
      customerId,
      data: paymentFacts(payment),
    });
    return payment;
  };
  return writeOnce(ctx, { name: 'recordPayment', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Payment', id),
  );
}

/** A booking says whose payment it is, also when the customer was deleted: the books go on. */
async function payer(ctx: Context, tx: Tx, given: z.output<typeof RecordPaymentInput>): Promise<string> {
  if (!given.bookingId) return (await lockedOrThrow(ctx, tx, 'Customer', given.customerId as string)).id;
  await holdCustomerOf(ctx, tx, 'booking', given.bookingId);
  const { customerId } = await lockedOrThrow(ctx, tx, 'Booking', given.bookingId);
  if (given.customerId && given.customerId !== customerId) {
    throw new InvalidInput([
      { path: 'customerId', message: 'The booking is not of this customer; leave this out.' },
    ]);
  }
  return customerId;
}
