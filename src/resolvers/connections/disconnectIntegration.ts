import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { IntegrationConnection } from '../../core/database.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { changeConnection } from './changeConnection.ts';
import { openConnection, unseal } from './openConnection.ts';

const hookMs = 5_000;

/** Takes a connection apart: its secrets and what is known of contacts go, what waits is dropped; its log stays. Nothing there is deleted. */
export async function disconnectIntegration(ctx: Context, input: unknown): Promise<IntegrationConnection> {
  allow(ctx, 'integrations.write');
  const { id } = parse(z.object({ id: idOf('IntegrationConnection') }), input);
  const row = await visibleOrThrow(ctx, ctx.db, 'IntegrationConnection', id);
  if (row.status !== 'DISCONNECTED') await unhook(ctx, row);
  return changeConnection(ctx, input, {
    event: 'integration.disconnected',
    data: { status: 'DISCONNECTED', secrets: '', retryAt: null },
    also: async (tx, { id: connectionId, workspaceId }) => {
      const where = { workspaceId, connectionId };
      await tx.delivery.updateMany({
        where: { ...where, status: { in: ['WAITING', 'PARKED'] } },
        data: { status: 'DROPPED', doneAt: ctx.clock.now() },
      });
      await tx.integrationContact.deleteMany({ where });
      await tx.integrationDrift.deleteMany({ where });
    },
  });
}

/** A system that is gone does not keep anybody from leaving it. */
async function unhook(ctx: Context, row: IntegrationConnection): Promise<void> {
  try {
    const { hookId } = unseal(ctx, row);
    const { adapter, to } = openConnection(ctx, row, { signal: AbortSignal.timeout(hookMs) });
    if (hookId) await adapter.can.changeHooks?.unregister(to, hookId);
  } catch (error) {
    ctx.log.info({ error, connectionId: row.id }, 'integrations: the webhook there could not be deleted');
  }
}
