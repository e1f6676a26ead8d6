import { stringify } from 'csv-stringify';
import type { Context } from '../core/context.ts';
import { NotFound } from '../core/errors.ts';
import { uuidOf } from '../core/ids.ts';
import { visibleOrThrow } from '../core/load.ts';
import { allow } from '../core/permissions.ts';
import { refusalsOf } from '../resolvers/bulkOperations/refusalsOf.ts';
import type { RestAnswer, RestRequest } from './rest.ts';

/** GET /bulk-operations/:id/errors.csv: a line for each reason for which a row was refused, in the order of the file. */
export async function getBulkOperationErrors(ctx: Context, { params }: RestRequest): Promise<RestAnswer> {
  allow(ctx, 'imports.read');
  const id = params.id as string;
  const uuid = uuidOf('BulkOperation', id);
  if (!uuid) throw new NotFound(id);
  await visibleOrThrow(ctx, ctx.db, 'BulkOperation', uuid);
  // Names of columns come from the file: a spreadsheet must not run them.
  const csv = stringify({
    header: true,
    columns: ['row', 'columns', 'field', 'message'],
    escape_formulas: true,
  });
  void (async () => {
    for await (const refusal of refusalsOf(ctx, uuid))
      if (!csv.write(refusal))
        await new Promise((resolve) => csv.once('drain', resolve).once('close', resolve));
    csv.end();
  })().catch((error: Error) => csv.destroy(error));
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/csv; charset=utf-8; header=present',
      'Content-Disposition': `attachment; filename="${id}-errors.csv"`,
    },
    body: csv,
  };
}
