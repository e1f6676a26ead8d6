import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import { apiKeyParts, newApiKey } from '../../core/crypto.ts';
import type { ApiKey, Tx } from '../../core/database.ts';
import { InvalidInput } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, instant, parse, text } from '../../core/parse.ts';
import { allow, allPermissions, type Permission } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { allowGrant, rightsOf } from '../users/grant.ts';
import { role } from '../users/userFields.ts';

const CreateApiKeyInput = z
  .object({
    name: text(200),
    role,
    permissions: z
      .array(z.enum(allPermissions as [Permission, ...Permission[]]))
      .min(1, 'Must hold at least one; leave it out for all that the role may.')
      .nullish(),
    expiresAt: instant.nullish(),
    idempotencyKey,
  })
  .transform(({ permissions, ...rest }) => ({ ...rest, scopes: [...new Set(permissions)].sort() }));

/**
 * Makes a key for programs and answers its secret, this once: a repeated call with the same idempotency key
 * finds the key but not its secret. A key never may more than whoever makes it.
 */
export async function createApiKey(
  ctx: Context,
  input: unknown,
): Promise<ApiKey & { secret: string | null }> {
  allow(ctx, 'apiKeys.write');
  const parsed = parse(CreateApiKeyInput, input);
  const rights = rightsOf(parsed.role, parsed);
  const beyond = parsed.scopes.find((permission) => !rights.permissions.has(permission));
  if (beyond)
    throw new InvalidInput([
      { path: 'permissions', message: `The role ${parsed.role} does not have ${beyond}.` },
    ]);
  allowGrant(ctx, rights);

  const create = async (tx: Tx) => {
    const { name, role, scopes, expiresAt = null } = parsed;
    if (expiresAt && expiresAt <= ctx.clock.now())
      throw new InvalidInput([{ path: 'expiresAt', message: 'Must be in the future.' }]);
    const secret = newApiKey();
    const apiKey = await tx.apiKey.create({
      data: {
        id: newId(),
        workspaceId: ctx.workspace.id,
        name,
        role,
        scopes,
        expiresAt,
        ...apiKeyParts(secret),
        createdById: ctx.viewer.kind === 'user' ? ctx.viewer.id : null,
        createdAt: ctx.clock.now(),
      },
    });
    await record(ctx, tx, 'api_key.created', { subjectId: apiKey.id, data: { prefix: apiKey.prefix } });
    return { ...apiKey, secret };
  };
  return writeOnce<ApiKey & { secret: string | null }>(
    ctx,
    { name: 'createApiKey', input: parsed },
    create,
    async (tx, id) => ({
      ...(await visibleOrThrow(ctx, tx, 'ApiKey', id)),
      secret: null,
    }),
  );
}
