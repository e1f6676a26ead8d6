import type { Context } from '../../core/context.ts';
import { apiKeyParts } from '../../core/crypto.ts';
import type { Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { record } from '../../events/record.ts';

/** Adds an administrator key to the context's workspace, in the caller's transaction. Only hash and prefix are stored. */
export async function addAdminKey(
  ctx: Context,
  tx: Tx,
  { key, name }: { key: string; name: string },
): Promise<void> {
  const id = newId();
  const { hash, prefix } = apiKeyParts(key);
  await tx.apiKey.create({
    data: {
      id,
      workspaceId: ctx.workspace.id,
      name,
      hash,
      prefix,
      role: 'ADMIN',
      scopes: [],
      createdAt: ctx.clock.now(),
    },
  });
  await record(ctx, tx, 'api_key.created', { subjectId: id, data: { prefix } });
}
