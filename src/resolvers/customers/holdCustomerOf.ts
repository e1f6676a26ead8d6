import type { Context } from '../../core/context.ts';
import { Prisma, type Tx } from '../../core/database.ts';

/**
 * Holds the customer of a booking or payment until the transaction ends, so that nobody erases them meanwhile;
 * true if that happened before. What somebody writes about an erased customer must not be kept. Comes before the
 * lock on the booking or payment itself, as deletion takes them in that order too.
 */
export async function holdCustomerOf(
  ctx: Context,
  tx: Tx,
  table: 'booking' | 'payment',
  id: string,
): Promise<boolean> {
  const [customer] = await tx.$queryRaw<{ erased: boolean }[]>`
    SELECT deleted_at IS NOT NULL AS erased FROM customer
    WHERE workspace_id = ${ctx.workspace.id}::uuid AND id = (
      SELECT customer_id FROM ${Prisma.raw(table)} WHERE workspace_id = ${ctx.workspace.id}::uuid AND id = ${id}::uuid)
    FOR NO KEY UPDATE`;
  return customer?.erased ?? false;
}
