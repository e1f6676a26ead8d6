import type { Context } from '../../core/context.ts';
import type { Customer } from '../../core/database.ts';
import { AlreadyExists, InvalidInput } from '../../core/errors.ts';
import { encodeId } from '../../core/ids.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import type { Contacts, RemoteContact } from '../../integrations/capabilities.ts';
import { localField } from '../../integrations/localFields.ts';
import type { OpenConnection } from '../connections/openConnection.ts';
import { createCustomer } from '../customers/createCustomer.ts';
import { updateCustomer } from '../customers/updateCustomer.ts';
import { addTags } from '../tags/addTags.ts';
import { removeTags } from '../tags/removeTags.ts';
import { type Agreed, type Link, linkOf, nothingAgreed, readLink, saveLink } from './contactLink.ts';
import { contactKey, enqueue } from './enqueue.ts';
import {
  comparable,
  type LocalSide,
  localSides,
  type Mapped,
  mappedFields,
  wantedTags,
  wireOf,
} from './localSide.ts';

/** Which side is right about every field, whatever changed when: for repairs. */
export type Winner = 'FRONTDESK' | 'REMOTE';

export interface TakeOverOptions {
  winner?: Winner;
  /** The contact's tags there, when they were looked at. */
  tags?: readonly string[];
  /** They left the list of those who agreed to marketing. */
  left?: boolean;
}

/**
 * Takes over what changed there, field by field: a field that only changed there is taken, one that only changed here is
 * left to its own delivery, and where both changed the field's rule decides and the timeline notes it. What is taken is
 * changed by the same verbs as by hand, with the origin SYNC, so it does not go back.
 */
export async function takeOver(
  ctx: Context,
  open: OpenConnection,
  remote: RemoteContact,
  options: TakeOverOptions = {},
): Promise<void> {
  const { sync, row } = open;
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const found = await customerOf(ctx, open, remote);
  if (!found) {
    const wanted = options.winner === 'REMOTE' || (sync.autoCreateCustomers && sync.syncDirection !== 'TO');
    if (wanted && remote.email) await addCustomer(ctx, open, remote);
    return;
  }
  const { side, link } = found;
  const { customer } = side;
  const id = encodeId('Customer', customer.id);
  const agreed: Agreed = { ...link.agreed, values: { ...link.agreed.values } };
  const taken: Record<string, string> = {};
  const settled = { keptHere: [] as string[], keptThere: [] as string[] };

  for (const mapped of mappedFields(open)) {
    const raw = remote.values[mapped.remote];
    if (raw === undefined || !(mapped.sends || mapped.takes)) continue;
    const there = comparable(contacts, mapped, raw, ctx.workspace.country);
    const here = wireOf(contacts, mapped, side.values);
    const decision = decide(mapped, here, there, agreed.values[mapped.local], options.winner);
    if (decision.conflict) settled[decision.take ? 'keptThere' : 'keptHere'].push(mapped.local);
    if (decision.take) taken[mapped.local] = there;
    // What stays ours and differs there is to be sent: both sides agree on what is there now.
    if (decision.take || decision.send || here === there) agreed.values[mapped.local] = there;
  }

  await apply(ctx, open, customer, taken, settled);
  if (options.tags && sync.autoTagging && sync.syncDirection !== 'TO')
    agreed.tags = await takeTags(ctx, open, side, agreed, options.tags);
  if (options.left && customer.marketingConsent) {
    await updateCustomer(ctx, { id, marketingConsent: false, marketingConsentSource: open.adapter.name });
  }
  if (options.left && sync.defaultListId) {
    agreed.left = [sync.defaultListId];
    agreed.lists = agreed.lists.filter((id) => id !== sync.defaultListId);
  }
  await saveLink(ctx, open, customer.id, { remoteId: remote.id, agreed: { ...agreed, stamp: remote.stamp } });
  await sendWhatDiffers(ctx, open, customer.id, row.id);
}

interface Decision {
  take: boolean;
  send: boolean;
  conflict: boolean;
}

/** The rule of one field. `base` is what both sides had when they were last in step. */
export function decide(
  { sends, takes, wins }: Pick<Mapped, 'sends' | 'takes' | 'wins'>,
  here: string,
  there: string,
  base: string | undefined,
  winner?: Winner,
): Decision {
  const take = { take: true, send: false, conflict: false };
  const send = { take: false, send: true, conflict: false };
  const leave = { take: false, send: false, conflict: false };
  if (here === there) return leave;
  if (winner) return winner === 'REMOTE' ? (takes ? take : leave) : sends ? send : leave;
  // What we never knew is not wiped out by our knowing nothing.
  if (!takes) return sends && !(base === undefined && here === '') ? send : leave;
  if (!sends) return take;
  if (base === undefined) {
    if (here === '') return take;
    if (there === '') return send;
  } else {
    if (there === base) return send; // Only we changed it.
    if (here === base) return take; // Only they changed it.
  }
  return { ...(wins === 'REMOTE' ? take : send), conflict: true };
}

/** The customer who is linked to the contact, or else has its e-mail address. */
async function customerOf(
  ctx: Context,
  open: OpenConnection,
  remote: RemoteContact,
): Promise<{ side: LocalSide; link: Link } | null> {
  const { workspaceId, id: connectionId } = open.row;
  const linked = await ctx.db.integrationContact.findUnique({
    where: { workspaceId_connectionId_remoteId: { workspaceId, connectionId, remoteId: remote.id } },
  });
  const byEmail =
    linked || !remote.email
      ? null
      : await ctx.db.customer.findFirst({
          where: { workspaceId, email: remote.email.toLowerCase(), deletedAt: null },
          select: { id: true },
        });
  const id = linked?.customerId ?? byEmail?.id;
  const side = id && (await localSides(ctx, open.sync, [id])).get(id);
  if (!side) return null;
  return { side, link: linked ? linkOf(linked) : await readLink(ctx, open, side.customer.id) };
}

const input = (taken: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(taken).map(([local, text]) => {
      const fromText = localField(local as never).fromText as (text: string) => unknown;
      return [local, text === '' ? null : fromText(text)];
    }),
  );

/** Changes the customer. A value that we cannot hold is left, and does not keep the others back. */
async function apply(
  ctx: Context,
  { row }: OpenConnection,
  customer: Customer,
  taken: Record<string, string>,
  settled: { keptHere: string[]; keptThere: string[] },
): Promise<void> {
  const wanted = input(taken);
  for (;;) {
    try {
      if (Object.keys(wanted).length > 0)
        await updateCustomer(ctx, { id: encodeId('Customer', customer.id), ...wanted });
      break;
    } catch (error) {
      const bad =
        error instanceof InvalidInput
          ? error.issues.map(({ path }) => path.split('.')[0] as string)
          : error instanceof AlreadyExists
            ? [error.field]
            : [];
      const dropped = bad.filter((field) => field in wanted);
      if (dropped.length === 0) throw error;
      for (const field of dropped) delete wanted[field];
      ctx.log.info(
        { connectionId: row.id, fields: dropped },
        'integrations: values that cannot be held here',
      );
    }
  }
  if (settled.keptHere.length + settled.keptThere.length === 0) return;
  await write(ctx, (tx) =>
    record(ctx, tx, 'integration.conflict_settled', {
      subjectId: row.id,
      customerId: customer.id,
      data: { integration: row.integration, name: row.name, ...settled },
    }),
  );
}

async function addCustomer(ctx: Context, open: OpenConnection, remote: RemoteContact): Promise<void> {
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const values: Record<string, string> = {};
  for (const mapped of mappedFields(open)) {
    const raw = remote.values[mapped.remote];
    if (raw && mapped.takes) values[mapped.local] = comparable(contacts, mapped, raw, ctx.workspace.country);
  }
  const given = input(values);
  for (;;) {
    try {
      const customer = await createCustomer(ctx, { ...given, email: remote.email, source: open.adapter.key });
      await saveLink(ctx, open, customer.id, {
        remoteId: remote.id,
        agreed: { ...nothingAgreed, values, stamp: remote.stamp },
      });
      return;
    } catch (error) {
      const bad =
        error instanceof InvalidInput ? error.issues.map(({ path }) => path.split('.')[0] as string) : [];
      const dropped = bad.filter((field) => field in given);
      if (dropped.length === 0) throw error;
      for (const field of dropped) delete given[field];
    }
  }
}

/** Tags that were put on or taken off there since both sides agreed. Those of scores and segments are ours alone. */
async function takeTags(
  ctx: Context,
  open: OpenConnection,
  side: LocalSide,
  agreed: Agreed,
  there: readonly string[],
): Promise<string[]> {
  const { scoreTags, segmentTags } = open.sync;
  const ours = new Set([...scoreTags, ...segmentTags].map(({ tag }) => tag.toLowerCase()));
  const lower = (names: readonly string[]) => new Set(names.map((name) => name.toLowerCase()));
  const [known, now, worn] = [lower(agreed.tags), lower(there), lower(side.tags)];
  const own = (name: string) => !ours.has(name.toLowerCase());
  const added = there.filter(
    (name) => own(name) && !known.has(name.toLowerCase()) && !worn.has(name.toLowerCase()),
  );
  const removed = agreed.tags.filter(
    (name) => own(name) && !now.has(name.toLowerCase()) && worn.has(name.toLowerCase()),
  );
  const customerIds = [encodeId('Customer', side.customer.id)];
  if (added.length > 0) await addTags(ctx, { customerIds, tags: added });
  if (removed.length > 0) await removeTags(ctx, { customerIds, tags: removed });
  return [...there];
}

/** Asks for a delivery when what is here is not what both sides agree on. */
async function sendWhatDiffers(
  ctx: Context,
  open: OpenConnection,
  customerId: string,
  connectionId: string,
): Promise<void> {
  const [side, { agreed }] = [
    (await localSides(ctx, open.sync, [customerId])).get(customerId),
    await readLink(ctx, open, customerId),
  ];
  if (!side || !differs(open, side, agreed)) return;
  await enqueue(ctx, ctx.db, [{ connectionId, customerId, kind: 'CONTACT', key: contactKey(customerId) }]);
}

/** Whether there is anything about the customer to send. */
export function differs(open: OpenConnection, side: LocalSide, agreed: Agreed): boolean {
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const values = mappedFields(open).some(
    (mapped) => mapped.sends && wireOf(contacts, mapped, side.values) !== (agreed.values[mapped.local] ?? ''),
  );
  if (values || !open.adapter.can.tags || open.sync.syncDirection === 'FROM') return values;
  const wanted = wantedTags(open, side);
  return wanted.some((tag) => !agreed.tags.includes(tag));
}
