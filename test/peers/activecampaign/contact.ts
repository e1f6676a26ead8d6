import { createHash } from 'node:crypto';
import type { Account, Contact, FieldValue, Source } from './account.ts';
import { saveFieldValue, storedValue } from './fieldValue.ts';
import { invalid } from './refuse.ts';
import { links } from './routes.ts';
import { wireDate } from './wireDate.ts';

export interface ContactInput {
  email?: string;
  firstName?: string;
  lastName?: string;
  phone?: string;
  fieldValues?: { field: string; value: string }[];
}

export function contactByEmail(account: Account, email: string): Contact | undefined {
  return account.contacts.by('email', email.trim().toLowerCase())[0];
}

/** One change of one contact, with its field values. Fires `update` for one that was there; nothing tells of a new one. */
export function saveContact(
  account: Account,
  known: Contact | undefined,
  input: ContactInput,
  source: Source | 'import',
) {
  const email = input.email?.trim();
  if (email !== undefined && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(email))
    throw invalid('field_invalid', 'Contact Email Address is not valid.', 'email');
  const other = email === undefined ? undefined : contactByEmail(account, email);
  if (other && other.id !== known?.id)
    throw invalid('duplicate', 'Email address already exists in the system', 'email');
  // A field that is not there is passed over in silence; nothing is documented.
  const values = (input.fieldValues ?? []).flatMap(({ field, value }) => {
    const of = account.fields.get(field);
    return of ? [{ of, value: storedValue(of, value) }] : [];
  });
  const wrong = values.find(({ value }) => value === undefined);
  if (wrong)
    throw invalid('field_invalid', `${wrong.of.title} is not a valid ${wrong.of.type}`, 'fieldValues');

  const now = Date.now();
  const changed = {
    ...(email === undefined ? {} : { email }),
    ...(input.firstName === undefined ? {} : { firstName: input.firstName }),
    ...(input.lastName === undefined ? {} : { lastName: input.lastName }),
    ...(input.phone === undefined ? {} : { phone: input.phone }),
    udate: now,
  };
  const blank = { email: '', firstName: '', lastName: '', phone: '', cdate: now };
  const contact = known
    ? account.contacts.put({ ...known, ...changed })
    : account.contacts.add({ ...blank, ...changed });
  const fieldValues: FieldValue[] = values.map(({ of, value }) =>
    saveFieldValue(account, contact.id, of.id, value!),
  );
  if (known && source !== 'import') account.webhooks.fire('update', contact, source);
  return { contact, fieldValues };
}

/** With all that it owned. Nothing tells of it: no webhook, and lists simply no longer have it. */
export function deleteContact(account: Account, id: string): void {
  const { fieldValues, contactTags, contactLists, contactAutomations, scoreValues } = account;
  for (const table of [fieldValues, contactTags, contactLists, contactAutomations, scoreValues])
    for (const row of table.by('contact', id)) table.remove(row.id);
  account.contacts.remove(id);
}

export function shownContact(account: Account, { id, cdate, udate, ...contact }: Contact) {
  const [local, domain] = contact.email.split('@');
  return {
    cdate: wireDate(cdate),
    ...contact,
    orgid: '0',
    segmentio_id: '',
    bounced_hard: '0',
    bounced_soft: '0',
    bounced_date: '0000-00-00',
    ip: '0',
    ua: '',
    hash: createHash('md5').update(id).digest('hex'),
    email_local: local,
    email_domain: domain,
    sentcnt: '0',
    rating_tstamp: '0000-00-00',
    gravatar: '0',
    deleted: '0',
    anonymized: '0',
    udate: wireDate(udate),
    deleted_at: '0000-00-00 00:00:00',
    scoreValues: [],
    links: links(account, 'contacts', id, [
      'contactAutomations',
      'contactLists',
      'contactTags',
      'fieldValues',
      'scoreValues',
    ]),
    id,
    organization: null,
  };
}
