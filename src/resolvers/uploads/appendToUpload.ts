import { createHash } from 'node:crypto';
import type { Context } from '../../core/context.ts';
import type { Upload } from '../../core/database.ts';
import { InvalidInput, InvalidState, NotFound } from '../../core/errors.ts';
import { encodeId } from '../../core/ids.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { maxUpload } from './createUpload.ts';
import { readUpload } from './readUpload.ts';

/** Bytes that are kept in one row. */
const chunkSize = 1_048_576;

/** The bytes do not begin where those that are here end. */
export class WrongOffset extends InvalidState {
  override name = 'WrongOffset';
}

/** All bytes are here and they are not those of the file that was announced. They are dropped. */
export class WrongChecksum extends InvalidInput {
  override name = 'WrongChecksum';
}

/**
 * Adds the bytes of a stream, committed a mebibyte at a time: when the stream breaks off, what came stays, and
 * the rest may come later. The upload is complete when it has its size, or, without one, when the stream ends.
 */
export async function appendToUpload(
  ctx: Context,
  id: string,
  offset: number,
  stream: AsyncIterable<Uint8Array>,
): Promise<Upload> {
  allow(ctx, 'imports.write');
  let at = offset;
  let parts: Uint8Array[] = [];
  let waiting = 0;
  const flush = async () => {
    if (waiting === 0) return;
    const bytes = Buffer.concat(parts);
    parts = [];
    waiting = 0;
    await append(ctx, id, at, bytes);
    at += bytes.length;
  };
  await append(ctx, id, at, Buffer.alloc(0));
  try {
    for await (const part of stream) {
      parts.push(part);
      waiting += part.length;
      if (waiting >= chunkSize) await flush();
    }
  } catch (error) {
    await flush();
    throw error;
  }
  await flush();
  return complete(ctx, id, at);
}

async function append(ctx: Context, id: string, offset: number, bytes: Buffer<ArrayBuffer>): Promise<void> {
  const workspaceId = ctx.workspace.id;
  await write(ctx, async (tx) => {
    const [upload] = await tx.$queryRaw<
      { received: bigint; size: bigint | null; completed_at: Date | null }[]
    >`
      SELECT received, size, completed_at FROM upload
      WHERE workspace_id = ${workspaceId}::uuid AND id = ${id}::uuid FOR NO KEY UPDATE`;
    if (!upload) throw new NotFound(encodeId('Upload', id));
    if (upload.received !== BigInt(offset))
      throw new WrongOffset(`The upload goes on at byte ${upload.received}, not ${offset}.`);
    if (bytes.length === 0) return;
    const end = offset + bytes.length;
    if (upload.completed_at || end > Number(upload.size ?? maxUpload))
      throw new InvalidInput([
        { path: '', message: `The file is longer than ${upload.size ?? maxUpload} bytes.` },
      ]);
    await tx.uploadChunk.create({ data: { workspaceId, uploadId: id, start: offset, bytes } });
    await tx.upload.update({ where: { id }, data: { received: end, updatedAt: ctx.clock.now() } });
  });
}

async function complete(ctx: Context, id: string, received: number): Promise<Upload> {
  const where = { id, workspaceId: ctx.workspace.id };
  const upload = await ctx.db.upload.findFirstOrThrow({ where });
  const whole = upload.size === null ? received > 0 : upload.received === upload.size;
  if (upload.completedAt || !whole) return upload;
  if (upload.sha256) {
    const hash = createHash('sha256');
    for await (const bytes of readUpload(ctx, id)) hash.update(bytes);
    if (hash.digest('hex') !== upload.sha256) {
      await ctx.db.upload.deleteMany({ where });
      throw new WrongChecksum([
        { path: 'sha256', message: 'The bytes that came are not those of the file: send it again.' },
      ]);
    }
  }
  const completedAt = ctx.clock.now();
  return ctx.db.upload.update({
    where,
    data: { completedAt, size: upload.received, updatedAt: completedAt },
  });
}
