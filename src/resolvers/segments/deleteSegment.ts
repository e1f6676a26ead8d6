import { z } from 'zod';
import type { Criteria } from '../../conditions/condition.ts';
import type { Context } from '../../core/context.ts';
import type { Segment } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { segmentsIn } from './segmentFields.ts';

const DeleteSegmentInput = z.object({ id: idOf('Segment') });

/** Deletes a segment; customers stay, and what timelines say of it too. Refused while another's criteria ask for it. */
export async function deleteSegment(ctx: Context, input: unknown): Promise<Segment> {
  allow(ctx, 'segments.write');
  const { id } = parse(DeleteSegmentInput, input);

  return write(ctx, async (tx) => {
    const mine = { workspaceId: ctx.workspace.id };
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`segments ${ctx.workspace.id}`}, 0))`;
    const segment = await lockedOrThrow(ctx, tx, 'Segment', id);
    const [segments, rules] = await Promise.all([
      tx.segment.findMany({ where: mine, select: { name: true, criteria: true } }),
      tx.tagRule.findMany({ where: mine, select: { name: true, criteria: true } }),
    ]);
    const user = [...segments, ...rules].find(
      ({ criteria }) => criteria && segmentsIn(criteria as unknown as Criteria).includes(id),
    );
    if (user) throw new InvalidState(`The criteria of ${user.name} ask for this segment.`);

    const parts = { ...mine, segmentId: id };
    await tx.segmentMember.deleteMany({ where: parts });
    await tx.segmentSize.deleteMany({ where: parts });
    await tx.segment.delete({ where: { id } });
    await record(ctx, tx, 'segment.deleted', { subjectId: id, data: { name: segment.name } });
    return segment;
  });
}
