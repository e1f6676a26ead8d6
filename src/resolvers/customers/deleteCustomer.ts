import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import { type Customer, Prisma, type Tx } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { personalData } from '../../core/personalData.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { forgetContact } from '../deliveries/forgetContact.ts';

const DeleteCustomerInput = z.object({ id: idOf('Customer') });

/**
 * Deletes a customer: their personal data is erased everywhere and cannot be brought back. Bookings and
 * payments stay, without a name, since the books need them. Answers what is left. Refused while a booking is to come.
 */
export async function deleteCustomer(ctx: Context, input: unknown): Promise<Customer> {
  allow(ctx, 'customers.delete');
  const { id } = parse(DeleteCustomerInput, input);

  return write(ctx, async (tx) => {
    const customer = await lockedOrThrow(ctx, tx, 'Customer', id);
    const coming = await tx.booking.count({
      where: {
        workspaceId: ctx.workspace.id,
        customerId: id,
        status: { in: ['PENDING', 'CONFIRMED'] },
        endsAt: { gt: ctx.clock.now() },
      },
    });
    if (coming > 0)
      throw new InvalidState(`Bookings of the customer are yet to come: ${coming}. Cancel them first.`);
    await forgetContact(ctx, tx, customer);
    await erase(ctx, tx, id);
    const deletedAt = ctx.clock.now();
    const erased = await tx.customer.update({
      where: { id },
      data: { deletedAt, updatedAt: deletedAt, ownerId: null, teamId: null },
    });
    await record(ctx, tx, 'customer.deleted', { subjectId: id, customerId: id, data: {} });
    return erased;
  });
}

async function erase(ctx: Context, tx: Tx, customerId: string): Promise<void> {
  for (const { table, customer, blank } of personalData) {
    const whose = Prisma.sql`workspace_id = ${ctx.workspace.id}::uuid AND ${Prisma.raw(customer)} = ${customerId}::uuid`;
    if (!blank) {
      await tx.$executeRaw`DELETE FROM ${Prisma.raw(table)} WHERE ${whose}`;
      continue;
    }
    const blanks = Object.entries(blank).map(
      ([column, value]) => Prisma.sql`${Prisma.raw(column)} = ${value === null ? Prisma.raw('NULL') : value}`,
    );
    await tx.$executeRaw`UPDATE ${Prisma.raw(table)} SET ${Prisma.join(blanks)} WHERE ${whose}`;
  }
}
