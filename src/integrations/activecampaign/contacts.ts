import { z } from 'zod';
import type { Contacts, FieldType, Page, RemoteContact, Value } from '../capabilities.ts';
import { OutsideFailure } from '../failure.ts';
import { anything, api, id, listed, pageSize, textOf } from './api.ts';
import { contactList, membershipsOf } from './lists.ts';
import type { Settings } from './settings.ts';

const contact = z.object({
  id,
  email: textOf,
  firstName: textOf,
  lastName: textOf,
  phone: textOf,
  udate: textOf,
});
const fieldValue = z.object({ field: id, value: textOf });
/** What a page of contacts has beside it when it is asked for; each contact then says which of it is theirs. */
const beside = 'fieldValues,contactTags.tag,contactLists';
const mine = z.array(id).nullish();
const wholePage = z.object({
  contacts: z.array(contact.extend({ fieldValues: mine, contactTags: mine, contactLists: mine })),
  fieldValues: z.array(fieldValue.extend({ contact: id })).nullish(),
  contactTags: z.array(z.object({ contact: id, tag: id })).nullish(),
  tags: z.array(z.object({ id, tag: z.string() })).nullish(),
  contactLists: z.array(contactList.extend({ contact: id })).nullish(),
});
const withValues = z.object({ contact, fieldValues: z.array(fieldValue).nullish() });
const standard = { email: 'email', firstName: 'firstName', lastName: 'lastName', phone: 'phone' } as const;
const own = Object.values(standard) as string[];

/** Their names of field types; dates are a day, datetimes ISO 8601, several choices `||a||b||`. */
const types: Record<string, FieldType> = {
  text: 'text',
  textarea: 'text',
  hidden: 'text',
  number: 'number',
  date: 'date',
  datetime: 'datetime',
  dropdown: 'choice',
  radio: 'choice',
  listbox: 'choices',
  checkbox: 'choices',
};

export const contacts: Contacts<Settings> = {
  standard,
  async fields(c) {
    const fields = [];
    for (let after: string | null = null; ; ) {
      const page: Page<{ id: string; title: string; type: string }> = await listed(
        c,
        '/fields',
        'fields',
        z.object({ id, title: textOf, type: textOf }),
        after,
      );
      fields.push(...page.items);
      after = page.next;
      if (!after) break;
    }
    return fields.map(({ id, title, type }) => ({ id, name: title, type: types[type] ?? 'text' }));
  },
  write,
  read,
  async upsert(c, { id: known, email, values }) {
    const mine = Object.entries(values).filter(([field]) => own.includes(field));
    const others = Object.entries(values).filter(([field]) => !own.includes(field));
    const sent = {
      ...Object.fromEntries(mine),
      ...(others.length > 0 && { fieldValues: others.map(([field, value]) => ({ field, value })) }),
    };
    if (known) {
      // By id, or a changed e-mail address would make a second contact.
      const answer = await api(
        c,
        { method: 'PUT', path: `/contacts/${encodeURIComponent(known)}`, json: { contact: sent } },
        withValues,
      );
      return remote(answer);
    }
    const answer = await api(
      c,
      { method: 'POST', path: '/contact/sync', json: { contact: { ...sent, email } } },
      withValues,
    );
    return remote(answer);
  },
  async get(c, contactId) {
    return orNone(
      api(c, { method: 'GET', path: `/contacts/${encodeURIComponent(contactId)}` }, withValues).then(remote),
    );
  },
  async find(c, email) {
    const { items } = await listed(c, '/contacts', 'contacts', contact, null, { email });
    const found = items.find((one) => one.email.toLowerCase() === email.toLowerCase());
    return found ? this.get(c, found.id) : null;
  },
  async changed(c, since, after) {
    // Whole seconds, and "after" is not "at": a second earlier, so that nothing falls between.
    const from = new Date(Math.floor(since.getTime() / 1_000) * 1_000 - 1_000).toISOString();
    const page = await listed(c, '/contacts', 'contacts', contact, after, {
      'filters[updated_after]': from,
      'orders[id]': 'ASC',
    });
    return { next: page.next, items: page.items.map((one) => remote({ contact: one })) };
  },
  async all(c, after) {
    const page = await listed(c, '/contacts', 'contacts', contact, null, {
      'orders[id]': 'ASC',
      id_greater: after ?? '0',
    });
    const last = page.items.at(-1)?.id ?? null;
    return { items: page.items.map((one) => remote({ contact: one })), next: page.next ? last : null };
  },
  async whole(c, after) {
    const asked = { 'orders[id]': 'ASC', id_greater: after ?? '0', include: beside };
    const query = new URLSearchParams({ ...asked, limit: String(pageSize) });
    const page = await api(c, { method: 'GET', path: `/contacts?${query}` }, wholePage);
    // None at all and not sent along look alike, but for what the contacts say.
    for (const name of ['fieldValues', 'contactTags', 'contactLists'] as const)
      if (page.contacts.length > 0 && !page[name] && !page.contacts.some((one) => one[name]))
        throw new OutsideFailure('UNEXPECTED', `ActiveCampaign sent no ${name} along with its contacts.`);
    const values = byContact(page.fieldValues);
    const tags = byContact(page.contactTags);
    const lists = byContact(page.contactLists);
    const names = new Map((page.tags ?? []).map((one) => [one.id, one.tag]));
    const items = page.contacts.map((one) => ({
      ...remote({ contact: one, fieldValues: values(one.id) }),
      tags: tags(one.id).flatMap(({ tag }) => names.get(tag) ?? []),
      lists: membershipsOf(lists(one.id)),
    }));
    return { items, next: items.length < pageSize ? null : (items.at(-1)?.id ?? null) };
  },
  async remove(c, contactId) {
    await orNone(api(c, { method: 'DELETE', path: `/contacts/${encodeURIComponent(contactId)}` }, anything));
  },
};

function byContact<Row extends { contact: string }>(
  rows: readonly Row[] | null | undefined,
): (id: string) => Row[] {
  const found = Map.groupBy(rows ?? [], ({ contact }) => contact);
  return (id) => found.get(id) ?? [];
}

function remote({ contact, fieldValues }: z.output<typeof withValues>): RemoteContact {
  const { id, email, firstName, lastName, phone, udate } = contact;
  return {
    id,
    email: email || null,
    stamp: udate,
    values: {
      ...{ email, firstName, lastName, phone },
      ...Object.fromEntries((fieldValues ?? []).map(({ field, value }) => [field, value])),
    },
  };
}

export async function orNone<Result>(work: Promise<Result>): Promise<Result | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OutsideFailure && error.kind === 'NOT_FOUND') return null;
    throw error;
  }
}

function write(type: FieldType, value: Value): string {
  if (value === null || value === '') return '';
  const several = Array.isArray(value) ? (value as readonly string[]) : [String(value)];
  if (type === 'choices') return several.length === 0 ? '' : `||${several.join('||')}||`;
  const text = several.join(', ');
  if (type === 'date') return text.slice(0, 10);
  // Read back, it stands in the account's own zone.
  if (type === 'datetime') return new Date(text).toISOString().replace('.000Z', 'Z');
  return text;
}

function read(type: FieldType, text: string): Value {
  if (text === '' || text === '||||') return null;
  if (type === 'choices') return text.split('||').filter(Boolean);
  if (type === 'date') return text.slice(0, 10);
  if (type === 'datetime') {
    const at = new Date(text);
    return Number.isNaN(at.getTime())
      ? null
      : new Date(Math.floor(at.getTime() / 1_000) * 1_000).toISOString();
  }
  return text;
}
