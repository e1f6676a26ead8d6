import type { Context } from '../../core/context.ts';
import type { BulkOperation } from '../../core/database.ts';
import { startConnectionWork } from './startConnectionWork.ts';

/** Starts to compare every contact of a connected system with its customer. Changes nothing on either side. */
export function startDriftCheck(ctx: Context, input: unknown): Promise<BulkOperation> {
  return startConnectionWork(ctx, 'startDriftCheck', 'DRIFT_CHECK', input);
}
