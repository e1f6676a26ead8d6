import type { Context } from '../../core/context.ts';
import type { BulkOperation } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import type { Contacts, Page, WholeContact } from '../../integrations/capabilities.ts';
import { linkOf } from '../deliveries/contactLink.ts';
import { comparable, localSides, mappedFields, wireOf } from '../deliveries/localSide.ts';
import { listsDiffer, tagsDiffer } from '../deliveries/takeOver.ts';
import { connectionWork, type Work } from './connectionWork.ts';

/**
 * Compares every contact of a connected system with its customer, and notes where the two differ. Changes nothing on
 * either side. Taken up by another worker it begins anew.
 */
export function runDriftCheck(
  ctx: Context,
  operation: BulkOperation,
  worker: string,
  signal: AbortSignal,
): Promise<void> {
  return connectionWork(ctx, operation, worker, signal, async (work) => {
    const { open, patiently, step } = work;
    const { id: connectionId, workspaceId } = open.row;
    const contacts = open.adapter.can.contacts as Contacts<unknown>;
    await step({ rowsDone: 0, rowsRefused: 0, bytesDone: 0 }, (tx) =>
      tx.integrationDrift.deleteMany({ where: { workspaceId, connectionId } }),
    );
    const seen = new Set<string>();
    let done = 0;
    for (let after: string | null = null; ; ) {
      if (signal.aborted) return;
      const cursor: string | null = after;
      const page: Page<WholeContact> = await patiently(() => contacts.whole(open.to, cursor));
      for (const { id } of page.items) seen.add(id);
      done += page.items.length;
      const found = await differences(ctx, work, page.items);
      await step({ rowsDone: done, bytesDone: done, rowsRefused: { increment: found.length } }, (tx) =>
        tx.integrationDrift.createMany({ data: found }),
      );
      after = page.next;
      if (!after) break;
    }
    await noteMissing(ctx, work, seen);
  });
}

interface Found {
  id: string;
  workspaceId: string;
  connectionId: string;
  customerId: string | null;
  remoteId: string | null;
  difference: 'DIFFERS' | 'MISSING_THERE' | 'MISSING_HERE';
  fields: string[];
  createdAt: Date;
}

async function differences(ctx: Context, { open }: Work, page: readonly WholeContact[]): Promise<Found[]> {
  const { id: connectionId, workspaceId } = open.row;
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const links = await ctx.db.integrationContact.findMany({
    where: { workspaceId, connectionId, remoteId: { in: page.map(({ id }) => id) } },
  });
  const unlinked = page.filter(({ id }) => !links.some(({ remoteId }) => remoteId === id));
  const byEmail = await ctx.db.customer.findMany({
    where: {
      workspaceId,
      deletedAt: null,
      email: { in: unlinked.flatMap(({ email }) => (email ? [email.toLowerCase()] : [])) },
    },
    select: { id: true, email: true },
  });
  const customerOf = ({ id, email }: WholeContact) =>
    links.find(({ remoteId }) => remoteId === id)?.customerId ??
    byEmail.find((one) => one.email === email?.toLowerCase())?.id ??
    null;
  const ids = page.map(customerOf).filter((id) => id !== null);
  const sides = await localSides(ctx, open.sync, ids);
  return page.flatMap((remote) => {
    const customerId = customerOf(remote);
    const side = customerId ? sides.get(customerId) : undefined;
    const { agreed } = linkOf(links.find(({ remoteId }) => remoteId === remote.id) ?? null);
    const fields: string[] = side
      ? mappedFields(open)
          .filter((mapped) => mapped.sends || mapped.takes)
          .filter((mapped) => {
            const there = comparable(
              contacts,
              mapped,
              remote.values[mapped.remote] ?? '',
              ctx.workspace.country,
            );
            return there !== wireOf(contacts, mapped, side.values);
          })
          .map(({ local }) => local)
      : [];
    const compared = side && open.sync.enableContactSync;
    if (compared && remote.tags && tagsDiffer(open, side, agreed, remote.tags)) fields.push('tags');
    if (compared && remote.lists && listsDiffer(open, side, agreed, remote.lists)) fields.push('lists');
    if (side && fields.length === 0) return [];
    const found: Found = {
      ...{ id: newId(), workspaceId, connectionId, customerId, remoteId: remote.id, fields },
      difference: side ? 'DIFFERS' : 'MISSING_HERE',
      createdAt: ctx.clock.now(),
    };
    return [found];
  });
}

/** Customers who should be there and are not. */
async function noteMissing(ctx: Context, { open, step }: Work, seen: ReadonlySet<string>): Promise<void> {
  const { id: connectionId, workspaceId } = open.row;
  for (let after: string | null = null; ; ) {
    const rows: { id: string; remoteId: string | null }[] = await ctx.db.$queryRaw`
      SELECT c.id, l.remote_id AS "remoteId" FROM customer c
        LEFT JOIN integration_contact l ON l.workspace_id = c.workspace_id AND l.customer_id = c.id AND l.connection_id = ${connectionId}::uuid
      WHERE c.workspace_id = ${workspaceId}::uuid AND c.deleted_at IS NULL AND c.email IS NOT NULL
        AND (${after}::uuid IS NULL OR c.id > ${after}::uuid)
      ORDER BY c.id LIMIT 1000`;
    const gone = rows.filter(({ remoteId }) => !remoteId || !seen.has(remoteId));
    const sides = await localSides(
      ctx,
      open.sync,
      gone.map(({ id }) => id),
    );
    const known = await ctx.db.integrationDrift.findMany({
      where: { workspaceId, connectionId, customerId: { in: gone.map(({ id }) => id) } },
      select: { customerId: true },
    });
    const found = gone
      // With a contact of the same address there, but no link yet, they differ or not; they are not missing.
      .filter(
        ({ id, remoteId }) =>
          sides.get(id)?.wanted && (remoteId || !known.some((one) => one.customerId === id)),
      )
      .map(({ id, remoteId }) => ({
        ...{ id: newId(), workspaceId, connectionId, customerId: id, remoteId, fields: [] },
        difference: 'MISSING_THERE',
        createdAt: ctx.clock.now(),
      }));
    if (found.length > 0)
      await step({ rowsRefused: { increment: found.length } }, (tx) =>
        tx.integrationDrift.createMany({ data: found }),
      );
    after = rows.at(-1)?.id ?? null;
    if (rows.length < 1_000) return;
  }
}
