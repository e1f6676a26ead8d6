import { randomUUID } from 'node:crypto';
import { type HttpPeer, httpPeer, type PeerAnswer, type PeerRequest } from '../httpPeer.ts';
import { createRate } from '../rate.ts';
import { openStore, type Row } from '../store.ts';
import { type Contact, shown, usual } from './contact.ts';
import { Refused } from './refused.ts';
import { search } from './search.ts';

// Sources: the reference of the CRM API v3 at developers.hubspot.com (objects, search, properties, usage guidelines) and,
// for bodies of errors, HubSpot/hubspot-api-nodejs issues 432, 545 and 669 and hubspot-api-python issue 117.

interface Property extends Row {
  name: string;
  label: string;
  type: string;
  fieldType: string;
}

export interface HubSpotOptions {
  port?: number;
  /** Keeps the state, also over kill -9. */
  file?: string;
  accessToken?: string;
  /** Calls in ten seconds, 100 unless told. */
  rate?: number;
  /** How long a change takes to be found by search: HubSpot says up to 30 seconds. */
  indexedAfterMs?: number;
}

export interface HubSpot extends HttpPeer {
  accessToken: string;
  contacts(): { id: string; properties: Record<string, string> }[];
  addProperty(name: string, type: string, fieldType?: string): void;
  /** What a person does in HubSpot's own pages. */
  createContact(properties: Record<string, string>): string;
  editContact(email: string, properties: Record<string, string>): void;
  deleteContact(email: string): void;
}

/** The contacts of a HubSpot account, CRM API v3, on a real socket. */
export async function startHubSpot(options: HubSpotOptions = {}): Promise<HubSpot> {
  const { accessToken = 'pat-eu1-to-test-with', indexedAfterMs = 200 } = options;
  const store = openStore(options.file);
  const contacts = store.table<Contact>('contacts', {
    email: ({ properties }) => (properties.email ?? '').toLowerCase(),
  });
  const properties = store.table<Property>('properties', { name: ({ name }) => name });
  store.load();
  const addProperty: HubSpot['addProperty'] = (name, type, fieldType = 'text') => {
    if (properties.by('name', name).length === 0) properties.add({ name, label: name, type, fieldType });
  };
  for (const name of ['email', 'firstname', 'lastname', 'phone']) addProperty(name, 'string');
  for (const name of ['createdate', 'lastmodifieddate']) addProperty(name, 'datetime', 'date');
  addProperty('hs_object_id', 'number', 'number');

  /** What search knows: it comes later than the change. */
  const index = new Map<string, Contact>(contacts.all().map((contact) => [contact.id, contact]));
  const changed = (id: string) =>
    setTimeout(() => {
      const contact = contacts.get(id);
      if (contact) index.set(id, contact);
      else index.delete(id);
    }, indexedAfterMs).unref();
  const searches = createRate(5);

  function save(old: Contact | undefined, given: Record<string, unknown>): Contact {
    const wrong = Object.entries(given).flatMap(([name, value]) => {
      const [property] = properties.by('name', name);
      const error = property ? flaw(property, String(value ?? '')) : 'PROPERTY_DOESNT_EXIST';
      const message = property ? `${value} is not valid for ${name}` : `Property "${name}" does not exist`;
      return error ? [{ isValid: false, message, error, name }] : [];
    });
    if (wrong.length > 0)
      throw new Refused(400, 'VALIDATION_ERROR', `Property values were not valid: ${JSON.stringify(wrong)}`);
    const email = String(given.email ?? '')
      .trim()
      .toLowerCase();
    const [other] = email ? contacts.by('email', email) : [];
    if (other && other.id !== old?.id)
      throw new Refused(409, 'CONFLICT', `Contact already exists. Existing ID: ${other.id}`);
    const now = new Date().toISOString();
    const values: Record<string, string> = { ...old?.properties };
    for (const [name, value] of Object.entries(given)) values[name] = String(value ?? '').trim();
    if (email) values.email = email;
    const contact = old
      ? contacts.put({ ...old, properties: values, updatedAt: now })
      : contacts.add({ properties: values, createdAt: now, updatedAt: now });
    changed(contact.id);
    return contact;
  }

  function found(idOrEmail: string, query: URLSearchParams): Contact {
    const by = query.get('idProperty');
    const contact = by ? contacts.by('email', idOrEmail.toLowerCase())[0] : contacts.get(idOrEmail);
    if (contact) return contact;
    const message =
      by || /^\d+$/.test(idOrEmail)
        ? 'resource not found'
        : 'Object not found.  objectId are usually numeric.';
    throw new Refused(404, 'OBJECT_NOT_FOUND', message, { context: { id: [idOrEmail] } });
  }

  function remove(id: string): void {
    contacts.remove(id);
    changed(id);
  }

  function route({ method, url, body }: PeerRequest): PeerAnswer {
    const query = url.searchParams;
    const asked = query.get('properties')?.split(',') ?? usual;
    const [, path = '', id] = /^\/crm\/v3\/objects(\/contacts)(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    if (url.pathname === '/account-info/v3/details' && method === 'GET')
      return {
        status: 200,
        body: { portalId: 12345678, accountType: 'STANDARD', timeZone: 'Europe/Amsterdam' },
      };
    if (url.pathname === '/crm/v3/properties/contacts' && method === 'GET')
      return { status: 200, body: { results: properties.all().map(({ id: _, ...property }) => property) } };
    if (path === '') return { status: 404, body: '' };
    if (id === 'search' && method === 'POST') return search([...index.values()], parsed(body));
    if (!id && method === 'GET') {
      // By id, after the last one seen.
      const after = Number(query.get('after') ?? 0);
      const limit = Math.min(Number(query.get('limit') ?? 10), 100);
      const rest = contacts.all().filter((contact) => Number(contact.id) > after);
      const results = rest.slice(0, limit);
      const paging = rest.length > limit ? { paging: { next: { after: results.at(-1)!.id } } } : {};
      return { status: 200, body: { results: results.map((one) => shown(one, asked)), ...paging } };
    }
    const given = () => (parsed(body).properties ?? {}) as Record<string, unknown>;
    if (!id && method === 'POST') {
      const sent = given();
      return { status: 201, body: shown(save(undefined, sent), Object.keys(sent)) };
    }
    const contact = found(decodeURIComponent(id ?? ''), query);
    if (method === 'GET') return { status: 200, body: shown(contact, asked) };
    if (method === 'PATCH') {
      const sent = given();
      return { status: 200, body: shown(save(contact, sent), Object.keys(sent)) };
    }
    if (method !== 'DELETE') return { status: 405, body: '' };
    remove(contact.id);
    return { status: 204 };
  }

  function refusal(error: unknown): PeerAnswer {
    if (error instanceof Refused) return error.answer;
    throw error;
  }

  const peer = await httpPeer({
    port: options.port,
    rate: createRate(options.rate ?? 100, 10_000),
    // It says which limit, and nothing of how long.
    tooMany: () => tooMany('TEN_SECONDLY_ROLLING'),
    rateHeaders: (rate, now) => ({
      'x-hubspot-ratelimit-max': String(rate.calls),
      'x-hubspot-ratelimit-interval-milliseconds': String(rate.windowMs),
      'x-hubspot-ratelimit-remaining': String(rate.remaining(now)),
    }),
    answer(request) {
      if (request.headers.authorization !== `Bearer ${accessToken}`)
        return refusal(new Refused(401, 'INVALID_AUTHENTICATION', 'Authentication credentials not found.'));
      const isSearch = request.url.pathname.endsWith('/search');
      if (isSearch && searches.take(performance.now()) > 0) return tooMany('SECONDLY');
      try {
        return route(request);
      } catch (error) {
        return refusal(error);
      }
    },
  });

  const known = (email: string) => found(email, new URLSearchParams({ idProperty: 'email' }));
  return {
    ...peer,
    accessToken,
    contacts: () => contacts.all().map(({ id, properties }) => ({ id, properties })),
    addProperty,
    createContact: (given) => save(undefined, given).id,
    editContact(email, given) {
      save(known(email), given);
    },
    deleteContact: (email) => remove(known(email).id),
  };
}

function flaw({ name, type }: Property, value: string): string | undefined {
  if (['createdate', 'lastmodifieddate', 'hs_object_id'].includes(name)) return 'READ_ONLY_VALUE';
  if (value === '') return;
  if (name === 'email' && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(value)) return 'INVALID_EMAIL';
  if (type === 'number' && Number.isNaN(Number(value))) return 'INVALID_INTEGER';
  if (type === 'date' && !/^\d{4}-\d\d-\d\d$|^\d+$/.test(value)) return 'INVALID_DATE';
  return;
}

function parsed(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    throw new Refused(400, 'VALIDATION_ERROR', 'Invalid input JSON on line 1, column 1');
  }
}

function tooMany(policyName: string): PeerAnswer {
  const message = `You have reached your ${policyName.toLowerCase()} limit.`;
  const errorType = 'RATE_LIMIT';
  return {
    status: 429,
    body: { status: 'error', message, errorType, correlationId: randomUUID(), policyName },
  };
}
