import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Booking } from '../../core/database.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { changeBooking } from './changeBooking.ts';
import { planSlot, slotFields } from './slot.ts';

const RescheduleBookingInput = z.object({
  id: idOf('Booking'),
  ...slotFields,
  startsAt: slotFields.startsAt.optional(),
});

/**
 * Moves a booking to another time, staff member or resource. What is not sent stays: the length too. A null
 * staff member or resource gives it up.
 */
export async function rescheduleBooking(ctx: Context, input: unknown): Promise<Booking> {
  allow(ctx, 'bookings.write');
  const { id, ...wish } = parse(RescheduleBookingInput, input);
  return changeBooking(ctx, id, {
    action: 'reschedule',
    event: 'booking.rescheduled',
    columns: (booking, tx) => {
      const length = (booking.endsAt.getTime() - booking.startsAt.getTime()) / 60_000;
      const kept = <Value>(sent: Value | undefined, current: Value) => (sent === undefined ? current : sent);
      return planSlot(ctx, tx, booking.service, {
        staffMemberId: kept(wish.staffMemberId, booking.staffMemberId),
        resourceId: kept(wish.resourceId, booking.resourceId),
        startsAt: wish.startsAt ?? booking.startsAt,
        timeZone: wish.timeZone ?? booking.timeZone,
        durationMinutes: wish.durationMinutes ?? (booking.sessionId ? null : length),
      });
    },
  });
}
