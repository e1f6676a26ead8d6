import type { Context } from '../../core/context.ts';
import { hashOf } from '../../core/crypto.ts';
import type { Customer, Tx } from '../../core/database.ts';
import { enqueue } from './enqueue.ts';

/** A contact that a backfill made is known by its id within that time. */
const unknownMs = 86_400_000;

/**
 * Has the contact of a customer who is being erased deleted in every connected system, and drops what was yet to be sent.
 * A backfill that is under way may have handed them over, and nobody knows the contact yet: it finds them by a hash of
 * their address when it comes to learn who is who.
 */
export async function forgetContact(
  ctx: Context,
  tx: Tx,
  { id: customerId, email }: Pick<Customer, 'id' | 'email'>,
): Promise<void> {
  const where = { workspaceId: ctx.workspace.id, customerId };
  const links = await tx.integrationContact.findMany({ where: { ...where, remoteId: { not: null } } });
  const filling = await tx.bulkOperation.findMany({
    where: { workspaceId: ctx.workspace.id, kind: 'BACKFILL', status: { in: ['QUEUED', 'RUNNING'] } },
    select: { connectionId: true },
  });
  const unknown = email
    ? filling
        .map(({ connectionId }) => connectionId as string)
        .filter((id) => !links.some(({ connectionId }) => connectionId === id))
    : [];
  await tx.delivery.updateMany({
    where: { ...where, status: { in: ['WAITING', 'PARKED'] } },
    data: { status: 'DROPPED', doneAt: ctx.clock.now() },
  });
  await enqueue(
    ctx,
    tx,
    [
      ...links.map(({ connectionId, remoteId }) => ({ connectionId, payload: { contactId: remoteId } })),
      ...unknown.map((connectionId) => ({
        connectionId,
        payload: { emailHash: hashOf(email as string) },
        notBefore: new Date(ctx.clock.now().getTime() + unknownMs),
      })),
    ].map((one) => ({ ...one, customerId, kind: 'ERASE' as const, key: `erase ${customerId}` })),
  );
}
