import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import { AlreadyExists, InvalidInput } from '../../core/errors.ts';
import { moneyInput } from '../../core/money.ts';
import { instant, text } from '../../core/parse.ts';

/** The fields of a payment, whoever records it. */
export const paymentFields = {
  amount: moneyInput,
  method: z.enum(['CASH', 'CARD', 'BANK_TRANSFER', 'WALLET', 'VOUCHER', 'OTHER']),
  gateway: text(50).toLowerCase().nullish(),
  transactionId: text(255).nullish(),
  paidAt: instant.nullish(),
};

export const paymentConstraints = {
  payment_transaction_key: () =>
    new AlreadyExists('transactionId', 'This transaction of this provider is recorded already.'),
};

/** Clocks differ, days do not: a payment may be dated this far ahead of ours. */
const toleranceMs = 24 * 60 * 60_000;

/** Refuses a payment that is dated in the future. */
export function checkPaidAt(ctx: Pick<Context, 'clock'>, paidAt: Date): void {
  if (paidAt.getTime() > ctx.clock.now().getTime() + toleranceMs)
    throw new InvalidInput([{ path: 'paidAt', message: 'Must not be in the future.' }]);
}
