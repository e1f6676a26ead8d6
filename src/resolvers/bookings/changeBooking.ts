import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Booking, Service, Tx } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { personalFieldsOf } from '../../core/personalData.ts';
import { write } from '../../core/write.ts';
import type { EventName } from '../../events/catalogue.ts';
import { type Changes, record } from '../../events/record.ts';
import { holdCustomerOf } from '../customers/holdCustomerOf.ts';
import { bookingFacts } from './bookingFacts.ts';
import { type BookingAction, checkAllowed } from './bookingStatus.ts';
import { slotConstraints } from './slot.ts';

/** Their values stay out of the event, and are not kept once the customer is erased. */
const personalColumns = personalFieldsOf('booking');

interface Change {
  action: BookingAction;
  event: Extract<EventName, `booking.${string}`>;
  /** The columns to set, worked out under the booking's lock. */
  columns: (booking: Booking & { service: Service }, tx: Tx) => Partial<Booking> | Promise<Partial<Booking>>;
}

/** The shape that every change of a booking has: lock, check the status, update, record. Nothing changed: no event. */
export async function changeBooking(ctx: Context, id: string, change: Change): Promise<Booking> {
  return write(ctx, async (tx) => {
    const erased = await holdCustomerOf(ctx, tx, 'booking', id);
    const booking = await lockedOrThrow(ctx, tx, 'Booking', id);
    checkAllowed(change.action, booking.status);
    const service = await tx.service.findUniqueOrThrow({ where: { id: booking.serviceId } });
    const wanted = Object.entries(changesOf(booking, await change.columns({ ...booking, service }, tx)));
    const changes = Object.fromEntries(wanted.filter(([column]) => !(erased && personalColumns.has(column))));
    if (Object.keys(changes).length === 0) return booking;

    const columns = Object.fromEntries(Object.entries(changes).map(([column, [, after]]) => [column, after]));
    const changed = await onConstraint(
      tx.booking.update({ where: { id }, data: { ...columns, updatedAt: ctx.clock.now() } }),
      slotConstraints,
    );
    const part = (personal: boolean): Changes =>
      Object.fromEntries(
        Object.entries(changes).filter(([column]) => personalColumns.has(column) === personal),
      );
    await record(ctx, tx, change.event, {
      subjectId: id,
      customerId: booking.customerId,
      data: bookingFacts(changed, service),
      changes: part(false),
      ...(Object.keys(part(true)).length > 0 && { personal: { changes: part(true) } }),
    });
    return changed;
  });
}
