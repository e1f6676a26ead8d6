import { createClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openReader } from '../../src/core/reader.ts';
import { schema } from '../../src/schema/schema.ts';
import { createReads, type Reads } from '../../src/server/reads/createReads.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, startInProcess } from '../support/gateway.ts';
import { type Answer, get, post } from './client.ts';

/**
 * A query takes one of three ways: before yoga, planned inside yoga, or through the executor. Which one can be told from
 * the time alone: status, headers and body are the same.
 */

let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;
let own: Reads;
let customer = '';

const ways = {
  executor: () => {
    gateway.services.reads = null;
  },
  yoga: () => {
    gateway.services.reads = { ...own, answer: async () => null };
  },
  known: () => {
    gateway.services.reads = own;
  },
};

const ask = (query: string, headers: Record<string, string> = {}, more: object = {}) =>
  post(
    gateway.url,
    { query, ...more },
    { 'x-api-key': gateway.adminKey, 'x-request-id': 'the-same-each-time', ...headers },
  );

/** What a client can see of an answer. */
function seenOf({ status, headers, text }: Answer) {
  const shown = Object.fromEntries([...headers].filter(([name]) => name !== 'date'));
  return { status, headers: shown, text };
}

const counted = async () => (await gateway.services.metrics.knownDocuments.get()).values[0]?.value ?? 0;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startInProcess({
    databaseUrl: database.url,
    schema,
    env: { CORS_ORIGINS: 'https://app.test' },
    config: { graphiql: true },
  });
  own = gateway.services.reads as Reads;
  for (const firstName of ['Ada', 'Bob "B" ~0', 'Zoë 👩‍👩‍👧'])
    await ask(
      `mutation ($name: String) { createCustomer(input: { firstName: $name, companyName: "ש" }) { __typename } }`,
      {},
      { variables: { name: firstName } },
    );
  const { body } = await ask('{ customers { nodes { id } } }');
  const data = body?.data as { customers: { nodes: { id: string }[] } } | undefined;
  customer = data?.customers.nodes[0]?.id as string;
});

afterAll(async () => {
  await gateway?.stop();
  await database?.drop();
});

const list =
  '{ customers(first: 2) { totalCount pageInfo { endCursor } nodes { id fullName createdAt activities { nodes { title } } } } }';
const byId =
  'query One($id: ID!, $more: Boolean = true) { customer(id: $id) { fullName stats @include(if: $more) { totalBookings } } }';

interface Request {
  query: string;
  headers?: Record<string, string>;
  variables?: Record<string, unknown>;
  operationName?: string;
  /** Whether it is answered before yoga, once it was seen. */
  known: boolean;
}
const requests = (): Record<string, Request> => ({
  'a list': { query: list, known: true },
  'a list, as the newer type': {
    query: list,
    headers: { accept: 'application/graphql-response+json' },
    known: true,
  },
  'a list, as anything': { query: list, headers: { accept: '*/*' }, known: true },
  'a list, by wish': {
    query: list,
    headers: { accept: 'application/graphql-response+json, application/json;q=0.9' },
    known: false,
  },
  'a list, for a page': { query: list, headers: { origin: 'https://app.test' }, known: true },
  'one by its id': { query: byId, variables: { id: customer }, operationName: 'One', known: true },
  'one with less': { query: byId, variables: { id: customer, more: false }, known: true },
  'one that is not there': { query: byId, variables: { id: 'cus_nonsense' }, known: true },
  'one of two operations': {
    query: `query A { __typename } query B ${list}`,
    operationName: 'B',
    known: true,
  },
  'several root fields': {
    query: `{ viewer { kind permissions workspace { id name } } a: __typename node(id: "${customer}") { id ... on Customer { firstName } } services { nodes { name price { amount } } } }`,
    known: true,
  },
  'a page that is refused': {
    query: '{ customers(first: 1000) { nodes { id } } services { totalCount } }',
    known: false,
  },
  'variables that are refused': { query: byId, variables: { id: null }, known: false },
  'too much at once': {
    query:
      '{ customers(first: 100) { nodes { bookings(first: 100) { nodes { payments(first: 100) { nodes { id } } } } } } }',
    known: false,
  },
  'without a credential': { query: list, headers: { 'x-api-key': '' }, known: false },
  'a syntax error': { query: '{ customers', known: false },
  'a field that is not there': { query: '{ nothing }', known: false },
  'the schema': {
    query: '{ __schema { queryType { name } } customers(first: 1) { nodes { firstName } } }',
    known: false,
  },
});

describe('The ways of a query', () => {
  test.each(Object.keys(requests()).map((name) => [name]))(
    'look the same from outside: %s.',
    async (name) => {
      const { query, headers, known, ...more } = requests()[name] as Request;
      ways.executor();
      const normal = seenOf(await ask(query, headers, more));
      ways.yoga();
      const inside = seenOf(await ask(query, headers, more));
      ways.known();
      const before = await counted();
      const first = seenOf(await ask(query, headers, more));
      const second = seenOf(await ask(query, headers, more));
      expect(inside).toEqual(normal);
      expect(first).toEqual(normal);
      expect(second).toEqual(normal);
      expect((await counted()) - before).toBe(known ? 2 : 0);
    },
  );

  test('look the same over GET, and a mutation is never among them.', async () => {
    const url = `${gateway.url}/graphql?query=${encodeURIComponent(list)}`;
    const headers = { 'x-api-key': gateway.adminKey, 'x-request-id': 'the-same-each-time' };
    const answers = [];
    for (const way of Object.values(ways)) {
      way();
      answers.push(seenOf(await get(url, headers)));
    }
    expect(answers[0]?.status).toBe(200);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    const mutation = 'mutation { createTag(input: { name: "x" }) { __typename } }';
    await ask(mutation);
    const refused = await get(`${gateway.url}/graphql?query=${encodeURIComponent(mutation)}`, headers);
    expect(refused.status).toBe(405);
  });

  test('look the same in an event stream.', async () => {
    const client = createClient({
      url: `${gateway.url}/graphql/stream`,
      headers: { 'x-api-key': gateway.adminKey },
      retryAttempts: 0,
    });
    const answers = [];
    for (const way of Object.values(ways)) {
      way();
      for await (const answer of client.iterate({ query: list })) answers.push(JSON.stringify(answer));
    }
    expect(answers).toHaveLength(3);
    expect(new Set(answers).size).toBe(1);
  });

  test('look the same over a WebSocket.', async () => {
    const socket = createSocketClient({
      url: gateway.wsUrl,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${gateway.adminKey}` },
    });
    const answers = [];
    for (const way of Object.values(ways)) {
      way();
      for await (const answer of socket.iterate({ query: list })) answers.push(JSON.stringify(answer));
    }
    await socket.dispose();
    expect(answers).toHaveLength(3);
    expect(new Set(answers).size).toBe(1);
  });
});

describe('A plan', () => {
  const extensions = { plan: true };

  test('is shown to administrators who ask, where the query page is on.', async () => {
    ways.known();
    const { body } = await ask(
      '{ customers(first: 1) { nodes { id } } services(first: 1000) { totalCount } }',
      {},
      { extensions },
    );
    const { plan } = (body as { extensions: { plan: Record<string, unknown>[] } }).extensions;
    expect(plan).toMatchObject([
      { field: 'services', outcome: 'fallback', reason: 'refused' },
      { field: 'customers', outcome: 'planned', sql: expect.stringMatching(/^SELECT .*"customer"/) },
    ]);
  });

  test('is shown to nobody else.', async () => {
    const secret = (
      await ask(
        'mutation { createApiKey(input: { name: "k", role: VIEWER }) { ... on CreateApiKeyPayload { secret } } }',
      )
    ).body?.data as { createApiKey: { secret: string } };
    const { body } = await ask(list, { 'x-api-key': secret.createApiKey.secret }, { extensions });
    expect(body).not.toHaveProperty('extensions');
  });
});

describe('A statement', () => {
  const slow = '{ resources { totalCount nodes { name } } }';

  /** Keeps everybody from reading resources meanwhile: a table in which nothing else is interested. */
  async function whileLocked(work: (waiting: () => Promise<number>) => Promise<void>): Promise<void> {
    const locker = new pg.Client({ connectionString: database.url });
    await locker.connect();
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE resource IN ACCESS EXCLUSIVE MODE');
    const waiting = async () => {
      const { rows } = await locker.query(
        "SELECT count(*)::integer AS n FROM pg_locks WHERE NOT granted AND relation = 'resource'::regclass",
      );
      return rows[0].n as number;
    };
    try {
      await work(waiting);
    } finally {
      await locker.query('ROLLBACK');
      await locker.end();
    }
  }

  test.each(['known', 'yoga'] as const)(
    'ends with the request of a client that goes away (%s).',
    async (way) => {
      ways[way]();
      await ask(slow);
      await whileLocked(async (waiting) => {
        const gone = new AbortController();
        const answer = fetch(`${gateway.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': gateway.adminKey },
          body: JSON.stringify({ query: slow }),
          signal: gone.signal,
        }).catch((error: Error) => error.name);
        await eventually('the statement waits', async () => (await waiting()) === 1);
        gone.abort();
        expect(await answer).toBe('AbortError');
        await eventually('the statement is gone', async () => (await waiting()) === 0, 3_000);
      });
      // The connection that was interrupted serves on.
      expect((await ask(slow)).body?.errors).toBeUndefined();
    },
  );

  test('that takes too long is not begun again by the executor.', async () => {
    const reader = openReader(database.url, { session: { statement_timeout: '300ms' } });
    gateway.services.reads = createReads(schema, reader);
    await ask(slow);
    await whileLocked(async (waiting) => {
      const { body } = await ask(slow);
      expect(body?.errors?.[0]?.extensions.code).toBe('UNAVAILABLE');
      expect(await waiting()).toBe(0);
    });
    await reader.close();
  });

  test('is kept prepared for the last few only.', async () => {
    const reader = openReader(database.url, { poolSize: 1, maxPrepared: 5 });
    for (let n = 0; n < 40; n++)
      expect(await reader.read({ text: `SELECT '${n % 20}'`, values: [], steady: true })).toBe(
        String(n % 20),
      );
    const count = { text: 'SELECT count(*)::text FROM pg_prepared_statements', values: [], steady: true };
    expect(await reader.read(count)).toBe('5');
    // One that fails harms no other, and is not remembered.
    const wrong = { text: 'SELECT 1 / $1::integer', values: ['0'], steady: true };
    for (let n = 0; n < 2; n++) await expect(reader.read(wrong)).rejects.toThrow('division by zero');
    expect(await reader.read({ ...wrong, values: ['1'] })).toBe('1');
    await reader.close();
  });
});
