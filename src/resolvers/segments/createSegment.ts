import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Segment, Tx } from '../../core/database.ts';
import { InvalidInput, InvalidState } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { readCriteria } from '../conditions/readCriteria.ts';
import { maxSegments, refuseCycle, segmentConstraints, segmentFields } from './segmentFields.ts';

const CreateSegmentInput = z.object({
  ...segmentFields,
  kind: z.enum(['DYNAMIC', 'STATIC', 'SNAPSHOT']).nullish(),
  idempotencyKey,
});

/**
 * Makes a segment. Its members are worked out right after, by a worker; a static one has none until they are added.
 * Refused for criteria that name what is not there or that lead back to the segment itself.
 */
export async function createSegment(ctx: Context, input: unknown): Promise<Segment> {
  allow(ctx, 'segments.write');
  const parsed = parse(CreateSegmentInput, input);
  const { name, description, criteria } = parsed;
  const kind = parsed.kind ?? 'DYNAMIC';
  if ((kind === 'STATIC') !== (criteria == null))
    throw new InvalidInput([
      {
        path: 'criteria',
        message: kind === 'STATIC' ? 'A STATIC segment has none.' : `A ${kind} segment needs them.`,
      },
    ]);

  const create = async (tx: Tx) => {
    const id = newId();
    if ((await tx.segment.count({ where: { workspaceId: ctx.workspace.id } })) >= maxSegments)
      throw new InvalidState(`There are ${maxSegments} segments, which is the most there can be.`);
    const read = criteria == null ? null : await readCriteria(ctx, tx, criteria, 'criteria');
    if (read) await refuseCycle(ctx, tx, id, read);
    const segment = await onConstraint(
      tx.segment.create({
        data: {
          ...{
            id,
            workspaceId: ctx.workspace.id,
            name,
            description: description ?? null,
            kind,
            stale: read !== null,
          },
          ...(read && { criteria: read as object }),
          createdById: ctx.viewer.kind === 'user' ? ctx.viewer.id : null,
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      segmentConstraints,
    );
    await record(ctx, tx, 'segment.created', { subjectId: id, data: { name } });
    return segment;
  };
  return writeOnce(ctx, { name: 'createSegment', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Segment', id),
  );
}
