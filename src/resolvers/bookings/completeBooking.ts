import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Booking } from '../../core/database.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { changeBooking } from './changeBooking.ts';

const CompleteBookingInput = z.object({ id: idOf('Booking') });

/** Marks that a booking took place; a no-show that was noted by mistake can be put right with it. */
export async function completeBooking(ctx: Context, input: unknown): Promise<Booking> {
  allow(ctx, 'bookings.write');
  const { id } = parse(CompleteBookingInput, input);
  return changeBooking(ctx, id, {
    action: 'complete',
    event: 'booking.completed',
    columns: () => ({ status: 'COMPLETED', completedAt: ctx.clock.now() }),
  });
}
