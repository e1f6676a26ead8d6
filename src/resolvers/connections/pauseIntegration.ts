import type { Context } from '../../core/context.ts';
import type { IntegrationConnection } from '../../core/database.ts';
import { changeConnection } from './changeConnection.ts';

/** Puts a connection to rest: what there is to do is kept, and waits. */
export function pauseIntegration(ctx: Context, input: unknown): Promise<IntegrationConnection> {
  return changeConnection(ctx, input, { event: 'integration.paused', data: { status: 'PAUSED' } });
}
