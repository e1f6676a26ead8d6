import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startInProcess } from '../support/gateway.ts';
import { post } from './client.ts';
import { seen, testSchema } from './testSchema.ts';

const app = 'https://app.example.com';
let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;
let url: string;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startInProcess({
    databaseUrl: database.url,
    schema: testSchema,
    env: { CORS_ORIGINS: `${app}, http://localhost:5173`, PUBLIC_URL: 'https://desk.example.com/' },
  });
  url = gateway.url;
});

afterAll(async () => {
  await gateway?.stop();
  await database?.drop();
});

const preflight = (origin: string) =>
  fetch(`${url}/graphql`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,authorization,x-mine',
    },
  });

describe('over HTTP', () => {
  test('a listed origin may call and read the answer, without cookies', async () => {
    const asked = await preflight(app);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(app);
    expect(asked.headers.get('access-control-allow-headers')).toBe('content-type,authorization,x-mine');
    expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
    const answer = await post(url, { query: '{ hello }' }, { origin: app });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(app);
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id');
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  test('a refused credential can be read by the page too, so that it can sign in again', async () => {
    const answer = await post(url, { query: '{ hello }' }, { origin: app, authorization: 'Bearer wrong' });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([401, app]);
  });

  test.for([
    'https://evil.example',
    'http://app.example.com',
    'https://app.example.com.evil.example',
    'null',
    'https://app.example.com:8443',
    'nonsense',
  ])('the origin %s reaches nothing and is not reflected', async (origin) => {
    const before = seen.mutations;
    const asked = await preflight(origin);
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    const answer = await post(url, { query: 'mutation { bump }' }, { origin, 'x-api-key': gateway.adminKey });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    const simple = await fetch(`${url}/graphql?query={hello}`, { headers: { origin } });
    expect(simple.status).toBe(403);
    expect(seen.mutations).toBe(before);
  });

  test('pages of this server itself, by its own and by its public address, may call', async () => {
    expect((await post(url, { query: '{ hello }' }, { origin: url })).status).toBe(200);
    expect((await post(url, { query: '{ hello }' }, { origin: 'https://desk.example.com' })).status).toBe(
      200,
    );
  });

  test('without CORS_ORIGINS no origin is allowed', async () => {
    const own = await startInProcess({ databaseUrl: database.url, schema: testSchema });
    const answer = await post(own.url, { query: '{ hello }' }, { origin: app });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    expect(
      (await post(own.url, { query: '{ hello }' })).headers.get('access-control-allow-origin'),
    ).toBeNull();
    await own.stop();
  });

  test('the forwarded host counts when a trusted proxy says it, and only then', async () => {
    const headers = { origin: 'https://public.example', 'x-forwarded-host': 'public.example' };
    expect((await post(url, { query: '{ hello }' }, headers)).status).toBe(403);
    const own = await startInProcess({
      databaseUrl: database.url,
      schema: testSchema,
      env: { TRUST_PROXY: 'loopback' },
    });
    expect((await post(own.url, { query: '{ hello }' }, headers)).status).toBe(200);
    await own.stop();
  });
});

describe('over WebSocket', () => {
  const upgrade = (origin: string | undefined) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(
        gateway.wsUrl,
        'graphql-transport-ws',
        origin === undefined ? {} : { origin },
      );
      socket.once('open', () => resolve('open')).once('error', (error) => resolve(error.message));
      socket.once('open', () => socket.terminate());
    });

  test('programs, pages of this server and listed origins may connect', async () => {
    for (const origin of [undefined, url, app, 'http://localhost:5173', 'https://desk.example.com'])
      expect(await upgrade(origin)).toBe('open');
  });

  test('other origins are refused before the upgrade', async () => {
    for (const origin of ['https://evil.example', 'null', 'file://', 'http://localhost:5174']) {
      expect(await upgrade(origin)).toBe('Unexpected server response: 403');
    }
  });
});
