import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Upload } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';

/** Bytes of a file, as it is sent. */
export const maxUpload = 4 * 1024 ** 3;

const CreateUploadInput = z.object({
  fileName: text(255),
  size: z.int().min(1, 'The file is empty.').max(maxUpload, 'Must be at most 4 GiB.').nullish(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'Must be a SHA-256 in hexadecimal.')
    .nullish(),
});

/**
 * Makes room for a file that is to be imported. A file whose SHA-256 is given and is known already goes on where it
 * was broken off, whoever sends it and however much is here; so nothing need be remembered to resume.
 */
export async function createUpload(ctx: Context, input: unknown): Promise<Upload> {
  allow(ctx, 'imports.write');
  const { fileName, size = null, sha256 = null } = parse(CreateUploadInput, input);
  const workspaceId = ctx.workspace.id;
  return write(ctx, async (tx) => {
    if (sha256 && size) {
      const where = { workspaceId, sha256, size: BigInt(size) };
      const known = await tx.upload.findFirst({ where, orderBy: { createdAt: 'desc' } });
      if (known) return known;
    }
    const now = ctx.clock.now();
    return tx.upload.create({
      data: { id: newId(), workspaceId, fileName, size, sha256, createdAt: now, updatedAt: now },
    });
  });
}
