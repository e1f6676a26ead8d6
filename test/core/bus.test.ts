import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type Bus, type Hint, openLocalBus, openRedisBus } from '../../src/core/bus.ts';
import { newId } from '../../src/core/ids.ts';
import { describeWithOwnRedis } from '../support/describeWithRedis.ts';
import { startProcess, stopProcesses } from '../support/process.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

const script = 'test/core/support/speakOnBus.ts';
let opened: Bus[] = [];
let servers: TestRedis[] = [];
afterEach(async () => {
  await Promise.all(opened.map((bus) => bus.close()));
  await Promise.all(servers.map((server) => server.kill()));
  [opened, servers] = [[], []];
});
afterAll(stopProcesses);

const hint = (position: number, workspaceId = 'w'): Hint => ({ workspaceId, position: String(position) });
const soon = { timeout: 15_000, interval: 20 };

async function start(port?: number, settings: string[] = []): Promise<TestRedis> {
  const server = await startRedis({ settings, ...(port === undefined ? {} : { port }) });
  servers.push(server);
  return server;
}

const portOf = ({ url }: TestRedis) => Number(new URL(url).port);

/** A bus, what it heard and what it logged. */
function open(url: string) {
  const lines: string[] = [];
  const bus = openRedisBus(
    url,
    pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line).msg) }),
  );
  opened.push(bus);
  const heard: Hint[] = [];
  bus.listen((one) => heard.push(one));
  const positions = (workspaceId = 'w') =>
    heard.filter((one) => one.workspaceId === workspaceId).map(({ position }) => Number(position));
  return { bus, heard, positions, lines };
}

async function openTwo(url: string) {
  const [a, b] = [open(url), open(url)];
  await expect.poll(() => [a.bus.state(), b.bus.state()], soon).toEqual(['ok', 'ok']);
  return [a, b] as const;
}

test('A bus inside one process hands every hint to every listener at once, until they stop listening.', () => {
  const bus = openLocalBus();
  const heard: string[] = [];
  const stopFirst = bus.listen(({ position }) => heard.push(`first ${position}`));
  bus.listen(({ position }) => heard.push(`second ${position}`));
  bus.publish(hint(1));
  stopFirst();
  bus.publish(hint(2));
  expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
  expect(bus.state()).toBe('ok');
});

describeWithOwnRedis('A bus over Redis', () => {
  test('carries hints to other instances in order, and to its own listeners at once and once only.', async () => {
    const { url } = await start();
    const [a, b] = await openTwo(url);
    for (let i = 1; i <= 200; i++) a.bus.publish(hint(i));
    expect(a.positions()).toHaveLength(200);
    b.bus.publish(hint(201));
    const expected = Array.from({ length: 201 }, (_, i) => i + 1);
    await expect.poll(() => a.positions(), soon).toEqual(expected);
    await expect.poll(() => b.positions().sort((x, y) => x - y), soon).toEqual(expected);
    await sleep(100); // for an echo
    expect([a.heard.length, b.heard.length]).toEqual([201, 201]);
    expect(b.positions().filter((position) => position <= 200)).toEqual(expected.slice(0, 200));
  });

  test('carries hints between processes.', async () => {
    const { url } = await start();
    const { bus, positions } = open(url);
    const child = await startProcess('node', [script, 'echo', url], { until: /ok/ });
    await expect
      .poll(() => {
        bus.publish(hint(1, 'there'));
        return positions('back').length;
      }, soon)
      .toBeGreaterThan(0);
    child.kill('SIGKILL');
    await child.exited;
    expect(bus.state()).toBe('ok');
  });

  test('survives a Redis that is killed and comes back: degraded meanwhile, then ok, and hints flow again.', async () => {
    let server = await start();
    const [a, b] = await openTwo(server.url);
    let position = 0;
    // All the time, since hints that cannot be sent must not confuse it, whenever they fail.
    const publishing = setInterval(() => {
      position++;
      a.bus.publish(hint(position));
      b.bus.publish(hint(position, 'other'));
    }, 3);
    try {
      for (let round = 1; round <= 5; round++) {
        await server.kill();
        await expect.poll(() => [a.bus.state(), b.bus.state()], soon).toEqual(['degraded', 'degraded']);
        const [before, away] = [position, b.positions().length];
        await expect.poll(() => a.positions().filter((one) => one > before).length, soon).toBeGreaterThan(20);
        expect(b.positions().length - away).toBeLessThan(5); // the last ones that were under way
        await sleep(Math.random() * 400);
        server = await start(portOf(server));
        await expect.poll(() => [a.bus.state(), b.bus.state()], soon).toEqual(['ok', 'ok']);
        const back = position;
        await expect.poll(() => b.positions().filter((one) => one > back).length, soon).toBeGreaterThan(20);
        await expect
          .poll(() => a.positions('other').filter((one) => one > back).length, soon)
          .toBeGreaterThan(20);
        await sleep(300);
        expect([a.bus.state(), b.bus.state()]).toEqual(['ok', 'ok']);
      }
    } finally {
      clearInterval(publishing);
    }
    // Its own listeners never noticed.
    expect(a.positions()).toEqual(Array.from({ length: position }, (_, i) => i + 1));
    expect(a.lines).toEqual(
      Array.from({ length: 5 }, () => ['bus: Redis is away, readers poll', 'bus: Redis is back']).flat(),
    );
  });

  test('that starts while Redis is away is degraded, and ok once it is there.', async () => {
    const gone = await start();
    await gone.kill();
    const [a, b] = [open(gone.url), open(gone.url)];
    a.bus.publish(hint(1));
    expect(a.positions()).toEqual([1]);
    await expect.poll(() => a.lines, soon).toEqual(['bus: Redis is away, readers poll']);
    expect(a.bus.state()).toBe('degraded');
    await start(portOf(gone));
    await expect.poll(() => [a.bus.state(), b.bus.state()], soon).toEqual(['ok', 'ok']);
    a.bus.publish(hint(2));
    await expect.poll(() => b.positions(), soon).toEqual([2]);
  });

  test('is degraded while Redis takes hints and does not answer, and ok when it does again.', async () => {
    const { url } = await start();
    const [a, b] = await openTwo(url);
    const admin = new Redis(url);
    await admin.client('PAUSE', 4_000, 'ALL');
    admin.disconnect();
    a.bus.publish(hint(1));
    await expect.poll(() => a.bus.state(), soon).toBe('degraded');
    expect(a.positions()).toEqual([1]);
    await expect
      .poll(() => {
        a.bus.publish(hint(2));
        return a.bus.state();
      }, soon)
      .toBe('ok');
    await expect.poll(() => b.positions(), soon).toContain(2);
  });

  test('keeps one connection for all of it, and speaks by sharded pub/sub.', async () => {
    const { url } = await start();
    const admin = new Redis(url);
    const clients = async () => (String(await admin.client('LIST')).match(/^id=/gm)?.length ?? 0) - 1;
    const { bus } = open(url);
    await expect.poll(() => bus.state(), soon).toBe('ok');
    expect(await clients()).toBe(1);
    expect(await admin.call('PUBSUB', 'SHARDCHANNELS')).toEqual(['frontdesk:{events}']);
    admin.disconnect();
  });

  test('speaks as older servers do where there is no sharded pub/sub.', async () => {
    const { url } = await start(undefined, [
      '--rename-command',
      'SSUBSCRIBE',
      '',
      '--rename-command',
      'SPUBLISH',
      '',
    ]);
    const [a, b] = await openTwo(url);
    a.bus.publish(hint(1));
    await expect.poll(() => b.positions(), soon).toEqual([1]);
  });

  test('on a cluster goes to the node that has its channel, and follows when it goes to another.', async () => {
    const settings = ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no'];
    const nodes = [];
    for (let n = 0; n < 2; n++)
      nodes.push(
        await start(undefined, [...settings, '--cluster-config-file', `${tmpdir()}/${newId()}.conf`]),
      );
    const [first, second] = nodes as [TestRedis, TestRedis];
    const admins = nodes.map(({ url }) => new Redis(url).on('error', () => {})) as [Redis, Redis];
    const [one, two] = admins;
    const slot = Number(await one.call('CLUSTER', 'KEYSLOT', 'frontdesk:{events}'));
    const ids = [await one.call('CLUSTER', 'MYID'), await two.call('CLUSTER', 'MYID')];
    await one.call('CLUSTER', 'ADDSLOTSRANGE', 0, slot - 1, slot + 2, 16_383);
    await two.call('CLUSTER', 'ADDSLOTS', slot, slot + 1); // one to keep: without any it would become a replica
    await one.call('CLUSTER', 'MEET', '127.0.0.1', portOf(second));
    const knows = async () => String(await one.call('CLUSTER', 'NODES')).includes(`:${portOf(second)}@`);
    await expect
      .poll(
        async () => (await knows()) && String(await one.call('CLUSTER', 'SLOTS')).includes(`${slot}`),
        soon,
      )
      .toBe(true);
    const [a, b] = await openTwo(first.url);
    a.bus.publish(hint(1));
    await expect.poll(() => b.positions(), soon).toEqual([1]);
    const channelsOf = (admin: Redis) => admin.call('PUBSUB', 'SHARDCHANNELS');
    await expect.poll(() => channelsOf(two), soon).toEqual(['frontdesk:{events}']);
    for (const admin of [two, one]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(ids[0]));
    await expect.poll(() => channelsOf(one), soon).toEqual(['frontdesk:{events}']);
    await expect
      .poll(() => {
        a.bus.publish(hint(2));
        return b.positions().includes(2) && a.bus.state() === 'ok' && b.bus.state() === 'ok';
      }, soon)
      .toBe(true);
    for (const admin of admins) admin.disconnect();
  });

  test('takes no harm from what others say on its channel.', async () => {
    const { url } = await start();
    const { bus, heard, positions } = open(url);
    await expect.poll(() => bus.state(), soon).toBe('ok');
    const stranger = new Redis(url);
    const said = [
      '',
      'hello',
      'null',
      '7',
      '[]',
      '{}',
      '{"workspaceId":"w"}',
      '{"workspaceId":"w","position":"x"}',
      '{"workspaceId":7,"position":"1"}',
    ];
    for (const text of said) await stranger.spublish('frontdesk:{events}', text);
    await stranger.spublish('frontdesk:{events}', JSON.stringify(hint(9)));
    stranger.disconnect();
    await expect.poll(() => positions(), soon).toEqual([9]);
    expect(heard).toHaveLength(1);
  });

  describe('once it is closed', () => {
    test('says and hears nothing any more, and reports no trouble.', async () => {
      const { url } = await start();
      const [a, b] = await openTwo(url);
      await a.bus.close();
      b.bus.publish(hint(1));
      a.bus.publish(hint(2));
      await sleep(300);
      expect(a.positions()).toEqual([2]);
      expect(b.positions()).toEqual([1]);
      expect(a.lines).toEqual([]);
    });

    test('keeps no process alive, whether Redis is there or not.', async () => {
      const there = await start();
      const gone = await start();
      await gone.kill();
      const child = await startProcess('node', [script, 'close', there.url, gone.url], { until: /closed/ });
      expect(await child.exited).toEqual({ code: 0, signal: null });
    });
  });
});
