import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Booking } from '../../core/database.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { changeBooking } from './changeBooking.ts';

const ConfirmBookingInput = z.object({ id: idOf('Booking') });

/** Agrees to a pending booking. */
export async function confirmBooking(ctx: Context, input: unknown): Promise<Booking> {
  allow(ctx, 'bookings.write');
  const { id } = parse(ConfirmBookingInput, input);
  return changeBooking(ctx, id, {
    action: 'confirm',
    event: 'booking.confirmed',
    columns: () => ({ status: 'CONFIRMED', confirmedAt: ctx.clock.now() }),
  });
}
