import type { Context } from '../../core/context.ts';
import type { IntegrationConnection } from '../../core/database.ts';
import type { Contacts } from '../../integrations/capabilities.ts';
import { linkOf } from '../deliveries/contactLink.ts';
import { enqueue, fetchKey } from '../deliveries/enqueue.ts';
import { openConnection } from './openConnection.ts';

/** Looked at twice, as clocks differ and changes take their time to be listed. */
const overlapMs = 5 * 60_000;

/** The connection that was not looked at for the longest time and is due, for this process alone; null when none is. */
export async function claimPoll({
  db,
  clock,
}: Pick<Context, 'db' | 'clock'>): Promise<IntegrationConnection | null> {
  const now = clock.now();
  const [due] = await db.$queryRaw<{ id: string }[]>`
    UPDATE integration_connection SET polled_at = ${now} WHERE id = (
      SELECT id FROM integration_connection
      WHERE status = 'ACTIVE' AND (retry_at IS NULL OR retry_at <= ${now})
        AND coalesce((settings->>'pollMinutes')::integer, 0) > 0 AND settings->>'syncDirection' <> 'TO'
        AND coalesce(polled_at, created_at) + make_interval(mins => (settings->>'pollMinutes')::integer) <= ${now}
      ORDER BY polled_at NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id`;
  return due ? db.integrationConnection.findUniqueOrThrow({ where: { id: due.id } }) : null;
}

/**
 * Looks for contacts that changed there since the last look, as messages are sent once and may be lost, and has those read
 * that do not look as we left them.
 */
export async function pollConnection(
  ctx: Context,
  row: IntegrationConnection,
  signal: AbortSignal,
): Promise<number> {
  const open = openConnection(ctx, row, { lane: 'backfill', signal });
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const { workspaceId, id: connectionId } = row;
  const began = ctx.clock.now();
  const since = new Date((row.changedUntil ?? row.createdAt).getTime() - overlapMs);
  let asked = 0;
  for (let after: string | null = null; ; ) {
    const page = await contacts.changed(open.to, since, after);
    const links = await ctx.db.integrationContact.findMany({
      where: { workspaceId, connectionId, remoteId: { in: page.items.map(({ id }) => id) } },
    });
    const known = await ctx.db.customer.findMany({
      where: {
        workspaceId,
        deletedAt: null,
        email: { in: page.items.flatMap(({ email }) => email?.toLowerCase() ?? []) },
      },
      select: { email: true },
    });
    const changed = page.items.flatMap(({ id: contactId, email, stamp }) => {
      const link = links.find(({ remoteId }) => remoteId === contactId);
      if (link && stamp && linkOf(link).agreed.stamp === stamp) return [];
      const concerns =
        link || open.sync.autoCreateCustomers || known.some((one) => one.email === email?.toLowerCase());
      if (!concerns) return [];
      const customerId = link?.customerId ?? null;
      const payload = { contactId, ...(open.adapter.can.tags && { tags: true }) };
      return [
        {
          connectionId,
          customerId,
          kind: 'FETCH' as const,
          key: fetchKey(contactId),
          payload,
          lane: 'backfill' as const,
        },
      ];
    });
    await enqueue(ctx, ctx.db, changed);
    asked += changed.length;
    after = page.next;
    if (!after) break;
  }
  await ctx.db
    .$executeRaw`UPDATE integration_connection SET changed_until = ${began} WHERE id = ${connectionId}::uuid`;
  return asked;
}
