import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { AlreadyExists, Refused } from '../../core/errors.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { clearable, emailAddress, idOf, text, timeZone } from '../../core/parse.ts';

/** The fields that creating and updating a staff member share. */
export const staffMemberFields = {
  displayName: text(200),
  email: clearable(emailAddress),
  timeZone,
  userId: idOf('User').nullish(),
};

export const staffMemberConstraints = {
  staff_member_workspace_id_user_id_key: () =>
    new AlreadyExists('userId', 'This user is another staff member already.'),
};

/** A user reaches the customers of the staff member they are, so only who reaches every customer may say who is who. */
export async function checkUser(ctx: Context, tx: Tx, userId: string): Promise<void> {
  if (ctx.viewer.rowScope !== 'ALL') {
    throw new Refused('FORBIDDEN', 'Only who reaches every customer can say which user a staff member is.');
  }
  await visibleOrThrow(ctx, tx, 'User', userId);
}
