import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Resource, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { resourceConstraints, resourceFields } from './resourceFields.ts';

const CreateResourceInput = z.object({ ...resourceFields, idempotencyKey });

/** Adds a room, chair or machine that can be booked. */
export async function createResource(ctx: Context, input: unknown): Promise<Resource> {
  allow(ctx, 'services.write');
  const parsed = parse(CreateResourceInput, input);

  const create = async (tx: Tx) => {
    const { name, kind } = parsed;
    const now = ctx.clock.now();
    const resource = await onConstraint(
      tx.resource.create({
        data: { id: newId(), workspaceId: ctx.workspace.id, name, kind, createdAt: now, updatedAt: now },
      }),
      resourceConstraints,
    );
    await record(ctx, tx, 'resource.created', { subjectId: resource.id, data: { name } });
    return resource;
  };
  return writeOnce(ctx, { name: 'createResource', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Resource', id),
  );
}
