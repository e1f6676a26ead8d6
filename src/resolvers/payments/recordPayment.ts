import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Payment, Tx } from '../../core/database.ts';
import { InvalidInput } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { holdCustomerOf } from '../customers/holdCustomerOf.ts';
import { paymentFacts } from './paymentFacts.ts';
import { checkPaidAt, paymentConstraints, paymentFields } from './paymentFields.ts';

const RecordPaymentInput = z
  .object({
    bookingId: idOf('Booking').nullish(),
    customerId: idOf('Customer').nullish(),
    ...paymentFields,
    idempotencyKey,
  })
  .refine(({ bookingId, customerId }) => bookingId || customerId, 'Give a bookingId, a customerId or both.');

/**
 * Records money received for a booking, or from a customer. An amount of zero is valid: a voucher, a favour.
 * One transaction of a provider is recorded once.
 */
export async function recordPayment(ctx: Context, input: unknown): Promise<Payment> {
  allow(ctx, 'payments.write');
  const parsed = parse(RecordPaymentInput, input);

  const create = async (tx: Tx) => {
    const paidAt = parsed.paidAt ?? ctx.clock.now();
    checkPaidAt(ctx, paidAt);
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
      paymentConstraints,
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
