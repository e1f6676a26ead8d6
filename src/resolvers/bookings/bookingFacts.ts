import type { Booking, Service } from '../../core/database.ts';
import { encodeId } from '../../core/ids.ts';
import type { DataOf } from '../../events/catalogue.ts';

/** What every event about a booking says. */
export function bookingFacts(booking: Booking, service: Pick<Service, 'name'>): DataOf<'booking.created'> {
  return {
    bookingId: encodeId('Booking', booking.id),
    serviceId: encodeId('Service', booking.serviceId),
    serviceName: service.name,
    staffMemberId: booking.staffMemberId && encodeId('StaffMember', booking.staffMemberId),
    resourceId: booking.resourceId && encodeId('Resource', booking.resourceId),
    status: booking.status,
    startsAt: booking.startsAt.toISOString(),
    endsAt: booking.endsAt.toISOString(),
    priceMinor: String(booking.priceMinor),
    currency: booking.currency,
  };
}
