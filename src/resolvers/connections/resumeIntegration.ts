import type { Context } from '../../core/context.ts';
import type { IntegrationConnection } from '../../core/database.ts';
import { changeConnection } from './changeConnection.ts';

/** Lets a connection go on, at once also where it was waiting after failures; what is parked too, if asked. */
export function resumeIntegration(ctx: Context, input: unknown): Promise<IntegrationConnection> {
  return changeConnection(ctx, input, {
    event: 'integration.resumed',
    data: { status: 'ACTIVE', failures: 0, retryAt: null, health: 'OK' },
    also: async (tx, { id, workspaceId }, { retryParked }) =>
      retryParked &&
      tx.delivery.updateMany({
        where: { workspaceId, connectionId: id, status: 'PARKED' },
        data: { status: 'WAITING', attempts: 0, failingSince: null, nextAt: ctx.clock.now() },
      }),
  });
}
