import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { User } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { allowGrant, rightsOf } from './grant.ts';
import { administers, refuseLockout } from './lockout.ts';
import { userConstraints, userFields } from './userFields.ts';

const UpdateUserInput = z.object({
  ...z.object(userFields).partial().shape,
  id: idOf('User'),
  disabled: z.boolean().optional(),
});

/** Fields whose values the log may hold: what somebody may do, not who they are. */
const openFields: ReadonlySet<string> = new Set(['role', 'rowScope', 'disabledAt']);

/**
 * Changes the fields that are sent; an explicit null clears. Needs all the rights that the user has before
 * and after. A disabled user cannot sign in; what they did and own stays. Refused when nobody could
 * administer the workspace any more.
 */
export async function updateUser(ctx: Context, input: unknown): Promise<User> {
  allow(ctx, 'users.write');
  const { id, disabled, ...fields } = parse(UpdateUserInput, input);

  return write(ctx, async (tx) => {
    const user = await lockedOrThrow(ctx, tx, 'User', id);
    const sent = {
      ...fields,
      ...(disabled !== undefined && { disabledAt: disabled ? (user.disabledAt ?? ctx.clock.now()) : null }),
    };
    const changes = changesOf(user, sent);
    if (Object.keys(changes).length === 0) return user;

    allowGrant(ctx, rightsOf(user.role, user));
    const updated = await onConstraint(
      tx.user.update({ where: { id }, data: { ...sent, updatedAt: ctx.clock.now() } }),
      userConstraints,
    );
    allowGrant(ctx, rightsOf(updated.role, updated));
    if (administers(user)) await refuseLockout(ctx, tx);
    await record(ctx, tx, 'user.updated', {
      subjectId: id,
      data: { fields: Object.keys(changes).map((field) => (field === 'disabledAt' ? 'disabled' : field)) },
      changes: Object.fromEntries(Object.entries(changes).filter(([field]) => openFields.has(field))),
    });
    return updated;
  });
}
