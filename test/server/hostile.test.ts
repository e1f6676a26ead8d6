import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { stopProcesses } from '../support/process.ts';
import { get, openSocket, post } from './client.ts';

// Whole programs are started here, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let database: TestDatabase;
let gateway: Gateway;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway({ databaseUrl: database.url });
});

afterAll(async () => {
  await stopProcesses();
  await database?.drop();
});

/** Mulberry32: the same requests in every run. */
function random(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (count: number) => Math.floor(next() * count);
  const one = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
  return { next, below, one };
}

const queries = [
  '{ customers(first: 2) { nodes { id fullName bookings(first: 1) { nodes { id } } } } }',
  'query A($id: ID!) { customer(id: $id) { id } }',
  'mutation { createTag(input: { name: "x" }) { __typename } }',
  'subscription { activityAdded { cursor } }',
  'fragment F on Customer { id } { node(id: "cus_x") { ...F } }',
  '{'.repeat(5_000),
  '{ a(b: [[[[[[{c:{d:$e}}]]]]]]) @x(y: """z""") }',
];
const bits = [
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  '"',
  '\\',
  '\0',
  '\u{1f600}',
  '$',
  '@',
  '...',
  '#',
  ' ',
  '\n',
  '__proto__',
  'constructor',
  '-1',
  '1e999',
  'null',
  '\ud800',
  '%00',
  '../',
];
const types = [
  'application/json',
  'application/graphql',
  'application/graphql-response+json',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  '',
];
const accepts = [
  '*/*',
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
  'text/html',
  'a/b;q=x',
  '',
];
const paths = [
  '/graphql',
  '/graphql/stream',
  '/graphql?query=',
  '/graphql?variables=',
  '/health/ready',
  '/',
  '/%2e%2e',
  '/graphql;x',
  '//',
  '/\u00ff',
  '/graphql?query={__typename}&extensions=',
];
const methods = ['POST', 'POST', 'POST', 'GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'FOO'];

/** A request that was right once, spoilt in a few places. */
function spoilt({ below, one, next }: ReturnType<typeof random>, key: string): string {
  const spoil = (text: string) => {
    let result = text;
    if (next() < 0.6) return text;
    for (let times = 1 + below(3); times > 0; times--) {
      const at = below(result.length + 1);
      result = result.slice(0, at) + one(bits) + result.slice(at + below(5));
    }
    return result;
  };
  const query = spoil(one(queries));
  const variables = one([
    '{}',
    '{"id":"cus_1"}',
    'null',
    '[]',
    '"x"',
    `${'['.repeat(200)}${']'.repeat(200)}`,
    '{"__proto__":{"a":1}}',
  ]);
  const body = spoil(next() < 0.8 ? `{"query":${JSON.stringify(query)},"variables":${variables}}` : query);
  const length = next() < 0.9 ? Buffer.byteLength(body) : below(1_000);
  const headers = [
    `Host: ${next() < 0.95 ? '127.0.0.1' : spoil('127.0.0.1')}`,
    `Content-Type: ${spoil(one(types))}`,
    `Accept: ${spoil(one(accepts))}`,
    ...(next() < 0.5 ? [`X-API-Key: ${next() < 0.8 ? key : spoil(key)}`] : []),
    ...(next() < 0.1 ? [`Authorization: ${spoil('Bearer eyJhbGciOiJub25lIn0.e30.x')}`] : []),
    ...(next() < 0.1 ? [`Origin: ${spoil('http://127.0.0.1')}`] : []),
    ...(next() < 0.05
      ? [
          'Upgrade: websocket',
          'Connection: Upgrade',
          'Sec-WebSocket-Version: 13',
          `Sec-WebSocket-Key: ${spoil('dGhlIHNhbXBsZSBub25jZQ==')}`,
        ]
      : ['Connection: close']),
    `Content-Length: ${length}`,
  ];
  return `${one(methods)} ${spoil(one(paths)).replaceAll(/[\s\0]/g, '')} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}

/** The answer's first lines; a server that waits for more is left after a moment. */
function send(bytes: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(100, () => socket.destroy());
    socket.on('data', (chunk) => {
      said += chunk;
      if (said.includes('text/event-stream') || said.startsWith('HTTP/1.1 101')) socket.destroy();
    });
    socket.on('error', () => {}).once('close', () => resolve(said));
  });
}

async function memory(): Promise<number> {
  const { text } = await get(`${gateway.url}/metrics`);
  return Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1]) / 1_048_576;
}

test('10,000 malformed requests: none is answered with 5xx or a stack trace, and memory stays flat', {
  timeout: 240_000,
}, async () => {
  const source = random(42);
  const bad: string[] = [];
  const megabytes: number[] = [];
  const statuses = new Map<string, number>();
  for (let pass = 0; pass < 4; pass++) {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let n = 0; n < 250; n++) {
          const bytes = spoilt(source, gateway.adminKey);
          const said = await send(bytes);
          const status = said.slice(9, 12);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (/^HTTP\/1\.1 5/.test(said) || /\n {4}at |node:internal|\.ts:\d/.test(said))
            bad.push(`${bytes}\n=> ${said.slice(0, 1_000)}`);
        }
      }),
    );
    megabytes.push(await memory());
    expect(
      (
        await post(
          gateway.url,
          { query: '{ customers { nodes { id } } }' },
          { 'x-api-key': gateway.adminKey },
        )
      ).body?.errors,
    ).toBeUndefined();
  }
  expect(bad.slice(0, 3)).toEqual([]);
  // They did reach what they were to try.
  for (const status of ['200', '400', '401', '404', '405', '415'])
    expect([status, statuses.get(status) ?? 0]).toEqual([
      status,
      expect.toSatisfy((count: number) => count > 50),
    ]);
  expect(gateway.output()).not.toMatch(/"level":(50|60)/);
  expect(megabytes.at(-1) as number).toBeLessThan((megabytes[1] as number) * 1.3);
});

test('5,000 malformed messages over WebSocket harm no other socket', { timeout: 120_000 }, async () => {
  const { below, one } = random(7);
  const witness = await openSocket(gateway.wsUrl, { params: { authorization: gateway.adminKey } });
  for (let round = 0; round < 50; round++) {
    const socket = await openSocket(gateway.wsUrl, { params: { authorization: gateway.adminKey } });
    for (let n = 0; n < 100 && socket.socket.readyState === socket.socket.OPEN; n++) {
      const message = JSON.stringify({
        type: one(['subscribe', 'subscribe', 'subscribe', 'ping', 'complete']),
        id: String(n),
        payload: { query: one(queries), variables: one([{}, null, { id: 'x' }]) },
      });
      const at = below(message.length);
      socket.send(n < 90 ? message : message.slice(0, at) + one(bits) + message.slice(at + 1));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.socket.terminate();
  }
  witness.send({ type: 'subscribe', id: '1', payload: { query: '{ customers { nodes { id } } }' } });
  expect(await witness.next()).toMatchObject({
    id: '1',
    type: 'next',
    payload: { data: { customers: expect.anything() } },
  });
  witness.socket.close();
  expect(gateway.output()).not.toMatch(/"level":(50|60)/);
});
