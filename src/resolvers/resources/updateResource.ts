import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Resource } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { resourceConstraints, resourceFields } from './resourceFields.ts';

const UpdateResourceInput = z.object({
  ...z.object(resourceFields).partial().shape,
  id: idOf('Resource'),
  active: z.boolean().optional(),
});

/** Changes the fields that are sent. An inactive resource keeps its bookings and takes no new ones. */
export async function updateResource(ctx: Context, input: unknown): Promise<Resource> {
  allow(ctx, 'services.write');
  const { id, ...sent } = parse(UpdateResourceInput, input);

  return write(ctx, async (tx) => {
    const resource = await lockedOrThrow(ctx, tx, 'Resource', id);
    const changes = changesOf(resource, sent);
    if (Object.keys(changes).length === 0) return resource;

    const updated = await onConstraint(
      tx.resource.update({ where: { id }, data: { ...sent, updatedAt: ctx.clock.now() } }),
      resourceConstraints,
    );
    await record(ctx, tx, 'resource.updated', { subjectId: id, data: { name: updated.name }, changes });
    return updated;
  });
}
