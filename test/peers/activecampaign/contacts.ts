import type { Row, Table } from '../store.ts';
import type { Account, Contact } from './account.ts';
import { automationOfContact } from './automations.ts';
import { type ContactInput, contactByEmail, deleteContact, saveContact, shownContact } from './contact.ts';
import { shownFieldValue } from './fieldValue.ts';
import { listOfContact } from './lists.ts';
import { forbidden, invalid, noResult, Refused } from './refuse.ts';
import { type ApiRequest, asText, bodyOf, page, type Routes } from './routes.ts';
import { shownScoreValue } from './scores.ts';
import { shownTag, tagOfContact } from './tags.ts';
import { readDate } from './wireDate.ts';

export const contacts: Routes = {
  'GET /contacts': (account, { query }) => {
    const found = sorted(filtered(account, query), query);
    const { body } = page('contacts', found, query, (contact) => contact, { scoreValues: [] });
    const shown = (body as { contacts: Contact[] }).contacts;
    const beside = sideLoaded(account, shown, (query.get('include') ?? '').split(','));
    const contacts = shown.map((one) => ({ ...shownContact(account, one), ...beside.of(one.id) }));
    return { status: 200, body: { ...(body as object), ...beside.all, contacts } };
  },
  'POST /contacts': (account, request) => {
    const input = readInput(bodyOf(request, 'contact'));
    if (!input.email) throw invalid('field_missing', 'The contact email is required', 'email');
    return { status: 201, body: saved(account, undefined, input) };
  },
  // The one upsert: by e-mail, and what is not sent stays as it is.
  'POST /contact/sync': (account, request) => {
    const input = readInput(bodyOf(request, 'contact'));
    if (!input.email) throw invalid('field_missing', 'The contact email is required', 'email');
    const known = contactByEmail(account, input.email);
    return { status: known ? 200 : 201, body: saved(account, known, input) };
  },
  'GET /contacts/:id': (account, { params }) => {
    const contact = subscriber(account, params.id!);
    const of = <R>(rows: { by(index: string, key: string): R[] }) => rows.by('contact', contact.id);
    return {
      status: 200,
      body: {
        contactAutomations: of(account.contactAutomations).map((row) => automationOfContact(account, row)),
        contactLists: of(account.contactLists).map((row) => listOfContact(account, row)),
        deals: [],
        fieldValues: of(account.fieldValues).map((row) => shownFieldValue(account, row)),
        geoIps: [],
        accountContacts: [],
        contact: shownContact(account, contact),
      },
    };
  },
  'PUT /contacts/:id': (account, request) => {
    const contact = subscriber(account, request.params.id!);
    return { status: 200, body: saved(account, contact, readInput(bodyOf(request, 'contact'))) };
  },
  'DELETE /contacts/:id': (account, { params }) => {
    const id = params.id!;
    // Not the words of the other calls.
    if (!account.contacts.get(id))
      throw new Refused({ status: 404, body: { message: `No result found for contact with id ${id}` } });
    deleteContact(account, id);
    return { status: 200, body: {} };
  },
  'GET /contacts/:id/fieldValues': ownedBy('fieldValues', (account) => account.fieldValues, shownFieldValue),
  'GET /contacts/:id/contactTags': ownedBy('contactTags', (account) => account.contactTags, tagOfContact),
  'GET /contacts/:id/contactLists': ownedBy('contactLists', (account) => account.contactLists, listOfContact),
  'GET /contacts/:id/contactAutomations': ownedBy(
    'contactAutomations',
    (account) => account.contactAutomations,
    automationOfContact,
  ),
  'GET /contacts/:id/scoreValues': ownedBy('scoreValues', (account) => account.scoreValues, shownScoreValue),
};

/**
 * What belongs to these contacts, as `include` asks for it: the ids stand with each contact, what they name beside them.
 * A name that is not known is passed over.
 */
function sideLoaded(account: Account, contacts: Contact[], include: string[]) {
  const asked = (name: string) => include.some((one) => one.split('.')[0] === name);
  const rows = <R extends Row & { contact: string }>(table: Table<R>) =>
    contacts.flatMap(({ id }) => table.by('contact', id));
  const tables = {
    ...(asked('fieldValues') && {
      fieldValues: rows(account.fieldValues).map((row) => shownFieldValue(account, row)),
    }),
    ...(asked('contactTags') && {
      contactTags: rows(account.contactTags).map((row) => tagOfContact(account, row)),
    }),
    ...(asked('contactLists') && {
      contactLists: rows(account.contactLists).map((row) => listOfContact(account, row)),
    }),
  };
  const tagIds = new Set((tables.contactTags ?? []).map(({ tag }) => tag));
  const tags = include.includes('contactTags.tag') && {
    tags: account.tags.all().flatMap((tag) => (tagIds.has(tag.id) ? shownTag(account, tag) : [])),
  };
  return {
    all: { ...tables, ...tags },
    of: (id: string) =>
      Object.fromEntries(
        Object.entries(tables).map(([name, all]) => [
          name,
          all.filter(({ contact }) => contact === id).map((row) => row.id),
        ]),
      ),
  };
}

/** What a contact owns in one table, all of it at once. */
function ownedBy<R extends Row>(
  name: string,
  table: (account: Account) => Table<R>,
  shown: (account: Account, row: R) => unknown,
) {
  return (account: Account, { params }: ApiRequest) => {
    const { id } = subscriber(account, params.id!);
    const rows = table(account).by('contact', id);
    return { status: 200, body: { [name]: rows.map((row) => shown(account, row)) } };
  };
}

/** 404, and a contact is called Subscriber. */
export function subscriber(account: Account, id: string): Contact {
  const contact = account.contacts.get(id);
  if (!contact) throw noResult('Subscriber', id);
  return contact;
}

function saved(account: Account, known: Contact | undefined, input: ContactInput) {
  const { contact, fieldValues } = saveContact(account, known, input, 'api');
  return {
    fieldValues: fieldValues.map((value) => shownFieldValue(account, value)),
    contact: shownContact(account, contact),
  };
}

function readInput(body: Record<string, unknown>): ContactInput {
  const given = (name: string) => (name in body ? asText(body[name]) : undefined);
  const values = Array.isArray(body.fieldValues) ? (body.fieldValues as Record<string, unknown>[]) : [];
  return {
    email: given('email'),
    firstName: given('firstName'),
    lastName: given('lastName'),
    phone: given('phone'),
    fieldValues: values.map(({ field, value }) => ({ field: asText(field), value: asText(value) })),
  };
}

/** The filters that an integration uses; one that it does not know is passed over, as there. */
function filtered(account: Account, query: URLSearchParams): Contact[] {
  if (query.has('segmentid')) throw forbidden('Segments are not part of this peer');
  const email = query.get('email');
  const tests: ((contact: Contact) => boolean)[] = [];
  const when = (name: string, test: (contact: Contact, value: string) => boolean) => {
    const value = query.get(name);
    if (value !== null && value !== '') tests.push((contact) => test(contact, value));
  };
  const holds = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());
  when('email_like', (contact, value) => holds(contact.email, value));
  when('exclude', ({ id }, value) => id !== value);
  when('id_greater', ({ id }, value) => Number(id) > Number(value));
  when('id_less', ({ id }, value) => Number(id) < Number(value));
  when('phone', ({ phone }, value) => phone.startsWith(value));
  when('search', (contact, value) =>
    holds(`${contact.firstName} ${contact.lastName} ${contact.phone} ${contact.email}`, value),
  );
  when('tagid', ({ id }, value) => account.contactTags.by('contact', id).some(({ tag }) => tag === value));
  when('seriesid', ({ id }, value) =>
    account.contactAutomations.by('contact', id).some(({ automation }) => automation === value),
  );
  const listid = query.get('listid');
  const status = query.get('status') ?? '-1';
  if (listid || status !== '-1')
    tests.push(({ id }) =>
      account.contactLists
        .by('contact', id)
        .some((row) => (!listid || row.list === listid) && (status === '-1' || row.status === status)),
    );
  const ids = [...query.getAll('ids[]'), ...query.getAll('ids')].flatMap((value) => value.split(','));
  if (ids.length > 0) tests.push(({ id }) => ids.includes(id));
  // Times are compared as they are shown, in whole seconds: a change later in the same second is not "after".
  for (const [name, date] of [['created', 'cdate'] as const, ['updated', 'udate'] as const]) {
    const seconds = (ms: number) => Math.floor(ms / 1000);
    when(`filters[${name}_after]`, (contact, value) => seconds(contact[date]) > seconds(readDate(value)));
    when(`filters[${name}_before]`, (contact, value) => seconds(contact[date]) < seconds(readDate(value)));
  }
  const some = email ? account.contacts.by('email', email.trim().toLowerCase()) : account.contacts.all();
  return some.filter((contact) => tests.every((test) => test(contact)));
}

function sorted(rows: Contact[], query: URLSearchParams): Contact[] {
  const keys: Record<string, (contact: Contact) => string | number> = {
    id: ({ id }) => Number(id),
    cdate: ({ cdate }) => cdate,
    udate: ({ udate }) => udate,
    email: ({ email }) => email,
    first_name: ({ firstName }) => firstName,
    last_name: ({ lastName }) => lastName,
    name: ({ firstName, lastName }) => `${firstName} ${lastName}`,
  };
  const orders = [...query].flatMap(([name, direction]) => {
    const key = keys[/^orders\[(\w+)\]$/.exec(name)?.[1] ?? ''];
    return key ? [{ key, sign: direction.toUpperCase() === 'DESC' ? -1 : 1 }] : [];
  });
  return rows.toSorted((a, b) => {
    for (const { key, sign } of orders) {
      if (key(a) < key(b)) return -sign;
      if (key(a) > key(b)) return sign;
    }
    return 0;
  });
}
