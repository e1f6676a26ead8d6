import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Context } from '../../core/context.ts';
import type { BulkOperation, Tx } from '../../core/database.ts';
import { InvalidInput } from '../../core/errors.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { finishBulkOperation, holdMine } from '../bulkOperations/bulkOperationState.ts';
import { readUpload } from '../uploads/readUpload.ts';
import { contentOf, fileRows, UnreadableFile } from './fileRows.ts';
import { headerOf } from './headerOf.ts';
import { type Imported, importRows } from './importRows.ts';
import { compileMapping, ImportMapping, type Refusal, type RowReader } from './mapping.ts';
import { ensureNamed, type Named } from './namedThings.ts';
import { createRowParser, type Wanted } from './readRow.ts';

/** Rows that are written in one transaction. */
const batchRows = 1_000;
/** A batch of which the database refuses every row is halved two thousand times. */
const batchMs = 300_000;
/** Rows that are read before others have their turn: requests, and the database's answer for the batch before. */
const rowsAtOnce = 25;
/** Progress becomes an event this often at most. */
const tellMs = 1_000;

/**
 * Goes on with an import behind its checkpoint, until the file ends or `stopping`: a thousand rows a transaction, the
 * checkpoint in each, so that a kill at any moment costs the rows that were not committed and doubles none. The next
 * rows are read while the database writes. Throws NoLongerMine, and what is wrong with the database.
 */
export async function runImport(
  ctx: Context,
  operation: BulkOperation,
  worker: string,
  stopping: AbortSignal,
): Promise<void> {
  const { id, uploadId } = operation;
  if (!uploadId) return void (await finishBulkOperation(ctx, id, 'FAILED', 'The file is gone.'));
  const history: Context = { ...ctx, origin: 'IMPORT', committed: behind(ctx) };
  const named: Named = { services: new Map(), staffMembers: new Map(), resources: new Map() };
  try {
    const mapping = ImportMapping.parse(operation.mapping);
    const fileHash = operation.fileHash ?? (await readThrough(ctx, id, uploadId));
    let batches = 0;
    for await (const batch of ahead(batchesOf(ctx, { ...operation, fileHash, uploadId }, mapping))) {
      if (stopping.aborted) return;
      if (learnAfter.has(batches++)) await learn(ctx);
      await ensureNamed(history, mapping, batch.wanted, named);
      const writeBatch = async (tx: Tx) => {
        await holdMine(tx, id, worker);
        const imported = await importRows(history, tx, batch.wanted, named);
        await checkpoint(ctx, tx, id, batch, imported);
      };
      await write(history, writeBatch, batchMs);
    }
    await ctx.committed();
    await finishBulkOperation(ctx, id, 'COMPLETED');
  } catch (error) {
    if (!(error instanceof UnreadableFile || error instanceof InvalidInput)) throw error;
    await finishBulkOperation(ctx, id, 'FAILED', error.message);
  }
}

/** Batches after which the database is told to look at what it holds now. */
const learnAfter = new Set([1, 10, 100]);

/**
 * Plans that were made while tables were empty are made again. PostgreSQL would do so by itself, but only after a minute,
 * and until then each check of a foreign key may go through all customers.
 */
async function learn({ db, log }: Context): Promise<void> {
  await db.$executeRaw`ANALYZE customer, customer_word, booking, payment`.catch((error: unknown) =>
    log.warn({ error }, 'import: the tables could not be analysed, which may make it slow'),
  );
}

/** `committed` that does not keep the writer waiting, but lets the log fall behind by one batch only. */
function behind(ctx: Context): () => Promise<void> {
  let last = Promise.resolve();
  return async () => {
    await last;
    last = ctx.committed();
  };
}

/** Reads the file once, for the hash of its content, however it was packed: the identity of its rows. And for its size. */
async function readThrough(ctx: Context, id: string, uploadId: string): Promise<string> {
  const hash = createHash('sha256');
  let bytesTotal = 0;
  for await (const bytes of contentOf(readUpload(ctx, uploadId))) {
    hash.update(bytes);
    bytesTotal += bytes.length;
  }
  const fileHash = hash.digest('hex');
  await ctx.db.bulkOperation.update({
    where: { id },
    data: { fileHash, bytesTotal, updatedAt: ctx.clock.now() },
  });
  return fileHash;
}

interface Batch {
  wanted: Wanted[];
  refused: { row: number; refusals: Refusal[] }[];
  reader: RowReader;
  /** Rows of the file that are behind us after this batch. */
  rowsDone: number;
  bytesDone: number;
}

async function* batchesOf(
  ctx: Context,
  operation: BulkOperation & { fileHash: string; uploadId: string },
  mapping: ImportMapping,
): AsyncGenerator<Batch, undefined> {
  let bytesDone = 0;
  async function* counted() {
    for await (const bytes of contentOf(readUpload(ctx, operation.uploadId))) {
      bytesDone += bytes.length;
      yield bytes;
    }
  }
  let header: string[] | null = null;
  let read: { reader: RowReader; parse: ReturnType<typeof createRowParser> } | null = null;
  let number = 0;
  let batch: Batch | null = null;
  for await (const rows of fileRows(counted(), mapping.format)) {
    for (const cells of rows) {
      if (!header || !read) {
        header = headerOf(mapping.format, cells);
        const reader = compileMapping(mapping, header);
        read = { reader, parse: createRowParser(ctx, mapping, reader) };
        if (!mapping.format.columns) continue;
      }
      if (++number <= operation.rowsDone) continue;
      if (number % rowsAtOnce === 0) await turn();
      batch ??= { wanted: [], refused: [], reader: read.reader, rowsDone: 0, bytesDone: 0 };
      const identity = `file:${operation.fileHash.slice(0, 20)}:${number}`;
      const parsed = sameLength(cells, header) ?? read.parse({ number, identity, cells });
      if (Array.isArray(parsed)) batch.refused.push({ row: number, refusals: parsed });
      else batch.wanted.push(parsed);
      if (batch.wanted.length + batch.refused.length < batchRows) continue;
      yield { ...batch, rowsDone: number, bytesDone };
      batch = null;
    }
  }
  if (batch) yield { ...batch, rowsDone: number, bytesDone };
}

/** A row of another length than the header was not written by the program that wrote the header. */
function sameLength(cells: readonly string[], header: readonly string[]): Refusal[] | null {
  const extra = cells.slice(header.length);
  if (cells.length >= header.length && extra.every((cell) => cell.trim() === '')) return null;
  return [{ field: '', message: `The row has ${cells.length} cells, the header has ${header.length}.` }];
}

/** The same items; the next one is asked for before the last one is dealt with. */
async function* ahead<Item>(source: AsyncGenerator<Item, undefined>): AsyncGenerator<Item> {
  let next = source.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done) return;
      next = source.next();
      next.catch(() => {}); // It is awaited in its turn.
      yield value;
    }
  } finally {
    await next.catch(() => {});
    await source.return(undefined);
  }
}

async function checkpoint(ctx: Context, tx: Tx, id: string, batch: Batch, imported: Imported): Promise<void> {
  const now = ctx.clock.now();
  const refused = [...batch.refused, ...imported.refused];
  if (refused.length > 0) {
    await tx.bulkRefusal.createMany({
      data: refused.flatMap(({ row, refusals }) =>
        refusals.map(({ field, message }, at) => ({
          workspaceId: ctx.workspace.id,
          operationId: id,
          row,
          reason: at + 1,
          columns: batch.reader.columnsOf(field),
          field: field.startsWith('refuse.') ? '' : field,
          message,
        })),
      ),
    });
  }
  const { kind, toldAt, rowsRefused } = await tx.bulkOperation.update({
    where: { id },
    data: {
      rowsDone: batch.rowsDone,
      rowsRefused: { increment: refused.length },
      rowsKnown: { increment: imported.known },
      customersCreated: { increment: imported.customers },
      bookingsCreated: { increment: imported.bookings },
      paymentsCreated: { increment: imported.payments },
      bytesDone: batch.bytesDone,
      updatedAt: now,
    },
  });
  if (toldAt && now.getTime() - toldAt.getTime() < tellMs) return;
  await tx.bulkOperation.update({ where: { id }, data: { toldAt: now } });
  await record(ctx, tx, 'bulk_operation.progressed', {
    subjectId: id,
    data: { kind, rowsDone: batch.rowsDone, rowsRefused },
  });
}
