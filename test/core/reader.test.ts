import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openReader } from '../../src/core/reader.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let made: TestDatabase;
beforeAll(async () => {
  made = await createTestDatabase();
});
afterAll(() => made.drop());

const ask = (text: string, values: unknown[] = []) => ({ text, values, steady: true });
const pid = ask("SELECT to_json(pg_backend_pid() + coalesce(length(pg_sleep(0.02)::text), 0)) || ''");

test('More statements than connections wait their turn, and a connection serves one after the other.', async () => {
  const reader = openReader(made.url, { poolSize: 2 });
  const pids = await Promise.all(Array.from({ length: 12 }, () => reader.read(pid)));
  pids.push(await reader.read(pid));
  expect(new Set(pids).size).toBeLessThanOrEqual(2);
  await reader.close();
});

test('A connection that is cut off while nobody uses it is replaced, and one that is in use fails its statement alone.', async () => {
  const reader = openReader(made.url, { poolSize: 1 });
  const other = new Client(made.url);
  await other.connect();
  const cut = async (of: string) => void (await other.query('SELECT pg_terminate_backend($1)', [of]));
  const first = (await reader.read(pid)) as string;
  await cut(first);
  await expect.poll(() => reader.read(pid).catch(() => first)).not.toBe(first);

  const second = (await reader.read(pid)) as string;
  const hanging = expect(reader.read(ask("SELECT 'late' || pg_sleep(30)::text"))).rejects.toThrow();
  const waiting = reader.read(pid);
  const hangs = async () =>
    (await other.query("SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'", [second]))
      .rowCount;
  await expect.poll(hangs, { interval: 5 }).toBe(1);
  await cut(second);
  await hanging;
  expect(await waiting).not.toBe(second);
  await other.end();
  await reader.close();
});

test('Who waits for a database that cannot be reached is told so, each of them.', async () => {
  const reader = openReader('postgres://nobody@127.0.0.1:1/nothing', { poolSize: 1 });
  const all = await Promise.allSettled(Array.from({ length: 3 }, () => reader.read(pid)));
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  await reader.close();
});

test('Values arrive as they are: numbers, truth, and lists of texts with every kind of quotation.', async () => {
  const reader = openReader(made.url);
  const texts = ['plain', 'a "quoted" one', 'back\\slash', "it's", '{braces}, commas', 'NULL', '', 'ü 🦊'];
  const { text, values } = ask(
    'SELECT row_to_json(x) FROM (SELECT $1::integer AS n, $2::boolean AS b, $3::text[] AS t) x',
    [7, true, texts],
  );
  for (let times = 0; times < 3; times++)
    expect(JSON.parse((await reader.read({ text, values, steady: false })) as string)).toEqual({
      n: 7,
      b: true,
      t: texts,
    });
  await reader.close();
});

test('A statement that PostgreSQL refuses leaves its connection to the next one.', async () => {
  const reader = openReader(made.url, { poolSize: 1 });
  const before = await reader.read(pid);
  for (let times = 0; times < 3; times++)
    await expect(reader.read(ask("SELECT ('x' || $1)::integer::text", ['y']))).rejects.toThrow(
      'invalid input syntax',
    );
  expect(await reader.read(pid)).toBe(before);
  await reader.close();
});
