import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Team, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { addMembers, memberIds, teamConstraints } from './members.ts';

const CreateTeamInput = z.object({ name: text(200), memberIds: memberIds.nullish(), idempotencyKey });

/** Makes a group of users who share customers. */
export async function createTeam(ctx: Context, input: unknown): Promise<Team> {
  allow(ctx, 'users.write');
  const parsed = parse(CreateTeamInput, input);

  const create = async (tx: Tx) => {
    const { name } = parsed;
    const team = await onConstraint(
      tx.team.create({
        data: { id: newId(), workspaceId: ctx.workspace.id, name, createdAt: ctx.clock.now() },
      }),
      teamConstraints,
    );
    await addMembers(ctx, tx, team.id, parsed.memberIds ?? []);
    await record(ctx, tx, 'team.created', { subjectId: team.id, data: { name } });
    return team;
  };
  return writeOnce(ctx, { name: 'createTeam', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Team', id),
  );
}
