import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Service, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { serviceConstraints, serviceFields } from './serviceFields.ts';

const CreateServiceInput = z.object({
  ...serviceFields,
  price: serviceFields.price.nullish(),
  capacity: serviceFields.capacity.nullish(),
  bufferBeforeMinutes: serviceFields.bufferBeforeMinutes.nullish(),
  bufferAfterMinutes: serviceFields.bufferAfterMinutes.nullish(),
  idempotencyKey,
});

/** Adds a service. Without a price it is free, without a capacity it takes one booking at a time, without buffers none is kept. */
export async function createService(ctx: Context, input: unknown): Promise<Service> {
  allow(ctx, 'services.write');
  const parsed = parse(CreateServiceInput, input);

  const create = async (tx: Tx) => {
    const service = await onConstraint(
      tx.service.create({
        data: {
          id: newId(),
          workspaceId: ctx.workspace.id,
          name: parsed.name,
          description: parsed.description ?? null,
          durationMinutes: parsed.durationMinutes,
          bufferBeforeMinutes: parsed.bufferBeforeMinutes ?? 0,
          bufferAfterMinutes: parsed.bufferAfterMinutes ?? 0,
          priceMinor: parsed.price?.minor ?? 0n,
          currency: parsed.price?.currency ?? ctx.workspace.currency,
          capacity: parsed.capacity ?? 1,
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      serviceConstraints,
    );
    await record(ctx, tx, 'service.created', { subjectId: service.id, data: { name: service.name } });
    return service;
  };
  return writeOnce(ctx, { name: 'createService', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Service', id),
  );
}
