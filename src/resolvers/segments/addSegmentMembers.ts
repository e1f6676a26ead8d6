import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Segment, Tx } from '../../core/database.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { heldCustomers } from '../tags/tagging.ts';
import { noteSize, recordMoves } from './membership.ts';
import { refuseUnlessStatic } from './segmentFields.ts';

export const SegmentMembersInput = z.object({
  id: idOf('Segment'),
  customerIds: z.array(idOf('Customer')).min(1, 'Must hold at least one.').max(100, 'Must hold at most 100.'),
});

/** Puts customers into a static segment, all or none of it. One who is in already stays. */
export async function addSegmentMembers(ctx: Context, input: unknown): Promise<Segment> {
  allow(ctx, 'segments.write');
  const { id, customerIds } = parse(SegmentMembersInput, input);

  return write(ctx, async (tx) => {
    const segment = await lockedOrThrow(ctx, tx, 'Segment', id);
    refuseUnlessStatic(segment);
    await heldCustomers(ctx, tx, customerIds);
    const joined = await tx.$queryRaw<{ id: string }[]>`
      INSERT INTO segment_member (workspace_id, segment_id, customer_id, joined_at, customer_created_at)
        SELECT workspace_id, ${id}::uuid, id, ${ctx.clock.now()}, created_at FROM customer
        WHERE workspace_id = ${ctx.workspace.id}::uuid AND id = ANY(${customerIds}::uuid[])
      ON CONFLICT DO NOTHING RETURNING customer_id AS id`;
    return moved(
      ctx,
      tx,
      segment,
      joined.map((row) => row.id),
      [],
    );
  });
}

/** Puts all members of another segment into a static one, which nobody has heard of yet: without an event for each. */
export async function addMembersFrom(ctx: Context, id: string, from: string): Promise<Segment> {
  return write(ctx, async (tx) => {
    const segment = await lockedOrThrow(ctx, tx, 'Segment', id);
    await tx.$executeRaw`
      INSERT INTO segment_member (workspace_id, segment_id, customer_id, joined_at, customer_created_at)
        SELECT workspace_id, ${id}::uuid, customer_id, ${ctx.clock.now()}, customer_created_at FROM segment_member
        WHERE workspace_id = ${ctx.workspace.id}::uuid AND segment_id = ${from}::uuid
      ON CONFLICT DO NOTHING`;
    return moved(ctx, tx, segment, [], []);
  });
}

/** Tells of those who came and went, and answers the segment as it is now. */
export async function moved(
  ctx: Context,
  tx: Tx,
  segment: Segment,
  joined: string[],
  left: string[],
): Promise<Segment> {
  await recordMoves(ctx, tx, segment, joined, left);
  await noteSize(ctx, tx, [segment.id]);
  return visibleOrThrow(ctx, tx, 'Segment', segment.id);
}
