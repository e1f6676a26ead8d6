import type { Context } from '../../core/context.ts';
import type { IntegrationConnection } from '../../core/database.ts';
import { OutsideFailure } from '../../integrations/failure.ts';
import { openConnection, outsideOf, seal, unseal } from './openConnection.ts';

const hookMs = 10_000;

/**
 * Has the outside system send its messages here, or no longer, as the settings say. That it cannot now is noted on the
 * connection and no failure: what no message tells of is found by looking.
 */
export async function keepHook(ctx: Context, row: IntegrationConnection): Promise<IntegrationConnection> {
  const { adapter, sync, to } = openConnection(ctx, row, { signal: AbortSignal.timeout(hookMs) });
  const hooks = adapter.can.changeHooks;
  if (!hooks) return row;
  const sealed = unseal(ctx, row);
  const wanted = sync.enableWebhooks && sync.syncDirection !== 'TO' && row.status !== 'DISCONNECTED';
  if (wanted === (sealed.hookId !== null)) return row;
  try {
    let hookId: string | null = null;
    if (sealed.hookId) await hooks.unregister(to, sealed.hookId);
    else
      hookId = await hooks.register(
        to,
        `${outsideOf(ctx).publicUrl}/webhooks/${adapter.key}/${sealed.webhookKey}`,
      );
    return await ctx.db.integrationConnection.update({
      where: { id: row.id },
      data: { secrets: seal(ctx, row.id, { ...sealed, hookId }), updatedAt: row.updatedAt },
    });
  } catch (error) {
    if (!(error instanceof OutsideFailure)) throw error;
    return ctx.db.integrationConnection.update({
      where: { id: row.id },
      data: {
        lastError: `Webhooks could not be set up: ${error.message}`,
        lastErrorAt: ctx.clock.now(),
        updatedAt: row.updatedAt,
      },
    });
  }
}
