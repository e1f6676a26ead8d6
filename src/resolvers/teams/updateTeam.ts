import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Team } from '../../core/database.ts';
import { InvalidInput, Refused } from '../../core/errors.ts';
import { encodeId } from '../../core/ids.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { addMembers, memberIds, teamConstraints } from './members.ts';

const UpdateTeamInput = z.object({
  id: idOf('Team'),
  name: text(200).optional(),
  addMemberIds: memberIds.nullish(),
  removeMemberIds: memberIds.nullish(),
});

/**
 * Renames a team, adds and removes members. Who is a member already is not added again, and who is none not
 * removed. Members reach the team's customers, so only who reaches them too can add some.
 */
export async function updateTeam(ctx: Context, input: unknown): Promise<Team> {
  allow(ctx, 'users.write');
  const { id, name, addMemberIds, removeMemberIds } = parse(UpdateTeamInput, input);
  const adding = new Set(addMemberIds);
  const leaving = [...new Set(removeMemberIds)];
  const both = removeMemberIds?.findIndex((userId) => adding.has(userId)) ?? -1;
  if (both >= 0)
    throw new InvalidInput([{ path: `removeMemberIds.${both}`, message: 'Is to be added as well.' }]);

  return write(ctx, async (tx) => {
    const team = await lockedOrThrow(ctx, tx, 'Team', id);
    const { rowScope, principals } = ctx.viewer;
    if (adding.size > 0 && rowScope !== 'ALL' && !principals.includes(id)) {
      throw new Refused('FORBIDDEN', "Only who reaches the team's customers can add members to it.");
    }
    const changes = changesOf(team, { name });
    const added = await addMembers(ctx, tx, id, [...adding]);
    const members = { workspaceId: ctx.workspace.id, teamId: id, userId: { in: leaving } };
    const removed = (await tx.teamMember.findMany({ where: members, select: { userId: true } })).map(
      ({ userId }) => userId,
    );
    if (Object.keys(changes).length + added.length + removed.length === 0) return team;

    await tx.teamMember.deleteMany({ where: members });
    const updated = await onConstraint(tx.team.update({ where: { id }, data: { name } }), teamConstraints);
    const userId = (uuid: string) => encodeId('User', uuid);
    await record(ctx, tx, 'team.updated', {
      subjectId: id,
      data: { name: updated.name, addedUserIds: added.map(userId), removedUserIds: removed.map(userId) },
      changes,
    });
    return updated;
  });
}
