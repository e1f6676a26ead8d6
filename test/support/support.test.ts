import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, expect, inject, test } from 'vitest';
import { createTestDatabase } from './database.ts';
import { describeWithOwnRedis, describeWithRedis } from './describeWithRedis.ts';
import { isRunning, startProcess, stopProcesses } from './process.ts';
import { startRedis } from './redis.ts';

afterAll(stopProcesses);

test('Each test database is its own, many can be made at once, and drop takes it from whoever is connected.', async () => {
  const databases = await Promise.all(Array.from({ length: 6 }, createTestDatabase));
  expect(new Set(databases.map(({ url }) => url)).size).toBe(6);
  const [first, second] = await Promise.all(
    databases.slice(0, 2).map(async ({ url }) => {
      const client = new Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      return client;
    }),
  );
  expect((await first!.query('select from _prisma_migrations')).rowCount).toBeGreaterThan(0);
  await first!.query('create table only_here (id int)');
  await expect(second!.query('select from only_here')).rejects.toThrow('does not exist');
  await Promise.all(databases.map((database) => database.drop()));
  await expect(first!.query('select 1')).rejects.toThrow();
});

describeWithRedis('The shared Redis', () => {
  test('answers.', async () => {
    const client = new Redis(inject('redisUrl')!);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });
});

describeWithOwnRedis('A Redis of its own', () => {
  test('can be killed and comes back, empty, at the same port.', async () => {
    const first = await startRedis();
    const before = new Redis(first.url, { retryStrategy: () => null });
    before.on('error', () => {});
    await before.set('key', 'value');
    await first.kill();
    const second = await startRedis({ port: Number(new URL(first.url).port) });
    expect(second.url).toBe(first.url);
    const after = new Redis(second.url);
    expect(await after.get('key')).toBeNull();
    after.disconnect();
    await second.stop();
  });

  test('is never mistaken for another one that answers there already.', async () => {
    const first = await startRedis();
    await expect(startRedis({ port: Number(new URL(first.url).port) })).rejects.toThrow(
      /in use|Another Redis/,
    );
    await first.stop();
  });
});

test('A process is ready when it says so, and tells what it said when it ends too early or takes too long.', async () => {
  const script = "console.log('listening'); setInterval(() => {}, 1000)";
  const ready = await startProcess('node', ['-e', script], { until: /listening/ });
  ready.kill('SIGTERM');
  expect(await ready.exited).toEqual({ code: null, signal: 'SIGTERM' });
  await expect(
    startProcess('node', ['-e', "console.error('no port'); process.exit(3)"], { until: /listening/ }),
  ).rejects.toThrow('no port');
  await expect(startProcess('node', ['-e', script], { until: () => false, timeoutMs: 500 })).rejects.toThrow(
    'not ready after 500 ms:\nlistening',
  );
  await expect(startProcess('no-such-program', [])).rejects.toThrow('ENOENT');
});

test('A process dies with the one that started it, even by kill -9.', async () => {
  const parent = await startProcess(
    'node',
    [
      '--input-type=module',
      '-e',
      `
    import { startProcess } from ${JSON.stringify(new URL('./process.ts', import.meta.url).pathname)};
    const child = await startProcess('sleep', ['600']);
    console.log('child=' + child.pid + ';');
    setInterval(() => {}, 1000);
  `,
    ],
    { until: /child=\d+;/ },
  );
  const child = Number(/child=(\d+)/.exec(parent.output())![1]);
  process.kill(parent.pid, 'SIGKILL');
  await parent.exited;
  await expect.poll(() => isRunning(child), { timeout: 5_000 }).toBe(false);
});
