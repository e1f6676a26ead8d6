import type { Context } from '../../core/context.ts';
import type { DeliveryKind, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';

/** Something to be done at a connection. */
export interface Asked {
  connectionId: string;
  customerId: string | null;
  kind: DeliveryKind;
  /** One row a key and connection. */
  key: string;
  payload?: Record<string, unknown>;
  /** History gives way to what happens now. */
  lane?: 'live' | 'backfill';
  /** Of the event that asks for it. */
  position?: bigint;
  /** Not before; now when left out. */
  notBefore?: Date;
  /** When what it tells of was committed. */
  askedAt?: Date;
}

export const contactKey = (customerId: string) => `contact ${customerId}`;
export const fetchKey = (remoteId: string) => `fetch ${remoteId}`;

/**
 * Writes deliveries. One of a contact that waits already takes the change along, since it sends what is so when it is
 * sent; one that is parked is tried again; one under way is done once more afterwards. Of an effect, a second asking is none.
 */
export async function enqueue(
  ctx: Pick<Context, 'workspace' | 'clock'>,
  tx: Tx,
  asked: readonly Asked[],
): Promise<void> {
  if (asked.length === 0) return;
  const now = ctx.clock.now();
  const byKey = new Map(asked.map((one) => [`${one.connectionId} ${one.key}`, one]));
  const rows = [...byKey]
    // In one order, so that two that write the same rows do not wait for each other.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([
        ,
        { connectionId, customerId, kind, key, payload = {}, position = 0n, lane, notBefore, askedAt },
      ]) => ({
        ...{ id: newId(), connection: connectionId, customer: customerId, kind, key, payload },
        position: String(position),
        lane: lane === 'backfill' ? 1 : 0,
        before: notBefore ?? now,
        asked: askedAt ?? now,
      }),
    );
  await tx.$executeRaw`
    INSERT INTO delivery AS d (id, workspace_id, connection_id, customer_id, kind, key, payload, position, lane, not_before, next_at,
        asked_at, created_at)
      SELECT id, ${ctx.workspace.id}::uuid, connection, customer, kind, key, payload, position, lane, before, before, asked, ${now}
      FROM json_to_recordset(${JSON.stringify(rows)}::json) AS r (id uuid, connection uuid, customer uuid,
        kind delivery_kind, key text, payload jsonb, position bigint, lane smallint, before timestamptz, asked timestamptz)
    ON CONFLICT (workspace_id, connection_id, key) DO UPDATE SET
      position = greatest(d.position + 1, excluded.position),
      lane = CASE WHEN d.status = 'WAITING' THEN least(d.lane, excluded.lane) ELSE excluded.lane END,
      customer_id = coalesce(excluded.customer_id, d.customer_id),
      payload = CASE WHEN d.status = 'WAITING' THEN d.payload || excluded.payload ELSE excluded.payload END,
      asked_at = CASE WHEN d.status = 'WAITING' THEN d.asked_at ELSE excluded.asked_at END,
      not_before = CASE WHEN d.status = 'WAITING' THEN least(d.not_before, excluded.not_before) ELSE excluded.not_before END,
      next_at = CASE WHEN d.status = 'WAITING' THEN d.next_at ELSE excluded.next_at END,
      attempts = CASE WHEN d.status = 'WAITING' THEN d.attempts ELSE 0 END,
      failing_since = CASE WHEN d.status = 'WAITING' THEN d.failing_since END,
      status = 'WAITING', done_at = NULL
      WHERE d.kind IN ('CONTACT', 'FETCH')`;
}
