import { type Audit, serverAudits } from 'graphql-http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, type Gateway, startGateway } from '../support/gateway.ts';
import { stopProcesses } from '../support/process.ts';
import { openSocket } from './client.ts';

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

/** The audits of GraphQL over HTTP that do not pass. */
async function failing(): Promise<string[]> {
  const audits: Audit[] = serverAudits({ url: `${gateway.url}/graphql` });
  expect(audits.length).toBe(61);
  const results = await Promise.all(audits.map(({ fn }) => fn()));
  return results
    .filter(({ status }) => status !== 'ok')
    .map(({ name, ...result }) => `${name}: ${'reason' in result ? result.reason : ''}`);
}

test('a fresh process passes the 61 audits of GraphQL over HTTP', async () => {
  expect(await failing()).toEqual([]);
});

test('it passes them after the same errors came over WebSocket', async () => {
  const socket = await openSocket(gateway.wsUrl);
  const bad = [
    '{',
    '{ 8f31403dfe404bccbb0e835f2629c6a7 }',
    'query CoerceFailure($id: ID!){ __typename }',
    'mutation { __typename }',
    '',
  ];
  for (const [id, query] of bad.entries()) {
    socket.send({ type: 'subscribe', id: String(id), payload: { query } });
    await eventually('it is answered', () => socket.messages.some((message) => message.id === String(id)));
  }
  socket.socket.close();
  expect(await failing()).toEqual([]);
});
