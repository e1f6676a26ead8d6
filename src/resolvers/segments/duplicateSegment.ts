import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Segment } from '../../core/database.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { addMembersFrom } from './addSegmentMembers.ts';
import { createSegment } from './createSegment.ts';
import { segmentFields } from './segmentFields.ts';

const DuplicateSegmentInput = z.object({ id: idOf('Segment'), name: segmentFields.name, idempotencyKey });

/** Makes a segment like this one under another name. A static one takes its members along. */
export async function duplicateSegment(ctx: Context, input: unknown): Promise<Segment> {
  allow(ctx, 'segments.write');
  const { id, name, idempotencyKey } = parse(DuplicateSegmentInput, input);
  const { kind, description, criteria } = await visibleOrThrow(ctx, ctx.db, 'Segment', id);
  const copy = await createSegment(ctx, { name, kind, description, criteria, idempotencyKey });
  return kind === 'STATIC' ? addMembersFrom(ctx, copy.id, id) : copy;
}
