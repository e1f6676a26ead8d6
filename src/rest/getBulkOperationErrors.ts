import type { Context } from '../core/context.ts';
import { NotFound } from '../core/errors.ts';
import { uuidOf } from '../core/ids.ts';
import { visibleOrThrow } from '../core/load.ts';
import { allow } from '../core/permissions.ts';
import { refusalsOf } from '../resolvers/bulkOperations/refusalsOf.ts';
import { csvAnswer } from './csvAnswer.ts';
import type { RestAnswer, RestRequest } from './rest.ts';

/** GET /bulk-operations/:id/errors.csv: a line for each reason for which a row was refused, in the order of the file. */
export async function getBulkOperationErrors(ctx: Context, { params }: RestRequest): Promise<RestAnswer> {
  allow(ctx, 'imports.read');
  const id = params.id as string;
  const uuid = uuidOf('BulkOperation', id);
  if (!uuid) throw new NotFound(id);
  await visibleOrThrow(ctx, ctx.db, 'BulkOperation', uuid);
  return csvAnswer(`${id}-errors`, ['row', 'columns', 'field', 'message'], refusalsOf(ctx, uuid));
}
