import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Booking } from '../../core/database.ts';
import { clearable, idOf, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { changeBooking } from './changeBooking.ts';

const CancelBookingInput = z.object({ id: idOf('Booking'), reason: clearable(text(1_000)) });

/** Calls a booking off; its slot, or its place in the class, is free at once. */
export async function cancelBooking(ctx: Context, input: unknown): Promise<Booking> {
  allow(ctx, 'bookings.write');
  const { id, reason } = parse(CancelBookingInput, input);
  return changeBooking(ctx, id, {
    action: 'cancel',
    event: 'booking.cancelled',
    columns: () => ({ status: 'CANCELLED', cancelledAt: ctx.clock.now(), cancelReason: reason ?? null }),
  });
}
