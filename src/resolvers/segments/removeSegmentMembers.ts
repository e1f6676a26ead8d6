import type { Context } from '../../core/context.ts';
import type { Segment } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { heldCustomers } from '../tags/tagging.ts';
import { moved, SegmentMembersInput } from './addSegmentMembers.ts';
import { refuseUnlessStatic } from './segmentFields.ts';

/** Takes customers out of a static segment, all or none of it. Where one is not in, nothing is to be done. */
export async function removeSegmentMembers(ctx: Context, input: unknown): Promise<Segment> {
  allow(ctx, 'segments.write');
  const { id, customerIds } = parse(SegmentMembersInput, input);

  return write(ctx, async (tx) => {
    const segment = await lockedOrThrow(ctx, tx, 'Segment', id);
    refuseUnlessStatic(segment);
    await heldCustomers(ctx, tx, customerIds);
    const left = await tx.$queryRaw<{ id: string }[]>`
      DELETE FROM segment_member WHERE workspace_id = ${ctx.workspace.id}::uuid AND segment_id = ${id}::uuid
        AND customer_id = ANY(${customerIds}::uuid[])
      RETURNING customer_id AS id`;
    return moved(
      ctx,
      tx,
      segment,
      [],
      left.map((row) => row.id),
    );
  });
}
