import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { apiKeyParts } from '../../src/core/crypto.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, startGateway } from '../support/gateway.ts';
import { startProcess, stopProcesses } from '../support/process.ts';
import { codeOf, get, openSocket, post } from './client.ts';

// Whole programs are started here, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  await stopProcesses();
  await database.drop();
});

afterAll(stopProcesses);

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const signedIn = async (url: string, key: string) =>
  codeOf(await post(url, { query: '{ customers { nodes { id } } }' }, { 'x-api-key': key })) === undefined;

describe('the first start', () => {
  test('founds a workspace and prints its administrator key, once', async () => {
    const first = await startGateway({ databaseUrl: database.url, env: { FRONTDESK_ADMIN_KEY: undefined } });
    const key = /Admin key {3}(\S+)/.exec(first.output())?.[1] ?? '';
    expect(key).toMatch(/^fd_[\w-]{43}$/);
    expect(await signedIn(first.url, key)).toBe(true);
    await first.stop();
    const second = await startGateway({ databaseUrl: database.url, env: { FRONTDESK_ADMIN_KEY: undefined } });
    expect(second.output()).toContain('was shown at the first start; set FRONTDESK_ADMIN_KEY');
    expect(second.output()).not.toContain(key);
    expect(await signedIn(second.url, key)).toBe(true);
    expect(await rows('select count(*)::int as n from workspace')).toEqual([{ n: 1 }]);
    await eventually(
      'the event is in the log',
      async () => (await rows("select type from event where type = 'api_key.created'")).length === 1,
    );
  });

  test('of several processes that start at once, one founds the workspace', async () => {
    const env = { FRONTDESK_ADMIN_KEY: undefined };
    const gateways = await Promise.all([1, 2, 3].map(() => startGateway({ databaseUrl: database.url, env })));
    expect(await rows('select count(*)::int as n from workspace')).toEqual([{ n: 1 }]);
    expect(await rows('select count(*)::int as n from api_key')).toEqual([{ n: 1 }]);
    expect(gateways.filter(({ output }) => /Admin key {3}fd_/.test(output())).length).toBe(1);
  });

  test('FRONTDESK_ADMIN_KEY becomes an administrator key, whenever it is set, and replaces none', async () => {
    const keys = ['a', 'b'].map((letter) => letter.repeat(40));
    for (const FRONTDESK_ADMIN_KEY of [...keys, keys[0]]) {
      const gateway = await startGateway({ databaseUrl: database.url, env: { FRONTDESK_ADMIN_KEY } });
      expect(await signedIn(gateway.url, FRONTDESK_ADMIN_KEY as string)).toBe(true);
      expect(await signedIn(gateway.url, keys[0] as string)).toBe(true);
      expect(gateway.output()).not.toContain(FRONTDESK_ADMIN_KEY);
      await gateway.stop();
    }
    expect(await rows('select role, revoked_at from api_key')).toEqual([
      { role: 'ADMIN', revoked_at: null },
      { role: 'ADMIN', revoked_at: null },
    ]);
  });

  test('a restart does not undo the revocation of FRONTDESK_ADMIN_KEY, and says so', async () => {
    const env = { FRONTDESK_ADMIN_KEY: 'c'.repeat(40) };
    await (await startGateway({ databaseUrl: database.url, env })).stop();
    await rows(
      `update api_key set revoked_at = now() where hash = '${apiKeyParts(env.FRONTDESK_ADMIN_KEY).hash}'`,
    );
    const again = await startGateway({ databaseUrl: database.url, env });
    expect(await signedIn(again.url, env.FRONTDESK_ADMIN_KEY)).toBe(false);
    expect(again.output()).toContain('it was revoked');
  });

  test('nothing but NODE is needed: an embedded database, a secret and demo data appear under DATA_DIR', {
    timeout: 200_000,
  }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'frontdesk-embedded-'));
    chmodSync(dir, 0o755); // PostgreSQL does not run as root
    const env = {
      DATABASE_URL: undefined,
      REDIS_URL: undefined,
      DATA_DIR: join(dir, 'data'),
      PORT: '0',
      FRONTDESK_ADMIN_KEY: 'd'.repeat(40),
    };
    try {
      for (const start of ['first', 'second']) {
        const child = await startProcess(process.execPath, [join(import.meta.dirname, '../../src/main.ts')], {
          env,
          until: /Frontdesk is ready/,
          timeoutMs: 150_000,
        });
        const url = /Frontdesk is ready: (\S+)/.exec(child.output())?.[1] as string;
        expect([start, await signedIn(url, env.FRONTDESK_ADMIN_KEY)]).toEqual([start, true]);
        expect((await get(`${url}/graphql`, { accept: 'text/html' })).text).toContain('GraphiQL');
        child.kill('SIGINT');
        expect(await child.exited).toEqual({ code: 0, signal: null });
      }
    } finally {
      await stopProcesses();
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

describe('the roles', () => {
  test('a worker runs jobs and opens no port unless told; the api runs none', async () => {
    const worker = await startProcess(process.execPath, [join(import.meta.dirname, '../../src/main.ts')], {
      env: {
        DATABASE_URL: database.url,
        FRONTDESK_SECRET: 'x'.repeat(40),
        ROLE: 'worker',
        REDIS_URL: undefined,
        PORT: undefined,
      },
      until: /Frontdesk is ready \(worker\)/,
    });
    const workspaceId = (await rows('select id from workspace'))[0]?.id;
    await rows(`insert into idempotency_key (workspace_id, caller, mutation, key, input_hash, created_at)
      select '${workspaceId}', '${workspaceId}', 'createCustomer', n::text, '', now() - make_interval(hours => n) from generate_series(1, 48) n`);
    await rows("select graphile_worker.add_job('pruneIdempotencyKeys')");
    await eventually(
      'old keys are gone, new ones are kept',
      async () => (await rows('select count(*)::int as n from idempotency_key'))[0]?.n === 23,
    );
    worker.kill();
    expect((await worker.exited).code).toBe(0);
    const api = await startGateway({ databaseUrl: database.url, env: { ROLE: 'api' } });
    await rows("select graphile_worker.add_job('pruneIdempotencyKeys')");
    await sleep(1_500);
    expect(await rows('select count(*)::int as n from graphile_worker.jobs')).toEqual([{ n: 1 }]);
    await api.stop();
  });

  test('a port in use is said in one line', async () => {
    const gateway = await startGateway({ databaseUrl: database.url });
    const { port } = new URL(gateway.url);
    await expect(startGateway({ databaseUrl: database.url, env: { PORT: port } })).rejects.toThrow(
      `Frontdesk cannot start: HOST and PORT cannot be used: port ${port} is in use`,
    );
  });
});

describe('the end', () => {
  test('SIGTERM and SIGINT end an idle process with code 0 within two seconds', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const gateway = await startGateway({ databaseUrl: database.url });
      const start = Date.now();
      process.kill(gateway.pid, signal);
      await eventually('it is gone', async () =>
        get(`${gateway.url}/health/live`).then(
          () => false,
          () => true,
        ),
      );
      expect(await gateway.exited).toEqual({ code: 0, signal: null });
      expect(Date.now() - start).toBeLessThan(2_000);
    }
  });

  test('while it drains it is not ready, closes WebSockets with 1001 and breaks event streams off', async () => {
    const gateway = await startGateway({ databaseUrl: database.url });
    const headers = { authorization: `Bearer ${gateway.adminKey}` };
    const socket = await openSocket(gateway.wsUrl, { params: headers });
    socket.send({
      type: 'subscribe',
      id: '1',
      payload: { query: 'subscription { activityAdded { cursor } }' },
    });
    const stream = await fetch(`${gateway.url}/graphql/stream?query=subscription{activityAdded{cursor}}`, {
      headers,
    });
    const streamed = stream.text();
    process.kill(gateway.pid, 'SIGTERM');
    await sleep(50);
    expect(await get(`${gateway.url}/health/ready`)).toMatchObject({
      status: 503,
      body: { status: 'draining' },
    });
    expect((await post(gateway.url, { query: '{ __typename }' })).headers.get('connection')).toBe('close');
    expect(await socket.closed).toEqual({ code: 1001, reason: 'Going away' });
    expect(await streamed).not.toContain('complete');
    expect((await gateway.exited).code).toBe(0);
    await expect(get(`${gateway.url}/health/live`)).rejects.toThrow();
  });

  test('under load no request that was answered is lost, and it ends within ten seconds', async () => {
    const gateway = await startGateway({ databaseUrl: database.url });
    const headers = { 'x-api-key': gateway.adminKey };
    const acknowledged: string[] = [];
    let failed = 0;
    let over = false;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; !over; n++) {
        const name = `Tag ${writer}-${n}`;
        try {
          const answer = await post(
            gateway.url,
            {
              query: 'mutation ($input: CreateTagInput!) { createTag(input: $input) { __typename } }',
              variables: { input: { name } },
            },
            headers,
          );
          if (JSON.stringify(answer.body?.data)?.includes('CreateTagPayload')) acknowledged.push(name);
          else failed++;
        } catch {
          return;
        }
      }
    });
    await eventually('there is load', () => acknowledged.length > 50);
    const start = Date.now();
    const { code } = await gateway.stop();
    over = true;
    await Promise.all(writers);
    expect([code, failed]).toEqual([0, 0]);
    expect(Date.now() - start).toBeLessThan(10_000);
    const kept = new Set((await rows('select name from tag')).map(({ name }) => name));
    expect(acknowledged.filter((name) => !kept.has(name))).toEqual([]);
  });

  test('a second signal does not wait', async () => {
    const blocker = new Client({ connectionString: database.url });
    await blocker.connect();
    const gateway = await startGateway({ databaseUrl: database.url });
    // A request that waits for a lock keeps the first signal waiting.
    await blocker.query('begin; lock table tag in access exclusive mode');
    const request = post(
      gateway.url,
      { query: 'mutation { createTag(input: { name: "Late" }) { __typename } }' },
      { 'x-api-key': gateway.adminKey },
    ).catch(() => 'cut off');
    await eventually(
      'the request waits for the lock',
      async () =>
        (await rows("select 1 from pg_locks where relation = 'tag'::regclass and not granted")).length > 0,
    );
    process.kill(gateway.pid, 'SIGTERM');
    await eventually('the gateway is stopping', () => gateway.output().includes('stopping'));
    // Two signals within a tenth of a second count as one, so it is sent until it is heard.
    const again = setInterval(() => process.kill(gateway.pid, 'SIGTERM'), 200);
    const { code } = await gateway.exited.finally(() => clearInterval(again));
    expect(code).toBe(1);
    expect(gateway.output()).not.toContain('could not stop in time');
    expect(await request).toBe('cut off');
    await blocker.end();
  });
});
