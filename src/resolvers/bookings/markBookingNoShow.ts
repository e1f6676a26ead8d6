import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Booking } from '../../core/database.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { changeBooking } from './changeBooking.ts';

const MarkBookingNoShowInput = z.object({ id: idOf('Booking') });

/** Marks that the customer did not come; a completion that was noted by mistake can be put right with it. */
export async function markBookingNoShow(ctx: Context, input: unknown): Promise<Booking> {
  allow(ctx, 'bookings.write');
  const { id } = parse(MarkBookingNoShowInput, input);
  return changeBooking(ctx, id, {
    action: 'markNoShow',
    event: 'booking.no_show',
    columns: () => ({ status: 'NO_SHOW', completedAt: null }),
  });
}
