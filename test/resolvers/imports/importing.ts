import { Readable } from 'node:stream';
import type { Context } from '../../../src/core/context.ts';
import type { BulkOperation } from '../../../src/core/database.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { claimBulkOperation } from '../../../src/resolvers/bulkOperations/bulkOperationState.ts';
import { refusalsOf } from '../../../src/resolvers/bulkOperations/refusalsOf.ts';
import { runImport } from '../../../src/resolvers/imports/runImport.ts';
import { startImport } from '../../../src/resolvers/imports/startImport.ts';
import { appendToUpload } from '../../../src/resolvers/uploads/appendToUpload.ts';
import { createUpload } from '../../../src/resolvers/uploads/createUpload.ts';

/** Sends a file as it is and answers its public id. */
export async function upload(
  ctx: Context,
  content: string | Uint8Array,
  fileName = 'a.csv',
): Promise<string> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  const { id } = await createUpload(ctx, { fileName, size: bytes.length });
  await appendToUpload(ctx, id, 0, Readable.from([bytes]));
  return encodeId('Upload', id);
}

/** Runs everything that waits in this database, as a worker would. */
export async function work(ctx: Context): Promise<void> {
  const worker = newId();
  for (;;) {
    const operation = await claimBulkOperation(ctx, worker);
    if (!operation) return;
    const workspace = await ctx.db.workspace.findUniqueOrThrow({ where: { id: operation.workspaceId } });
    await runImport({ ...ctx, workspace }, operation, worker, new AbortController().signal);
  }
}

export interface Ended extends BulkOperation {
  refusals: { row: number; columns: string; field: string; message: string }[];
}

/** Imports a file from end to end. */
export async function importFile(
  ctx: Context,
  content: string | Uint8Array,
  mapping: object,
): Promise<Ended> {
  const { id } = await startImport(ctx, { uploadId: await upload(ctx, content), mapping });
  await work(ctx);
  const operation = await ctx.db.bulkOperation.findUniqueOrThrow({ where: { id } });
  return { ...operation, refusals: await Array.fromAsync(refusalsOf(ctx, id)) };
}

/** A header and rows as CSV. */
export const csv = (...lines: string[]) => `${lines.join('\n')}\n`;
