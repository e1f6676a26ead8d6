import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiKeyParts, newApiKey } from '../../src/core/crypto.ts';
import { newId } from '../../src/core/ids.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, startInProcess } from '../support/gateway.ts';
import { codeOf, post } from './client.ts';
import { seen, testSchema } from './testSchema.ts';

let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;
let url: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startInProcess({ databaseUrl: database.url, schema: testSchema });
  url = gateway.url;
});

afterAll(async () => {
  await gateway?.stop();
  await database?.drop();
});

const client = (headers: Record<string, string> = { authorization: `Bearer ${gateway.adminKey}` }) =>
  createClient({ url: `${url}/graphql/stream`, headers, retryAttempts: 0 });
const noStreams = () => eventually('every stream has ended', () => seen.streamsOpen === 0);

async function all(
  request: Parameters<ReturnType<typeof createClient>['iterate']>[0],
  headers?: Record<string, string>,
): Promise<unknown[]> {
  const results: unknown[] = [];
  for await (const result of client(headers).iterate(request))
    results.push(JSON.parse(JSON.stringify(result)));
  return results;
}

/** Opens a stream by hand and reads it as it comes. */
async function open(query: string, headers: Record<string, string> = {}, path = '/graphql/stream') {
  const abort = new AbortController();
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': gateway.adminKey, ...headers },
    body: JSON.stringify({ query }),
    signal: abort.signal,
  });
  let text = '';
  const ended = (async () => {
    for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk);
    return text;
  })().catch(() => 'broken off');
  return { response, ended, text: () => text, abort: () => abort.abort() };
}

test('the graphql-sse client queries, mutates and subscribes in distinct connections mode', async () => {
  expect(await all({ query: '{ hello }' })).toEqual([{ data: { hello: 'Hello, you' } }]);
  expect(await all({ query: 'mutation { bump(input: { by: 0 }) }' })).toEqual([
    { data: { bump: seen.mutations } },
  ]);
  expect(
    await all({
      query: 'subscription T($n: Int) { tick(count: $n) { n who { kind } } }',
      variables: { n: 2 },
      operationName: 'T',
    }),
  ).toEqual([
    { data: { tick: { n: 1, who: { kind: 'apiKey' } } } },
    { data: { tick: { n: 2, who: { kind: 'apiKey' } } } },
  ]);
  await noStreams();
});

test('errors of the document come as one result; the stream then completes', async () => {
  expect(await all({ query: '{' })).toMatchObject([
    { errors: [{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }] },
  ]);
  expect(await all({ query: '{ nothing }' })).toMatchObject([
    { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
  ]);
  expect(await all({ query: `{ ${'loop { '.repeat(30)} leaf ${'}'.repeat(31)}` })).toMatchObject([
    { errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] },
  ]);
  expect(await all({ query: 'subscription { tick(secret: true) { n } }' }, {})).toMatchObject([
    { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
  ]);
  expect(await all({ query: 'subscription { failing { n } }' })).toMatchObject([
    { data: {} },
    { errors: [{ extensions: { code: 'CURSOR_EXPIRED' } }] },
  ]);
});

test('what is wrong with the request itself has its own status', async () => {
  const path = '/graphql/stream';
  expect((await post(url, { query: '{ hello }' }, { authorization: 'Bearer wrong' }, path)).status).toBe(401);
  expect((await post(url, '{', {}, path)).status).toBe(400);
  expect(
    (await post(url, { query: '{ hello }', variables: { x: 'x'.repeat(1_100_000) } }, {}, path)).status,
  ).toBe(413);
  expect((await post(url, { query: '{ hello }' }, { 'content-type': 'text/plain' }, path)).status).toBe(415);
  expect((await post(url, { query: '{ hello }' }, { origin: 'https://evil.example' }, path)).status).toBe(
    403,
  );
  expect((await fetch(url + path, { method: 'PUT' })).status).toBe(405);
  expect(codeOf(await post(url, '[]', { accept: 'text/event-stream' }))).toBe('BAD_REQUEST');
});

test('a stream is had on /graphql too, by Accept, and over GET for queries and subscriptions', async () => {
  const posted = await open(
    'subscription { tick(count: 1) { n } }',
    { accept: 'text/event-stream' },
    '/graphql',
  );
  expect(posted.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(await posted.ended).toBe(
    ':\n\nevent: next\ndata: {"data":{"tick":{"n":1}}}\n\nevent: complete\ndata:\n\n',
  );
  const got = await fetch(`${url}/graphql/stream?query=subscription{tick(count:1){n}}`);
  expect(await got.text()).toContain('"n":1');
  const before = seen.mutations;
  expect(await (await fetch(`${url}/graphql/stream?query=mutation{bump}`)).text()).toContain(
    'Mutations need a POST',
  );
  expect(seen.mutations).toBe(before);
});

test('the first byte comes at once, before there is any event', async () => {
  const stream = await open('subscription { tick(everyMs: 60000) { n } }');
  await eventually('the first comment is there', () => stream.text() === ':\n\n', 1_000);
  stream.abort();
  await noStreams();
});

test('a source that waits is ended when the client leaves', async () => {
  const stream = await open('subscription { tick(everyMs: 60000) { n } }');
  await eventually('it runs', () => seen.streamsOpen === 1);
  stream.abort();
  await noStreams();
  const mute = await open('subscription { stubborn { n } }');
  await eventually('it runs', () => mute.text().includes('"n":1'));
  mute.abort();
  await eventually(
    'nothing is counted as running',
    async () => (await gateway.services.metrics.live.subscriptions.get()).values[0]?.value === 0,
  );
});

test('a key that is revoked ends its stream with the reason within five seconds', async () => {
  const key = newApiKey();
  const { id } = await gateway.services.db.apiKey.create({
    data: {
      id: newId(),
      workspaceId: (await gateway.services.db.workspace.findFirstOrThrow()).id,
      name: 'test',
      role: 'ADMIN',
      scopes: [],
      ...apiKeyParts(key),
    },
  });
  const stream = await open('subscription { tick(everyMs: 60000) { n } }', { 'x-api-key': key });
  const start = Date.now();
  await gateway.services.db.apiKey.update({ where: { id }, data: { revokedAt: new Date() } });
  const text = await stream.ended;
  expect(Date.now() - start).toBeLessThan(5_000);
  expect(text).toContain('UNAUTHENTICATED');
  expect(text.endsWith('event: complete\ndata:\n\n')).toBe(true);
  await noStreams();
});

test('a client that reads nothing holds back its source', async () => {
  const response = await fetch(`${url}/graphql/stream?query=subscription{tick(everyMs:0){n,padding}}`);
  const reader = response.body?.getReader();
  await reader?.read();
  const before = process.memoryUsage().rss;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  await reader?.cancel();
  await noStreams();
});
