import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { ApiKey } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { refuseLockout } from '../users/lockout.ts';

const RevokeApiKeyInput = z.object({ id: idOf('ApiKey') });

/**
 * Ends a key for good; what it did stays on record. A key that was revoked before stays as it is. Refused
 * when nobody could administer the workspace any more.
 */
export async function revokeApiKey(ctx: Context, input: unknown): Promise<ApiKey> {
  allow(ctx, 'apiKeys.write');
  const { id } = parse(RevokeApiKeyInput, input);

  return write(ctx, async (tx) => {
    const apiKey = await lockedOrThrow(ctx, tx, 'ApiKey', id);
    if (apiKey.revokedAt) return apiKey;

    const revoked = await tx.apiKey.update({ where: { id }, data: { revokedAt: ctx.clock.now() } });
    if (apiKey.role === 'ADMIN') await refuseLockout(ctx, tx);
    await record(ctx, tx, 'api_key.revoked', { subjectId: id, data: { prefix: apiKey.prefix } });
    return revoked;
  });
}
