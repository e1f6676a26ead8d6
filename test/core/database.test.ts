import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/core/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let made: TestDatabase;
beforeAll(async () => {
  made = await createTestDatabase();
});
afterAll(() => made.drop());

/** A slow network: what the server says reaches the client late, and then all at once. */
async function lateNetwork(url: string, delayMs: number): Promise<{ url: string; close(): void }> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const held: Buffer[] = [];
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    client.on('data', (data) => upstream.write(data)).on('close', () => upstream.destroy());
    upstream.on('data', (data) => {
      if (held.push(data) > 1) return;
      setTimeout(() => client.write(Buffer.concat(held.splice(0))), delayMs);
    });
    upstream.on('close', () => setTimeout(() => client.destroy(), 2 * delayMs));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const late = new URL(url);
  late.hostname = '127.0.0.1';
  late.port = String((server.address() as AddressInfo).port);
  return {
    url: late.href,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('A connection that ends in the moment in which it was made fails its statement, not the process.', async () => {
  const network = await lateNetwork(made.url, 300);
  const db = openDatabase(network.url, { poolSize: 2 });
  const admin = new Client({ connectionString: made.url });
  await admin.connect();
  try {
    // The server has let it in and cuts it off again, before the client has read either.
    let through = false;
    const cutting = (async () => {
      for (; !through; await sleep(1)) {
        await admin.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'`,
        );
      }
    })();
    // On a busy machine a connection may get its statement through before it is cut off.
    let failed = 0;
    for (let tries = 0; failed < 3 && tries < 30; tries++) {
      await db.$transaction((tx) => tx.$queryRaw`SELECT 1`).catch(() => failed++);
    }
    through = true;
    await cutting;
    expect(failed).toBe(3);
  } finally {
    network.close();
    await admin.end();
    await db.$disconnect();
  }
});
