import type { Context, Workspace } from '../../core/context.ts';
import { hashOf, newApiKey } from '../../core/crypto.ts';
import type { Tx } from '../../core/database.ts';
import { write } from '../../core/write.ts';
import { addAdminKey } from './addAdminKey.ts';
import { foundWorkspace } from './createWorkspace.ts';

/** Any number that no other advisory lock uses. */
const lock = 4_721_002;

export interface FirstWorkspace {
  workspace: Workspace;
  /** Whether it is the demo, and filled. */
  demo: 'LOADING' | 'LOADED' | null;
  /** The administrator key, when it was made up here; nobody can read it again. */
  generatedKey: string | null;
}

/**
 * At each start: founds the first workspace of an empty database, and sees to it that `adminKey`, when
 * there is one, is an administrator key of the oldest workspace. Nothing else is replaced. Of several
 * processes that start at once, one founds it and the others find it.
 * @param demo founds it as the demo, which is yet to be filled.
 */
export async function ensureFirstWorkspace(
  ctx: Context,
  adminKey: string | null,
  demo = false,
): Promise<FirstWorkspace> {
  return write(ctx, async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${lock}::integer)`;
    const first = await tx.workspace.findFirst({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
    if (first) {
      if (adminKey) await ensureKey({ ...ctx, workspace: first }, tx, adminKey);
      return { workspace: first, demo: first.demo, generatedKey: null };
    }
    const key = adminKey ?? newApiKey();
    const workspace = await foundWorkspace(ctx, tx, demo ? hotel : business, key);
    return { workspace, demo: demo ? 'LOADING' : null, generatedKey: adminKey ? null : key };
  });
}

const business = { name: 'My business', timeZone: 'UTC', currency: 'EUR', country: 'DE', demo: null };
const hotel = {
  name: 'Quinta do Mar (demo)',
  timeZone: 'Europe/Lisbon',
  currency: 'EUR',
  country: 'PT',
  demo: 'LOADING' as const,
};

async function ensureKey(ctx: Context, tx: Tx, key: string): Promise<void> {
  const known = await tx.apiKey.findUnique({ where: { hash: hashOf(key) } });
  if (!known) {
    await addAdminKey(ctx, tx, { key, name: 'FRONTDESK_ADMIN_KEY' });
    return;
  }
  // Whoever revoked it meant it: a restart must not undo that.
  const trouble =
    known.workspaceId !== ctx.workspace.id
      ? 'belongs to another workspace'
      : known.revokedAt
        ? 'was revoked'
        : known.role !== 'ADMIN'
          ? 'has a lesser role'
          : null;
  if (trouble)
    ctx.log.warn(
      { apiKeyId: known.id },
      `FRONTDESK_ADMIN_KEY is no administrator key: it ${trouble}; set another one`,
    );
}
