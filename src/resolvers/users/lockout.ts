import type { Context } from '../../core/context.ts';
import type { Tx, User } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { allPermissions } from '../../core/permissions.ts';

/** Whether this user can sign in and administer the workspace. */
export function administers(user: User): boolean {
  return (
    user.role === 'ADMIN' &&
    !user.disabledAt &&
    user.externalId !== null &&
    (user.rowScope ?? 'ALL') === 'ALL'
  );
}

/**
 * Refuses a change after which nobody could administer the workspace: no user with the role ADMIN who can
 * sign in, and no ADMIN key that works, both with all that the role may. Call it after the change, in its
 * transaction. Changes of this kind take turns, so that two administrators cannot lock each other out.
 */
export async function refuseLockout(ctx: Context, tx: Tx): Promise<void> {
  const workspaceId = ctx.workspace.id;
  await tx.$queryRaw`SELECT 1 FROM workspace WHERE id = ${workspaceId}::uuid FOR NO KEY UPDATE`;
  const user = await tx.user.findFirst({
    where: {
      workspaceId,
      role: 'ADMIN',
      disabledAt: null,
      externalId: { not: null },
      OR: [{ rowScope: null }, { rowScope: 'ALL' }],
    },
    select: { id: true },
  });
  if (user) return;
  const key = await tx.apiKey.findFirst({
    where: {
      workspaceId,
      role: 'ADMIN',
      revokedAt: null,
      AND: [
        { OR: [{ expiresAt: null }, { expiresAt: { gt: ctx.clock.now() } }] },
        { OR: [{ scopes: { isEmpty: true } }, { scopes: { hasEvery: allPermissions } }] },
      ],
    },
    select: { id: true },
  });
  if (!key)
    throw new InvalidState(
      'Nobody could administer the workspace any more: keep one active ADMIN user who can sign in, or one ADMIN key.',
    );
}
