import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { BulkOperation } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { finishBulkOperation } from './bulkOperationState.ts';

const CancelBulkOperationInput = z.object({ id: idOf('BulkOperation') });

/** Calls off what is waiting or under way. What was done until then stays. */
export async function cancelBulkOperation(ctx: Context, input: unknown): Promise<BulkOperation> {
  allow(ctx, 'imports.write');
  const { id } = parse(CancelBulkOperationInput, input);
  const operation = await visibleOrThrow(ctx, ctx.db, 'BulkOperation', id);
  const cancelled = await finishBulkOperation(ctx, operation.id, 'CANCELLED');
  if (!cancelled) throw new InvalidState(`The operation has ended already: it is ${operation.status}.`);
  return cancelled;
}
