import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, type Gateway, startGateway } from '../support/gateway.ts';
import { stopProcesses } from '../support/process.ts';
import { get, openSocket, post } from './client.ts';

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

const createCustomer = (gateway: Gateway, key: string, firstName: string) =>
  post(
    gateway.url,
    {
      query: 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { __typename } }',
      variables: { input: { firstName } },
    },
    { 'x-api-key': key },
  );

describe.for([
  ['with Redis', inject('redisUrl')],
  ['without Redis', undefined],
] as const)('two processes %s', ([, redisUrl]) => {
  test('what is written through one reaches subscribers of the other, also when the writer is killed', async () => {
    const FRONTDESK_ADMIN_KEY = 'k'.repeat(40);
    const [writer, reader] = await Promise.all(
      [1, 2].map(() => startGateway({ databaseUrl: database.url, redisUrl, env: { FRONTDESK_ADMIN_KEY } })),
    );
    if (!writer || !reader) throw new Error('not started');
    const socket = await openSocket(reader.wsUrl, { params: { authorization: FRONTDESK_ADMIN_KEY } });
    socket.send({
      type: 'subscribe',
      id: '1',
      payload: { query: 'subscription { activityAdded { cursor activity { customer { firstName } } } }' },
    });
    await sleep(300);
    const names = Array.from({ length: 20 }, (_, n) => `Ada ${n}`);
    for (const name of names)
      expect((await createCustomer(writer, FRONTDESK_ADMIN_KEY, name)).text).toContain(
        'CreateCustomerPayload',
      );
    await writer.kill();
    await eventually(
      'all have arrived',
      () => socket.messages.filter(({ type }) => type === 'next').length === names.length,
    );
    const arrived = socket.messages.flatMap(({ type, payload }) =>
      type === 'next'
        ? [
            (
              payload as never as {
                data: { activityAdded: { activity: { customer: { firstName: string } } } };
              }
            ).data.activityAdded.activity.customer.firstName,
          ]
        : [],
    );
    expect(arrived).toEqual(names);
    socket.socket.close();
  });
});

test('the log holds no credential and no query string, however much is logged', async () => {
  const env = { LOG_LEVEL: 'trace', FRONTDESK_ADMIN_KEY: 'an-administrators-key-that-nobody-may-read' };
  const gateway = await startGateway({ databaseUrl: database.url, env });
  const secrets = [
    env.FRONTDESK_ADMIN_KEY,
    'wrong-key-in-a-header',
    'token.in.the.query',
    'key-for-a-socket',
  ];
  await post(
    gateway.url,
    { query: 'query Named { customers { nodes { id } } }', operationName: 'Named' },
    { 'x-api-key': env.FRONTDESK_ADMIN_KEY },
  );
  await post(gateway.url, { query: '{ __typename }' }, { authorization: 'Bearer wrong-key-in-a-header' });
  await get(`${gateway.url}/graphql?query={__typename}&access_token=token.in.the.query`);
  await (await openSocket(gateway.wsUrl, { params: { authorization: 'key-for-a-socket' } })).closed;
  await eventually(
    'the requests are logged',
    () => (gateway.output().match(/"msg":"request"/g)?.length ?? 0) >= 3,
  );
  expect(gateway.output()).toMatch(
    /"method":"POST","path":"\/graphql","status":200,"ms":[\d.]+,"address":"127.0.0.1","viewer":\{"kind":"apiKey","id":"[^"]+"\},"operationName":"Named"/,
  );
  for (const secret of secrets) expect(gateway.output()).not.toContain(secret);
  await gateway.stop();
});
