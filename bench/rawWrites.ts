/**
 * A booking by hand: node:http and one statement that looks up the customer and the service, and writes the booking and
 * its event. The tables are Frontdesk's own, so constraints and triggers are the same; Frontdesk, which runs beside it,
 * gives the events their place in the log.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

const text = `
  WITH s AS (SELECT id, name, duration_minutes, price_minor, currency FROM service WHERE workspace_id = $1 AND id = $4 AND active),
    c AS (SELECT id FROM customer WHERE workspace_id = $1 AND id = $3 AND deleted_at IS NULL AND status <> 'BLOCKED' FOR NO KEY UPDATE),
    m AS (SELECT id, time_zone FROM staff_member WHERE workspace_id = $1 AND id = $5 AND active FOR NO KEY UPDATE),
    b AS (
      INSERT INTO booking (id, workspace_id, reference, customer_id, service_id, staff_member_id, status, starts_at, ends_at,
          blocked_from, blocked_until, time_zone, price_minor, currency, created_at, updated_at)
        SELECT $2, $1, $7, c.id, s.id, m.id, 'PENDING', $6::timestamptz, $6::timestamptz + s.duration_minutes * interval '1 minute',
          $6::timestamptz, $6::timestamptz + s.duration_minutes * interval '1 minute', m.time_zone, s.price_minor, s.currency, now(), now() FROM s, c, m
        RETURNING id, reference, status, starts_at AS "startsAt", ends_at AS "endsAt", customer_id, service_id, staff_member_id
    ), e AS (
      INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, correlation_id,
          customer_id, subject_type, subject_id, data)
        SELECT $1, $8, 'booking.created', 1, now(), now(), 'SYSTEM', 'LIVE', $9, b.customer_id, 'Booking', b.id,
          jsonb_build_object('bookingId', b.id, 'serviceId', b.service_id, 'serviceName', s.name, 'staffMemberId', b.staff_member_id,
            'resourceId', NULL, 'status', b.status, 'startsAt', b."startsAt", 'endsAt', b."endsAt") FROM b, s
    )
  SELECT row_to_json(x) FROM (SELECT id, reference, status, "startsAt", "endsAt" FROM b) x`;

const { DATABASE_URL: connectionString, WORKSPACE } = process.env;
const database = new pg.Pool({ connectionString, max: 16 });

const server = createServer(async (req, res) => {
  let body = '';
  for await (const chunk of req) body += chunk;
  const { customerId, serviceId, staffMemberId, startsAt } = JSON.parse(body);
  const reference = randomBytes(5).toString('hex');
  const values = [
    WORKSPACE,
    randomUUID(),
    customerId,
    serviceId,
    staffMemberId,
    startsAt,
    reference,
    randomUUID(),
    randomUUID(),
  ];
  const types = { getTypeParser: () => String };
  try {
    const { rows } = await database.query({ name: 'book', text, values, types, rowMode: 'array' });
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(rows[0]?.[0] ?? '{"errors":"not found"}');
  } catch (error) {
    res.writeHead(500).end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('SIGTERM', () => process.exit());
