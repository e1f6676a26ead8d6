import type { Context } from '../../core/context.ts';
import type { Customer } from '../../core/database.ts';
import { AlreadyExists, InvalidInput } from '../../core/errors.ts';
import { encodeId } from '../../core/ids.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import type { Contacts, Memberships, RemoteContact } from '../../integrations/capabilities.ts';
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
  hasTag,
  keptLists,
  type LocalSide,
  localSides,
  type Mapped,
  mappedFields,
  wantedLists,
  wantedTags,
  wireOf,
} from './localSide.ts';
import { knownToBeOff, noteOptOut, optedOutOf } from './optOut.ts';

/** Which side is right about every field, whatever changed when: for repairs. */
export type Winner = 'FRONTDESK' | 'REMOTE';

export interface TakeOverOptions {
  winner?: Winner;
  /** The contact's tags there, when they were looked at. */
  tags?: readonly string[];
  /** The lists that they are on there or have left, when they were looked at. */
  lists?: Memberships;
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
  if (options.tags && options.winner === 'FRONTDESK')
    agreed.tags = options.tags.filter((tag) => isKept(open, side, agreed, tag));
  else if (options.tags && sync.autoTagging && sync.syncDirection !== 'TO')
    agreed.tags = await takeTags(ctx, open, side, agreed, options.tags, options.winner);
  const gone = options.lists ? takeLists(ctx, open, side, agreed, options.lists, options.winner) : [];
  const now = { remoteId: remote.id, agreed: { ...agreed, stamp: remote.stamp } };
  if (gone.length > 0) await noteOptOut(ctx, open, customer, now, gone);
  else await saveLink(ctx, open, customer.id, now);
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

/** Tags that were put on or taken off there since both sides agreed, or all that differ when they are right. Those of scores and segments are ours alone. */
async function takeTags(
  ctx: Context,
  open: OpenConnection,
  side: LocalSide,
  agreed: Agreed,
  there: readonly string[],
  winner?: Winner,
): Promise<string[]> {
  const ours = tagsOfOurs(open);
  const known = winner ? wantedTags(open, side) : agreed.tags;
  const own = there.filter((tag) => !hasTag(ours, tag) && !hasTag(side.tags, tag));
  const added = winner ? own : own.filter((tag) => !hasTag(known, tag));
  const removed = known.filter((tag) => !hasTag(ours, tag) && !hasTag(there, tag) && hasTag(side.tags, tag));
  const customerIds = [encodeId('Customer', side.customer.id)];
  if (added.length > 0) await addTags(ctx, { customerIds, tags: added });
  if (removed.length > 0) await removeTags(ctx, { customerIds, tags: removed });
  return [...there];
}

/** Tags of scores and segments: what they say there is no news here. */
const tagsOfOurs = ({ sync }: OpenConnection) =>
  [...sync.scoreTags, ...sync.segmentTags].map(({ tag }) => tag);

/** Whether a tag that is there is one that both sides are to have or not: others may be there for reasons of their own. */
const isKept = (open: OpenConnection, side: LocalSide, agreed: Agreed, tag: string) =>
  (open.sync.autoTagging && open.sync.syncDirection !== 'TO') ||
  [agreed.tags, tagsOfOurs(open), wantedTags(open, side)].some((tags) => hasTag(tags, tag));

/** Whether the tags of a contact are not those of its customer. */
export function tagsDiffer(
  open: OpenConnection,
  side: LocalSide,
  agreed: Agreed,
  there: readonly string[],
): boolean {
  const { autoTagging, syncDirection } = open.sync;
  const wanted = syncDirection !== 'FROM' ? wantedTags(open, side) : autoTagging ? side.tags : [];
  return (
    wanted.some((tag) => !hasTag(there, tag)) ||
    there.some((tag) => !hasTag(wanted, tag) && isKept(open, side, agreed, tag))
  );
}

/** Whether they are not on a list that they should be on, or still on one that we put them on. */
export function listsDiffer(
  open: OpenConnection,
  side: LocalSide,
  agreed: Agreed,
  there: Memberships,
): boolean {
  if (open.sync.syncDirection === 'FROM') return false;
  const wanted = wantedLists(open, side, agreed);
  return keptLists(open).some((id) =>
    wanted.includes(id)
      ? there[id] !== 'SUBSCRIBED'
      : there[id] === 'SUBSCRIBED' && agreed.lists.includes(id),
  );
}

/**
 * Notes how they stand on the lists there, and answers those that they left by themselves: that is their word, whichever
 * side is right otherwise.
 */
function takeLists(
  { clock }: Pick<Context, 'clock'>,
  open: OpenConnection,
  side: LocalSide,
  agreed: Agreed,
  there: Memberships,
  winner?: Winner,
): string[] {
  const wanted = wantedLists(open, side, agreed);
  const gone: string[] = [];
  for (const id of keptLists(open)) {
    const [wants, on] = [wanted.includes(id), agreed.lists.includes(id)];
    const without = agreed.lists.filter((one) => one !== id);
    if (there[id] === 'UNSUBSCRIBED') {
      if (knownToBeOff(agreed, id)) agreed.lists = without;
      else if (on || wants) gone.push(id);
    } else if (there[id] === 'SUBSCRIBED') {
      if (wants) agreed.lists = [...without, id];
      // They stay, and are not ours to take off any more.
      else if (winner === 'REMOTE') agreed.lists = without;
    } else if (!wants || winner === 'FRONTDESK') agreed.lists = without;
    else if (winner === 'REMOTE') Object.assign(agreed, optedOutOf(agreed, [id], clock.now()));
  }
  return gone;
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
  if (!side || !(differs(open, side, agreed) || outgrown(open, side, agreed))) return;
  await enqueue(ctx, ctx.db, [{ connectionId, customerId, kind: 'CONTACT', key: contactKey(customerId) }]);
}

/** Whether there is anything about the customer to send. */
export function differs(open: OpenConnection, side: LocalSide, agreed: Agreed): boolean {
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const values = mappedFields(open).some(
    (mapped) => mapped.sends && wireOf(contacts, mapped, side.values) !== (agreed.values[mapped.local] ?? ''),
  );
  if (values || open.sync.syncDirection === 'FROM') return values;
  const { tags, lists } = open.adapter.can;
  return (
    (!!tags && wantedTags(open, side).some((tag) => !hasTag(agreed.tags, tag))) ||
    (!!lists && wantedLists(open, side, agreed).some((id) => !agreed.lists.includes(id)))
  );
}

/** Whether they have tags there, or are on lists, that they should not be any more. */
function outgrown(open: OpenConnection, side: LocalSide, agreed: Agreed): boolean {
  if (open.sync.syncDirection === 'FROM') return false;
  const [tags, lists] = [wantedTags(open, side), wantedLists(open, side, agreed)];
  return (
    agreed.tags.some((tag) => !hasTag(tags, tag)) ||
    keptLists(open).some((id) => agreed.lists.includes(id) && !lists.includes(id))
  );
}
