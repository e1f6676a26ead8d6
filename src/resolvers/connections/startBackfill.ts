import type { Context } from '../../core/context.ts';
import type { BulkOperation } from '../../core/database.ts';
import { startConnectionWork } from './startConnectionWork.ts';

/** Starts to send every customer to a connected system. What is there already as it is here is not sent again. */
export function startBackfill(ctx: Context, input: unknown): Promise<BulkOperation> {
  return startConnectionWork(ctx, 'startBackfill', 'BACKFILL', input);
}
