import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Context } from '../../src/core/context.ts';
import { apiKeyParts, newApiKey } from '../../src/core/crypto.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import type { Role } from '../../src/core/permissions.ts';
import { systemContext } from '../../src/jobs/systemContext.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { schema } from '../../src/schema/schema.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startInProcess, eventually as within } from '../support/gateway.ts';
import { type Issuer, startIssuer } from '../support/issuer.ts';
import { openSocket, post, type RawSocket } from './client.ts';

// Hundreds of clients and thousands of events, on a machine that others may use.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });
const eventually = (what: string, check: () => boolean | Promise<boolean>) => within(what, check, 60_000);

type InProcess = Awaited<ReturnType<typeof startInProcess>>;

let database: TestDatabase;
let issuer: Issuer;
let gateway: InProcess;
let workspaceId: string;
/** Who writes: Frontdesk itself, in the workspace of the gateway's key. */
let writer: Context;
const sockets: RawSocket[] = [];

beforeAll(async () => {
  issuer = await startIssuer();
  database = await createTestDatabase();
  gateway = await start();
  const workspace = await gateway.services.db.workspace.findFirstOrThrow();
  workspaceId = workspace.id;
  const { services } = gateway;
  writer = systemContext({ ...services, committed: services.sequencer.run }, workspace);
});

afterEach(async () => {
  for (const { socket } of sockets.splice(0)) socket.terminate();
  await eventually(
    'nothing is left behind',
    async () =>
      (await metric('frontdesk_live_groups')) + (await metric('frontdesk_live_subscriptions')) === 0,
  );
});

afterAll(async () => {
  await gateway?.stop();
  issuer?.stop();
  await database?.drop();
});

const start = (env: Record<string, string> = {}) =>
  startInProcess({
    databaseUrl: database.url,
    schema,
    env: { ...issuer.env, FRONTDESK_ADMIN_KEY: 'an-admin-key-of-the-live-tests-000000', ...env },
  });

async function metric(name: string, of: InProcess = gateway): Promise<number> {
  const values = (await of.services.metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
  return values.reduce((sum, { value }) => sum + value, 0);
}

/** What grew by how much while this ran. */
async function grown<Result>(
  name: string,
  run: () => Promise<Result>,
): Promise<{ by: number; result: Result }> {
  const before = await metric(name);
  const result = await run();
  return { by: (await metric(name)) - before, result };
}

interface Frame {
  id: string;
  cursor: string;
  payload: { data: { activityAdded: { cursor: string; activity: Record<string, unknown> } } };
}

interface Subscribed {
  opened: RawSocket;
  frames(): Frame[];
}

const activity =
  'subscription Activity($after: String) { activityAdded(after: $after) { cursor activity { id title customer { firstName } } } }';

interface Options {
  key?: string;
  query?: string;
  after?: string | null;
  id?: string;
  of?: InProcess;
}

/** One after the other, so that each can tell when it runs. */
let turn: Promise<unknown> = Promise.resolve();
function subscribe(options: Options = {}): Promise<Subscribed> {
  const mine = turn.then(() => subscribeNow(options));
  turn = mine.catch(() => {});
  return mine;
}

async function subscribeNow(options: Options): Promise<Subscribed> {
  const { of = gateway, key = of.adminKey, query = activity, after = null, id = newId() } = options;
  const opened = await openSocket(of.wsUrl, { params: { authorization: `Bearer ${key}` } });
  sockets.push(opened);
  const started = async () =>
    (await of.services.metrics.operations.get()).values.reduce(
      (sum, { value, labels }) => sum + (labels.type === 'subscription' ? value : 0),
      0,
    );
  const before = await started();
  opened.send({ type: 'subscribe', id, payload: { query, variables: { after } } });
  await eventually('it runs, or is refused', async () => (await started()) > before);
  return {
    opened,
    frames: () =>
      opened.messages.flatMap((message) => {
        if (message.type !== 'next') return [];
        const payload = message.payload as Frame['payload'];
        return [{ id: message.id as string, cursor: payload.data?.activityAdded?.cursor, payload }];
      }),
  };
}

const namesOf = ({ frames }: Subscribed) =>
  frames().map(
    ({ payload }) => (payload.data.activityAdded.activity.customer as { firstName: string }).firstName,
  );

const add = (firstName: string, more: object = {}) => createCustomer(writer, { firstName, ...more });
const endOfLog = async () => {
  const { body } = await post(
    gateway.url,
    { query: '{ eventCursor }' },
    { authorization: `Bearer ${gateway.adminKey}` },
  );
  return (body as { data: { eventCursor: string } }).data.eventCursor;
};

async function addKey(role: Role = 'ADMIN', scopes: string[] = []) {
  const key = newApiKey();
  const id = newId();
  await gateway.services.db.apiKey.create({
    data: { id, workspaceId, name: 'test', role, scopes, ...apiKeyParts(key) },
  });
  return { key, id };
}

/** A user who signs in with a token. */
async function addUser(role: Role, name = newId()) {
  const id = newId();
  await gateway.services.db.user.create({
    data: { id, workspaceId, email: `${name}@example.com`, displayName: name, externalId: name, role },
  });
  const workspace = encodeId('Workspace', workspaceId);
  return { id, key: await issuer.token({ subject: name, workspace }) };
}

describe('Subscribers who ask the same', () => {
  test('share one execution of each event; each frame has the id of its own operation and is otherwise the same.', async () => {
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, n) => subscribe({ id: `own-${'x'.repeat(n)}-ü` })),
    );
    expect(await metric('frontdesk_live_groups')).toBe(1);
    const { by } = await grown('frontdesk_live_executions_total', async () => {
      for (const name of ['Ada', 'Grace', 'Mary']) await add(name);
      await eventually('all have all', () => all.every(({ frames }) => frames().length === 3));
    });
    expect(by).toBe(3);
    const [first] = all as [Subscribed];
    for (const [n, one] of all.entries()) {
      expect(one.frames().map(({ id }) => id)).toEqual(Array(3).fill(`own-${'x'.repeat(n)}-ü`));
      expect(one.frames().map(({ payload }) => payload)).toEqual(
        first.frames().map(({ payload }) => payload),
      );
    }
    expect(namesOf(first)).toEqual(['Ada', 'Grace', 'Mary']);
  });

  test('do so whatever they hand as `after`, and not with other variables, operations or permissions.', async () => {
    const cursor = await endOfLog();
    const other = activity.replace('title', 'title type');
    const filtered = `subscription ($c: ID, $after: String) { activityAdded(customerId: $c, after: $after) { cursor activity { id } } }`;
    await subscribe();
    await subscribe({ after: cursor });
    await subscribe({ after: '' });
    expect(await metric('frontdesk_live_groups')).toBe(1);
    await subscribe({ query: other });
    expect(await metric('frontdesk_live_groups')).toBe(2);
    await subscribe({ query: filtered });
    expect(await metric('frontdesk_live_groups')).toBe(3);
    const { key } = await addKey('VIEWER');
    await subscribe({ key });
    expect(await metric('frontdesk_live_groups')).toBe(4);
    const { key: same } = await addKey('VIEWER');
    await subscribe({ key: same });
    expect(await metric('frontdesk_live_groups')).toBe(4);
  });

  test('are served when a frame is larger than what is copied for each.', async () => {
    const query = `subscription ($after: String) { activityAdded(after: $after) { cursor activity { id
      ${Array.from({ length: 90 }, (_, n) => `a${n}: customer { firstName fullName }`).join(' ')} } } }`;
    const all = await Promise.all(Array.from({ length: 5 }, () => subscribe({ query })));
    const firstName = 'é'.repeat(90);
    const lastName = 'z'.repeat(90);
    for (let n = 0; n < 3; n++) await add(firstName, { lastName });
    await eventually('all have it', () => all.every(({ frames }) => frames().length === 3));
    for (const one of all)
      expect(JSON.stringify(one.frames()[2])).toContain(`"a89":{"firstName":"${firstName}"`);
  });
});

describe('What only some may see', () => {
  test('reaches nobody else: 200 members of staff, each with customers of their own.', async () => {
    const staff = await Promise.all(Array.from({ length: 200 }, () => addUser('STAFF')));
    const subscribed: Subscribed[] = [];
    for (let n = 0; n < staff.length; n += 25)
      subscribed.push(...(await Promise.all(staff.slice(n, n + 25).map(({ key }) => subscribe({ key })))));
    await eventually('all run', async () => (await metric('frontdesk_live_subscriptions')) === staff.length);
    expect(await metric('frontdesk_live_groups')).toBe(1);
    const expected = new Map<number, string[]>(staff.map((_, n) => [n, []]));
    const { by } = await grown('frontdesk_live_executions_total', async () => {
      for (let n = 0; n < 60; n++) {
        const of = (n * 37) % staff.length;
        const name = `Customer-${n}-of-${of}`;
        await add(name, n % 3 === 2 ? {} : { ownerId: encodeId('User', (staff[of] as { id: string }).id) });
        if (n % 3 !== 2) expected.get(of)?.push(name);
      }
      await eventually('everyone has theirs', () =>
        subscribed.every((one, n) => one.frames().length >= (expected.get(n)?.length ?? 0)),
      );
    });
    expect(by).toBe(40); // those that nobody may see are not even executed
    expect(subscribed.map(namesOf)).toEqual([...expected.values()]);
  });

  test('is executed for each where the selection reaches rows that depend on it, and shows each their own.', async () => {
    const [one, two] = [await addUser('STAFF'), await addUser('STAFF')];
    const query = `subscription ($after: String) { activityAdded(after: $after) { cursor activity {
      customer { firstName activities(first: 5) { totalCount } } } } }`;
    const [first, second] = [
      await subscribe({ key: one.key, query }),
      await subscribe({ key: two.key, query }),
    ];
    const admin = await subscribe({ query });
    expect(await metric('frontdesk_live_groups')).toBe(3);
    await add('Hers', { ownerId: encodeId('User', one.id) });
    await add('His', { ownerId: encodeId('User', two.id) });
    await eventually('all have theirs', () => admin.frames().length === 2 && second.frames().length === 1);
    expect([namesOf(first), namesOf(second), namesOf(admin)]).toEqual([['Hers'], ['His'], ['Hers', 'His']]);
  });

  test('follows the owner of a customer from one event to the next.', async () => {
    const [one, two] = [await addUser('STAFF'), await addUser('STAFF')];
    const [first, second] = [await subscribe({ key: one.key }), await subscribe({ key: two.key })];
    const { id } = await add('Moves', { ownerId: encodeId('User', one.id) });
    await updateCustomer(writer, { id: encodeId('Customer', id), ownerId: encodeId('User', two.id) });
    await updateCustomer(writer, { id: encodeId('Customer', id), jobTitle: 'Painter' });
    await eventually('the second has theirs', () => second.frames().length >= 2);
    const titles = ({ frames }: Subscribed) =>
      frames().map(({ payload }) => payload.data.activityAdded.activity.title);
    expect(titles(first).length).toBe(1);
    expect(titles(second).length).toBe(2);
  });
});

describe('Whoever was cut off', () => {
  test('gets what they missed and goes on live without a seam, however often and wherever: each event once, in order.', async () => {
    const other = await start();
    const steady = await subscribe();
    const from = await endOfLog();
    const total = 300;
    const names = Array.from({ length: total }, (_, n) => `n${n}`);
    let written = 0;
    const writing = (async () => {
      for (; written < total; written += 5)
        await Promise.all(names.slice(written, written + 5).map((name) => add(name)));
    })();
    const restless = Array.from({ length: 8 }, async (_, n) => {
      const record: Frame[] = [];
      let after = from;
      for (let turn = 0; record.length < total; turn++) {
        const one = await subscribe({ after, of: (turn + n) % 2 ? other : gateway });
        const target = Math.min(total, record.length + 1 + ((n * 31 + turn * 17) % 60));
        await eventually('some have come', () => record.length + one.frames().length >= target);
        one.opened.socket.terminate();
        record.push(...one.frames());
        after = record.at(-1)?.cursor ?? after;
      }
      return record;
    });
    const records = await Promise.all(restless);
    await writing;
    await eventually('the steady one has all', () => steady.frames().length === total);
    const cursors = steady.frames().map(({ cursor }) => cursor);
    expect(new Set(cursors).size).toBe(total);
    expect(new Set(namesOf(steady))).toEqual(new Set(names));
    for (const record of records) expect(record.map(({ cursor }) => cursor)).toEqual(cursors);
    for (const { socket } of sockets.splice(0)) socket.terminate();
    await other.stop();
  });

  test('shares what they catch up on with all who catch up at the same time.', async () => {
    const after = await endOfLog();
    for (let n = 0; n < 20; n++) await add(`missed ${n}`);
    const { by } = await grown('frontdesk_live_executions_total', async () => {
      const all = await Promise.all(Array.from({ length: 30 }, () => subscribe({ after })));
      await eventually('all have all', () => all.every(({ frames }) => frames().length === 20));
    });
    expect(by).toBeLessThan(100);
  });

  test('is told when the log does not reach back, and where it begins.', async () => {
    const old = await endOfLog();
    await add('Forgotten');
    await add('Kept');
    const events = await gateway.services.db.event.findMany({
      where: { workspaceId },
      orderBy: { position: 'asc' },
    });
    const kept = events.at(-1) as (typeof events)[number];
    await gateway.services.db.$queryRaw`SELECT trim_events(${kept.recordedAt}::timestamptz)`;
    const { by, result } = await grown('frontdesk_live_gaps_total', () => subscribe({ after: old }));
    expect(by).toBe(1);
    await eventually('it is told', () => result.frames().length === 1);
    const [{ payload }] = result.frames() as unknown as [
      { payload: { errors: { extensions: { code: string; oldestCursor: string } }[] } },
    ];
    expect(payload.errors[0]?.extensions.code).toBe('CURSOR_EXPIRED');
    const again = await subscribe({ after: payload.errors[0]?.extensions.oldestCursor as string });
    await eventually('the rest has come', () => again.frames().length === 1);
    expect(namesOf(again)).toEqual(['Kept']);
  });

  test('and whoever is live is told when the database is restored to an earlier time.', async () => {
    const one = await subscribe();
    await add('Before');
    await eventually('it is there', () => one.frames().length === 1);
    const cursor = one.frames()[0]?.cursor as string;
    await gateway.services.db.$executeRaw`UPDATE event_sequencer SET epoch = gen_random_uuid()`;
    await eventually('it is told', () => one.opened.messages.some(({ type }) => type === 'complete'));
    expect(JSON.stringify(one.opened.messages)).toContain('CURSOR_EXPIRED');
    const late = await subscribe({ after: cursor });
    expect(JSON.stringify(late.opened.messages)).toContain('CURSOR_EXPIRED');
    const fresh = await subscribe({ after: await endOfLog() });
    await add('After');
    await eventually('it goes on', () => fresh.frames().length === 1);
  });

  test('and a cursor is of the log as it is, also when nobody followed while it was restored.', async () => {
    await endOfLog();
    await gateway.services.db.$executeRaw`UPDATE event_sequencer SET epoch = gen_random_uuid()`;
    const after = await endOfLog();
    await add('Later');
    const one = await subscribe({ after });
    await eventually('it is there', () => one.frames().length === 1);
    expect(namesOf(one)).toEqual(['Later']);
  });
});

describe('A client that takes nothing', () => {
  test('is cut off with 4413 when too much waits for it; the others do not notice, and it goes on behind its cursor.', async () => {
    const strict = await start({ LIVE_QUEUE_BYTES: '65536' });
    const from = await endOfLog();
    const query = activity.replace(
      'firstName',
      `firstName ${Array.from({ length: 80 }, (_, n) => `a${n}: lastName`).join(' ')}`,
    );
    const slow = await subscribe({ of: strict, query });
    const quick = await subscribe({ of: strict });
    slow.opened.socket.pause();
    const lastName = 'x'.repeat(95);
    let count = 0;
    while ((await metric('frontdesk_live_evictions_total', strict)) === 0) {
      await Promise.all(Array.from({ length: 10 }, () => add(`n${count++}`, { lastName })));
      if (count > 5_000) throw new Error('It was never cut off.');
    }
    slow.opened.socket.resume();
    expect((await slow.opened.closed).code).toBe(4413);
    await eventually('the quick one has all', () => quick.frames().length === count);
    const had = slow.frames();
    const again = await subscribe({ of: strict, query, after: had.at(-1)?.cursor ?? from });
    await eventually('it has the rest', () => had.length + again.frames().length === count);
    expect([...had, ...again.frames()].map(({ cursor }) => cursor)).toEqual(
      quick.frames().map(({ cursor }) => cursor),
    );
    for (const { socket } of sockets.splice(0)) socket.terminate();
    await strict.stop();
  });

  test('that is closed for one reason or another leaves no subscription behind.', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => subscribe()));
    for (const [n, { opened }] of all.entries()) {
      if (n % 2) opened.socket.terminate();
      else opened.send({ type: 'complete', id: String(opened.messages[0]?.id) });
    }
    for (const { opened } of all) opened.socket.close();
    await eventually('none is left', async () => (await metric('frontdesk_live_subscriptions')) === 0);
  });
});

describe('Limits', () => {
  test('one subscription more than a socket may have is refused, and the others go on.', async () => {
    const strict = await start({ LIVE_SUBSCRIPTIONS_PER_SOCKET: '3' });
    const { opened } = await subscribe({ of: strict, id: '0' });
    for (const id of ['1', '2', '3']) opened.send({ type: 'subscribe', id, payload: { query: activity } });
    expect(await opened.next()).toMatchObject({
      type: 'error',
      id: '3',
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'subscriptionsPerSocket', max: 3 } }],
    });
    opened.send({ type: 'complete', id: '1' });
    await eventually(
      'one has ended',
      async () => (await metric('frontdesk_live_subscriptions', strict)) === 2,
    );
    opened.send({ type: 'subscribe', id: '4', payload: { query: activity } });
    await eventually(
      'another runs',
      async () => (await metric('frontdesk_live_subscriptions', strict)) === 3,
    );
    opened.socket.terminate();
    await strict.stop();
  });

  test('one socket more than a credential may have is closed with 1013, one stream more refused with 429.', async () => {
    const strict = await start({ LIVE_SOCKETS_PER_KEY: '2' });
    const params = { authorization: `Bearer ${strict.adminKey}` };
    const open = [await openSocket(strict.wsUrl, { params }), await openSocket(strict.wsUrl, { params })];
    expect((await (await openSocket(strict.wsUrl, { params })).closed).code).toBe(1013);
    const stream = await fetch(`${strict.url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...params },
      body: JSON.stringify({ query: activity }),
    });
    expect(stream.status).toBe(429);
    open[0]?.socket.terminate();
    await eventually('there is room again', async () => {
      const one = await openSocket(strict.wsUrl, { params });
      const fits = one.socket.readyState === one.socket.OPEN && one.messages[0]?.type === 'connection_ack';
      one.socket.terminate();
      return fits;
    });
    open[1]?.socket.terminate();
    await strict.stop();
  });
});

describe('A right that is withdrawn', () => {
  test('narrows a running stream: the groups form anew, and nothing is lost or told twice.', async () => {
    const user = await addUser('VIEWER');
    const one = await subscribe({ key: user.key });
    await add('Seen by all');
    await eventually('it has come', () => one.frames().length === 1);
    await gateway.services.db.user.update({ where: { id: user.id }, data: { role: 'STAFF' } });
    gateway.services.sessions.check();
    await eventually('it reaches its own only', async () => {
      const before = one.frames().length;
      await add('Somebody', {});
      await new Promise((done) => setTimeout(done, 100));
      return one.frames().length === before;
    });
    const before = one.frames().length;
    await add('Own', { ownerId: encodeId('User', user.id) });
    await eventually('its own has come', () => one.frames().length === before + 1);
    expect(namesOf(one).at(-1)).toBe('Own');
    expect(new Set(one.frames().map(({ cursor }) => cursor)).size).toBe(one.frames().length);
  });

  test('ends a subscription that may not be had any more, and leaves the socket open.', async () => {
    const { key, id } = await addKey('ADMIN', ['customers.read', 'activities.read']);
    const one = await subscribe({ key });
    await gateway.services.db.apiKey.update({ where: { id }, data: { scopes: ['customers.read'] } });
    await eventually('it has ended', () => one.opened.messages.some(({ type }) => type === 'complete'));
    expect(JSON.stringify(one.opened.messages)).toContain('"code":"FORBIDDEN"');
    expect(one.opened.socket.readyState).toBe(one.opened.socket.OPEN);
  });

  test('by a verb is heard of in every process, also in one that only polls.', async () => {
    const { revokeApiKey } = await import('../../src/resolvers/apiKeys/revokeApiKey.ts');
    const other = await start();
    const { key, id } = await addKey();
    const [here, there] = [await subscribe({ key }), await subscribe({ key, of: other })];
    await revokeApiKey(writer, { id: encodeId('ApiKey', id) });
    expect((await here.opened.closed).code).toBe(4403);
    expect((await there.opened.closed).code).toBe(4403);
    await other.stop();
  });
});

describe('Server-sent events', () => {
  async function stream(options: { after?: string; lastEventId?: string; key?: string }) {
    const abort = new AbortController();
    const url = new URL(`${gateway.url}/graphql/stream`);
    url.searchParams.set('query', activity);
    if (options.after) url.searchParams.set('variables', JSON.stringify({ after: options.after }));
    const headers: Record<string, string> = { 'x-api-key': options.key ?? gateway.adminKey };
    if (options.lastEventId) headers['last-event-id'] = options.lastEventId;
    const response = await fetch(url, { headers, signal: abort.signal });
    let text = '';
    const ended = (async () => {
      for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk);
    })().catch(() => {});
    const events = () =>
      text.split('\n\n').flatMap((block) => {
        const at = /^id: (.+)\nevent: next\ndata: (.+)$/m.exec(block);
        return at ? [{ id: at[1] as string, data: JSON.parse(at[2] as string) as Frame['payload'] }] : [];
      });
    return { events, ended, text: () => text, abort: () => abort.abort() };
  }

  test('carry the cursor as their id, and `Last-Event-ID` goes on behind it, whatever `after` says.', async () => {
    const after = await endOfLog();
    for (const name of ['One', 'Two', 'Three']) await add(name);
    const first = await stream({ after });
    await eventually('three have come', () => first.events().length === 3);
    const names = ({ events }: typeof first) =>
      events().map(
        ({ data }) => (data.data.activityAdded.activity.customer as { firstName: string }).firstName,
      );
    for (const { id, data } of first.events()) expect(id).toBe(data.data.activityAdded.cursor);
    first.abort();
    await first.ended;
    const second = await stream({ after, lastEventId: first.events()[0]?.id as string });
    await eventually('two have come', () => second.events().length === 2);
    await add('Four');
    await eventually('it is live', () => second.events().length === 3);
    expect(names(second)).toEqual(['Two', 'Three', 'Four']);
    second.abort();
    const wrong = await stream({ lastEventId: 'no cursor' });
    await wrong.ended;
    expect(wrong.text()).toContain('BAD_USER_INPUT');
  });

  test('share executions with WebSockets.', async () => {
    const one = await stream({});
    await eventually('it runs', async () => (await metric('frontdesk_live_subscriptions')) === 1);
    const two = await subscribe();
    expect(await metric('frontdesk_live_groups')).toBe(1);
    await add('Both');
    await eventually('both have it', () => one.events().length + two.frames().length === 2);
    expect(one.events()[0]?.data).toEqual(two.frames()[0]?.payload);
    one.abort();
    await one.ended;
  });
});
