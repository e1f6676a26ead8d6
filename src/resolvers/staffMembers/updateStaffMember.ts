import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { StaffMember } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { checkUser, staffMemberConstraints, staffMemberFields } from './staffMemberFields.ts';

const UpdateStaffMemberInput = z.object({
  ...z.object(staffMemberFields).partial().shape,
  id: idOf('StaffMember'),
  active: z.boolean().optional(),
});

/** Changes the fields that are sent; an explicit null clears. An inactive staff member keeps their bookings and takes no new ones. */
export async function updateStaffMember(ctx: Context, input: unknown): Promise<StaffMember> {
  allow(ctx, 'staff.write');
  const { id, ...sent } = parse(UpdateStaffMemberInput, input);

  return write(ctx, async (tx) => {
    const staffMember = await lockedOrThrow(ctx, tx, 'StaffMember', id);
    const changes = changesOf(staffMember, sent);
    if (Object.keys(changes).length === 0) return staffMember;

    if (sent.userId && changes.userId) await checkUser(ctx, tx, sent.userId);
    const updated = await onConstraint(
      tx.staffMember.update({ where: { id }, data: { ...sent, updatedAt: ctx.clock.now() } }),
      staffMemberConstraints,
    );
    // Which fields, not their values: the log holds no names and addresses.
    await record(ctx, tx, 'staff_member.updated', { subjectId: id, data: { fields: Object.keys(changes) } });
    return updated;
  });
}
