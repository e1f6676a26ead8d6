import type { Context } from '../../core/context.ts';
import type { Delivery } from '../../core/database.ts';

/** How long a worker that says nothing keeps a delivery for itself. */
export const leaseSeconds = 15;

export interface DueConnection {
  connectionId: string;
  /** It has failed so often that one attempt at a time is enough. */
  probing: boolean;
}

/** Failures in a row after which a system counts as down. */
export const downAfter = 5;

/** Connections with something to be done now. */
export function dueConnections({ db }: Pick<Context, 'db'>, now: Date): Promise<DueConnection[]> {
  return db.$queryRaw<DueConnection[]>`
    SELECT c.id AS "connectionId", c.failures >= ${downAfter}::integer AS probing FROM integration_connection c
    WHERE c.status = 'ACTIVE' AND (c.retry_at IS NULL OR c.retry_at <= ${now})
      AND EXISTS (SELECT 1 FROM delivery d WHERE d.connection_id = c.id AND d.status = 'WAITING' AND d.next_at <= ${now}
        AND (d.claimed_until IS NULL OR d.claimed_until < now()))`;
}

/**
 * Takes deliveries of a connection for a worker. In order per customer: what changed there is looked at before what changed
 * here is sent, effects wait until their contact is there and
 * until earlier effects are done, and nothing of a customer runs beside something else of theirs. A parked contact holds its effects
 * up, a parked effect nobody.
 */
export async function claimDeliveries(
  { db }: Pick<Context, 'db'>,
  connectionId: string,
  worker: string,
  most: number,
  now: Date,
): Promise<Delivery[]> {
  const claimed = await db.$queryRaw<{ id: string }[]>`
    UPDATE delivery SET claimed_by = ${worker}::uuid, claimed_until = now() + make_interval(secs => ${leaseSeconds}::integer),
      attempts = attempts + 1
    WHERE id IN (
      SELECT d.id FROM delivery d
      WHERE d.connection_id = ${connectionId}::uuid AND d.status = 'WAITING' AND d.next_at <= ${now}
        AND (d.claimed_until IS NULL OR d.claimed_until < now())
        AND NOT EXISTS (
          SELECT 1 FROM delivery e
          WHERE e.connection_id = d.connection_id AND e.customer_id = d.customer_id AND e.id <> d.id
            AND e.status IN ('WAITING', 'PARKED') AND (
              e.claimed_until > now()
              OR (d.kind = 'CONTACT' AND e.kind = 'FETCH' AND e.status = 'WAITING' AND e.next_at <= ${now})
              OR (d.kind IN ('AUTOMATION', 'EVENT') AND e.kind = 'CONTACT')
              OR (d.kind IN ('AUTOMATION', 'EVENT') AND e.kind IN ('AUTOMATION', 'EVENT') AND e.status = 'WAITING'
                AND e.not_before <= ${now} AND (e.position, e.id) < (d.position, d.id))))
      ORDER BY d.lane, d.next_at, d.position LIMIT ${most}::integer FOR UPDATE SKIP LOCKED)
    RETURNING id`;
  if (claimed.length === 0) return [];
  return db.delivery.findMany({
    where: { id: { in: claimed.map(({ id }) => id) } },
    orderBy: [{ lane: 'asc' }, { nextAt: 'asc' }, { position: 'asc' }],
  });
}

/** Says that the worker is still at these. */
export async function renewClaims(
  { db }: Pick<Context, 'db'>,
  ids: readonly string[],
  worker: string,
): Promise<void> {
  await db.$executeRaw`UPDATE delivery SET claimed_until = now() + make_interval(secs => ${leaseSeconds}::integer)
    WHERE id = ANY(${ids}::uuid[]) AND claimed_by = ${worker}::uuid AND status = 'WAITING'`;
}
