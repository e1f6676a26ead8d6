import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Service } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { serviceConstraints, serviceFields } from './serviceFields.ts';

const UpdateServiceInput = z.object({
  ...z.object(serviceFields).partial().shape,
  id: idOf('Service'),
  active: z.boolean().optional(),
});

/**
 * Changes the fields that are sent. Bookings and class sessions that exist keep the time, price and places
 * they were made with; an inactive service keeps them too, and takes no new ones.
 */
export async function updateService(ctx: Context, input: unknown): Promise<Service> {
  allow(ctx, 'services.write');
  const { id, price, ...fields } = parse(UpdateServiceInput, input);
  const sent = { ...fields, ...(price && { priceMinor: price.minor, currency: price.currency }) };

  return write(ctx, async (tx) => {
    const service = await lockedOrThrow(ctx, tx, 'Service', id);
    const changes = changesOf(service, sent);
    if (Object.keys(changes).length === 0) return service;

    const updated = await onConstraint(
      tx.service.update({ where: { id }, data: { ...sent, updatedAt: ctx.clock.now() } }),
      serviceConstraints,
    );
    await record(ctx, tx, 'service.updated', { subjectId: id, data: { name: updated.name }, changes });
    return updated;
  });
}
