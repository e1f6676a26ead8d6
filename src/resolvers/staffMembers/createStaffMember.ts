import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { StaffMember, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { checkUser, staffMemberConstraints, staffMemberFields } from './staffMemberFields.ts';

const CreateStaffMemberInput = z.object({
  ...staffMemberFields,
  timeZone: staffMemberFields.timeZone.nullish(),
  idempotencyKey,
});

/** Adds a person who can be booked; in the workspace's time zone unless said otherwise. */
export async function createStaffMember(ctx: Context, input: unknown): Promise<StaffMember> {
  allow(ctx, 'staff.write');
  const parsed = parse(CreateStaffMemberInput, input);

  const create = async (tx: Tx) => {
    if (parsed.userId) await checkUser(ctx, tx, parsed.userId);
    const staffMember = await onConstraint(
      tx.staffMember.create({
        data: {
          id: newId(),
          workspaceId: ctx.workspace.id,
          userId: parsed.userId ?? null,
          displayName: parsed.displayName,
          email: parsed.email ?? null,
          timeZone: parsed.timeZone ?? ctx.workspace.timeZone,
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      staffMemberConstraints,
    );
    await record(ctx, tx, 'staff_member.created', { subjectId: staffMember.id, data: {} });
    return staffMember;
  };
  return writeOnce(ctx, { name: 'createStaffMember', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'StaffMember', id),
  );
}
