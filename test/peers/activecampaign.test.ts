import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startProcess, stopProcesses } from '../support/process.ts';
import type { ActiveCampaign } from './activecampaign/activeCampaign.ts';
import { startActiveCampaign } from './activecampaign/startActiveCampaign.ts';

// Each title names the part of the notes on the protocol (§2) that it holds.

let peer: ActiveCampaign;

beforeEach(async () => {
  peer = await startActiveCampaign({ rate: 1000, importAfterMs: 1 });
});
afterEach(() => peer.stop());
afterAll(stopProcesses);

// biome-ignore lint/suspicious/noExplicitAny: answers of an outside system, asserted on as they come
type Answer = { status: number; headers: Headers; text: string; body: any };

async function call(method: string, path: string, body?: unknown, of = peer): Promise<Answer> {
  const answer = await fetch(`${of.url}/api/3${path}`, {
    method,
    headers: { 'api-token': of.apiKey },
    body: typeof body === 'string' || body === undefined ? body : JSON.stringify(body),
    redirect: 'manual',
  });
  const said = await answer.text();
  let read: unknown;
  try {
    read = JSON.parse(said);
  } catch {
    read = undefined;
  }
  return { status: answer.status, headers: answer.headers, text: said, body: read };
}

const sync = (contact: Record<string, unknown>, of = peer) => call('POST', '/contact/sync', { contact }, of);
const track = (form: Record<string, string>) =>
  fetch(peer.trackingUrl, { method: 'POST', body: new URLSearchParams(form) }).then(
    async (answer) => [answer.status, await answer.json()] as [number, { success: number; message: string }],
  );

describe('Connection (§2.1)', () => {
  test('A key is checked with /users/me; a bad or missing one is 403 Forbidden, never 401.', async () => {
    expect(await call('GET', '/users/me')).toMatchObject({ status: 200, body: { user: { id: '1' } } });
    for (const headers of [{}, { 'api-token': 'wrong' }] as Record<string, string>[]) {
      const answer = await fetch(`${peer.url}/api/3/users/me`, { headers });
      expect([answer.status, await answer.json()]).toEqual([403, { message: 'Forbidden' }]);
    }
  });

  test('A path outside the API is a 301, which would turn a POST into a GET.', async () => {
    const answer = await fetch(`${peer.url}/contact/sync`, { method: 'POST', redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([301, `${peer.url}/admin`]);
  });

  test('A key has the rights of its user: what they may not do is 403, in text that is JSON for lists.', async () => {
    peer.forbid('lists');
    const lists = await call('GET', '/lists');
    expect([lists.status, lists.headers.get('content-type')]).toEqual([403, 'text/plain']);
    expect(lists.body.errors[0].detail).toBe('You do not have permission to view lists.');
    peer.forbid('tags');
    expect(await call('GET', '/tags')).toMatchObject({ status: 403, body: { message: 'Forbidden' } });
    peer.forbid('tags', false);
    expect((await call('GET', '/tags')).status).toBe(200);
  });

  test('Several accounts know nothing of each other, neither contacts nor keys.', async () => {
    const other = await startActiveCampaign({ apiKey: 'another' });
    await sync({ email: 'ada@example.com' });
    expect((await call('GET', '/contacts', undefined, other)).body.meta.total).toBe('0');
    expect((await sync({ email: 'ada@example.com' }, { ...other, apiKey: peer.apiKey })).status).toBe(403);
    await other.stop();
  });
});

describe('Rate limit (§2.2)', () => {
  test('Five calls in any second for the account; more is 429 with Retry-After in seconds, and no body.', async () => {
    peer.setRate(5);
    const answers = await Promise.all(Array.from({ length: 40 }, () => call('GET', '/tags')));
    const refused = answers.find(({ status }) => status === 429)!;
    expect([refused.headers.get('retry-after'), refused.text]).toEqual(['1', '']);
    const allowed = answers.find(({ status }) => status === 200)!;
    expect(allowed.headers.get('ratelimit-limit')).toBe('5');
    expect(Number(allowed.headers.get('ratelimit-remaining'))).toBeLessThan(5);
    const taken = peer.calls().filter(({ status }) => status === 200);
    for (const { time } of taken)
      expect(taken.filter((one) => one.time > time - 1000 && one.time <= time).length).toBeLessThanOrEqual(5);
    await vi.waitUntil(async () => (await call('GET', '/tags')).status === 200, {
      timeout: 10_000,
      interval: 100,
    });
  });

  test('Where asked for, a 403 comes now and then although the key is right: once more helps.', async () => {
    peer.failWith({ rate: 0.5, kinds: [403] });
    const statuses = new Set<number>();
    for (let nth = 0; nth < 20; nth++) statuses.add((await call('GET', '/users/me')).status);
    expect(statuses).toEqual(new Set([200, 403]));
  });

  test('Event tracking is another host and does not count.', async () => {
    peer.setRate(1);
    const seen = await Promise.all(Array.from({ length: 4 }, () => track({})));
    expect(seen.map(([status]) => status)).toEqual([200, 200, 200, 200]);
    expect((await call('GET', '/tags')).status).toBe(200);
  });
});

describe('Envelope, paging, filters (§2.3)', () => {
  test('A page has 20 rows, at most 100; ids and the total are strings.', async () => {
    for (let nth = 1; nth <= 120; nth++) peer.addTag(`tag ${nth}`);
    const first = await call('GET', '/tags');
    expect([first.body.tags.length, first.body.meta.total, first.body.tags[0].id]).toEqual([20, '120', '1']);
    expect((await call('GET', '/tags?limit=1000')).body.tags.length).toBe(100);
    const last = await call('GET', '/tags?limit=100&offset=100');
    expect([last.body.tags.length, last.body.tags[0].tag]).toEqual([20, 'tag 101']);
  });

  test('Who reads one page of tags and creates the missing one meets 422 and the words of the database.', async () => {
    for (let nth = 1; nth <= 25; nth++) peer.addTag(`tag ${nth}`);
    const names = (await call('GET', '/tags')).body.tags.map(({ tag }: { tag: string }) => tag);
    expect(names).not.toContain('tag 25');
    const again = await call('POST', '/tags', { tag: { tag: 'Tag 25', tagType: 'contact' } });
    expect([again.status, again.body.error]).toEqual([
      422,
      "Duplicate entry 'contact-Tag 25' for key 'typetag'",
    ]);
  });

  test('Tags: search finds a part of the name, filters[search][eq] the whole.', async () => {
    for (const name of ['VIP', 'VIP Customer']) peer.addTag(name);
    const names = async (query: string) =>
      (await call('GET', `/tags?${query}`)).body.tags.map(({ tag }: { tag: string }) => tag);
    expect(await names('search=vip')).toEqual(['VIP', 'VIP Customer']);
    expect(await names('filters[search][eq]=VIP')).toEqual(['VIP']);
  });

  test('Contacts can be walked by id_greater, without an offset.', async () => {
    for (let nth = 1; nth <= 7; nth++) peer.createContact({ email: `c${nth}@example.com` });
    const walked: string[] = [];
    for (let last = '0'; ; ) {
      const { body } = await call('GET', `/contacts?orders[id]=ASC&id_greater=${last}&limit=3`);
      if (body.contacts.length === 0) break;
      walked.push(...body.contacts.map(({ email }: { email: string }) => email));
      last = body.contacts.at(-1).id;
    }
    expect(walked).toEqual([1, 2, 3, 4, 5, 6, 7].map((nth) => `c${nth}@example.com`));
    const down = await call('GET', '/contacts?orders[email]=DESC&limit=1');
    expect(down.body.contacts[0].email).toBe('c7@example.com');
  });

  test('Contacts are filtered by e-mail, part of it, ids, list, status and tag.', async () => {
    const list = peer.addList('News');
    const tag = peer.addTag('VIP');
    const id = peer.createContact({ email: 'Ada@example.com', phone: '+3161' });
    peer.createContact({ email: 'bob@example.com' });
    for (const email of ['ada@example.com', 'bob@example.com']) peer.subscribe(email, 'News');
    peer.unsubscribe('bob@example.com');
    peer.tagContact('ada@example.com', 'VIP');
    const total = async (query: string) => (await call('GET', `/contacts?${query}`)).body.meta.total;
    expect(await total('email=ada@EXAMPLE.com')).toBe('1');
    expect(await total('email=nobody@example.com')).toBe('0');
    expect(await total('email_like=example')).toBe('2');
    expect(await total(`ids[]=${id}`)).toBe('1');
    expect(await total(`listid=${list}`)).toBe('2');
    expect(await total(`listid=${list}&status=1`)).toBe('1');
    expect(await total(`tagid=${tag}`)).toBe('1');
    expect(await total('phone=%2B31')).toBe('1');
  });

  test('Times have whole seconds in the account’s zone, so filters[updated_after] needs an overlap.', async () => {
    const { body } = await sync({ email: 'ada@example.com' });
    expect(body.contact.udate).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[56]:00$/);
    const total = async (after: string) =>
      (await call('GET', `/contacts?filters[updated_after]=${encodeURIComponent(after)}`)).body.meta.total;
    expect(await total(body.contact.udate)).toBe('0');
    const earlier = new Date(Date.parse(body.contact.udate) - 1000).toISOString();
    expect(await total(earlier)).toBe('1');
  });
});

describe('Errors (§2.4)', () => {
  test('400 is {} and says no more.', async () => {
    for (const body of ['not json', {}, { contact: 1 }])
      expect(await call('POST', '/contact/sync', body)).toMatchObject({ status: 400, text: '{}' });
  });

  test('404 speaks of a Subscriber, and of a contact when it was to be deleted.', async () => {
    expect(await call('GET', '/contacts/9')).toMatchObject({
      status: 404,
      body: { message: 'No Result found for Subscriber with id 9' },
    });
    expect((await call('DELETE', '/contacts/9')).body.message).toBe('No result found for contact with id 9');
    expect((await call('DELETE', '/contactTags/9')).body.message).toBe(
      'No Result found for SubscriberTag with id 9',
    );
  });

  test('422 names code and pointer: duplicate, field_missing, field_invalid.', async () => {
    await sync({ email: 'ada@example.com' });
    const refused = async (email?: string) => {
      const { status, body } = await call('POST', '/contacts', { contact: { email } });
      return [status, body.errors[0].code, body.errors[0].source.pointer];
    };
    expect(await refused('ADA@example.com')).toEqual([422, 'duplicate', '/data/attributes/email']);
    expect(await refused()).toEqual([422, 'field_missing', '/data/attributes/email']);
    expect(await refused('no address')).toEqual([422, 'field_invalid', '/data/attributes/email']);
    expect(peer.contacts()).toHaveLength(1);
  });

  test('Not found is 403 for automations and lists; errors may be a string.', async () => {
    expect(await call('DELETE', '/contactAutomations/3')).toMatchObject({
      status: 403,
      body: { message: 'No Result found for SubscriberSeries with id 3' },
    });
    expect((await call('DELETE', '/lists/3')).status).toBe(403);
    const option = await call('POST', '/fieldOption/bulk', {});
    expect([option.status, typeof option.body.errors]).toEqual([422, 'string']);
  });
});

describe('Contacts (§2.5)', () => {
  test('contact/sync is 201 for a new one and 200 for one that is there, by e-mail in any case; what is not sent stays.', async () => {
    const first = await sync({ email: 'Ada@example.com', firstName: 'Ada', phone: '1' });
    const second = await sync({ email: 'ada@EXAMPLE.com', lastName: 'Lovelace' });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body.contact.id).toBe(first.body.contact.id);
    expect(peer.contacts()).toMatchObject([{ firstName: 'Ada', lastName: 'Lovelace', phone: '1' }]);
  });

  test('PUT changes, DELETE answers {} and takes all that the contact owned; an id is never used again.', async () => {
    const id = peer.createContact({ email: 'ada@example.com', fields: { City: 'Utrecht' } });
    peer.tagContact('ada@example.com', 'VIP');
    const put = await call('PUT', `/contacts/${id}`, { contact: { firstName: 'Ada' } });
    expect([put.status, put.body.contact.firstName]).toEqual([200, 'Ada']);
    expect(await call('DELETE', `/contacts/${id}`)).toMatchObject({ status: 200, text: '{}' });
    const next = peer.createContact({ email: 'ada@example.com' });
    expect(Number(next)).toBeGreaterThan(Number(id));
    expect(peer.contact('ada@example.com')).toMatchObject({ tags: [], fields: {} });
  });

  test('A contact comes with what belongs to it side-loaded, and one call for each.', async () => {
    const id = peer.createContact({ email: 'ada@example.com', fields: { City: 'Utrecht' } });
    const { body } = await call('GET', `/contacts/${id}`);
    expect(body.contact.id).toBe(id);
    expect(body.fieldValues).toMatchObject([{ contact: id, field: '1', value: 'Utrecht', owner: id }]);
    for (const name of ['fieldValues', 'contactTags', 'contactLists', 'contactAutomations', 'scoreValues'])
      expect(Array.isArray((await call('GET', `/contacts/${id}/${name}`)).body[name])).toBe(true);
  });
});

describe('Fields (§2.5)', () => {
  test('What belongs to a page of contacts comes beside it for include: their ids stand with each contact.', async () => {
    for (const email of ['ada@example.com', 'bob@example.com']) peer.createContact({ email });
    peer.tagContact('ada@example.com', 'VIP');
    const list = peer.addList('News');
    peer.subscribe('ada@example.com', 'News');
    const query = '?include=contactTags.tag,contactLists,fieldValues,nonsense';
    const { body } = await call('GET', `/contacts${query}`);
    expect(body).toMatchObject({
      contacts: [
        { id: '1', contactTags: ['1'], contactLists: ['1'], fieldValues: [] },
        { id: '2', contactTags: [], contactLists: [], fieldValues: [] },
      ],
      contactTags: [{ contact: '1', tag: '1' }],
      tags: [{ id: '1', tag: 'VIP' }],
      contactLists: [{ contact: '1', list, status: '1' }],
      fieldValues: [],
    });
    expect(Object.keys((await call('GET', '/contacts')).body)).not.toContain('contactTags');
  });

  test('Values are formatted by type: ||a||b||, a date, a date and time in the account’s zone.', async () => {
    const [many, day, time] = [
      peer.addField('Interests', 'checkbox'),
      peer.addField('Birthday', 'date'),
      peer.addField('Last visit', 'datetime'),
    ];
    const { body } = await sync({
      email: 'ada@example.com',
      fieldValues: [
        { field: many, value: '||Massage||Sauna||' },
        { field: Number(day), value: '2018-12-31' },
        { field: time, value: '2020-05-19T07:45:00Z' },
      ],
    });
    expect(body.fieldValues.map(({ value }: { value: string }) => value)).toEqual([
      '||Massage||Sauna||',
      '2018-12-31',
      '2020-05-19T02:45:00-05:00',
    ]);
    const { body: one } = await sync({
      email: 'ada@example.com',
      fieldValues: [{ field: many, value: 'Sauna' }],
    });
    expect(one.fieldValues[0].value).toBe('||Sauna||');
    expect(peer.contact('ada@example.com')!.fields.Birthday).toBe('2018-12-31');
  });

  test('POST /fieldValues is 200 though it creates; failures are 403 for what is not there and 400 for a wrong value.', async () => {
    const contact = peer.createContact({ email: 'ada@example.com' });
    const field = peer.addField('Birthday', 'date');
    const post = (fieldValue: Record<string, unknown>) => call('POST', '/fieldValues', { fieldValue });
    const made = await post({ contact, field, value: '2000-01-02' });
    expect(made.status).toBe(200);
    const put = { fieldValue: { contact, field, value: '2001-01-02' } };
    expect((await call('PUT', `/fieldValues/${made.body.fieldValue.id}`, put)).status).toBe(200);
    expect((await post({ contact: 9, field, value: '' })).status).toBe(403);
    expect((await post({ contact, field: 9, value: '' })).status).toBe(403);
    expect((await post({ contact, field, value: '31/12/2000' })).status).toBe(400);
    expect(peer.contact('ada@example.com')!.fields).toEqual({ Birthday: '2001-01-02' });
  });

  test('A second field of the same title is 422 without a pointer; fieldRels answers with numbers.', async () => {
    const body = { field: { title: 'Lead score', type: 'text' } };
    const made = await call('POST', '/fields', body);
    expect([made.status, made.body.field.perstag]).toEqual([201, 'LEAD_SCORE']);
    const again = await call('POST', '/fields', body);
    expect([again.status, again.body.errors[0].code, again.body.errors[0].source]).toEqual([
      422,
      'duplicate',
      undefined,
    ]);
    const rel = await call('POST', '/fieldRels', { fieldRel: { field: made.body.field.id, relid: 0 } });
    expect([rel.status, rel.body.fieldRel.field]).toEqual([201, 1]);
    expect((await call('GET', '/fields')).body.fieldRels).toMatchObject([{ field: '1', relid: '0' }]);
  });
});

describe('Tags, lists, automations, scores, campaigns (§2.5)', () => {
  test('A tag comes off by the id of the association, not of the tag.', async () => {
    peer.addTag('first');
    const tag = peer.addTag('VIP');
    const contact = peer.createContact({ email: 'ada@example.com' });
    const made = await call('POST', '/contactTags', { contactTag: { contact, tag } });
    expect([made.status, made.body.contactTag]).toMatchObject([201, { contact, tag }]);
    const again = await call('POST', '/contactTags', { contactTag: { contact, tag } });
    expect([again.status, again.body.contactTag.id]).toEqual([200, made.body.contactTag.id]);
    expect((await call('DELETE', `/contactTags/${tag}`)).status).toBe(404);
    expect((await call('DELETE', `/contactTags/${made.body.contactTag.id}`)).text).toBe('{}');
    expect(peer.contact('ada@example.com')!.tags).toEqual([]);
    const missing = await call('POST', '/contactTags', { contactTag: { contact } });
    expect([missing.status, missing.body.errors[0].source.pointer]).toEqual([422, '/data/attributes/tag']);
  });

  test('contactLists is 200, 1 subscribes and 2 unsubscribes, and 1 puts back who left by themselves.', async () => {
    const list = (await call('POST', '/lists', { list: { name: 'News' } })).body.list.id;
    const contact = peer.createContact({ email: 'ada@example.com' });
    const put = (status: number) => call('POST', '/contactLists', { contactList: { list, contact, status } });
    expect(await put(1)).toMatchObject({ status: 200, body: { contactList: { status: '1' } } });
    peer.unsubscribe('ada@example.com');
    expect(peer.contact('ada@example.com')!.lists).toEqual({ News: '2' });
    await put(1);
    expect(peer.contact('ada@example.com')!.lists).toEqual({ News: '1' });
    expect((await put(3)).status).toBe(400);
  });

  test('Each POST to contactAutomations is a start; a failure is 403 Could not create SubscriberSeries.', async () => {
    const automation = peer.addAutomation('Post booking');
    const off = peer.addAutomation('Old one', { active: false });
    const once = peer.addAutomation('Once', { multientry: false });
    const contact = peer.createContact({ email: 'ada@example.com' });
    const start = (id: string, of = contact) =>
      call('POST', '/contactAutomations', { contactAutomation: { contact: of, automation: id } });
    const made = await start(automation);
    await start(automation);
    expect(made.status).toBe(201);
    expect(peer.startsOf('Post booking')).toMatchObject([{ by: 'api' }, { email: 'ada@example.com' }]);
    await start(once);
    for (const refused of [await start(off), await start(once), await start(automation, '99')])
      expect([refused.status, refused.body.message]).toEqual([403, 'Could not create SubscriberSeries']);
    await call('DELETE', `/contactAutomations/${made.body.contactAutomation.id}`);
    expect(peer.startsOf('Post booking')).toHaveLength(2);
    expect((await call('GET', '/automations')).body.automations).toMatchObject([
      { status: '1' },
      { status: '2' },
      {},
    ]);
  });

  test('Scores and campaigns can only be read.', async () => {
    const id = peer.createContact({ email: 'ada@example.com' });
    peer.setScore('ada@example.com', 'Engagement', 7);
    peer.addCampaign('Spring', { sent: new Date(), opens: 3 });
    expect((await call('GET', '/scores')).body.scores).toMatchObject([{ id: '1', name: 'Engagement' }]);
    const { body } = await call('GET', `/contacts/${id}/scoreValues`);
    expect(body.scoreValues).toMatchObject([{ score: '1', scoreValue: '7' }]);
    expect((await call('GET', '/campaigns')).body.campaigns).toMatchObject([{ name: 'Spring', opens: '3' }]);
    expect((await call('POST', '/scores', {})).status).toBe(405);
  });
});

describe('Event tracking (§2.6)', () => {
  test('POST /api/3/events does not exist.', async () => {
    expect((await call('POST', '/events', {})).status).toBe(404);
  });

  test('It is switched on and its names are registered once; then events go to another host, form-encoded.', async () => {
    peer.createContact({ email: 'ada@example.com' });
    const name = 'booking_completed';
    const event = {
      actid: peer.actid,
      key: peer.eventKey,
      event: name,
      visit: '{"email":"ada@example.com"}',
    };
    expect(await track(event)).toMatchObject([200, { success: 0 }]);
    await call('PUT', '/eventTracking', { eventTracking: { enabled: true } });
    expect(await track(event)).toMatchObject([200, { success: 0 }]);
    expect((await call('POST', '/eventTrackingEvents', { eventTrackingEvent: { name } })).status).toBe(201);
    expect((await call('GET', '/eventTrackingEvents')).body.eventTrackingEvents).toEqual([{ name }]);
    expect(await track({ ...event, eventdata: '{"a":1}' })).toEqual([
      200,
      { success: 1, message: 'Event spawned' },
    ]);
    expect(peer.events()).toMatchObject([{ event: name, email: 'ada@example.com', eventdata: '{"a":1}' }]);
  });

  test('A failure is success 0 with HTTP 200: the API key, a long name, JSON in place of a form.', async () => {
    await call('PUT', '/eventTracking', { eventTracking: { enabled: true } });
    await call('POST', '/eventTrackingEvents', { eventTrackingEvent: { name: 'booked' } });
    const event = {
      actid: peer.actid,
      key: peer.eventKey,
      event: 'booked',
      visit: '{"email":"a@example.com"}',
    };
    expect(await track({ ...event, key: peer.apiKey })).toMatchObject([200, { success: 0 }]);
    expect(await track({ ...event, event: 'x'.repeat(33) })).toMatchObject([200, { success: 0 }]);
    expect(await track({ ...event, visit: 'ada' })).toMatchObject([200, { success: 0 }]);
    const json = await fetch(peer.trackingUrl, { method: 'POST', body: JSON.stringify(event) });
    expect(await json.json()).toMatchObject({ success: 0 });
    expect(peer.events()).toEqual([]);
  });

  test('An automation that listens to the event is started by it (decision 34).', async () => {
    peer.addAutomation('Post booking', { startsOnEvent: 'booked' });
    peer.createContact({ email: 'ada@example.com' });
    await call('PUT', '/eventTracking', { eventTracking: { enabled: true } });
    await call('POST', '/eventTrackingEvents', { eventTrackingEvent: { name: 'booked' } });
    await track({
      actid: peer.actid,
      key: peer.eventKey,
      event: 'booked',
      visit: '{"email":"ada@example.com"}',
    });
    expect(peer.startsOf('Post booking')).toMatchObject([{ by: 'event' }]);
  });
});

describe('Bulk import (§2.7)', () => {
  const bulk = (contacts: unknown[], of = peer) => call('POST', '/import/bulk_import', { contacts }, of);
  const completed = async (batchId: string, of = peer) => {
    await vi.waitUntil(
      async () =>
        (await call('GET', `/import/info?batchId=${batchId}`, undefined, of)).body.status === 'completed',
      { timeout: 10_000 },
    );
    return (await call('GET', `/import/info?batchId=${batchId}`, undefined, of)).body;
  };

  test('It is queued and carried out later; keys are snake_case, tags are made, failures are e-mails; no webhook fires.', async () => {
    await listening(async (url, received) => {
      await hook(url, ['update', 'subscribe', 'contact_tag_added'], ['public', 'admin', 'api', 'system']);
      const list = peer.addList('News');
      const field = peer.addField('City', 'text');
      peer.createContact({ email: 'ada@example.com' });
      const { body } = await bulk([
        {
          email: 'ada@example.com',
          first_name: 'Ada',
          firstName: 'Not this',
          tags: ['VIP'],
          fields: [{ id: Number(field), value: 'Utrecht' }],
          subscribe: [{ listid: Number(list) }],
        },
        { email: 'no address' },
      ]);
      expect(body).toMatchObject({ Success: 1, queued_contacts: 2, message: 'Contact import queued' });
      expect(await completed(body.batchId)).toEqual({
        status: 'completed',
        success: ['1'],
        failure: ['no address'],
      });
      expect(peer.contact('ada@example.com')).toMatchObject({
        firstName: 'Ada',
        fields: { City: 'Utrecht' },
        tags: ['VIP'],
        lists: { News: '1' },
      });
      const { recentlyCompleted } = (await call('GET', '/import/bulk_import')).body;
      expect(recentlyCompleted).toMatchObject([{ batches: '1', contacts: '2' }]);
      await peer.delivered();
      expect([received, peer.deliveries()]).toEqual([[], []]);
    });
  });

  test('It cannot subscribe someone who has unsubscribed before.', async () => {
    const list = peer.addList('News');
    peer.createContact({ email: 'ada@example.com' });
    peer.subscribe('ada@example.com', 'News');
    peer.unsubscribe('ada@example.com');
    const { body } = await bulk([{ email: 'ada@example.com', subscribe: [{ listid: Number(list) }] }]);
    await completed(body.batchId);
    expect(peer.contact('ada@example.com')!.lists).toEqual({ News: '2' });
  });

  test('One that was queued is carried out after a crash, and a line torn by the crash is no more.', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'frontdesk-peer-'));
    const file = join(folder, 'state.jsonl');
    const before = await startActiveCampaign({ file, importAfterMs: 60_000 });
    const { batchId } = (await bulk([{ email: 'ada@example.com' }], before)).body;
    await before.stop();
    await appendFile(file, '["contacts","9",{"id":"9","ema');
    for (let round = 0; round < 2; round++) {
      const after = await startActiveCampaign({ file, importAfterMs: 1, rate: 1000 });
      expect((await completed(batchId, after)).success).toEqual(['1']);
      expect(after.contacts()).toHaveLength(1);
      await after.stop();
    }
    await rm(folder, { recursive: true });
  });

  test('At most 250 contacts a call and 100 calls a minute: both 400, Success 0, and nothing is queued.', async () => {
    const many = Array.from({ length: 251 }, (_, nth) => ({ email: `c${nth}@example.com` }));
    expect(await bulk(many)).toMatchObject({ status: 400, body: { Success: 0 } });
    expect(await bulk([{ first_name: 'No' }])).toMatchObject({ status: 400, body: { Success: 0 } });
    for (let nth = 0; nth < 100; nth++) expect((await bulk([{ email: 'ada@example.com' }])).status).toBe(200);
    const last = await bulk([{ email: 'bob@example.com' }]);
    expect([last.status, last.body.message]).toEqual([400, 'Rate limit exceeded.']);
  });
});

interface Says {
  status: number;
  authorization?: string;
}

/** A server of ours that webhooks are sent to. */
async function listening(
  use: (url: string, received: URLSearchParams[], server: Says) => Promise<void>,
): Promise<void> {
  const received: URLSearchParams[] = [];
  const says: Says = { status: 200 };
  const server = createServer(async (request, response) => {
    expect(request.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(Object.keys(request.headers).filter((name) => name.includes('signature'))).toEqual([]);
    says.authorization = request.headers.authorization;
    received.push(new URLSearchParams(await text(request)));
    response.writeHead(says.status).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret`, received, says);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function hook(url: string, events: string[], sources = ['public', 'admin', 'system'], listid = 0) {
  const { status, body } = await call('POST', '/webhooks', {
    webhook: { name: 'Mine', url, events, sources, listid },
  });
  expect(status).toBe(201);
  return body.webhook.id as string;
}

describe('Webhooks (§2.8)', () => {
  test('A delivery is form-encoded with PHP brackets and unsigned; tags are one text, fields have no names.', async () => {
    await listening(async (url, received) => {
      await hook(url, ['update', 'contact_tag_added']);
      peer.createContact({ email: 'ada@example.com', firstName: 'Ada', fields: { City: 'Utrecht' } });
      peer.tagContact('ada@example.com', 'VIP');
      peer.tagContact('ada@example.com', 'Regular');
      await peer.delivered();
      peer.editContact('ada@example.com', { phone: '+31612345678' });
      await peer.delivered();
      expect(received).toHaveLength(3);
      const tagged = received.find((body) => body.get('tag') === 'Regular')!;
      expect(tagged.get('type')).toBe('contact_tag_added');
      expect(Object.fromEntries(received[2]!)).toMatchObject({
        type: 'update',
        date_time: expect.stringMatching(/T\d\d:\d\d:\d\d-0[56]:00$/),
        initiated_from: 'admin',
        initiated_by: 'admin',
        list: '0',
        'contact[id]': '1',
        'contact[email]': 'ada@example.com',
        'contact[first_name]': 'Ada',
        'contact[phone]': '+31612345678',
        'contact[tags]': 'VIP, Regular',
        'contact[fields][]': 'Utrecht',
      });
    });
  });

  test('Who leaves out the source api does not hear their own writes.', async () => {
    await listening(async (url, received) => {
      await hook(url, ['update'], ['public', 'admin', 'system']);
      await sync({ email: 'ada@example.com' });
      await sync({ email: 'ada@example.com', firstName: 'Ada' });
      await peer.delivered();
      expect(received).toEqual([]);
      await hook(url, ['update'], ['api']);
      await sync({ email: 'ada@example.com', firstName: 'Ida' });
      await peer.delivered();
      expect(received.map((body) => body.get('initiated_from'))).toEqual(['api']);
    });
  });

  test('Leaving a list is told with its reason, of a list only to hooks of that list.', async () => {
    await listening(async (url, received) => {
      const news = peer.addList('News');
      const other = peer.addList('Other');
      await hook(url, ['subscribe', 'unsubscribe'], ['public', 'admin'], Number(news));
      peer.createContact({ email: 'ada@example.com' });
      for (const list of [news, other]) peer.subscribe('ada@example.com', list);
      await peer.delivered();
      peer.unsubscribe('ada@example.com', { list: news, reason: 'too many' });
      await peer.delivered();
      expect(
        received.map((body) => [body.get('type'), body.get('list'), body.get('initiated_from')]),
      ).toEqual([
        ['subscribe', news, 'admin'],
        ['unsubscribe', news, 'public'],
      ]);
      expect(received[1]!.get('unsubscribe[reason]')).toBe('too many');
    });
  });

  test('They arrive in any order, may come twice, and some never come.', async () => {
    await listening(async (url, received) => {
      await hook(url, ['update']);
      peer.createContact({ email: 'ada@example.com' });
      const names = Array.from({ length: 30 }, (_, nth) => `Ada ${nth}`);
      const arrived = async () => {
        received.length = 0;
        for (const firstName of names) peer.editContact('ada@example.com', { firstName });
        await peer.delivered();
        return received.map((body) => body.get('contact[first_name]')!);
      };
      peer.deliverWith({ withinMs: 100 });
      const all = await arrived();
      expect(all).not.toEqual(names);
      expect(all.toSorted()).toEqual(names.toSorted());
      peer.deliverWith({ withinMs: 10, twice: 0.5 });
      expect((await arrived()).length).toBeGreaterThan(30);
      peer.deliverWith({ withinMs: 10, never: 0.5 });
      expect((await arrived()).length).toBeLessThan(30);
    });
  });

  test('A failed one is never tried again, and 410 ends the hook.', async () => {
    await listening(async (url, received, says) => {
      await hook(url, ['update']);
      peer.createContact({ email: 'ada@example.com' });
      for (const status of [500, 410, 200]) {
        says.status = status;
        peer.editContact('ada@example.com', { firstName: `${status}` });
        await peer.delivered();
      }
      expect(received.map((body) => body.get('contact[first_name]'))).toEqual(['500', '410']);
      expect(peer.deliveries().map(({ status }) => status)).toEqual([500, 410]);
    });
  });

  test('A name and password in the URL go as Basic authorization.', async () => {
    await listening(async (url, received, says) => {
      await hook(url.replace('http://', 'http://desk:secret@'), ['update']);
      peer.createContact({ email: 'ada@example.com' });
      peer.editContact('ada@example.com', { firstName: 'Ada' });
      await peer.delivered();
      expect(received).toHaveLength(1);
      expect(says.authorization).toBe(`Basic ${Buffer.from('desk:secret').toString('base64')}`);
    });
  });

  test('https only reaches port 443; events and sources are checked; /webhook/events lists them.', async () => {
    const make = (change: Record<string, unknown>) => {
      const webhook = {
        name: 'x',
        url: 'https://desk.example.com/hook',
        events: ['update'],
        sources: ['admin'],
      };
      return call('POST', '/webhooks', { webhook: { ...webhook, ...change } });
    };
    expect((await make({})).status).toBe(201);
    for (const change of [{ url: 'https://desk.example.com:8443/' }, { events: ['no'] }, { sources: [] }])
      expect((await make(change)).status).toBe(422);
    const { body } = await call('GET', '/webhook/events');
    expect([body.webhookEvents.length, body.meta.total]).toEqual([25, 25]);
    expect((await call('GET', '/webhooks?filters[url]=https://desk.example.com/hook')).body.meta.total).toBe(
      '1',
    );
    expect((await call('DELETE', '/webhooks/1')).text).toBe('{}');
  });
});

describe('Failing on purpose', () => {
  test('Calls fail in the ways asked for, the same ones for the same seed; an answer may be lost after its effect.', async () => {
    const attempt = async () => {
      peer.forgetCalls();
      peer.failWith({ rate: 0.5, kinds: [429, 503, 'cut'], seed: 7 });
      for (let nth = 0; nth < 40; nth++) await sync({ email: `c${nth}@example.com` }).catch(() => undefined);
      return peer.calls().map(({ failure }) => failure);
    };
    const failures = await attempt();
    expect(new Set(failures)).toEqual(new Set([undefined, 429, 503, 'cut']));
    const done = peer.contacts().map(({ email }) => email);
    const lost = peer.calls().filter(({ failure }) => failure === 'cut');
    expect(lost.every(({ status }) => status === null)).toBe(true);
    const carriedOut = lost.filter(({ body }) => done.includes(JSON.parse(body).contact.email));
    expect(carriedOut.length).toBeGreaterThan(0);
    expect(carriedOut.length).toBeLessThan(lost.length);
    const refused = peer.calls().filter(({ failure }) => failure === 503 || failure === 429);
    expect(refused.some(({ body }) => done.includes(JSON.parse(body).contact.email))).toBe(false);
    expect(await attempt()).toEqual(failures);
  });

  test('A time-out says nothing and leaves it to the caller to go.', async () => {
    peer.failWith({ rate: 1, kinds: ['timeout'] });
    const signal = AbortSignal.timeout(200);
    await expect(fetch(`${peer.url}/api/3/users/me`, { signal })).rejects.toThrow(/timeout/);
    peer.failWith({ rate: 0 });
    expect((await call('GET', '/users/me', undefined)).status).toBe(200);
  });

  test('Stopped, it is gone at once; started again, it is at the same port with what it had.', async () => {
    await sync({ email: 'ada@example.com' });
    peer.failWith({ rate: 1, kinds: ['timeout'] });
    const waiting = call('GET', '/users/me').catch((error: Error) => error);
    await vi.waitUntil(() => peer.calls().length === 2);
    await peer.stop();
    expect(await waiting).toBeInstanceOf(Error);
    await expect(call('GET', '/users/me')).rejects.toThrow();
    await peer.start();
    peer.failWith({ rate: 0 });
    expect((await call('GET', '/contacts')).body.meta.total).toBe('1');
  });
});

describe('By hand', () => {
  test('npm run peer:activecampaign survives kill -9 with all that it answered, and shows it on a page.', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'frontdesk-peer-'));
    const run = async () => {
      const process = await startProcess('node', ['test/peers/activecampaign/main.ts'], {
        env: { DATA_DIR: folder, PORT: '0', RATE: '1000' },
        until: /Next:/,
      });
      return { process, url: /http:\/\/127\.0\.0\.1:\d+/.exec(process.output())![0] };
    };
    const first = await run();
    let by = { ...peer, url: first.url };
    const answered: string[] = [];
    const writing = (async () => {
      for (let nth = 0; nth < 500; nth++) {
        const email = `c${nth}@example.com`;
        if ((await sync({ email, firstName: '<i>' }, by).catch(() => undefined))?.status !== 201) return;
        answered.push(email);
      }
    })();
    await vi.waitUntil(() => answered.length > 20);
    first.process.kill('SIGKILL');
    await Promise.all([first.process.exited, writing]);
    expect(answered.length).toBeLessThan(500);

    by = { ...peer, url: (await run()).url };
    const { body } = await call('GET', '/contacts?limit=1', undefined, by);
    expect(Number(body.meta.total)).toBeGreaterThanOrEqual(answered.length);
    expect((await sync({ email: answered.at(-1) }, by)).status).toBe(200);
    expect((await call('GET', '/lists', undefined, by)).body.lists).toHaveLength(1);

    const form = new URLSearchParams({ email: 'new@example.com', firstName: 'New', tag: 'VIP' });
    const page = await fetch(by.url, { method: 'POST', body: form });
    const html = await page.text();
    expect(html).toContain('new@example.com');
    expect(html).toContain('POST /api/3/contact/sync');
    expect(html).not.toContain('<i>');
    await rm(folder, { recursive: true });
  });
});
