import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, startInProcess } from '../support/gateway.ts';
import { openSocket, post } from './client.ts';
import { seen, testSchema } from './testSchema.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

test('requests under way are answered before the end, over HTTP and over WebSocket', async () => {
  const gateway = await startInProcess({ databaseUrl: database.url, schema: testSchema });
  const before = seen.mutations;
  const posted = post(gateway.url, { query: 'mutation { slowBump(ms: 1200) }' });
  const socket = await openSocket(gateway.wsUrl);
  socket.send({ type: 'subscribe', id: '1', payload: { query: 'mutation { slowBump(ms: 1200) }' } });
  await sleep(100);
  const start = Date.now();
  await gateway.stop();
  expect(Date.now() - start).toBeGreaterThan(1_000);
  expect(Date.now() - start).toBeLessThan(3_000);
  expect((await posted).body?.data).toHaveProperty('slowBump');
  expect(await socket.next()).toMatchObject({
    id: '1',
    type: 'next',
    payload: { data: { slowBump: expect.any(Number) } },
  });
  expect((await socket.closed).code).toBe(1001);
  expect(seen.mutations).toBe(before + 2);
});

test('what does not end by itself is cut off: the end comes all the same', async () => {
  const gateway = await startInProcess({ databaseUrl: database.url, schema: testSchema });
  const posted = post(gateway.url, { query: '{ slow(ms: 30000) }' }).catch(() => 'cut off');
  const socket = await openSocket(gateway.wsUrl);
  socket.send({ type: 'subscribe', id: '1', payload: { query: 'subscription { stubborn { n } }' } });
  await socket.next();
  await sleep(100);
  const start = Date.now();
  await gateway.stop();
  expect(Date.now() - start).toBeLessThan(9_500);
  expect(await posted).toBe('cut off');
  await eventually('the socket is closed', () => socket.socket.readyState === socket.socket.CLOSED);
});
