import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { IntegrationConnection } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { type Asked, contactKey, enqueue, fetchKey } from '../deliveries/enqueue.ts';

/** Differences that one call sets going. */
const atOnce = 5_000;

const RepairIntegrationDriftInput = z.object({
  id: idOf('IntegrationConnection'),
  winner: z.enum(['FRONTDESK', 'REMOTE']),
  driftIds: z.array(idOf('IntegrationDrift')).max(100, 'At most 100 at once.').nullish(),
});

/**
 * Mends what the last check found, with one side in the right: both are read again first, so what has changed since is
 * not undone. Nobody is deleted: a customer who is missing there is only added when we are right, a contact who is
 * missing here only when they are.
 */
export async function repairIntegrationDrift(ctx: Context, input: unknown): Promise<IntegrationConnection> {
  allow(ctx, 'integrations.write');
  const { id, winner, driftIds } = parse(RepairIntegrationDriftInput, input);
  return write(
    ctx,
    async (tx) => {
      const connection = await lockedOrThrow(ctx, tx, 'IntegrationConnection', id);
      if (connection.status === 'DISCONNECTED') throw new InvalidState('It is disconnected.');
      const where = {
        workspaceId: ctx.workspace.id,
        connectionId: id,
        difference: { in: ['DIFFERS', winner === 'FRONTDESK' ? 'MISSING_THERE' : 'MISSING_HERE'] },
        ...(driftIds && { id: { in: driftIds } }),
      };
      const rows = await tx.integrationDrift.findMany({
        where,
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
        take: atOnce,
      });
      const missing = rows.filter(({ difference }) => difference === 'MISSING_THERE');
      await tx.integrationContact.updateMany({
        where: {
          workspaceId: ctx.workspace.id,
          connectionId: id,
          customerId: { in: missing.flatMap(({ customerId }) => customerId ?? []) },
        },
        data: { remoteId: null, agreed: {} },
      });
      const about = { connectionId: id, lane: 'backfill' as const };
      const asked = rows.map(({ difference, customerId, remoteId, fields }): Asked => {
        if (difference === 'MISSING_THERE')
          return { ...about, customerId, kind: 'CONTACT', key: contactKey(customerId as string) };
        const contactId = remoteId as string;
        return {
          ...about,
          customerId,
          kind: 'FETCH',
          key: fetchKey(contactId),
          payload: { contactId, winner, tags: fields.includes('tags'), lists: fields.includes('lists') },
        };
      });
      await enqueue(ctx, tx, asked);
      await tx.integrationDrift.deleteMany({ where: { id: { in: rows.map((row) => row.id) } } });
      return connection;
    },
    60_000,
  );
}
