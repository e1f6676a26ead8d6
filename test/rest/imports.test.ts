import { createHash } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { Upload } from 'tus-js-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually, type Gateway, startGateway } from '../support/gateway.ts';

/** The real program: files come in over HTTP, by the tus client that frontends use and by curl's way; it is killed on the way. */

let databaseUrl: string;
let drop: () => Promise<void>;
let gateway: Gateway;
let db: Database;
const key = `test_${'k'.repeat(40)}`;
const start = () =>
  startGateway({ databaseUrl, env: { FRONTDESK_ADMIN_KEY: key, CORS_ORIGINS: 'https://app.example.com' } });
beforeAll(async () => {
  ({ url: databaseUrl, drop } = await createTestDatabase());
  gateway = await start();
  db = openDatabase(databaseUrl);
}, 120_000);
afterAll(async () => {
  await gateway.stop();
  await db.$disconnect();
  await drop();
});

const auth = { authorization: `Bearer ${key}` };
const call = (path: string, init: RequestInit = {}) =>
  fetch(gateway.url + path, { ...init, headers: { ...auth, ...(init.headers as Record<string, string>) } });
async function ask<Data = { eventCursor: string }>(query: string, variables: object = {}): Promise<Data> {
  const response = await call('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return ((await response.json()) as { data: Data }).data;
}

const mapping = {
  customer: { externalId: 'who', firstName: { text: 'Ada' } },
  booking: { service: { text: 'Cut' }, startsAt: { text: '2024-07-01T10:00' } },
  payment: { amount: 'price' },
};
const fileOf = (rows: number, name: string) =>
  `who,price\n${Array.from({ length: rows }, (_, n) => `${name}${n},${n % 100 === 99 ? -1 : n}`).join('\n')}\n`;

async function startImport(uploadId: string): Promise<string> {
  const data = await ask<{ startImport: { bulkOperation: { id: string } } }>(
    `mutation ($input: StartImportInput!) { startImport(input: $input) {
      ... on StartImportPayload { bulkOperation { id status errorFilePath viewerCanCancel } } ... on Error { message } } }`,
    { input: { uploadId, mapping } },
  );
  const started = data.startImport;
  expect(started.bulkOperation).toMatchObject({
    status: expect.stringMatching(/QUEUED|RUNNING/),
    errorFilePath: null,
    viewerCanCancel: true,
  });
  return started.bulkOperation.id;
}
const stateOf = async (id: string) =>
  (
    await ask<{ bulkOperation: Record<string, unknown> }>(
      `query ($id: ID!) { bulkOperation(id: $id) { status progressPercent rowsDone rowsRefused customersCreated bookingsCreated
      paymentsCreated rowsKnown errorFilePath error startedAt finishedAt viewerCanCancel } }`,
      { id },
    )
  ).bulkOperation;

describe('A file', { timeout: 120_000 }, () => {
  test('that curl posts is there as a whole, becomes an import, and its refused rows are a CSV file.', async () => {
    const posted = await call('/rest/v1/imports', { method: 'POST', body: fileOf(250, 'a') });
    expect(posted.status).toBe(201);
    const { uploadId, complete } = (await posted.json()) as { uploadId: string; complete: boolean };
    expect(complete).toBe(true);
    const id = await startImport(uploadId);
    await eventually('the import is done', async () => (await stateOf(id)).status === 'COMPLETED', 30_000);
    const state = await stateOf(id);
    expect(state).toMatchObject({
      ...{
        progressPercent: 100,
        rowsDone: 250,
        rowsRefused: 2,
        rowsKnown: 0,
        error: null,
        viewerCanCancel: false,
      },
      ...{ customersCreated: 248, bookingsCreated: 248, paymentsCreated: 248 },
    });
    const errors = await call(String(state.errorFilePath));
    expect(errors.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(await errors.text()).toBe(
      `row,columns,field,message\n${[100, 200].map((row) => `${row},price,payment.amount,"Must be zero or more, with at most 2 decimal places for EUR."\n`).join('')}`,
    );
  });

  test('is told about as it gets on, with a cursor, to whoever subscribes.', async () => {
    const posted = await call('/rest/v1/imports', { method: 'POST', body: fileOf(3_000, 'b') });
    const { uploadId } = (await posted.json()) as { uploadId: string };
    const { eventCursor } = await ask('{ eventCursor }');
    const id = await startImport(uploadId);
    const client = createClient({ url: gateway.wsUrl, webSocketImpl: WebSocket, connectionParams: auth });
    const query = `subscription ($id: ID!, $after: String) { bulkOperationProgress(id: $id, after: $after) {
      cursor bulkOperation { id status rowsDone } } }`;
    type Told = {
      data?: { bulkOperationProgress: { bulkOperation: { id: string; status: string; rowsDone: number } } };
    };
    const told: { id: string; status: string; rowsDone: number }[] = [];
    for await (const { data } of client.iterate({
      query,
      variables: { id, after: eventCursor },
    }) as AsyncIterable<Told>) {
      const operation = data?.bulkOperationProgress.bulkOperation;
      if (operation) told.push(operation);
      if (operation?.status === 'COMPLETED') break;
    }
    await client.dispose();
    expect(told.every((one) => one.id === id)).toBe(true);
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told.at(-1)).toMatchObject({ rowsDone: 3_000 });
  });

  test('that a tus client sends goes on where it was broken off, also over a kill of the gateway; the import too.', async () => {
    const file = Buffer.from(fileOf(12_000, 'c'));
    const sent: number[] = [];
    const uploadOnce = (fingerprintUrl: string | null, abortAfter: number | null) =>
      new Promise<Upload>((resolve, reject) => {
        const upload: Upload = new Upload(file, {
          endpoint: `${gateway.url}/rest/v1/imports`,
          uploadUrl: fingerprintUrl,
          chunkSize: 20_000,
          retryDelays: [0, 100], // Of a conflict about the offset it asks again.
          headers: auth,
          metadata: { filename: 'c.csv', sha256: createHash('sha256').update(file).digest('hex') },
          onChunkComplete(_, accepted) {
            sent.push(accepted);
            if (abortAfter !== null && accepted >= abortAfter)
              void upload.abort().then(() => resolve(upload));
          },
          onSuccess: () => resolve(upload),
          onError: reject,
        });
        upload.start();
      });
    await uploadOnce(null, 40_000);
    await gateway.kill();
    gateway = await start();
    // A client that remembers nothing: the same file is found by its hash.
    const whole = await uploadOnce(null, null);
    expect(sent.filter((bytes) => bytes <= 40_000).length).toBe(2);
    const uploadId = String(whole.url).split('/').at(-1) as string;
    const id = await startImport(uploadId);
    for (let kills = 0; kills < 2; kills++) {
      const from = Number((await stateOf(id)).rowsDone);
      await eventually('some rows are in', async () => Number((await stateOf(id)).rowsDone) > from, 40_000);
      await gateway.kill();
      gateway = await start();
    }
    await eventually('the import is done', async () => (await stateOf(id)).status === 'COMPLETED', 60_000);
    expect(await stateOf(id)).toMatchObject({
      ...{ rowsDone: 12_000, rowsRefused: 120, rowsKnown: 0 },
      ...{ customersCreated: 11_880, bookingsCreated: 11_880, paymentsCreated: 11_880 },
    });
    const [counted] = await db.$queryRaw<Record<string, bigint>[]>`
      SELECT (SELECT count(*) FROM customer WHERE external_id LIKE 'c%') AS customers,
        (SELECT count(*) FROM booking b JOIN customer c ON c.id = b.customer_id WHERE c.external_id LIKE 'c%') AS bookings,
        (SELECT count(*) FROM event e JOIN customer c ON c.id = e.customer_id WHERE c.external_id LIKE 'c%' AND e.type = 'booking.created') AS events`;
    expect(counted).toEqual({ customers: 11_880n, bookings: 11_880n, events: 11_880n });
  });

  test('that does not arrive as announced is not taken, and the sender is told.', async () => {
    const post = (headers: Record<string, string>, body?: string) =>
      call('/rest/v1/imports', { method: 'POST', headers, ...(body !== undefined && { body }) });
    const create = async (length: number, sha256?: string) => {
      const metadata: Record<string, string> = sha256
        ? { 'Upload-Metadata': `sha256 ${Buffer.from(sha256).toString('base64')}` }
        : {};
      const made = await post({ 'Upload-Length': String(length), ...metadata });
      expect(made.status).toBe(201);
      return made.headers.get('location') as string;
    };
    const patch = (path: string, offset: number, body: string, type = 'application/offset+octet-stream') =>
      call(path, {
        method: 'PATCH',
        headers: { 'Upload-Offset': String(offset), 'content-type': type },
        body,
      });

    const path = await create(10);
    expect((await patch(path, 5, 'x')).status).toBe(409);
    expect((await patch(path, 0, 'x'.repeat(11))).status).toBe(400);
    expect((await patch(path, 0, 'x', 'text/plain')).status).toBe(400);
    const added = await patch(path, 0, 'abcde');
    expect([added.status, added.headers.get('upload-offset')]).toEqual([204, '5']);
    const head = await call(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('upload-offset'), head.headers.get('upload-length')]).toEqual([
      200,
      '5',
      '10',
    ]);

    const hashed = await create(5, createHash('sha256').update('abcde').digest('hex'));
    expect((await patch(hashed, 0, 'abcdX')).status).toBe(460);
    expect((await call(hashed)).status).toBe(404);

    for (const [status, headers, body] of [
      [400, { 'Upload-Length': 'ten' }, undefined],
      [400, { 'Upload-Length': '0' }, undefined],
      [400, { 'Upload-Length': '99999999999999' }, undefined],
      [400, {}, ''],
    ] as const) {
      const refused = await post(headers as Record<string, string>, body);
      expect(refused.status).toBe(status);
      expect(await refused.json()).toMatchObject({
        error: { code: 'INVALID_INPUT', message: expect.any(String) },
      });
    }
  });

  test('is taken from and shown to those only who may import, in their own business.', async () => {
    const posted = await call('/rest/v1/imports', { method: 'POST', body: fileOf(5, 'd') });
    const { uploadId } = (await posted.json()) as { uploadId: string };
    const path = `/rest/v1/imports/${uploadId}`;
    const anonymous = await fetch(`${gateway.url}/rest/v1/imports`, { method: 'POST', body: 'a,b\n' });
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const { createApiKey } = await ask<{ createApiKey: { secret: string } }>(
      `mutation { createApiKey(input: { name: "v", role: VIEWER }) { ... on CreateApiKeyPayload { secret } } }`,
    );
    const viewer = { authorization: `Bearer ${createApiKey.secret}` };
    for (const init of [{ method: 'POST' }, { method: 'GET' }] as const) {
      const refused = await fetch(
        init.method === 'GET' ? gateway.url + path : `${gateway.url}/rest/v1/imports`,
        { ...init, headers: viewer },
      );
      expect(refused.status).toBe(403);
    }
    expect((await call(`/rest/v1/imports/${encodeId('Upload', newId())}`)).status).toBe(404);
    expect((await call('/rest/v1/imports/nonsense')).status).toBe(404);
    expect((await call('/rest/v1/nothing')).status).toBe(404);
    const wrong = await call('/rest/v1/imports', { method: 'GET' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
    const foreign = await call(path, { headers: { origin: 'https://evil.example' } });
    expect(foreign.status).toBe(403);
    const preflight = await fetch(gateway.url + path, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example.com',
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'upload-offset',
      },
    });
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PATCH');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('upload-offset');
  });
});
