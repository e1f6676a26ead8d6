import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type HubSpot, startHubSpot } from './hubspot/startHubSpot.ts';

let peer: HubSpot;

beforeEach(async () => {
  peer = await startHubSpot({ rate: 10_000, indexedAfterMs: 1 });
});
afterEach(() => peer.stop());

// biome-ignore lint/suspicious/noExplicitAny: answers of an outside system, asserted on as they come
type Answer = { status: number; headers: Headers; body: any };

async function call(method: string, path: string, json?: unknown, token = peer.accessToken): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = json === undefined ? undefined : JSON.stringify(json);
  const answer = await fetch(`${peer.url}${path}`, { method, headers, body });
  const said = await answer.text();
  return { status: answer.status, headers: answer.headers, body: said ? JSON.parse(said) : undefined };
}

const contacts = '/crm/v3/objects/contacts';
const create = (properties: Record<string, unknown>) => call('POST', contacts, { properties });

test('A bad token is 401, category INVALID_AUTHENTICATION; a good one tells the account.', async () => {
  expect(await call('GET', contacts, undefined, 'wrong')).toMatchObject({
    status: 401,
    body: { status: 'error', category: 'INVALID_AUTHENTICATION' },
  });
  expect((await call('GET', '/account-info/v3/details')).body.portalId).toBe(12345678);
});

test('All values are strings, e-mail addresses lower case, and an empty one is null.', async () => {
  peer.addProperty('lead_score', 'number', 'number');
  const made = await create({ email: 'Ada@Example.com', firstname: 'Ada', lead_score: 7, phone: '' });
  expect(made.status).toBe(201);
  expect(made.body.properties).toMatchObject({ email: 'ada@example.com', lead_score: '7', phone: null });
});

test('An e-mail address that is there is 409 and names the contact in its message.', async () => {
  const { body } = await create({ email: 'ada@example.com' });
  expect(await create({ email: 'ADA@example.com' })).toMatchObject({
    status: 409,
    body: { category: 'CONFLICT', message: `Contact already exists. Existing ID: ${body.id}` },
  });
  const bob = (await create({ email: 'bob@example.com' })).body.id;
  const taken = { properties: { email: 'ada@example.com' } };
  expect((await call('PATCH', `${contacts}/${bob}`, taken)).status).toBe(409);
  expect(peer.contacts()).toHaveLength(2);
});

test('Contacts are read and changed by id, or by e-mail with idProperty; deleted with 204; not found is 404.', async () => {
  const id = peer.createContact({ email: 'ada@example.com', firstname: 'Ada', phone: '1' });
  const change = { properties: { phone: '2' } };
  const byEmail = `${contacts}/${encodeURIComponent('ada@example.com')}?idProperty=email`;
  expect((await call('PATCH', byEmail, change)).body.properties.phone).toBe('2');
  const { body } = await call('GET', `${contacts}/${id}?properties=phone`);
  expect(Object.keys(body.properties).sort()).toEqual([
    'createdate',
    'hs_object_id',
    'lastmodifieddate',
    'phone',
  ]);
  expect(await call('DELETE', `${contacts}/${id}`)).toMatchObject({ status: 204, body: undefined });
  for (const path of [byEmail, `${contacts}/${id}`, `${contacts}/none`])
    expect(await call('GET', path)).toMatchObject({ status: 404, body: { category: 'OBJECT_NOT_FOUND' } });
});

test('A wrong value or a property that does not exist is 400 VALIDATION_ERROR, and nothing is changed.', async () => {
  peer.addProperty('birthday', 'date', 'date');
  for (const [properties, error] of [
    [{ email: 'nobody' }, 'INVALID_EMAIL'],
    [{ email: 'a@example.com', nickname: 'A' }, 'PROPERTY_DOESNT_EXIST'],
    [{ email: 'a@example.com', birthday: '31/12/2000' }, 'INVALID_DATE'],
    [{ email: 'a@example.com', createdate: '2020-01-01' }, 'READ_ONLY_VALUE'],
  ] as const) {
    const { status, body } = await create(properties);
    expect([status, body.category]).toEqual([400, 'VALIDATION_ERROR']);
    expect(body.message).toContain(error);
  }
  expect(peer.contacts()).toEqual([]);
  expect((await call('GET', '/crm/v3/properties/contacts')).body.results.at(-1)).toEqual({
    name: 'birthday',
    label: 'birthday',
    type: 'date',
    fieldType: 'date',
  });
});

test('Lists go by a cursor; search finds a change only when it has been indexed.', async () => {
  for (let nth = 1; nth <= 5; nth++) await create({ email: `c${nth}@example.com` });
  const first = await call('GET', `${contacts}?limit=3`);
  const rest = await call('GET', `${contacts}?limit=3&after=${first.body.paging.next.after}`);
  expect([first.body.results.length, rest.body.results.length, rest.body.paging]).toEqual([3, 2, undefined]);

  const slow = await startHubSpot({ indexedAfterMs: 60_000 });
  slow.createContact({ email: 'ada@example.com' });
  const search = (of: HubSpot, filters: unknown[]) =>
    fetch(`${of.url}${contacts}/search`, {
      method: 'POST',
      headers: { authorization: `Bearer ${of.accessToken}` },
      body: JSON.stringify({ filterGroups: [{ filters }], sorts: [{ propertyName: 'lastmodifieddate' }] }),
    }).then(async (answer) => (await answer.json()) as { total: number; results: { id: string }[] });
  const byEmail = [{ propertyName: 'email', operator: 'EQ', value: 'ada@example.com' }];
  expect((await search(slow, byEmail)).total).toBe(0);
  await slow.stop();

  const changedSince = (value: string) => [{ propertyName: 'lastmodifieddate', operator: 'GTE', value }];
  await vi.waitUntil(async () => (await search(peer, changedSince('0'))).total === 5, {
    interval: 300,
    timeout: 10_000,
  });
  expect((await search(peer, changedSince(String(Date.now() + 60_000)))).total).toBe(0);
});

test('Too much is 429 and names the limit, but not how long to wait; search has a limit of its own.', async () => {
  const searches = await Promise.all(
    Array.from({ length: 30 }, () => call('POST', `${contacts}/search`, {})),
  );
  expect(searches.find(({ status }) => status === 429)!.body.policyName).toBe('SECONDLY');
  peer.setRate(0);
  const { body, headers } = await call('GET', contacts);
  expect(body).toMatchObject({
    status: 'error',
    errorType: 'RATE_LIMIT',
    policyName: 'TEN_SECONDLY_ROLLING',
  });
  expect(headers.get('retry-after')).toBeNull();
});

test('Stopped and started again, it is at the same port with what it had.', async () => {
  await create({ email: 'ada@example.com' });
  await peer.stop();
  await expect(create({ email: 'bob@example.com' })).rejects.toThrow();
  await peer.start();
  expect((await create({ email: 'ada@example.com' })).status).toBe(409);
  expect(peer.calls().map(({ method, status }) => [method, status])).toEqual([
    ['POST', 201],
    ['POST', 409],
  ]);
});
