import pg from 'pg';
import { processorTime } from './callers.ts';

const batch = 1_000;

/**
 * Takes what was imported last, and writes it into a new business by hand: four statements a thousand rows, without any
 * validation, from rows that are in the database already; then the events are given their places.
 */
export async function rawImport(databaseUrl: string, workspaceId: string) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SET plan_cache_mode = auto');
    await client.query(
      `CREATE TEMP TABLE b AS SELECT row_number() OVER (ORDER BY b.created_at, b.id) AS n, b.*, gen_random_uuid() AS new_id
        FROM booking b WHERE b.workspace_id = $1 AND b.external_id LIKE (
          SELECT 'file:' || left(file_hash, 20) || ':%' FROM bulk_operation WHERE workspace_id = $1 ORDER BY created_at DESC LIMIT 1)`,
      [workspaceId],
    );
    await client.query(`
      CREATE TEMP TABLE c AS SELECT c.*, gen_random_uuid() AS new_id, x.n FROM customer c
        JOIN (SELECT customer_id, min(n) AS n FROM b GROUP BY 1) x ON x.customer_id = c.id;
      CREATE TEMP TABLE p AS SELECT p.*, b.n, b.new_id AS booking, c.new_id AS customer FROM payment p
        JOIN b ON b.id = p.booking_id JOIN c ON c.id = p.customer_id;
      CREATE INDEX ON b (n); CREATE INDEX ON c (n); CREATE INDEX ON c (id); CREATE INDEX ON p (n); ANALYZE b; ANALYZE c; ANALYZE p;
      CREATE TEMP TABLE w AS SELECT gen_random_uuid() AS id;
      INSERT INTO workspace (id, name, time_zone, currency, country, updated_at) SELECT id, 'By hand', 'UTC', 'EUR', 'DE', now() FROM w;
      CREATE TEMP TABLE s AS SELECT gen_random_uuid() AS new_id, s.id FROM service s WHERE s.id IN (SELECT service_id FROM b);
      INSERT INTO service (id, workspace_id, name, duration_minutes, price_minor, currency, updated_at)
        SELECT s.new_id, w.id, s.new_id, 60, 0, 'EUR', now() FROM s, w;`);
    const { rows } = await client.query('SELECT max(n)::integer AS most, pg_backend_pid() AS pid FROM b');
    const began = performance.now();
    const usedBefore = await used(client);
    for (let from = 1; from <= rows[0].most; from += batch) {
      await client.query('BEGIN');
      for (const statement of statements) await client.query(statement, [from, from + batch - 1]);
      await client.query('COMMIT');
      while (
        Number(
          (await client.query(`SELECT coalesce(sum(moved), 0) AS moved FROM sequence_events(1000)`)).rows[0]
            .moved,
        ) === batch
      );
    }
    const seconds = (performance.now() - began) / 1_000;
    return { bookings: rows[0].most as number, seconds, processorTime: (await used(client)) - usedBefore };
  } finally {
    await client.end();
  }
}

const statements = [
  `INSERT INTO customer (workspace_id, id, external_id, first_name, last_name, email, sort_name, search_text, created_at, updated_at)
    SELECT w.id, c.new_id, c.external_id, c.first_name, c.last_name, c.email, c.sort_name, c.search_text, c.created_at, now()
    FROM c, w WHERE c.n BETWEEN $1 AND $2`,
  `INSERT INTO booking (workspace_id, id, reference, external_id, customer_id, service_id, status, starts_at, ends_at, blocked_from,
      blocked_until, time_zone, price_minor, currency, created_at, updated_at)
    SELECT w.id, b.new_id, b.reference, b.external_id, c.new_id, s.new_id, b.status, b.starts_at, b.ends_at, b.blocked_from,
      b.blocked_until, b.time_zone, b.price_minor, b.currency, b.created_at, now()
    FROM b JOIN c ON c.id = b.customer_id JOIN s ON s.id = b.service_id, w WHERE b.n BETWEEN $1 AND $2`,
  `INSERT INTO payment (workspace_id, id, customer_id, booking_id, amount_minor, currency, method, external_id, status, paid_at, updated_at)
    SELECT w.id, gen_random_uuid(), p.customer, p.booking, p.amount_minor, p.currency, p.method, p.external_id, p.status, p.paid_at, now()
    FROM p, w WHERE p.n BETWEEN $1 AND $2`,
  `INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, customer_id, subject_type, subject_id, data)
    SELECT w.id, gen_random_uuid(), e.type, 1, e.at, now(), 'SYSTEM', 'IMPORT', e.customer, e.subject, e.id, e.data
    FROM w, (
      SELECT 'customer.created' AS type, created_at AS at, new_id AS customer, 'Customer' AS subject, new_id AS id, '{}'::jsonb AS data FROM c WHERE n BETWEEN $1 AND $2
      UNION ALL SELECT 'booking.created', b.starts_at, c.new_id, 'Booking', b.new_id, jsonb_build_object('bookingId', b.new_id, 'status', b.status, 'startsAt', b.starts_at, 'endsAt', b.ends_at)
        FROM b JOIN c ON c.id = b.customer_id WHERE b.n BETWEEN $1 AND $2
      UNION ALL SELECT 'payment.recorded', paid_at, customer, 'Payment', booking, jsonb_build_object('bookingId', booking, 'amountMinor', amount_minor) FROM p WHERE n BETWEEN $1 AND $2
    ) e`,
];

/** Processor time of the client's own server process, in microseconds. */
async function used(client: pg.Client): Promise<number> {
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  return processorTime(rows[0].pid);
}
