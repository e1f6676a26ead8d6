import type { Row } from '../store.ts';

/** All values are strings, whatever the type of the property. */
export interface Contact extends Row {
  properties: Record<string, string>;
  createdAt: string;
  updatedAt: string;
}
/** The properties that come when none are asked for. */
export const usual = ['email', 'firstname', 'lastname'];

/** Only the properties asked for, and three that always come; one without a value is null. */
export function shown({ id, properties, createdAt, updatedAt }: Contact, asked: string[]) {
  const all: Record<string, string> = { ...properties, ...stamps({ id, createdAt, updatedAt }) };
  const names = [...asked, 'createdate', 'lastmodifieddate', 'hs_object_id'];
  const values = Object.fromEntries(names.map((name) => [name, all[name] || null]));
  return { id, properties: values, createdAt, updatedAt, archived: false };
}

export const stamps = ({ id, createdAt, updatedAt }: Omit<Contact, 'properties'>) => ({
  createdate: createdAt,
  lastmodifieddate: updatedAt,
  hs_object_id: id,
});
