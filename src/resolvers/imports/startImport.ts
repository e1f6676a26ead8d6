import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { BulkOperation, Prisma, Tx } from '../../core/database.ts';
import { InvalidInput, InvalidState } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { actorOf, record } from '../../events/record.ts';
import { readUpload } from '../uploads/readUpload.ts';
import { contentOf, fileRows, UnreadableFile } from './fileRows.ts';
import { headerOf } from './headerOf.ts';
import { compileMapping, ImportMapping } from './mapping.ts';

const StartImportInput = z.object({ uploadId: idOf('Upload'), mapping: ImportMapping, idempotencyKey });

/**
 * Starts to bring in the customers, bookings and payments of a file that was uploaded; workers do it. That the
 * mapping fits the file is checked here, against its columns.
 */
export async function startImport(ctx: Context, input: unknown): Promise<BulkOperation> {
  allow(ctx, 'imports.write');
  const parsed = parse(StartImportInput, input);
  const { mapping } = parsed;
  const upload = await visibleOrThrow(ctx, ctx.db, 'Upload', parsed.uploadId);
  if (!upload.completedAt) throw new InvalidState('The file is not here as a whole yet.');
  compileMapping(mapping, await firstRow(ctx, upload.id, mapping));

  const create = async (tx: Tx) => {
    const now = ctx.clock.now();
    const operation = await tx.bulkOperation.create({
      data: {
        id: newId(),
        workspaceId: ctx.workspace.id,
        kind: 'IMPORT',
        status: 'QUEUED',
        name: upload.fileName,
        uploadId: upload.id,
        mapping: mapping as Prisma.InputJsonValue,
        bytesTotal: upload.received,
        ...actorOf(ctx.viewer),
        createdAt: now,
        updatedAt: now,
      },
    });
    await record(ctx, tx, 'bulk_operation.started', { subjectId: operation.id, data: { kind: 'IMPORT' } });
    return operation;
  };
  return writeOnce(ctx, { name: 'startImport', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'BulkOperation', id),
  );
}

async function firstRow(ctx: Context, uploadId: string, mapping: ImportMapping): Promise<string[]> {
  try {
    for await (const rows of fileRows(contentOf(readUpload(ctx, uploadId)), mapping.format))
      if (rows[0]) return headerOf(mapping.format, rows[0]);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw new InvalidInput([{ path: 'uploadId', message: error.message }]);
  }
  throw new InvalidInput([{ path: 'uploadId', message: 'The file is empty.' }]);
}
