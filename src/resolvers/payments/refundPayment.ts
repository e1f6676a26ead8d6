import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Payment, Tx } from '../../core/database.ts';
import { InvalidInput, InvalidState } from '../../core/errors.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { decimalOf, type Money, moneyInput } from '../../core/money.ts';
import { idempotencyKey, idOf, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { holdCustomerOf } from '../customers/holdCustomerOf.ts';
import { paymentFacts } from './paymentFacts.ts';

const RefundPaymentInput = z.object({
  id: idOf('Payment'),
  amount: moneyInput.nullish(),
  reason: text(1_000).nullish(),
  idempotencyKey,
});

/** Records that a payment went back: all that is left of it, or an amount up to that. Moves no money itself. */
export async function refundPayment(ctx: Context, input: unknown): Promise<Payment> {
  allow(ctx, 'payments.write');
  const parsed = parse(RefundPaymentInput, input);

  const refund = async (tx: Tx) => {
    const erased = await holdCustomerOf(ctx, tx, 'payment', parsed.id);
    const payment = await lockedOrThrow(ctx, tx, 'Payment', parsed.id);
    const refundMinor = refundOf(payment, parsed.amount ?? null);
    const refundedMinor = payment.refundedMinor + refundMinor;
    const refunded = await tx.payment.update({
      where: { id: payment.id },
      data: {
        refundedMinor,
        status: refundedMinor === payment.amountMinor ? 'REFUNDED' : 'PARTIALLY_REFUNDED',
        updatedAt: ctx.clock.now(),
      },
    });
    await record(ctx, tx, 'payment.refunded', {
      subjectId: payment.id,
      customerId: payment.customerId,
      data: {
        ...paymentFacts(refunded),
        refundMinor: String(refundMinor),
        refundedMinor: String(refundedMinor),
      },
      // What somebody writes about a customer who was deleted is not kept.
      ...(parsed.reason && !erased && { personal: { data: { reason: parsed.reason } } }),
    });
    return refunded;
  };
  return writeOnce(ctx, { name: 'refundPayment', input: parsed }, refund, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Payment', id),
  );
}

/** How much goes back, in minor units. */
function refundOf(payment: Payment, asked: Money | null): bigint {
  const left = payment.amountMinor - payment.refundedMinor;
  if (!asked) {
    if (left === 0n) throw new InvalidState('Nothing of this payment is left to refund.');
    return left;
  }
  const refuse = (path: string, message: string) => new InvalidInput([{ path, message }]);
  if (asked.currency !== payment.currency)
    throw refuse('amount.currency', `The payment is in ${payment.currency}.`);
  if (asked.minor === 0n) throw refuse('amount', 'Must be more than zero.');
  if (asked.minor > left)
    throw refuse(
      'amount',
      `Only ${decimalOf(left, payment.currency)} ${payment.currency} of this payment are left.`,
    );
  return asked.minor;
}
