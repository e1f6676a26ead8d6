import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Booking } from '../../core/database.ts';
import { moneyInput } from '../../core/money.ts';
import { clearable, idOf, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { changeBooking } from './changeBooking.ts';

const UpdateBookingInput = z.object({
  id: idOf('Booking'),
  notes: clearable(text(5_000)),
  price: moneyInput.optional(),
});

/** Changes the details of a booking, whatever its status. For time, staff and resource there is rescheduleBooking. */
export async function updateBooking(ctx: Context, input: unknown): Promise<Booking> {
  allow(ctx, 'bookings.write');
  const { id, notes, price } = parse(UpdateBookingInput, input);
  return changeBooking(ctx, id, {
    action: 'update',
    event: 'booking.updated',
    columns: () =>
      ({ notes, ...(price && { priceMinor: price.minor, currency: price.currency }) }) as Partial<Booking>,
  });
}
