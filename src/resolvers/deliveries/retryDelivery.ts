import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Delivery } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';

const RetryDeliveryInput = z.object({ id: idOf('Delivery') });

/** Has a parked delivery tried again. */
export async function retryDelivery(ctx: Context, input: unknown): Promise<Delivery> {
  allow(ctx, 'integrations.write');
  const { id } = parse(RetryDeliveryInput, input);
  return write(ctx, async (tx) => {
    const delivery = await lockedOrThrow(ctx, tx, 'Delivery', id);
    if (delivery.status !== 'PARKED') throw new InvalidState(`It is not parked: it is ${delivery.status}.`);
    return tx.delivery.update({
      where: { id },
      data: { status: 'WAITING', attempts: 0, failingSince: null, nextAt: ctx.clock.now() },
    });
  });
}
