import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { describeWithOwnRedis } from '../support/describeWithRedis.ts';
import { eventually, startInProcess } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { get, post } from './client.ts';
import { testSchema } from './testSchema.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

test('a process is live and ready while it has its database, and tells nobody more', async () => {
  const gateway = await startInProcess({ databaseUrl: database.url, schema: testSchema });
  expect(await get(`${gateway.url}/health/live`)).toMatchObject({ status: 200, body: { status: 'live' } });
  expect(await get(`${gateway.url}/health/ready`)).toMatchObject({
    status: 200,
    body: { status: 'ready', database: 'ok', bus: 'ok' },
  });
  await gateway.stop();
});

test('without its database it is live and not ready, still answers, and its gauges say that they do not know', async () => {
  const own = await createTestDatabase();
  const gateway = await startInProcess({ databaseUrl: own.url, schema: testSchema });
  await own.drop();
  await eventually('it is not ready', async () => (await get(`${gateway.url}/health/ready`)).status === 503);
  expect((await get(`${gateway.url}/health/ready`)).body).toEqual({
    status: 'unready',
    database: 'unreachable',
    bus: 'ok',
  });
  expect((await get(`${gateway.url}/health/live`)).status).toBe(200);
  expect((await post(gateway.url, { query: '{ hello }' })).body?.data).toEqual({ hello: 'Hello, you' });
  expect((await get(`${gateway.url}/metrics`)).text).toMatch(/^frontdesk_event_outbox_rows Nan$/im);
  await gateway.stop();
});

test('a worker answers for its health and its metrics alone', async () => {
  const gateway = await startInProcess({
    databaseUrl: database.url,
    schema: testSchema,
    env: { ROLE: 'worker' },
  });
  expect((await get(`${gateway.url}/health/ready`)).status).toBe(200);
  expect((await get(`${gateway.url}/metrics`)).status).toBe(200);
  expect((await post(gateway.url, { query: '{ hello }' })).status).toBe(404);
  expect((await get(`${gateway.url}/`)).status).toBe(404);
  await gateway.stop();
});

describeWithOwnRedis('with Redis', () => {
  test('the bus is degraded while Redis is away, the process stays ready, and all is well when it comes back', async () => {
    const redis = await startRedis();
    const gateway = await startInProcess({
      databaseUrl: database.url,
      redisUrl: redis.url,
      schema: testSchema,
    });
    const bus = async () =>
      ((await get(`${gateway.url}/health/ready`)) as { body: unknown }).body as { bus: string };
    await eventually('the bus is well', async () => (await bus()).bus === 'ok');
    await redis.kill();
    await eventually('the bus is degraded', async () => (await bus()).bus === 'degraded');
    expect(await get(`${gateway.url}/health/ready`)).toMatchObject({
      status: 200,
      body: { status: 'ready', database: 'ok', bus: 'degraded' },
    });
    expect((await get(`${gateway.url}/metrics`)).text).toMatch(/^frontdesk_bus_ok 0$/m);
    expect(
      (await post(gateway.url, { query: '{ who { kind } }' }, { 'x-api-key': gateway.adminKey })).body?.data,
    ).toEqual({ who: { kind: 'apiKey' } });
    const again = await startRedis({ port: Number(new URL(redis.url).port) });
    await eventually('the bus is well again', async () => (await bus()).bus === 'ok');
    await gateway.stop();
    await again.stop();
  });
});
