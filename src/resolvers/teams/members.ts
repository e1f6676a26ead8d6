import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { AlreadyExists, NotFound } from '../../core/errors.ts';
import { encodeId } from '../../core/ids.ts';
import { idOf } from '../../core/parse.ts';
import { visible } from '../../core/visible.ts';

const maxMembers = 100;

export const memberIds = z.array(idOf('User')).max(maxMembers, `Must hold at most ${maxMembers}.`);

export const teamConstraints = {
  team_workspace_id_name_key: () => new AlreadyExists('name', 'Another team has this name.'),
};

/** Makes these users members; answers those who were none before. All of them or a NotFound failure. */
export async function addMembers(
  ctx: Context,
  tx: Tx,
  teamId: string,
  userIds: readonly string[],
): Promise<string[]> {
  if (userIds.length === 0) return [];
  const users = await tx.user.findMany({
    where: { AND: [{ id: { in: [...userIds] } }, visible(ctx, 'User')] },
    select: { id: true },
  });
  const known = new Set(users.map(({ id }) => id));
  const missing = userIds.find((id) => !known.has(id));
  if (missing) throw new NotFound(encodeId('User', missing));
  const added = await tx.teamMember.createManyAndReturn({
    data: [...known].map((userId) => ({ workspaceId: ctx.workspace.id, teamId, userId })),
    skipDuplicates: true,
  });
  return added.map(({ userId }) => userId);
}
