import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Segment } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';

const CalculateSegmentInput = z.object({ id: idOf('Segment') });

/**
 * Asks for the members to be worked out from scratch, which a worker does right after. A dynamic segment does not need
 * it; a snapshot changes by nothing else.
 */
export async function calculateSegment(ctx: Context, input: unknown): Promise<Segment> {
  allow(ctx, 'segments.write');
  const { id } = parse(CalculateSegmentInput, input);

  return write(ctx, async (tx) => {
    const segment = await lockedOrThrow(ctx, tx, 'Segment', id);
    if (segment.kind === 'STATIC')
      throw new InvalidState('The members of a STATIC segment are chosen by hand.');
    const updated = await tx.segment.update({ where: { id }, data: { stale: true } });
    // Its readers wake up by an event.
    await record(ctx, tx, 'segment.updated', { subjectId: id, data: { name: segment.name } });
    return updated;
  });
}
