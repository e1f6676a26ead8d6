import { z } from 'zod';
import type { Adapter } from '../adapter.ts';
import type { Contacts, FieldType, RemoteContact, Value } from '../capabilities.ts';
import type { Connection } from '../connection.ts';
import { OutsideFailure } from '../failure.ts';
import { syncShape } from '../syncSettings.ts';

const settings = z.strictObject({
  /** Of a private app, with the scopes crm.objects.contacts and crm.schemas.contacts. */
  accessToken: z.string().trim().min(8).max(500),
  apiUrl: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .default('https://api.hubapi.com'),
  ...syncShape,
});
type Settings = z.output<typeof settings>;
type At = Connection<Settings>;

/** A private app may make 100 calls in ten seconds. */
const spacingMs = 110;
const pageSize = 100;
const maxSearch = 10_000;

const standard = { email: 'email', firstName: 'firstname', lastName: 'lastname', phone: 'phone' } as const;
const contact = z.object({
  id: z.string(),
  properties: z.record(z.string(), z.string().nullable()),
  updatedAt: z.string().optional(),
});
const paging = z.object({ next: z.object({ after: z.string() }) }).nullish();
const page = z.object({ results: z.array(contact), paging });
const anything = z.unknown();

/** HubSpot, CRM API v3: contacts alone. */
export const hubspot: Adapter<Settings> = {
  key: 'hubspot',
  name: 'HubSpot',
  settings,
  secrets: ['accessToken'],
  spacingMs: (of) => of.spacingMs ?? spacingMs,
  async check(c) {
    const account = z.object({ portalId: z.union([z.number(), z.string()]) });
    const { portalId } = await api(c, 'GET', '/account-info/v3/details', account);
    return { id: `hubspot ${portalId}`, name: `HubSpot ${portalId}` };
  },
  can: { contacts: contacts() },
};

function contacts(): Contacts<Settings> {
  return {
    standard,
    async fields(c) {
      const property = z.object({
        name: z.string(),
        label: z.string(),
        type: z.string(),
        fieldType: z.string(),
      });
      const { results } = await api(
        c,
        'GET',
        '/crm/v3/properties/contacts',
        z.object({ results: z.array(property) }),
      );
      return results.map(({ name, label, type, fieldType }) => ({
        id: name,
        name: label,
        type: typeOf(type, fieldType),
      }));
    },
    write,
    read,
    async upsert(c, { id, email, values }) {
      if (id)
        return remote(
          await api(c, 'PATCH', `/crm/v3/objects/contacts/${id}`, contact, { properties: values }),
        );
      const properties = { ...values, email: email ?? '' };
      try {
        return remote(await api(c, 'POST', '/crm/v3/objects/contacts', contact, { properties }));
      } catch (error) {
        // 409: there is one with this e-mail address. The change is made to that one.
        if (!(error instanceof OutsideFailure && error.status === 409)) throw error;
        const path = `/crm/v3/objects/contacts/${encodeURIComponent(email ?? '')}?idProperty=email`;
        return remote(await api(c, 'PATCH', path, contact, { properties: values }));
      }
    },
    get: (c, id) => one(c, `/crm/v3/objects/contacts/${encodeURIComponent(id)}`),
    find: (c, email) =>
      one(c, `/crm/v3/objects/contacts/${encodeURIComponent(email)}`, { idProperty: 'email' }),
    async changed(c, since, after) {
      // Their search ends after 10,000: beyond it, it begins again at the last time that was seen.
      const [from = String(since.getTime()), offset] = after?.split(' ') ?? [];
      const json = {
        filterGroups: [{ filters: [{ propertyName: 'lastmodifieddate', operator: 'GTE', value: from }] }],
        sorts: [{ propertyName: 'lastmodifieddate', direction: 'ASCENDING' }],
        properties: propertiesOf(c),
        limit: pageSize,
        ...(offset && { after: offset }),
      };
      const found = pageOf(await api(c, 'POST', '/crm/v3/objects/contacts/search', page, json));
      if (!found.next) return found;
      const last = Date.parse(found.items.at(-1)?.stamp ?? '');
      const ends = Number(found.next) + pageSize > maxSearch && last > Number(from);
      return { items: found.items, next: ends ? String(last) : `${from} ${found.next}` };
    },
    async all(c, after) {
      const query = new URLSearchParams({
        limit: String(pageSize),
        properties: propertiesOf(c).join(','),
        ...(after && { after }),
      });
      return pageOf(await api(c, 'GET', `/crm/v3/objects/contacts?${query}`, page));
    },
    async whole(c, after) {
      const page = await this.all(c, after);
      return { ...page, items: page.items.map((one) => ({ ...one, tags: null, lists: null })) };
    },
    async remove(c, id) {
      await api(c, 'DELETE', `/crm/v3/objects/contacts/${encodeURIComponent(id)}`, anything).catch(
        (error) => {
          if (!(error instanceof OutsideFailure && error.kind === 'NOT_FOUND')) throw error;
        },
      );
    },
  };
}

function api<Schema extends z.ZodType>(
  { settings, call }: At,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  schema: Schema,
  json?: unknown,
) {
  const headers = { Authorization: `Bearer ${settings.accessToken}` };
  return call(
    { method, url: `${settings.apiUrl}${path}`, headers, ...(json !== undefined && { json }) },
    schema,
  );
}

async function one(c: At, path: string, more: Record<string, string> = {}): Promise<RemoteContact | null> {
  const query = new URLSearchParams({ properties: propertiesOf(c).join(','), ...more });
  try {
    return remote(await api(c, 'GET', `${path}?${query}`, contact));
  } catch (error) {
    if (error instanceof OutsideFailure && error.kind === 'NOT_FOUND') return null;
    throw error;
  }
}

/** Only what is asked for is answered. */
const propertiesOf = ({ settings }: At) => [
  ...new Set([...Object.values(standard), ...settings.fieldMappings.map(({ remote }) => remote)]),
];

const pageOf = ({ results, paging }: z.output<typeof page>) => ({
  items: results.map(remote),
  next: paging?.next.after ?? null,
});

function remote({ id, properties, updatedAt }: z.output<typeof contact>): RemoteContact {
  const values = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, value ?? '']));
  return { id, email: properties.email ?? null, stamp: updatedAt ?? '', values };
}

function typeOf(type: string, fieldType: string): FieldType {
  if (type === 'enumeration') return fieldType === 'checkbox' ? 'choices' : 'choice';
  if (type === 'bool') return 'boolean';
  return ({ number: 'number', date: 'date', datetime: 'datetime' } as const)[type] ?? 'text';
}

function write(type: FieldType, value: Value): string {
  if (value === null || value === '') return '';
  const several = Array.isArray(value) ? (value as readonly string[]) : [String(value)];
  if (type === 'choices') return several.join(';');
  const text = several.join(', ');
  if (type === 'date') return text.slice(0, 10);
  if (type === 'datetime') return new Date(text).toISOString();
  return text;
}

function read(type: FieldType, text: string): Value {
  if (text === '') return null;
  if (type === 'choices') return text.split(';').filter(Boolean);
  if (type === 'boolean') return text === 'true';
  if (type === 'date') return text.slice(0, 10);
  return text;
}
