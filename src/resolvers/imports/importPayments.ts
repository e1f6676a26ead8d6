import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { recordAll } from '../../events/record.ts';
import { paymentFacts } from '../payments/paymentFacts.ts';
import type { Accepted } from './readRow.ts';

/** Answers the rows whose payment is new. */
export async function importPayments(
  ctx: Context,
  tx: Tx,
  rows: readonly Accepted[],
  bookingIds: ReadonlyMap<number, string>,
): Promise<Set<number>> {
  const wished = rows.flatMap((row) => (row.payment ? [{ row, payment: row.payment, id: newId() }] : []));
  if (wished.length === 0) return new Set();
  const now = ctx.clock.now();
  const planned = wished.map(({ row, payment, id }) => ({
    id,
    customerId: row.customerId,
    bookingId: bookingIds.get(row.row) ?? null,
    amountMinor: payment.amount.minor,
    currency: payment.amount.currency,
    method: payment.method,
    gateway: payment.gateway,
    transactionId: payment.transactionId,
    externalId: payment.externalId,
    paidAt: payment.paidAt,
  }));
  const text = JSON.stringify(planned.map((one) => ({ ...one, amountMinor: String(one.amountMinor) })));
  const [inserted] = await tx.$queryRaw<[{ ids: string[] }]>`
    WITH inserted AS (INSERT INTO payment (workspace_id, id, customer_id, booking_id, amount_minor, currency, method, gateway,
        transaction_id, external_id, status, paid_at, created_at, updated_at)
      SELECT ${ctx.workspace.id}::uuid, id, "customerId", "bookingId", "amountMinor", currency, method, gateway,
        "transactionId", "externalId", 'SUCCEEDED', "paidAt", ${now}, ${now}
      FROM json_to_recordset(${text}::json) AS r (id uuid, "customerId" uuid, "bookingId" uuid, "amountMinor" bigint,
        currency text, method payment_method, gateway text, "transactionId" text, "externalId" text, "paidAt" timestamptz)
    ON CONFLICT (workspace_id, external_id) DO NOTHING RETURNING id)
    SELECT coalesce(json_agg(id), '[]') AS ids FROM inserted`;
  const fresh = new Set(inserted.ids);
  await recordAll(
    ctx,
    tx,
    'payment.recorded',
    planned
      .filter(({ id }) => fresh.has(id))
      .map((payment) => ({
        subjectId: payment.id,
        customerId: payment.customerId,
        data: paymentFacts(payment as never),
        occurredAt: payment.paidAt,
      })),
  );
  return new Set(wished.filter(({ id }) => fresh.has(id)).map(({ row }) => row.row));
}
