import type { Payment } from '../../core/database.ts';
import { encodeId } from '../../core/ids.ts';

/** What every event about a payment says. */
export function paymentFacts(payment: Payment) {
  return {
    paymentId: encodeId('Payment', payment.id),
    bookingId: payment.bookingId && encodeId('Booking', payment.bookingId),
    amountMinor: String(payment.amountMinor),
    currency: payment.currency,
    method: payment.method,
  };
}
