import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Context } from '../../src/core/context.ts';
import { systemContext } from '../../src/jobs/systemContext.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { schema } from '../../src/schema/schema.ts';
import { createHttp, type Http } from '../../src/server/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, startInProcess } from '../support/gateway.ts';

/** What every snippet of docs/live.md exports. */
type Follow = (options: {
  url: string;
  key: string;
  after: string | null;
  onEvent(event: { cursor: string; activity: { customer: { firstName: string } } }): void;
  onError(error: unknown): void;
}) => () => void;

const text = readFileSync('docs/live.md', 'utf8');
const snippets = new Map(
  [...text.matchAll(/^```js (\S+)\n([\s\S]*?)^```/gm)].map(([, name, code]) => [
    name as string,
    code as string,
  ]),
);

let folder: string;
let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;
let writer: Context;

beforeAll(async () => {
  // Beside the sources, where Node finds the packages.
  mkdirSync('test/docs/.run', { recursive: true });
  folder = mkdtempSync('test/docs/.run/live-');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const [name, code] of snippets) writeFileSync(join(folder, name), code);
  globalThis.WebSocket ??= WebSocket as never;
  database = await createTestDatabase();
  gateway = await startInProcess({ databaseUrl: database.url, schema });
  const { services } = gateway;
  const workspace = await services.db.workspace.findFirstOrThrow();
  writer = systemContext({ ...services, committed: services.sequencer.run }, workspace);
});

afterAll(async () => {
  await gateway?.stop();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

test('There is a snippet for each client that the page names.', () => {
  expect([...snippets.keys()]).toEqual(['resuming.js', 'graphql-ws.js', 'apollo.js', 'urql.js', 'sse.js']);
});

test.for([...snippets.keys()].filter((name) => name !== 'resuming.js'))(
  '%s follows, and loses nothing and gets nothing twice when the gateway goes away and comes back.',
  { timeout: 60_000 },
  async (name) => {
    const { follow } = (await import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href)) as {
      follow: Follow;
    };
    const { eventLog } = gateway.services;
    const { encodeCursor } = await import('../../src/events/cursor.ts');
    const after = encodeCursor({
      epoch: (await eventLog.reach()).epoch,
      position: await eventLog.end(writer.workspace.id),
    });
    // A second listener of the same gateway, so that it can go away while the log goes on.
    let http: Http = createHttp(gateway.services);
    const url = await http.listen(0, '127.0.0.1');
    const seen: string[] = [];
    const errors: unknown[] = [];
    const stop = follow({
      url,
      key: gateway.adminKey,
      after,
      onEvent: ({ activity }) => seen.push(activity.customer.firstName),
      onError: (error) => errors.push(error),
    });
    const names: string[] = [];
    const add = async (count: number) => {
      for (let n = 0; n < count; n++) {
        names.push(`${name} ${names.length}`);
        await createCustomer(writer, { firstName: names.at(-1) });
      }
    };
    await add(3);
    await eventually('the first are there', () => seen.length === names.length);
    await add(1);
    await eventually('it is live', () => seen.length === names.length);
    await http.drain();
    await add(5);
    http = createHttp(gateway.services);
    await http.listen(Number(new URL(url).port), '127.0.0.1');
    await eventually('it has resumed', () => seen.length >= names.length, 30_000);
    await add(2);
    await eventually('it is live again', () => seen.length >= names.length);
    expect(seen).toEqual(names);
    expect(errors).toEqual([]);
    stop();
    await http.drain();
  },
);
