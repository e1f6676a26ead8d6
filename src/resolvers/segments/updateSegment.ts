import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Segment } from '../../core/database.ts';
import { InvalidInput } from '../../core/errors.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { readCriteria } from '../conditions/readCriteria.ts';
import { refuseCycle, segmentConstraints, segmentFields } from './segmentFields.ts';

const UpdateSegmentInput = z.object({
  ...segmentFields,
  name: segmentFields.name.optional(),
  id: idOf('Segment'),
});

/** Changes the fields that are sent. New criteria mean that the members are worked out anew, right after. */
export async function updateSegment(ctx: Context, input: unknown): Promise<Segment> {
  allow(ctx, 'segments.write');
  const { id, criteria, ...sent } = parse(UpdateSegmentInput, input);

  return write(ctx, async (tx) => {
    const segment = await lockedOrThrow(ctx, tx, 'Segment', id);
    if (criteria != null && segment.kind === 'STATIC')
      throw new InvalidInput([{ path: 'criteria', message: 'A STATIC segment has none.' }]);
    const read = criteria == null ? null : await readCriteria(ctx, tx, criteria, 'criteria');
    if (read) await refuseCycle(ctx, tx, id, read);
    const changed = read && !isDeepStrictEqual(read, segment.criteria);
    const changes = changesOf(segment, sent as Partial<Segment>);
    if (!changed && Object.keys(changes).length === 0) return segment;

    const after = Object.fromEntries(Object.entries(changes).map(([field, [, value]]) => [field, value]));
    const updated = await onConstraint(
      tx.segment.update({
        where: { id },
        data: {
          ...after,
          ...(changed && { criteria: read as object, stale: true, error: null }),
          updatedAt: ctx.clock.now(),
        },
      }),
      segmentConstraints,
    );
    await record(ctx, tx, 'segment.updated', { subjectId: id, data: { name: updated.name }, changes });
    return updated;
  });
}
