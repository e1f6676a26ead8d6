import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import { hashOf } from '../../core/crypto.ts';
import type { BulkOperation, Prisma } from '../../core/database.ts';
import type { Bulk, BulkContact, Contacts } from '../../integrations/capabilities.ts';
import { type Agreed, linkOf } from '../deliveries/contactLink.ts';
import { contactKey, enqueue } from '../deliveries/enqueue.ts';
import {
  type LocalSide,
  localSides,
  mappedFields,
  wantedLists,
  wantedTags,
  wireOf,
} from '../deliveries/localSide.ts';
import { differs } from '../deliveries/takeOver.ts';
import { connectionWork, type Work } from './connectionWork.ts';

const pageSize = 250;
/** Below it, one call a contact is less than an import and a look at what became of it. */
const fewContacts = 10;
/** Batches that the system works on at a time. */
const maxPending = 5;
const lookMs = 500;

const Checkpoint = z.object({
  /** The last customer who is behind. */
  after: z.string().nullable().default(null),
  /** Batches that were handed over, with whom, and a mark of what was said about each. */
  pending: z
    .array(
      z.object({ batchId: z.string(), ids: z.array(z.string()), marks: z.array(z.string()).default([]) }),
    )
    .default([]),
  /** Everybody was handed over; what is left is to learn who is who there. */
  linking: z.boolean().default(false),
  /** How far that is. */
  linkedTo: z.string().nullable().default(null),
  looked: z.number().default(0),
});
type Checkpoint = z.output<typeof Checkpoint>;

/**
 * Sends every customer to a connected system: by its own import where it has one, with a page of customers a call, and
 * otherwise as deliveries that give way to live ones. What was handed over is in the checkpoint, so a kill costs the
 * batch under way, which is then handed over again, to the same effect.
 */
export function runBackfill(
  ctx: Context,
  operation: BulkOperation,
  worker: string,
  signal: AbortSignal,
): Promise<void> {
  return connectionWork(ctx, operation, worker, signal, async (work) => {
    const { bulk } = work.open.adapter.can;
    const at = Checkpoint.parse(operation.checkpoint ?? {});
    const done = { rows: operation.rowsDone };
    // Half of the work is to hand them over, half to look at them.
    const half = Number(operation.bytesTotal) / 2;
    const byImport = bulk && half > fewContacts;
    if (!at.linking)
      await (byImport
        ? handOver(ctx, work, bulk, at, done, operation.id, signal)
        : askForAll(ctx, work, at, done, signal));
    if (byImport && !signal.aborted) await linkAll(ctx, work, at, half, signal);
  });
}

/** The next customers in the order of their ids, who may go there and differ from what is there. */
async function nextPage(ctx: Context, { open }: Work, after: string | null, size: number) {
  const rows = await ctx.db.customer.findMany({
    where: { workspaceId: ctx.workspace.id, deletedAt: null, ...(after && { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take: size,
    select: { id: true },
  });
  const ids = rows.map(({ id }) => id);
  const [sides, links] = [
    await localSides(ctx, open.sync, ids),
    await ctx.db.integrationContact.findMany({
      where: { workspaceId: ctx.workspace.id, connectionId: open.row.id, customerId: { in: ids } },
    }),
  ];
  const wanted = ids.flatMap((id) => {
    const side = sides.get(id);
    const { remoteId, agreed } = linkOf(links.find(({ customerId }) => customerId === id) ?? null);
    return side?.wanted && (!remoteId || differs(open, side, agreed)) ? [{ side, agreed }] : [];
  });
  return { wanted, count: ids.length, last: ids.at(-1) ?? null, more: ids.length === size };
}

async function askForAll(
  ctx: Context,
  work: Work,
  at: Checkpoint,
  done: { rows: number },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const page = await nextPage(ctx, work, at.after, pageSize);
    if (!page.last || signal.aborted) return;
    at.after = page.last;
    done.rows += page.count;
    const asked = page.wanted.map(({ side: { customer } }) => ({
      connectionId: work.open.row.id,
      customerId: customer.id,
      kind: 'CONTACT' as const,
      key: contactKey(customer.id),
      lane: 'backfill' as const,
    }));
    await work.step(
      { ...progress(at, done, page.count - page.wanted.length), rowsSent: { increment: asked.length } },
      (tx) => enqueue(ctx, tx, asked),
    );
  }
}

const progress = (at: Checkpoint, done: { rows: number }, known: number) => ({
  checkpoint: at as Prisma.InputJsonValue,
  rowsDone: done.rows,
  bytesDone: done.rows,
  rowsKnown: { increment: known },
});

async function handOver(
  ctx: Context,
  work: Work,
  bulk: Bulk<unknown>,
  at: Checkpoint,
  done: { rows: number },
  operationId: string,
  signal: AbortSignal,
): Promise<void> {
  const { open, patiently } = work;
  for (let more = true; more || at.pending.length > 0; ) {
    if (signal.aborted) return;
    if (more && at.pending.length < maxPending) {
      const page = await nextPage(ctx, work, at.after, Math.min(pageSize, bulk.maxContacts));
      more = page.more;
      if (!page.last) continue;
      const contacts = page.wanted.map(({ side, agreed }) => bulkContactOf(work, side, agreed));
      if (contacts.length > 0) {
        const batchId = await patiently(() => bulk.send(open.to, contacts));
        at.pending.push({
          batchId,
          ids: page.wanted.map(({ side }) => side.customer.id),
          marks: contacts.map(markOf),
        });
      }
      at.after = page.last;
      done.rows += page.count;
      await work.step(progress(at, done, page.count - page.wanted.length));
      continue;
    }
    const [oldest] = at.pending;
    if (!oldest) continue;
    const outcome = await patiently(() => bulk.outcome(open.to, oldest.batchId));
    if (!outcome.done) {
      await sleep(lookMs, null, { signal }).catch(() => {});
      continue;
    }
    await noteBatch(ctx, work, at, oldest, outcome.refused, { done, operationId });
  }
  at.linking = true;
  await work.step({ checkpoint: at as Prisma.InputJsonValue });
}

function bulkContactOf({ open }: Pick<Work, 'open'>, side: LocalSide, agreed: Agreed): BulkContact {
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const values = mappedFields(open).flatMap((mapped) => {
    const value = mapped.sends ? wireOf(contacts, mapped, side.values) : '';
    return value === '' ? [] : [[mapped.remote, value]];
  });
  return {
    email: side.customer.email,
    values: Object.fromEntries(values),
    tags: open.adapter.can.tags ? wantedTags(open, side) : [],
    lists: open.adapter.can.lists ? wantedLists(open, side, agreed) : [],
  };
}

/** Tells whether a contact would be said otherwise now. */
const markOf = (contact: BulkContact) => hashOf(JSON.stringify(contact)).slice(0, 16);

/** Stands for what is there when nobody knows: equal to nothing that there is. */
const unknown = '\uFFFD';

/** Notes what a batch brought about: what both sides agree on now, and whom the system refused. */
async function noteBatch(
  ctx: Context,
  { open, step }: Work,
  at: Checkpoint,
  batch: Checkpoint['pending'][number],
  refusedEmails: readonly string[],
  { done, operationId }: { done: { rows: number }; operationId: string },
): Promise<void> {
  const refused = new Set(refusedEmails.map((email) => email.toLowerCase()));
  const sides = [...(await localSides(ctx, open.sync, batch.ids)).values()];
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const before = await ctx.db.integrationContact.findMany({
    where: { workspaceId: ctx.workspace.id, connectionId: open.row.id, customerId: { in: batch.ids } },
  });
  const links = sides
    .filter(({ customer }) => !refused.has(customer.email ?? ''))
    .map((side) => {
      const { agreed } = linkOf(before.find((one) => one.customerId === side.customer.id) ?? null);
      const contact = bulkContactOf({ open }, side, agreed);
      const mark = batch.marks[batch.ids.indexOf(side.customer.id)];
      const same = mark === undefined || mark === markOf(contact);
      const values = mappedFields(open)
        .filter(({ sends }) => sends)
        .map((mapped) => [mapped.local, same ? wireOf(contacts, mapped, side.values) : unknown]);
      // An import puts on and takes nothing off: what is yet to go there is not forgotten.
      const both = (one: readonly string[], other: readonly string[]) => [...new Set([...one, ...other])];
      return {
        customer: side.customer.id,
        agreed: {
          ...agreed,
          values: Object.fromEntries(values),
          ...(same && { tags: both(agreed.tags, contact.tags), lists: both(agreed.lists, contact.lists) }),
        },
        same,
      };
    });
  // Who changed since may have been sent before the system came to its import: all of it is sent again.
  const changed = links
    .filter(({ same }) => !same)
    .map(({ customer }) => ({
      connectionId: open.row.id,
      customerId: customer,
      kind: 'CONTACT' as const,
      key: contactKey(customer),
      lane: 'backfill' as const,
    }));
  at.pending = at.pending.filter(({ batchId }) => batchId !== batch.batchId);
  const refusedIds = sides
    .map(({ customer }) => customer.id)
    .filter((id) => !links.some(({ customer }) => customer === id));
  const failures = refusedIds.length;
  await step(
    {
      ...progress(at, done, 0),
      rowsRefused: { increment: failures },
      rowsSent: { increment: links.length },
    },
    async (tx) => {
      await tx.$executeRaw`
        INSERT INTO integration_contact (workspace_id, connection_id, customer_id, agreed, synced_at)
        SELECT ${ctx.workspace.id}::uuid, ${open.row.id}::uuid, customer, agreed, ${ctx.clock.now()}
        FROM json_to_recordset(${JSON.stringify(links)}::json) AS r (customer uuid, agreed jsonb)
        WHERE EXISTS (SELECT 1 FROM customer c WHERE c.workspace_id = ${ctx.workspace.id}::uuid AND c.id = r.customer AND c.deleted_at IS NULL)
        ON CONFLICT (workspace_id, connection_id, customer_id)
        DO UPDATE SET agreed = excluded.agreed, synced_at = excluded.synced_at`;
      await enqueue(ctx, tx, changed);
      if (failures === 0) return;
      const last = await tx.bulkRefusal.aggregate({
        where: { workspaceId: ctx.workspace.id, operationId },
        _max: { row: true },
      });
      await tx.bulkRefusal.createMany({
        data: refusedIds.map((id, index) => ({
          workspaceId: ctx.workspace.id,
          operationId,
          row: (last._max.row ?? 0) + index + 1,
          reason: 1,
          columns: 'customer',
          field: id,
          message: 'The system refused this customer; the log of calls may say more.',
        })),
      });
    },
  );
}

/** Imports answer no pairs: who is who is learned by looking at every contact once. */
async function linkAll(
  ctx: Context,
  { open, patiently, step }: Work,
  at: Checkpoint,
  half: number,
  signal: AbortSignal,
): Promise<void> {
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  for (;;) {
    if (signal.aborted) return;
    const page = await patiently(() => contacts.all(open.to, at.linkedTo));
    const pairs = page.items.flatMap(({ id, email, stamp }) =>
      email ? [{ id, email: email.toLowerCase(), hash: hashOf(email.toLowerCase()), stamp }] : [],
    );
    at.linkedTo = page.next;
    at.looked += page.items.length;
    const bytesDone = Math.floor(half + Math.min(at.looked, half));
    await step({ checkpoint: at as Prisma.InputJsonValue, bytesDone }, async (tx) => {
      await tx.$executeRaw`
        UPDATE integration_contact l SET remote_id = r.id, agreed = l.agreed || jsonb_build_object('stamp', r.stamp)
        FROM json_to_recordset(${JSON.stringify(pairs)}::json) AS r (id text, email text, stamp text)
          JOIN customer c ON c.workspace_id = ${ctx.workspace.id}::uuid AND c.email = r.email AND c.deleted_at IS NULL
        WHERE l.workspace_id = ${ctx.workspace.id}::uuid AND l.connection_id = ${open.row.id}::uuid
          AND l.customer_id = c.id AND l.remote_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM integration_contact o WHERE o.workspace_id = l.workspace_id
            AND o.connection_id = l.connection_id AND o.remote_id = r.id)`;
      // Those who were erased since they were handed over.
      await tx.$executeRaw`
        UPDATE delivery d SET payload = jsonb_build_object('contactId', r.id), next_at = ${ctx.clock.now()}
        FROM json_to_recordset(${JSON.stringify(pairs)}::json) AS r (id text, hash text)
        WHERE d.connection_id = ${open.row.id}::uuid AND d.status = 'WAITING' AND d.kind = 'ERASE'
          AND d.payload->>'emailHash' = r.hash`;
    });
    if (!page.next) return;
  }
}
