import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { enqueue } from './enqueue.ts';

/** Has the contact of a customer who is being erased deleted in every connected system, and drops what was yet to be sent. */
export async function forgetContact(ctx: Context, tx: Tx, customerId: string): Promise<void> {
  const where = { workspaceId: ctx.workspace.id, customerId };
  const links = await tx.integrationContact.findMany({ where: { ...where, remoteId: { not: null } } });
  await tx.delivery.updateMany({
    where: { ...where, status: { in: ['WAITING', 'PARKED'] } },
    data: { status: 'DROPPED', doneAt: ctx.clock.now() },
  });
  await enqueue(
    ctx,
    tx,
    links.map(({ connectionId, remoteId }) => ({
      connectionId,
      customerId,
      kind: 'ERASE' as const,
      key: `erase ${customerId}`,
      payload: { contactId: remoteId },
    })),
  );
}
