import type { Account, Field, FieldValue } from './account.ts';
import { links } from './routes.ts';
import { readDate, wireDate } from './wireDate.ts';

/** One value of a contact, as the account keeps it; undefined when it is none of the field's type. */
export function storedValue({ type }: Field, value: string): string | undefined {
  if (value === '') return value;
  if (type === 'date') return /^\d{4}-\d\d-\d\d$/.test(value) && readDate(value) ? value : undefined;
  if (type === 'datetime') return Number.isNaN(readDate(value)) ? undefined : wireDate(readDate(value));
  if (type === 'checkbox' || type === 'listbox') return `||${value.split('||').filter(Boolean).join('||')}||`;
  return value;
}

export function saveFieldValue(account: Account, contact: string, field: string, value: string): FieldValue {
  const now = Date.now();
  const old = account.fieldValues.by('contact', contact).find((row) => row.field === field);
  return old
    ? account.fieldValues.put({ ...old, value, udate: now })
    : account.fieldValues.add({ contact, field, value, cdate: now, udate: now });
}

export function shownFieldValue(account: Account, { id, cdate, udate, ...row }: FieldValue) {
  return {
    ...row,
    cdate: wireDate(cdate),
    udate: wireDate(udate),
    created_by: '0',
    updated_by: '0',
    links: links(account, 'fieldValues', id, ['owner', 'field']),
    id,
    owner: row.contact,
  };
}
