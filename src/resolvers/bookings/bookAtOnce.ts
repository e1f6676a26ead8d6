import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Booking } from '../../core/database.ts';
import { encodeId, newId } from '../../core/ids.ts';
import type { Money } from '../../core/money.ts';
import { writeAtOnce } from '../../core/write.ts';
import { catalogue } from '../../events/catalogue.ts';
import { actorOf } from '../../events/record.ts';
import { bookingConstraints } from './bookingConstraints.ts';
import { newReference } from './newReference.ts';
import type { SlotWish } from './slot.ts';

export interface BookingWish extends SlotWish {
  customerId: string;
  serviceId: string;
  price: Money | null;
  notes: string | null;
  externalId: string | null;
}

/**
 * The whole of `createBooking` in one statement, for what is booked most: no class, by a caller who reaches every
 * customer. Null, and nothing written, when it is something else or something is in the way; the long way then says what.
 * The customer is locked first, then staff member and resource, as on the long way.
 */
export async function bookAtOnce(ctx: Context, wish: BookingWish): Promise<Booking | null> {
  if (ctx.viewer.rowScope !== 'ALL') return null;
  const { id: workspaceId, timeZone } = ctx.workspace;
  const { customerId, serviceId, staffMemberId, resourceId, startsAt } = wish;
  const [id, eventId, now] = [newId(), newId(), ctx.clock.now()];
  const { actorKind, actorId } = actorOf(ctx.viewer);
  const { version, subject } = catalogue['booking.created'];
  const facts = JSON.stringify({
    bookingId: encodeId('Booking', id),
    serviceId: encodeId('Service', serviceId),
    staffMemberId: staffMemberId && encodeId('StaffMember', staffMemberId),
    resourceId: resourceId && encodeId('Resource', resourceId),
    status: 'PENDING',
    startsAt: startsAt.toISOString(),
  });
  const [booking] = await onConstraint(
    writeAtOnce(
      ctx,
      (db): Promise<Booking[]> => db.$queryRaw`
    WITH c AS MATERIALIZED (
      SELECT id FROM customer
      WHERE workspace_id = ${workspaceId}::uuid AND id = ${customerId}::uuid AND deleted_at IS NULL AND status <> 'BLOCKED'
      FOR NO KEY UPDATE
    ), m AS MATERIALIZED (
      SELECT id, time_zone FROM staff_member
      WHERE workspace_id = ${workspaceId}::uuid AND id = ${staffMemberId}::uuid AND active AND EXISTS (SELECT FROM c)
      FOR NO KEY UPDATE
    ), r AS MATERIALIZED (
      SELECT id FROM resource
      WHERE workspace_id = ${workspaceId}::uuid AND id = ${resourceId}::uuid AND active AND EXISTS (SELECT FROM c)
        AND (SELECT count(*) FROM m) >= 0
      FOR NO KEY UPDATE
    ), s AS MATERIALIZED (
      SELECT name, price_minor, currency, buffer_before_minutes * interval '1 minute' AS before,
        buffer_after_minutes * interval '1 minute' AS after,
        coalesce(${wish.durationMinutes}::integer, duration_minutes) * interval '1 minute' AS duration
      FROM service WHERE workspace_id = ${workspaceId}::uuid AND id = ${serviceId}::uuid AND active AND capacity = 1
    ), b AS (
      INSERT INTO booking (id, workspace_id, reference, external_id, customer_id, service_id, staff_member_id, resource_id,
          status, starts_at, ends_at, blocked_from, blocked_until, time_zone, price_minor, currency, notes, created_at, updated_at)
        SELECT ${id}::uuid, ${workspaceId}::uuid, ${newReference()}, ${wish.externalId}, c.id, ${serviceId}::uuid, m.id, r.id,
          'PENDING', at, at + duration, at - before, at + duration + after,
          coalesce(${wish.timeZone}::text, m.time_zone, ${timeZone}::text),
          coalesce(${wish.price?.minor ?? null}::bigint, price_minor), coalesce(${wish.price?.currency ?? null}::text, currency),
          ${wish.notes}, ${now}, ${now}
        FROM c CROSS JOIN s CROSS JOIN (SELECT ${startsAt}::timestamptz AS at) t LEFT JOIN m ON true LEFT JOIN r ON true
        WHERE (m.id IS NOT NULL OR ${staffMemberId}::uuid IS NULL) AND (r.id IS NOT NULL OR ${resourceId}::uuid IS NULL)
        RETURNING *
    ), e AS (
      INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, actor_id, origin,
          correlation_id, customer_id, subject_type, subject_id, data)
        SELECT b.workspace_id, ${eventId}::uuid, 'booking.created', ${version}::smallint, ${now}, ${now}, ${actorKind}::actor_kind,
          ${actorId}::uuid, ${ctx.origin ?? 'LIVE'}::event_origin, ${ctx.requestId}, b.customer_id, ${subject}, b.id,
          ${facts}::jsonb || jsonb_build_object('serviceName', s.name, 'priceMinor', b.price_minor::text, 'currency', b.currency,
            'endsAt', to_char(b.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        FROM b, s
    )
    SELECT id, workspace_id AS "workspaceId", reference, external_id AS "externalId", customer_id AS "customerId",
      service_id AS "serviceId", staff_member_id AS "staffMemberId", resource_id AS "resourceId", session_id AS "sessionId",
      status::text, starts_at AS "startsAt", ends_at AS "endsAt", blocked_from AS "blockedFrom", blocked_until AS "blockedUntil",
      time_zone AS "timeZone", price_minor AS "priceMinor", currency, notes, confirmed_at AS "confirmedAt",
      cancelled_at AS "cancelledAt", cancel_reason AS "cancelReason", completed_at AS "completedAt", created_at AS "createdAt",
      updated_at AS "updatedAt" FROM b`,
    ),
    bookingConstraints,
  );
  return booking ?? null;
}
