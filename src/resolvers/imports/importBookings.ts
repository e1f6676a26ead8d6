import type { Context } from '../../core/context.ts';
import type { BookingStatus, Service, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { type Happening, recordAll } from '../../events/record.ts';
import { bookingFacts } from '../bookings/bookingFacts.ts';
import { newReference } from '../bookings/newReference.ts';
import { slotTimes } from '../bookings/slot.ts';
import type { Named } from './namedThings.ts';
import { type Accepted, knownSince } from './readRow.ts';

/** The bookings of these rows, found or made: their ids by row, and which rows' are new. */
export async function importBookings(ctx: Context, tx: Tx, rows: readonly Accepted[], named: Named) {
  const ids = new Map<number, string>();
  const created = new Set<number>();
  const wished = rows.flatMap((row) => (row.booking ? [{ row, booking: row.booking, id: newId() }] : []));
  if (wished.length === 0) return { ids, created };

  const now = ctx.clock.now();
  const planned = wished.map(({ row, booking, id }) => {
    const service = named.services.get(booking.service) as Service;
    const endsAt = booking.endsAt ?? new Date(booking.startsAt.getTime() + service.durationMinutes * 60_000);
    const times = slotTimes(service, booking.startsAt, endsAt);
    const staffMember = booking.staffMember ? named.staffMembers.get(booking.staffMember) : undefined;
    return {
      id,
      row: row.row,
      service,
      serviceId: service.id,
      reference: newReference(),
      externalId: booking.externalId,
      customerId: row.customerId,
      staffMemberId: staffMember?.id ?? null,
      resourceId: booking.resource ? (named.resources.get(booking.resource) as { id: string }).id : null,
      status: booking.status,
      ...times,
      timeZone: booking.timeZone ?? staffMember?.timeZone ?? ctx.workspace.timeZone,
      priceMinor: String(booking.price?.minor ?? service.priceMinor),
      currency: booking.price?.currency ?? service.currency,
      notes: booking.notes,
      confirmedAt: booking.status === 'PENDING' ? null : booking.bookedAt,
      cancelledAt: booking.status === 'CANCELLED' ? (booking.cancelledAt ?? times.startsAt) : null,
      cancelReason: booking.status === 'CANCELLED' ? booking.cancelReason : null,
      completedAt: booking.status === 'COMPLETED' ? endsAt : null,
      bookedAt: booking.bookedAt,
      createdAt: knownSince(row, now),
      sessionId: null as string | null,
    };
  });
  await giveSessions(ctx, tx, planned);

  const [inserted] = await tx.$queryRaw<[{ ids: string[] }]>`
    WITH inserted AS (INSERT INTO booking (workspace_id, id, reference, external_id, customer_id, service_id, staff_member_id, resource_id,
        session_id, status, starts_at, ends_at, blocked_from, blocked_until, time_zone, price_minor, currency, notes,
        confirmed_at, cancelled_at, cancel_reason, completed_at, created_at, updated_at)
      SELECT ${ctx.workspace.id}::uuid, id, reference, "externalId", "customerId", "serviceId", "staffMemberId", "resourceId",
        "sessionId", status, "startsAt", "endsAt", "blockedFrom", "blockedUntil", "timeZone", "priceMinor", currency, notes,
        "confirmedAt", "cancelledAt", "cancelReason", "completedAt", "createdAt", ${now}
      FROM json_to_recordset(${JSON.stringify(planned.map(({ service: _, ...columns }) => columns))}::json) AS r (id uuid,
        reference text, "externalId" text, "customerId" uuid, "serviceId" uuid, "staffMemberId" uuid, "resourceId" uuid,
        "sessionId" uuid, status booking_status, "startsAt" timestamptz, "endsAt" timestamptz, "blockedFrom" timestamptz,
        "blockedUntil" timestamptz, "timeZone" text, "priceMinor" bigint, currency text, notes text,
        "confirmedAt" timestamptz, "cancelledAt" timestamptz, "cancelReason" text, "completedAt" timestamptz,
        "createdAt" timestamptz)
    ON CONFLICT (workspace_id, external_id) DO NOTHING RETURNING id)
    SELECT coalesce(json_agg(id), '[]') AS ids FROM inserted`;
  const fresh = new Set(inserted.ids);
  for (const { id, row } of planned) {
    if (!fresh.has(id)) continue;
    ids.set(row, id);
    created.add(row);
  }
  const known = planned.filter(({ id }) => !fresh.has(id));
  if (known.length > 0) {
    const found: { id: string; external_id: string }[] = await tx.$queryRaw`
      SELECT b.id, b.external_id FROM unnest(${known.map(({ externalId }) => externalId)}::text[]) AS k (external_id)
      JOIN booking b ON b.workspace_id = ${ctx.workspace.id}::uuid AND b.external_id = k.external_id`;
    const byExternalId = new Map(found.map(({ id, external_id }) => [external_id, id]));
    for (const { row, externalId } of known) ids.set(row, byExternalId.get(externalId) as string);
  }
  await recordBookings(
    ctx,
    tx,
    planned.filter(({ id }) => fresh.has(id)),
  );
  return { ids, created };
}

interface Planned {
  id: string;
  customerId: string;
  service: Service;
  serviceId: string;
  staffMemberId: string | null;
  resourceId: string | null;
  sessionId: string | null;
  status: BookingStatus;
  startsAt: Date;
  endsAt: Date;
  cancelledAt: Date | null;
  bookedAt: Date | null;
}

const outcomes = {
  CANCELLED: 'booking.cancelled',
  COMPLETED: 'booking.completed',
  NO_SHOW: 'booking.no_show',
} as const;

/** An event for each thing that the file gives a time for: the booking itself and, where it says when that was, what became of it. */
async function recordBookings(ctx: Context, tx: Tx, bookings: readonly Planned[]): Promise<void> {
  const now = ctx.clock.now();
  const happening = (
    booking: Planned,
    status: Planned['status'],
    at: Date,
  ): Happening<'booking.created'> => ({
    subjectId: booking.id,
    customerId: booking.customerId,
    data: bookingFacts({ ...booking, status } as never, booking.service),
    occurredAt: at < now ? at : now,
  });
  await recordAll(
    ctx,
    tx,
    'booking.created',
    bookings.map((booking) =>
      booking.bookedAt && booking.status in outcomes
        ? happening(booking, 'CONFIRMED', booking.bookedAt)
        : happening(booking, booking.status, booking.bookedAt ?? booking.startsAt),
    ),
  );
  for (const [status, event] of Object.entries(outcomes)) {
    const ended = bookings.filter((booking) => booking.bookedAt && booking.status === status);
    const at = (booking: Planned) =>
      status === 'CANCELLED'
        ? (booking.cancelledAt ?? booking.startsAt)
        : status === 'NO_SHOW'
          ? booking.startsAt
          : booking.endsAt;
    await recordAll(
      ctx,
      tx,
      event,
      ended.map((booking) => happening(booking, booking.status, at(booking))),
    );
  }
}

/** Gives bookings of classes the sitting that they share, new ones where there is none. */
async function giveSessions(ctx: Context, tx: Tx, bookings: Planned[]): Promise<void> {
  const inClass = bookings.filter(({ service }) => service.capacity > 1);
  if (inClass.length === 0) return;
  const keyOf = (one: {
    serviceId: string;
    startsAt: Date;
    staffMemberId: string | null;
    resourceId: string | null;
  }) => [one.serviceId, one.startsAt.toISOString(), one.staffMemberId, one.resourceId].join();
  const sittings = new Map(inClass.map((booking) => [keyOf(booking), booking]));
  await tx.classSession.createMany({
    data: [...sittings.values()].map(
      ({ service, serviceId, staffMemberId, resourceId, startsAt, endsAt }) => ({
        id: newId(),
        workspaceId: ctx.workspace.id,
        serviceId,
        staffMemberId,
        resourceId,
        startsAt,
        endsAt,
        capacity: service.capacity,
        createdAt: ctx.clock.now(),
      }),
    ),
    skipDuplicates: true,
  });
  const found = await tx.classSession.findMany({
    where: {
      workspaceId: ctx.workspace.id,
      serviceId: { in: [...new Set(inClass.map(({ serviceId }) => serviceId))] },
      startsAt: { in: [...new Set(inClass.map(({ startsAt }) => startsAt.toISOString()))] },
    },
  });
  const ids = new Map(found.map((session) => [keyOf(session), session.id]));
  for (const booking of inClass) booking.sessionId = ids.get(keyOf(booking)) as string;
}
