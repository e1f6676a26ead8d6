import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AnyAdapter } from '../../src/integrations/adapter.ts';
import { adapters } from '../../src/integrations/adapters.ts';
import type { Capabilities, Contacts, Value } from '../../src/integrations/capabilities.ts';
import type { Connection } from '../../src/integrations/connection.ts';
import { OutsideFailure } from '../../src/integrations/failure.ts';
import { readAnswer, send } from '../../src/integrations/http.ts';
import { startActiveCampaign } from '../peers/activecampaign/startActiveCampaign.ts';
import { startHubSpot } from '../peers/hubspot/startHubSpot.ts';
import { eventually } from '../support/gateway.ts';

/** What each adapter is tested against: a real server, and settings that lead to it. */
interface Against {
  settings: Record<string, unknown>;
  wrong: Record<string, unknown>;
  /** A custom field that the server has, of each type that it knows, by what our types are called. */
  fields: Partial<Record<'text' | 'date' | 'datetime' | 'choices', string>>;
}

const ac = await startActiveCampaign({ rate: 1_000 });
const hub = await startHubSpot({ rate: 10_000, indexedAfterMs: 10 });
afterAll(() => Promise.all([ac.stop(), hub.stop()]));
hub.addProperty('nickname', 'string');
hub.addProperty('birthday', 'date', 'date');
hub.addProperty('interests', 'enumeration', 'checkbox');

const against: Record<string, Against> = {
  activecampaign: {
    settings: {
      ...{ apiUrl: `${ac.url}/api/3/`, apiKey: ac.apiKey, enableEventTracking: true },
      ...{ trackingUrl: ac.trackingUrl, trackingAccountId: ac.actid, trackingKey: ac.eventKey },
    },
    wrong: { apiUrl: ac.url, apiKey: 'not the key' },
    fields: {
      text: ac.addField('Nickname', 'text'),
      date: ac.addField('Birthday', 'date'),
      datetime: ac.addField('Last visit', 'datetime'),
      choices: ac.addField('Interests', 'checkbox'),
    },
  },
  hubspot: {
    settings: {
      apiUrl: hub.url,
      accessToken: hub.accessToken,
      fieldMappings: ['nickname', 'birthday', 'interests'].map((remote) => ({ local: 'jobTitle', remote })),
    },
    wrong: { apiUrl: hub.url, accessToken: 'not the token' },
    fields: { text: 'nickname', date: 'birthday', choices: 'interests' },
  },
};

const call: Connection['call'] = async (request, schema) =>
  readAnswer(await send(request, { allowPrivatePeers: true }), schema);
const to = (adapter: AnyAdapter, given: unknown): Connection => ({
  settings: adapter.settings.parse(given),
  call,
  known: new Map(),
});
const kindOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: unknown) => (error instanceof OutsideFailure ? error.kind : error),
  );
/** Adapters that have a capability, each with a connection to its server. */
const having = (capability: keyof Capabilities<unknown>) =>
  adapters
    .filter((adapter) => adapter.can[capability] && against[adapter.key])
    .map((adapter) => ({
      key: adapter.key,
      adapter,
      can: adapter.can as Capabilities<unknown>,
      c: to(adapter, against[adapter.key]!.settings),
      fields: against[adapter.key]!.fields,
    }));

/** A contact as it is seen in a page of them. */
async function wholeOf(contacts: Contacts<unknown>, c: Connection, id: string) {
  for (let after: string | null = null; ; ) {
    const page: Awaited<ReturnType<typeof contacts.whole>> = await contacts.whole(c, after);
    const found = page.items.find((one) => one.id === id);
    if (found) return found;
    if (!page.next) throw new Error(`There is no contact ${id}.`);
    after = page.next;
  }
}

test.each(Object.keys(against))(
  '%s says which account it leads to, and refuses credentials that do not work.',
  async (key) => {
    const adapter = adapters.find((one) => one.key === key)!;
    const account = await adapter.check(to(adapter, against[key]!.settings));
    expect(account.id).toMatch(new RegExp(`^${key} .`));
    expect(await kindOf(adapter.check(to(adapter, against[key]!.wrong)))).toBe('UNAUTHORIZED');
  },
);

describe.each(having('contacts'))('The contacts of $key', ({ key, can: { contacts }, c, fields }) => {
  const email = `ada@${key}.example.com`;
  const named = (firstName: string, lastName: string) => ({
    [contacts.standard.firstName]: firstName,
    [contacts.standard.lastName]: lastName,
  });

  test('are made or changed by e-mail address, and fields that are not sent stay.', async () => {
    const made = await contacts.upsert(c, { id: null, email, values: named('Ada', 'King') });
    const again = await contacts.upsert(c, {
      id: null,
      email,
      values: { [contacts.standard.lastName]: 'Lovelace' },
    });
    expect(again.id).toBe(made.id);
    expect(await contacts.get(c, made.id)).toMatchObject({
      id: made.id,
      email,
      values: named('Ada', 'Lovelace'),
    });
    expect(await contacts.find(c, email.toUpperCase())).toMatchObject({ id: made.id });
    expect(await contacts.find(c, 'nobody@example.com')).toBe(null);
    expect(await contacts.get(c, '999999')).toBe(null);
  });

  test('keep their id when their e-mail address changes, and one that is taken is refused.', async () => {
    const { id } = (await contacts.find(c, email))!;
    const other = `new-${email}`;
    await contacts.upsert(c, { id, email: other, values: { [contacts.standard.email]: other } });
    expect(await contacts.get(c, id)).toMatchObject({ id, email: other });
    await contacts.upsert(c, { id: null, email, values: {} });
    expect(
      await kindOf(contacts.upsert(c, { id, email, values: { [contacts.standard.email]: email } })),
    ).toBe('REJECTED');
    expect(await kindOf(contacts.upsert(c, { id: '999999', email, values: named('No', 'Body') }))).toBe(
      'NOT_FOUND',
    );
  });

  test('hold a value of each type as it was sent, and none as none.', async () => {
    const values: Record<string, Value> = {
      text: 'Łukasz "von" & <Söhne>',
      date: '1815-12-10',
      datetime: '2026-03-02T09:00:00.000Z',
      choices: ['Chess', 'Maths'],
    };
    const listed = await contacts.fields(c);
    for (const [type, field] of Object.entries(fields)) {
      const of = listed.find(({ id }) => id === field);
      expect(of?.type).toBe(type);
      const text = contacts.write(of!.type, values[type]!);
      const { id } = await contacts.upsert(c, { id: null, email, values: { [field]: text } });
      const held = async () => contacts.read(of!.type, (await contacts.get(c, id))!.values[field] ?? '');
      expect(await held()).toEqual(values[type]);
      const whole = await wholeOf(contacts, c, id);
      expect(contacts.read(of!.type, whole.values[field] ?? '')).toEqual(values[type]);
      await contacts.upsert(c, { id, email, values: { [field]: contacts.write(of!.type, null) } });
      expect(await held()).toBe(null);
    }
  });

  test('can be walked through, all or those that changed, each once, and bear another stamp when they change.', async () => {
    const began = new Date(Date.now() - 1_000);
    for (let n = 0; n < 120; n++)
      await contacts.upsert(c, { id: null, email: `many-${n}@${key}.example.com`, values: {} });
    const walk = async (next: (after: string | null) => ReturnType<Contacts<unknown>['all']>) => {
      const ids = [];
      for (let after: string | null = null; ; ) {
        const page: Awaited<ReturnType<Contacts<unknown>['all']>> = await next(after);
        ids.push(...page.items.map(({ id }) => id));
        after = page.next;
        if (!after) return ids;
      }
    };
    const all = await walk((after) => contacts.all(c, after));
    expect(await walk((after) => contacts.whole(c, after))).toEqual(all);
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(121);
    await eventually('what changed is listed', async () => {
      const changed = await walk((after) => contacts.changed(c, began, after));
      return new Set(changed).size >= 120;
    });
    expect(await walk((after) => contacts.changed(c, new Date(Date.now() + 60_000), after))).toEqual([]);
    const before = await contacts.find(c, `many-1@${key}.example.com`);
    await new Promise((done) => setTimeout(done, 1_100));
    const after = await contacts.upsert(c, {
      id: before!.id,
      email: before!.email,
      values: named('Later', 'On'),
    });
    expect(after.stamp).not.toBe(before!.stamp);
    expect((await contacts.get(c, before!.id))!.stamp).toBe(after.stamp);
  });

  test('can be removed, and one that is gone is as good.', async () => {
    const { id } = (await contacts.find(c, `many-2@${key}.example.com`))!;
    await contacts.remove(c, id);
    await contacts.remove(c, id);
    expect(await contacts.get(c, id)).toBe(null);
  });
});

describe.each(having('tags'))('The tags of $key', ({ key, can: { tags, contacts }, c }) => {
  test('are put on and taken off by name, twice is as good as once, and none is made twice.', async () => {
    const { id } = await contacts.upsert(c, { id: null, email: `tags@${key}.example.com`, values: {} });
    // More than a page of them, and one whose name is part of others.
    for (let n = 0; n < 130; n++) ac.addTag(`VIP ${n}`);
    await Promise.all([tags.add(c, id, 'VIP'), tags.add({ ...c, known: new Map() }, id, 'VIP')]);
    await tags.add(c, id, 'Regular');
    expect((await tags.of(c, id)).sort()).toEqual(['Regular', 'VIP']);
    expect([...(await wholeOf(contacts, c, id)).tags!].sort()).toEqual(['Regular', 'VIP']);
    await tags.remove(c, id, 'VIP');
    await tags.remove(c, id, 'VIP');
    await tags.remove(c, id, 'never heard of');
    expect(await tags.of(c, id)).toEqual(['Regular']);
    const names = [];
    for (let after: string | null = null; ; ) {
      const page: Awaited<ReturnType<typeof tags.all>> = await tags.all(c, after);
      names.push(...page.items.map(({ name }) => name));
      after = page.next;
      if (!after) break;
    }
    expect(names.filter((name) => name === 'VIP')).toHaveLength(1);
  });
});

describe.each(having('lists'))('The lists of $key', ({ key, can: { lists, contacts }, c }) => {
  test('are made, joined and left.', async () => {
    const { id } = await contacts.upsert(c, { id: null, email: `lists@${key}.example.com`, values: {} });
    const list = await lists.create(c, 'Newsletter');
    expect((await lists.all(c, null)).items).toContainEqual({ ...list, subscribers: 0 });
    const membership = async () => (await lists.of(c, id))[list.id];
    expect(await membership()).toBe(undefined);
    await lists.subscribe(c, id, list.id);
    expect(await membership()).toBe('SUBSCRIBED');
    expect((await lists.all(c, null)).items).toContainEqual({ ...list, subscribers: 1 });
    await lists.unsubscribe(c, id, list.id);
    expect(await membership()).toBe('UNSUBSCRIBED');
    expect((await wholeOf(contacts, c, id)).lists).toEqual({ [list.id]: 'UNSUBSCRIBED' });
    expect(await kindOf(lists.subscribe(c, id, '999999'))).toBe('NOT_FOUND');
  });
});

describe.each(having('automations'))(
  'The automations of $key',
  ({ key, can: { automations, contacts }, c }) => {
    test('are started and stopped, and their runs are seen; one that is not there or not active is refused.', async () => {
      const { id } = await contacts.upsert(c, { id: null, email: `auto@${key}.example.com`, values: {} });
      const automation = ac.addAutomation('Welcome');
      const asleep = ac.addAutomation('Asleep', { active: false });
      const all = async () => (await automations.all(c, null)).items;
      const seen = { id: automation, name: 'Welcome', active: true, entered: 0, exited: 0 };
      expect(await all()).toContainEqual(seen);
      expect(await all()).toContainEqual({ ...seen, id: asleep, name: 'Asleep', active: false });
      const run = await automations.start(c, id, automation);
      expect(await automations.of(c, id)).toEqual([{ id: run.id, automationId: automation }]);
      expect(await all()).toContainEqual({ ...seen, entered: 1 });
      await automations.stop(c, run.id);
      await automations.stop(c, run.id);
      expect(await automations.of(c, id)).toEqual([]);
      for (const other of [asleep, '999999'])
        expect(await kindOf(automations.start(c, id, other))).toBe('REJECTED');
    });
  },
);

describe.each(having('tracking'))('The tracking of $key', ({ key, adapter, can: { tracking }, c }) => {
  test('takes registered events, and says so when it does not.', async () => {
    const event = { name: 'booking_created', email: `track@${key}.example.com`, data: '{"a":1}' };
    await tracking.register(c, event.name);
    await tracking.register({ ...c, known: new Map() }, event.name);
    await tracking.send(c, event);
    expect(ac.events().at(-1)).toMatchObject({
      event: event.name,
      email: event.email,
      eventdata: event.data,
    });
    expect(await kindOf(tracking.send(c, { ...event, name: 'never registered' }))).toBe('UNEXPECTED');
    const wrong = to(adapter, { ...against[key]!.settings, trackingKey: 'not the key' });
    expect(await kindOf(tracking.send(wrong, event))).toBe('REJECTED');
  });
});

describe.each(having('campaigns'))('The campaigns of $key', ({ can: { campaigns }, c }) => {
  test('are listed with their figures, the latest first.', async () => {
    ac.addCampaign('Draft');
    const sentAt = new Date('2026-03-01T00:00:00Z');
    ac.addCampaign('Winter', { sent: new Date('2026-01-01T00:00:00Z') });
    const id = ac.addCampaign('Spring', { sent: sentAt, opens: 3 });
    const { items } = await campaigns.all(c, null);
    expect(items.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'Spring COMPLETED',
      'Winter COMPLETED',
      'Draft DRAFT',
    ]);
    expect(items[0]).toEqual({
      ...{ id, name: 'Spring', status: 'COMPLETED', sentAt, sends: 100, opens: 3, uniqueOpens: 3 },
      ...{ linkClicks: 0, uniqueLinkClicks: 0, unsubscribes: 0, bounces: 0 },
    });
  });
});

describe.each(having('bulk'))('The bulk import of $key', ({ key, can: { bulk, contacts }, c }) => {
  test('takes many contacts in one call, says what became of them, and more than it takes is refused.', async () => {
    const list = ac.addList('Imported');
    const contact = (email: string) => ({
      email,
      values: { [contacts.standard.firstName]: 'Bulk' },
      tags: ['imported'],
      lists: [list],
    });
    const good = Array.from({ length: bulk.maxContacts - 1 }, (_, n) =>
      contact(`bulk-${n}@${key}.example.com`),
    );
    const batch = await bulk.send(c, [...good, contact('no address')]);
    await eventually('it is done', async () => (await bulk.outcome(c, batch)).done);
    const outcome = await bulk.outcome(c, batch);
    expect(outcome.contactIds).toHaveLength(good.length);
    expect(outcome.refused).toEqual(['no address']);
    expect(ac.contact(`bulk-7@${key}.example.com`)).toMatchObject({
      firstName: 'Bulk',
      tags: ['imported'],
      lists: { Imported: '1' },
    });
    const tooMany = [...good, contact('one@example.com'), contact('two@example.com')];
    expect(await kindOf(bulk.send(c, tooMany))).toBe('REJECTED');
  });
});

describe.each(having('changeHooks'))('The messages of $key', ({ can: { changeHooks }, c }) => {
  test('can be asked for and no longer asked for, and are read without being believed.', async () => {
    const hook = await changeHooks.register(c, 'http://127.0.0.1:1/webhooks/x/y');
    await changeHooks.unregister(c, hook);
    await changeHooks.unregister(c, hook);
    const request = (body: string, type = 'application/x-www-form-urlencoded') => ({
      header: (name: string) => (name === 'content-type' ? type : undefined),
      body: Buffer.from(body),
      receivedAt: new Date(),
    });
    expect(changeHooks.parse(request('type=unsubscribe&contact%5Bid%5D=7&list=1'))).toEqual([
      { contactId: '7', tags: false, left: true },
    ]);
    for (const body of ['', 'contact[id]=', 'contact[id]=../7', '{"contact":{"id":7}}', '%%%'])
      expect(changeHooks.parse(request(body))).toEqual([]);
  });
});

test('Kinds of failure are told apart, whatever the server sends.', async () => {
  const adapter = adapters.find(({ key }) => key === 'activecampaign')!;
  const c = to(adapter, against.activecampaign!.settings);
  const contacts = adapter.can.contacts!;
  const get = () => kindOf(contacts.get(c, '1'));
  for (const [kind, expected] of [
    [429, 'RATE_LIMITED'],
    [503, 'UNAVAILABLE'],
    ['cut', 'UNAVAILABLE'],
  ] as const) {
    ac.failWith({ rate: 1, kinds: [kind] });
    expect([kind, await get()]).toEqual([kind, expected]);
  }
  ac.failWith({ rate: 0 });
  expect(await kindOf(send({ method: 'GET', url: `${ac.url}/admin` }, { allowPrivatePeers: true }))).toBe(
    'REJECTED',
  );
  expect(
    await kindOf(
      c.call(
        { method: 'GET', url: `${ac.url}/api/3/users/me`, headers: { 'Api-Token': ac.apiKey } },
        z.object({ nobody: z.string() }),
      ),
    ),
  ).toBe('UNEXPECTED');
  ac.failWith({ rate: 1, kinds: ['timeout'] });
  const slow = send(
    { method: 'GET', url: `${ac.url}/api/3/users/me` },
    { allowPrivatePeers: true, timeoutMs: 200 },
  );
  expect(await kindOf(slow)).toBe('UNAVAILABLE');
  ac.failWith({ rate: 0 });
});
