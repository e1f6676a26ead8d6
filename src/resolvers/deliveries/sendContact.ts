import type { Context } from '../../core/context.ts';
import type { Contacts, Lists, Tags } from '../../integrations/capabilities.ts';
import { OutsideFailure } from '../../integrations/failure.ts';
import type { OpenConnection } from '../connections/openConnection.ts';
import { type Agreed, type Link, nothingAgreed, readLink, saveLink } from './contactLink.ts';
import {
  comparable,
  keptLists,
  type LocalSide,
  localSides,
  mappedFields,
  rivalsOf,
  wantedLists,
  wantedTags,
  wireOf,
} from './localSide.ts';
import { knownToBeOff, noteOptOut } from './optOut.ts';
import { takeOver } from './takeOver.ts';

/**
 * Brings a contact there to what its customer is now: the fields that changed since both sides agreed and no others, then
 * tags, then the lists. Each step is noted when it is done, and doing one again changes nothing. Answers why nothing was
 * sent, or null.
 */
export async function sendContact(
  ctx: Context,
  open: OpenConnection,
  customerId: string,
): Promise<string | null> {
  const { sync, to, adapter } = open;
  if (!sync.enableContactSync || sync.syncDirection === 'FROM') return 'Customers are not sent.';
  const side = (await localSides(ctx, sync, [customerId])).get(customerId);
  if (!side) return 'The customer is deleted.';
  let link = await readLink(ctx, open, customerId);
  if (!side.wanted && !link.remoteId)
    return side.customer.email ? 'The customer has not agreed to it.' : 'The customer has no e-mail address.';
  if (!side.customer.email) return 'The customer has no e-mail address.';

  const contacts = adapter.can.contacts as Contacts<unknown>;
  const fields = mappedFields(open);
  // Somebody may be there already, whose fields or whose being there at all we have to mind.
  if (
    !link.remoteId &&
    (!sync.autoCreateContacts || fields.some(({ takes, wins }) => takes && wins === 'REMOTE'))
  ) {
    const found = await contacts.find(to, side.customer.email);
    if (!found && !sync.autoCreateContacts) return 'There is no such contact, and none is to be added.';
    if (found) {
      await takeOver(ctx, open, found);
      return sendContact(ctx, open, customerId);
    }
  }

  const changed = fields.flatMap((field) => {
    const value = wireOf(contacts, field, side.values);
    return field.sends && value !== (link.agreed.values[field.local] ?? '') ? [{ field, value }] : [];
  });
  if (!link.remoteId || changed.length > 0) link = await sendFields(ctx, open, side, link, changed);
  if (adapter.can.tags) link = await sendTags(ctx, open, adapter.can.tags, side, link);
  if (adapter.can.lists && (await sendLists(ctx, open, adapter.can.lists, side, link)) === 'left')
    return sendContact(ctx, open, customerId);
  return null;
}

async function sendFields(
  ctx: Context,
  open: OpenConnection,
  side: LocalSide,
  link: Link,
  changed: { field: { local: string; remote: string }; value: string }[],
): Promise<Link> {
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  const values = Object.fromEntries(changed.map(({ field, value }) => [field.remote, value]));
  const remote = await contacts
    .upsert(open.to, { id: link.remoteId, email: side.customer.email, values })
    .catch(async (error) => {
      // Deleted there: nothing is agreed on any more, and next time they are added again.
      if (error instanceof OutsideFailure && error.kind === 'NOT_FOUND' && link.remoteId)
        await saveLink(ctx, open, side.customer.id, {
          remoteId: null,
          agreed: nothingAgreed,
        });
      throw error;
    });
  const agreed = {
    ...link.agreed.values,
    ...Object.fromEntries(changed.map(({ field, value }) => [field.local, value])),
  };
  const saved = { remoteId: remote.id, agreed: { ...link.agreed, values: agreed, stamp: remote.stamp } };
  await saveLink(ctx, open, side.customer.id, saved);
  // What is there now bears our stamp, so nobody would look for a change that was made there just before.
  const untold = mappedFields(open).some((field) => {
    const theirs = remote.values[field.remote];
    if (!field.takes || theirs === undefined || field.remote in values) return false;
    return comparable(contacts, field, theirs, ctx.workspace.country) !== (agreed[field.local] ?? '');
  });
  if (!link.remoteId || !untold) return saved;
  const found = await contacts.get(open.to, remote.id);
  if (found) await takeOver(ctx, open, found);
  return readLink(ctx, open, side.customer.id);
}

async function sendTags(
  ctx: Context,
  open: OpenConnection,
  tags: Tags<unknown>,
  side: LocalSide,
  link: Link,
): Promise<Link> {
  const contactId = link.remoteId as string;
  const wanted = wantedTags(open, side);
  const added = wanted.filter((tag) => !link.agreed.tags.includes(tag));
  const gone = link.agreed.tags.filter((tag) => !wanted.includes(tag));
  if (added.length + gone.length === 0) return link;
  // Of a group, one at a time, whoever put the other there.
  const rivals = new Set(added.flatMap((tag) => rivalsOf(open, tag)));
  const worn = rivals.size > 0 ? await tags.of(open.to, contactId) : [];
  for (const tag of new Set([...gone, ...worn.filter((one) => rivals.has(one))]))
    await tags.remove(open.to, contactId, tag);
  for (const tag of added) await tags.add(open.to, contactId, tag);
  const saved = { ...link, agreed: { ...link.agreed, tags: wanted } };
  await saveLink(ctx, open, side.customer.id, saved);
  return saved;
}

/**
 * Only with a recorded consent, and never back on for somebody who left by themselves since. Of whom we do not know how
 * they stand there, it is asked first: that they left is noted then, and the rest is to be looked at again.
 */
async function sendLists(
  ctx: Context,
  open: OpenConnection,
  lists: Lists<unknown>,
  side: LocalSide,
  link: Link,
): Promise<'sent' | 'left'> {
  const contactId = link.remoteId as string;
  let { agreed } = link;
  const wanted = wantedLists(open, side, agreed);
  const changed = keptLists(open).filter((id) => wanted.includes(id) !== agreed.lists.includes(id));
  const unknown = changed.filter(
    (id) => !knownToBeOff(agreed, id) && (wanted.includes(id) || id !== open.sync.defaultListId),
  );
  if (unknown.length > 0) {
    const there = await lists.of(open.to, contactId);
    const gone = unknown.filter((id) => there[id] === 'UNSUBSCRIBED');
    if (gone.length > 0) {
      await noteOptOut(ctx, open, side.customer, link, gone);
      return 'left';
    }
  }
  const note = (now: Partial<Agreed>) => {
    agreed = { ...agreed, ...now };
    return saveLink(ctx, open, side.customer.id, { ...link, agreed });
  };
  for (const id of changed) {
    const without = (ids: readonly string[]) => ids.filter((one) => one !== id);
    if (wanted.includes(id)) {
      await lists.subscribe(open.to, contactId, id);
      const { [id]: _, ...optedOut } = agreed.optedOut;
      await note({ lists: [...without(agreed.lists), id], left: without(agreed.left), optedOut });
    } else {
      // Noted before: if the call goes through unheard, it does not look as if they had left by themselves.
      await note({ left: [...without(agreed.left), id] });
      await lists.unsubscribe(open.to, contactId, id);
      await note({ lists: without(agreed.lists) });
    }
  }
  return 'sent';
}
