import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Context, Workspace } from '../../src/core/context.ts';
import type { Tx } from '../../src/core/database.ts';
import { createSequencer } from '../../src/events/sequencer.ts';
import { type EventReader, startEventReaders } from '../../src/jobs/eventReaders.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { createWorkspace, openTestDatabase, readerOf, type TestClock } from '../support/context.ts';

const db = await openTestDatabase();
const bus = openLocalBus();
const log = pino({ level: 'silent' });
const sequencer = createSequencer(readerOf(db), bus, log);
const soon = { timeout: 15_000, interval: 20 };

let clock: TestClock;
let workspace: Workspace;
let ctx: Context;
let stops: (() => Promise<void>)[];

beforeEach(async () => {
  const shop = await createWorkspace(db);
  workspace = shop.workspace;
  clock = shop.clock;
  ctx = { ...(await shop.asUser('ADMIN')), committed: sequencer.run };
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
});

const start = (...readers: EventReader[]) => {
  const started = startEventReaders({ db, clock, log, bus, committed: sequencer.run }, readers);
  stops.push(started.stop);
  return started;
};

/** Notes in the database, in the reader's own transaction, what it was handed. */
const notes =
  (fail: (name: string) => boolean = () => false): EventReader['read'] =>
  async (of, tx, events) => {
    for (const event of events) {
      await note(of, tx, event.subjectId);
      if (fail(event.subjectId)) throw new Error('no');
    }
  };
const note = (of: Context, tx: Tx, word: string) =>
  tx.tag.create({
    data: {
      id: crypto.randomUUID(),
      workspaceId: of.workspace.id,
      name: word,
      slug: crypto.randomUUID(),
      updatedAt: of.clock.now(),
    },
  });
const noted = async () =>
  (await db.tag.findMany({ where: { workspaceId: workspace.id } })).map(({ name }) => name).sort();

async function customers(count: number): Promise<string[]> {
  const made = [];
  for (let n = 0; n < count; n++) made.push((await createCustomer(ctx, { firstName: `C${n}` })).id);
  return made.sort();
}

test('a reader gets every event once, also what was there before it, from two processes at once', async () => {
  const before = await customers(3);
  start({ name: 'one', read: notes() });
  start({ name: 'one', read: notes() });
  const after = await customers(20);
  await vi.waitFor(async () => expect(await noted()).toEqual([...before, ...after].sort()), soon);
  await Promise.all(stops.splice(0).map((stop) => stop()));
  expect(await noted()).toHaveLength(23);
});

test('what a failed call did is undone, and the page is tried again event by event', async () => {
  let failures = 2;
  start({ name: 'two', read: notes(() => failures-- > 0) });
  const made = await customers(3);
  await vi.waitFor(async () => expect(await noted()).toEqual(made), soon);
});

test('readers have positions of their own: one that fails holds nobody up', async () => {
  start({ name: 'bad', read: notes(() => true) }, { name: 'good', read: notes() });
  const made = await customers(2);
  await vi.waitFor(async () => expect(await noted()).toEqual(made), soon);
  const rows = await db.eventReader.findMany({ where: { workspaceId: workspace.id } });
  expect(rows.find(({ name }) => name === 'bad')?.position ?? 0n).toBe(0n);
});

test('what is due and fails leaves no event behind, and holds none up', async () => {
  let passes = 0;
  start({
    name: 'late',
    read: notes(),
    pass: async (of) => {
      if (of.workspace.id !== workspace.id) return null;
      if (++passes < 4) throw new Error('not yet');
      return null;
    },
  });
  const made = await customers(3);
  await vi.waitFor(async () => expect(await noted()).toEqual(made), soon);
  await vi.waitFor(() => expect(passes).toBe(4), soon);
  expect(await db.eventReaderFailure.count({ where: { workspaceId: workspace.id } })).toBe(0);
  const [row] = await db.eventReader.findMany({ where: { workspaceId: workspace.id, name: 'late' } });
  expect(row).toMatchObject({ dueAt: null, passedUntil: clock.now() });
});

test('time that passes is handed on in pieces without gaps, as often as the reader asks for', async () => {
  const passed: [Date, Date][] = [];
  start({
    name: 'timed',
    read: async () => {},
    pass: async (of, _tx, from, until) => {
      if (of.workspace.id === workspace.id) passed.push([from, until]);
      return new Date(until.getTime() + 60_000);
    },
  });
  const at = clock.now();
  await customers(1);
  await vi.waitFor(() => expect(passed).toHaveLength(1), soon);
  clock.advance({ minutes: 5 });
  await vi.waitFor(() => expect(passed).toHaveLength(2), soon);
  clock.advance({ seconds: 61 });
  await vi.waitFor(() => expect(passed).toHaveLength(3), soon);
  expect(passed[0]?.[0]).toEqual(at);
  for (const [n, [from]] of passed.entries()) if (n > 0) expect(from).toEqual(passed[n - 1]?.[1]);
});
