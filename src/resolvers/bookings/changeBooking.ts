import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Booking, Service, Tx } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { write } from '../../core/write.ts';
import type { EventName } from '../../events/catalogue.ts';
import { type Changes, record } from '../../events/record.ts';
import { bookingFacts } from './bookingFacts.ts';
import { type BookingAction, checkAllowed } from './bookingStatus.ts';
import { slotConstraints } from './slot.ts';

/** Columns that may hold personal text: their values stay out of the event. */
const personalColumns: ReadonlySet<string> = new Set(['notes', 'cancelReason', 'externalId']);

interface Change {
  action: BookingAction;
  event: Extract<EventName, `booking.${string}`>;
  /** The columns to set, worked out under the booking's lock. */
  columns: (booking: Booking & { service: Service }, tx: Tx) => Partial<Booking> | Promise<Partial<Booking>>;
}

/** The shape that every change of a booking has: lock, check the status, update, record. Nothing changed: no event. */
export async function changeBooking(ctx: Context, id: string, change: Change): Promise<Booking> {
  return write(ctx, async (tx) => {
    const booking = await lockedOrThrow(ctx, tx, 'Booking', id);
    checkAllowed(change.action, booking.status);
    const service = await tx.service.findUniqueOrThrow({ where: { id: booking.serviceId } });
    const changes = changesOf(booking, await change.columns({ ...booking, service }, tx));
    if (Object.keys(changes).length === 0) return booking;

    const columns = Object.fromEntries(Object.entries(changes).map(([column, [, after]]) => [column, after]));
    const changed = await onConstraint(
      tx.booking.update({ where: { id }, data: { ...columns, updatedAt: ctx.clock.now() } }),
      slotConstraints,
    );
    const part = (personal: boolean): Changes =>
      Object.fromEntries(Object.entries(changes).filter(([column]) => personalColumns.has(column) === personal));
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
