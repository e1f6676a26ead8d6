import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Booking, Tx } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { moneyInput } from '../../core/money.ts';
import { clearable, idempotencyKey, idOf, parse, text } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { bookAtOnce } from './bookAtOnce.ts';
import { bookingConstraints } from './bookingConstraints.ts';
import { bookingFacts } from './bookingFacts.ts';
import { newReference } from './newReference.ts';
import { planSlot, slotFields } from './slot.ts';

const CreateBookingInput = z.object({
  customerId: idOf('Customer'),
  serviceId: idOf('Service'),
  ...slotFields,
  price: moneyInput.nullish(),
  notes: clearable(text(5_000)),
  externalId: clearable(text(255)),
  idempotencyKey,
});

/**
 * Books a slot for a customer; the booking is PENDING until confirmed. The database refuses overlaps, buffers
 * included, and a place too many in a class, so two callers can never both win.
 */
export async function createBooking(ctx: Context, input: unknown): Promise<Booking> {
  allow(ctx, 'bookings.write');
  const wish = parse(CreateBookingInput, input);
  const { idempotencyKey: key, ...asked } = wish;
  const full = {
    ...asked,
    staffMemberId: asked.staffMemberId ?? null,
    resourceId: asked.resourceId ?? null,
    timeZone: asked.timeZone ?? null,
    durationMinutes: asked.durationMinutes ?? null,
    price: asked.price ?? null,
    notes: asked.notes ?? null,
    externalId: asked.externalId ?? null,
  };
  const booked = key ? null : await bookAtOnce(ctx, full);
  if (booked) return booked;

  const create = async (tx: Tx) => {
    const customer = await lockedOrThrow(ctx, tx, 'Customer', wish.customerId); // Or they could be erased meanwhile.
    if (customer.status === 'BLOCKED') throw new InvalidState('The customer is blocked and may not book.');
    const service = await visibleOrThrow(ctx, tx, 'Service', wish.serviceId);
    if (!service.active) throw new InvalidState('The service cannot be booked at present.');
    const slot = await planSlot(ctx, tx, service, full);
    const booking = await onConstraint(
      tx.booking.create({
        data: {
          id: newId(),
          workspaceId: ctx.workspace.id,
          reference: newReference(),
          externalId: full.externalId,
          customerId: customer.id,
          serviceId: service.id,
          ...slot,
          status: 'PENDING',
          priceMinor: full.price?.minor ?? service.priceMinor,
          currency: full.price?.currency ?? service.currency,
          notes: full.notes,
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      bookingConstraints,
    );
    await record(ctx, tx, 'booking.created', {
      subjectId: booking.id,
      customerId: customer.id,
      data: bookingFacts(booking, service),
    });
    return booking;
  };
  return writeOnce(ctx, { name: 'createBooking', input: wish }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Booking', id),
  );
}
