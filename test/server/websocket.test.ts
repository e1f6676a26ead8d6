import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { apiKeyParts, newApiKey } from '../../src/core/crypto.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, startInProcess } from '../support/gateway.ts';
import { type Issuer, startIssuer } from '../support/issuer.ts';
import { openSocket, post } from './client.ts';
import { seen, testSchema } from './testSchema.ts';

let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;
let issuer: Issuer;
let workspaceId: string;

beforeAll(async () => {
  issuer = await startIssuer();
  database = await createTestDatabase();
  gateway = await startInProcess({ databaseUrl: database.url, schema: testSchema, env: issuer.env });
  workspaceId = (await gateway.services.db.workspace.findFirstOrThrow()).id;
});

afterAll(async () => {
  issuer?.stop();
  await gateway?.stop();
  await database?.drop();
});

const admin = () => ({ authorization: `Bearer ${gateway.adminKey}` });
const subscribe = (id: string, query: string, variables?: object) => ({
  type: 'subscribe',
  id,
  payload: { query, variables },
});
const noStreams = () => eventually('every stream has ended', () => seen.streamsOpen === 0);

async function addKey(data: { role?: 'ADMIN' | 'VIEWER'; scopes?: string[]; expiresAt?: Date } = {}) {
  const key = newApiKey();
  const id = newId();
  await gateway.services.db.apiKey.create({
    data: { id, workspaceId, name: 'test', role: 'ADMIN', scopes: [], ...apiKeyParts(key), ...data },
  });
  return { key, id };
}

describe('the protocol', () => {
  test('the graphql-ws client queries, mutates and subscribes over one socket', async () => {
    const client = createClient({ url: gateway.wsUrl, webSocketImpl: WebSocket, connectionParams: admin() });
    const results: unknown[] = [];
    for await (const { data } of client.iterate({ query: '{ hello who { kind } }' })) results.push(data);
    for await (const { data } of client.iterate({ query: 'mutation { bump(input: { by: 0 }) }' }))
      results.push(data);
    for await (const { data } of client.iterate({ query: 'subscription { tick(count: 2) { n } }' }))
      results.push(data);
    expect(results).toEqual([
      { hello: 'Hello, you', who: { kind: 'apiKey' } },
      { bump: seen.mutations },
      { tick: { n: 1 } },
      { tick: { n: 2 } },
    ]);
    await client.dispose();
    await noStreams();
  });

  test('a bad operation harms no other on its socket', async () => {
    const socket = await openSocket(gateway.wsUrl, { params: admin() });
    socket.send(subscribe('good', 'subscription { tick(everyMs: 20) { n } }'));
    expect(await socket.next()).toMatchObject({ type: 'next', id: 'good' });
    const bad: [string, string, object?][] = [
      ['syntax', '{'],
      ['unknown', '{ nothing }'],
      ['empty', ''],
      ['variables', 'query ($x: String!) { hello(name: $x) }', { x: 1 }],
      ['deep', `{ ${'loop { '.repeat(30)} leaf ${'}'.repeat(31)}`],
      ['braces', '{'.repeat(100_000)],
      ['bug', '{ bug }'],
      ['many', 'query A { hello } query B { hello }'],
      ['type', 'type A { b: Int }'],
      ['lists', 'query ($ids: [ID]) { nodes(ids: $ids) }', { ids: 'DEEP' }],
      ['missing', 'subscription { nothing { n } }'],
      ['secret', 'subscription { tick(secret: 1) { n } }'],
    ];
    for (const [id, query, variables] of bad) {
      socket.send(
        JSON.stringify(subscribe(id, query, variables)).replace(
          '"DEEP"',
          '['.repeat(50_000) + ']'.repeat(50_000),
        ),
      );
    }
    await eventually('all are answered', () =>
      bad.every(([id]) => socket.messages.some((message) => message.id === id)),
    );
    const codes = Object.fromEntries(
      bad.map(([id]) => {
        const { type, payload } = socket.messages.find((message) => message.id === id) as {
          type: string;
          payload: never;
        };
        const errors = (type === 'error' ? payload : (payload as { errors: unknown[] }).errors) as {
          extensions: { code: string; http?: unknown };
        }[];
        expect(errors[0]?.extensions.http).toBeUndefined();
        return [id, `${type} ${errors[0]?.extensions.code}`];
      }),
    );
    expect(codes).toEqual({
      syntax: 'error GRAPHQL_PARSE_FAILED',
      unknown: 'error GRAPHQL_VALIDATION_FAILED',
      empty: 'error GRAPHQL_PARSE_FAILED',
      variables: 'next BAD_USER_INPUT',
      deep: 'error LIMIT_EXCEEDED',
      braces: 'error LIMIT_EXCEEDED',
      bug: 'next INTERNAL',
      many: 'error OPERATION_RESOLUTION_FAILURE',
      type: 'error GRAPHQL_VALIDATION_FAILED',
      lists: 'error LIMIT_EXCEEDED',
      missing: 'error GRAPHQL_VALIDATION_FAILED',
      secret: 'error GRAPHQL_VALIDATION_FAILED',
    });
    const so = socket.messages.filter(({ id }) => id === 'good').length;
    await eventually(
      'the good one goes on',
      () => socket.messages.filter(({ id }) => id === 'good').length > so + 2,
    );
    socket.socket.close();
    await noStreams();
  });

  test('an error that was first seen over WebSocket has its right status over HTTP, and the other way round', async () => {
    const accept = { accept: 'application/graphql-response+json' };
    const socket = await openSocket(gateway.wsUrl);
    for (const query of ['{ never seen before', '{ neverSeenBefore }']) {
      socket.send(subscribe(query, query));
      expect((await socket.next()).type).toBe('error');
      expect((await post(gateway.url, { query }, accept)).status).toBe(400);
    }
    for (const query of ['{ seen over http first', '{ seenOverHttpFirst }']) {
      expect((await post(gateway.url, { query }, accept)).status).toBe(400);
      socket.send(subscribe(query, query));
      expect(JSON.stringify(await socket.next())).not.toContain('"http"');
    }
    socket.socket.close();
  });

  test.for([
    ['no JSON', 4400, 'hello'],
    ['an unknown type', 4400, '{"type":"start"}'],
    ['a query that is no text', 4400, '{"type":"subscribe","id":"1","payload":{"query":1}}'],
    ['a second connection_init', 4429, '{"type":"connection_init"}'],
  ] as const)('%s closes the socket with %s', async ([, code, message]) => {
    const socket = await openSocket(gateway.wsUrl);
    socket.send(message);
    expect((await socket.closed).code).toBe(code);
  });

  test('the same id twice closes the socket with 4409', async () => {
    const socket = await openSocket(gateway.wsUrl);
    socket.send(subscribe('1', 'subscription { tick { n } }'));
    socket.send(subscribe('1', 'subscription { tick { n } }'));
    expect((await socket.closed).code).toBe(4409);
    await noStreams();
  });

  test('an operation before connection_init is acknowledged closes the socket with 4401', async () => {
    const socket = await openSocket(gateway.wsUrl, { init: false });
    socket.send(subscribe('1', '{ hello }'));
    expect((await socket.closed).code).toBe(4401);
  });

  test('a socket that never says connection_init is closed with 4408, one on which nothing runs with 1000, and no other', async () => {
    const hasty = await startInProcess({
      databaseUrl: database.url,
      schema: testSchema,
      env: { LIVE_IDLE_SECONDS: '1', LIVE_INIT_SECONDS: '1' },
    });
    try {
      const busy = await openSocket(hasty.wsUrl);
      busy.send(subscribe('1', 'subscription { tick(everyMs: 20) { n } }'));
      const [silent, idle] = await Promise.all([
        openSocket(hasty.wsUrl, { init: false }),
        openSocket(hasty.wsUrl),
      ]);
      expect(await silent.closed).toMatchObject({ code: 4408 });
      expect(await idle.closed).toEqual({ code: 1000, reason: 'Idle' });
      expect(busy.socket.readyState).toBe(WebSocket.OPEN);
      busy.send({ type: 'complete', id: '1' });
      expect(await busy.closed).toEqual({ code: 1000, reason: 'Idle' });
    } finally {
      await hasty.stop();
    }
    await noStreams();
  });

  test('another subprotocol, or none, is closed with 4406', async () => {
    for (const protocol of [undefined, 'graphql-ws']) {
      const socket = new WebSocket(gateway.wsUrl, protocol);
      const code = await new Promise((resolve) =>
        socket.once('close', resolve).once('error', (error) => resolve(error.message)),
      );
      expect([4406, 'Server sent no subprotocol']).toContain(code);
    }
  });

  test('a message over 1 MiB closes the socket with 1009; one just below is read', async () => {
    const socket = await openSocket(gateway.wsUrl);
    socket.send(subscribe('1', 'query ($x: String) { hello(name: $x) }', { x: 'x'.repeat(1_000_000) }));
    expect(JSON.stringify(await socket.next())).toContain('xxx');
    socket.send(subscribe('2', 'query ($x: String) { hello(name: $x) }', { x: 'x'.repeat(1_048_576) }));
    expect((await socket.closed).code).toBe(1009);
  });

  test('more operations at a time than the limit are refused one by one', async () => {
    const socket = await openSocket(gateway.wsUrl);
    for (let n = 0; n < 205; n++) socket.send(subscribe(String(n), '{ slow(ms: 300) }'));
    await eventually(
      'all are answered',
      () => socket.messages.filter(({ type }) => type === 'next' || type === 'error').length === 205,
    );
    const refused = socket.messages.filter(({ type }) => type === 'error');
    expect(refused.length).toBe(5);
    expect(JSON.stringify(refused[0])).toContain('LIMIT_EXCEEDED');
    socket.socket.close();
  });

  test('other paths cannot be upgraded', async () => {
    for (const path of ['/', '/graphql/stream', '/health/live']) {
      const socket = new WebSocket(gateway.url.replace('http', 'ws') + path, 'graphql-transport-ws');
      expect(
        await new Promise((resolve) => socket.once('error', (error) => resolve(error.message))),
      ).toContain('404');
    }
  });
});

describe('subscriptions', () => {
  test('each event is executed with a context of its own and errors are masked', async () => {
    const socket = await openSocket(gateway.wsUrl, { params: admin() });
    socket.send(subscribe('1', 'subscription { tick(count: 1) { n bug } }'));
    const { payload } = (await socket.next()) as { payload: { errors: { extensions: object }[] } };
    expect(JSON.stringify(payload)).not.toContain('hunter2');
    expect(payload.errors[0]?.extensions).toMatchObject({ code: 'INTERNAL' });
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
    socket.socket.close();
  });

  test('a source that fails ends its operation with the reason, and no other', async () => {
    const socket = await openSocket(gateway.wsUrl);
    socket.send(subscribe('1', 'subscription { failing { n } }'));
    expect(await socket.next()).toMatchObject({ type: 'next', payload: { data: { failing: { n: 1 } } } });
    expect(await socket.next()).toMatchObject({
      type: 'next',
      payload: { errors: [{ extensions: { code: 'CURSOR_EXPIRED', oldestCursor: 'abc' } }] },
    });
    expect(await socket.next()).toEqual({ id: '1', type: 'complete' });
    socket.send(subscribe('2', '{ hello }'));
    expect(await socket.next()).toMatchObject({ id: '2', type: 'next' });
    socket.socket.close();
  });

  test('a subscription that the caller may not start is refused', async () => {
    const socket = await openSocket(gateway.wsUrl);
    socket.send(subscribe('1', 'subscription { tick(secret: true) { n } }'));
    expect(await socket.next()).toMatchObject({
      type: 'next',
      payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    expect(await socket.next()).toMatchObject({ type: 'complete' });
    socket.socket.close();
  });

  test('a source that waits is ended when the client completes it, leaves, or disappears', async () => {
    const waiting = 'subscription { tick(everyMs: 60000) { n } }';
    const socket = await openSocket(gateway.wsUrl);
    socket.send(subscribe('1', waiting));
    socket.send(subscribe('2', waiting));
    await eventually('both run', () => seen.streamsOpen === 2);
    socket.send({ type: 'complete', id: '1' });
    await eventually('one has ended', () => seen.streamsOpen === 1);
    socket.socket.close();
    await noStreams();
    const lost = await openSocket(gateway.wsUrl);
    lost.send(subscribe('1', waiting));
    await eventually('it runs', () => seen.streamsOpen === 1);
    lost.socket.terminate();
    await noStreams();
  });

  test('a source that minds neither signal nor return() holds nobody up', async () => {
    const socket = await openSocket(gateway.wsUrl);
    socket.send(subscribe('1', 'subscription { stubborn { n } }'));
    expect(await socket.next()).toMatchObject({ type: 'next' });
    socket.send({ type: 'complete', id: '1' });
    socket.send(subscribe('2', '{ hello }'));
    expect(await socket.next()).toMatchObject({
      id: '2',
      type: 'next',
      payload: { data: { hello: 'Hello, you' } },
    });
    socket.socket.close();
    const { services } = gateway;
    await eventually(
      'nothing is counted as running',
      async () => (await services.metrics.live.subscriptions.get()).values[0]?.value === 0,
    );
  });

  test('a client that reads nothing holds back its source, and nobody else', async () => {
    const slow = await openSocket(gateway.wsUrl);
    slow.send(subscribe('1', 'subscription { tick(everyMs: 0) { n padding } }'));
    await eventually('it runs', () => slow.messages.length > 2);
    slow.socket.pause();
    const before = process.memoryUsage().rss;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    const quick = await openSocket(gateway.wsUrl);
    quick.send(subscribe('1', 'subscription { tick(count: 3) { n } }'));
    await eventually('the quick one is served', () => quick.messages.length > 3, 2_000);
    quick.socket.close();
    slow.socket.terminate();
    await noStreams();
  });
});

describe('who is behind a socket', () => {
  test('a credential is read with or without Bearer, and none is anonymous', async () => {
    for (const [params, kind] of [
      [{ authorization: `Bearer ${gateway.adminKey}` }, 'apiKey'],
      [{ authorization: gateway.adminKey }, 'apiKey'],
      [{ Authorization: `Bearer ${gateway.adminKey}` }, 'apiKey'],
      [{}, 'anonymous'],
    ] as const) {
      const socket = await openSocket(gateway.wsUrl, { params });
      socket.send(subscribe('1', '{ who { kind } }'));
      expect(await socket.next()).toMatchObject({ payload: { data: { who: { kind } } } });
      socket.socket.close();
    }
  });

  test('a wrong credential is closed with 4403, an expired token with 4401', async () => {
    const wrong = await openSocket(gateway.wsUrl, { params: { authorization: 'Bearer wrong' } });
    expect((await wrong.closed).code).toBe(4403);
    const object = await openSocket(gateway.wsUrl, { params: { authorization: { a: 1 } } });
    expect((await object.closed).code).toBe(4403);
    const past = Math.floor(Date.now() / 1_000) - 60;
    const token = await issuer.token({
      subject: 'x',
      workspace: encodeId('Workspace', workspaceId),
      expires: past,
    });
    const expired = await openSocket(gateway.wsUrl, { params: { authorization: token } });
    expect((await expired.closed).code).toBe(4401);
  });

  test('a key that is revoked closes its sockets with 4403 within five seconds', async () => {
    const { key, id } = await addKey();
    const socket = await openSocket(gateway.wsUrl, { params: { authorization: key } });
    socket.send(subscribe('1', 'subscription { tick(everyMs: 50) { n } }'));
    await socket.next();
    const start = Date.now();
    await gateway.services.db.apiKey.update({ where: { id }, data: { revokedAt: new Date() } });
    expect((await socket.closed).code).toBe(4403);
    expect(Date.now() - start).toBeLessThan(5_000);
    await noStreams();
  });

  test('a token that expires closes its sockets with 4401 within five seconds', async () => {
    const id = newId();
    await gateway.services.db.user.create({
      data: {
        id,
        workspaceId,
        externalId: id,
        email: `${id}@test.example`,
        displayName: 'Ada',
        role: 'ADMIN',
      },
    });
    const expires = Math.floor(Date.now() / 1_000) + 2;
    const token = await issuer.token({ subject: id, workspace: encodeId('Workspace', workspaceId), expires });
    const socket = await openSocket(gateway.wsUrl, { params: { authorization: `Bearer ${token}` } });
    expect((await socket.closed).code).toBe(4401);
    expect(Date.now() / 1_000 - expires).toBeLessThan(5);
  });

  test('a user who is disabled loses their sockets with 4403', async () => {
    const id = newId();
    await gateway.services.db.user.create({
      data: {
        id,
        workspaceId,
        externalId: id,
        email: `${id}@test.example`,
        displayName: 'Ada',
        role: 'ADMIN',
      },
    });
    const token = await issuer.token({ subject: id, workspace: encodeId('Workspace', workspaceId) });
    const socket = await openSocket(gateway.wsUrl, { params: { authorization: `Bearer ${token}` } });
    await gateway.services.db.user.update({ where: { id }, data: { disabledAt: new Date() } });
    expect((await socket.closed).code).toBe(4403);
  });

  test('a right that changes takes effect in running streams', async () => {
    const { key, id } = await addKey();
    const socket = await openSocket(gateway.wsUrl, { params: { authorization: key } });
    socket.send(subscribe('1', 'subscription { tick(everyMs: 50) { n customers } }'));
    expect(await socket.next()).toMatchObject({ payload: { data: { tick: { customers: 'customers' } } } });
    await gateway.services.db.apiKey.update({ where: { id }, data: { scopes: ['tags.read'] } });
    await eventually(
      'the stream is refused the field',
      () => JSON.stringify(socket.messages.at(-1)).includes('FORBIDDEN'),
      5_000,
    );
    await gateway.services.db.apiKey.update({ where: { id }, data: { scopes: [] } });
    await eventually(
      'the right is back',
      () => JSON.stringify(socket.messages.at(-1)).includes('"customers":"customers"'),
      5_000,
    );
    socket.socket.close();
    await noStreams();
  });
});
