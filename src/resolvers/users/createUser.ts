import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Tx, User } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { emailAddress, idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { allowGrant, rightsOf } from './grant.ts';
import { userConstraints, userFields } from './userFields.ts';

const CreateUserInput = z.object({ ...userFields, email: emailAddress, idempotencyKey });

/** Adds a person who can sign in, as soon as they have an external id. Nobody makes users with more rights than their own. */
export async function createUser(ctx: Context, input: unknown): Promise<User> {
  allow(ctx, 'users.write');
  const parsed = parse(CreateUserInput, input);
  allowGrant(ctx, rightsOf(parsed.role, parsed));

  const create = async (tx: Tx) => {
    const user = await onConstraint(
      tx.user.create({
        data: {
          id: newId(),
          workspaceId: ctx.workspace.id,
          email: parsed.email,
          displayName: parsed.displayName,
          role: parsed.role,
          rowScope: parsed.rowScope ?? null,
          externalId: parsed.externalId ?? null,
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      userConstraints,
    );
    await record(ctx, tx, 'user.created', { subjectId: user.id, data: { role: user.role } });
    return user;
  };
  return writeOnce(ctx, { name: 'createUser', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'User', id),
  );
}
