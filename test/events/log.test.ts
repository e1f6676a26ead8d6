import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import { type Database, type Event, openDatabase } from '../../src/core/database.ts';
import { newId } from '../../src/core/ids.ts';
import { openReader, type Reader } from '../../src/core/reader.ts';
import { type EventLog, openEventLog } from '../../src/events/log.ts';
import { createSequencer, type Sequencer } from '../../src/events/sequencer.ts';
import { createWorkspace } from '../support/context.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startProcess, stopProcesses } from '../support/process.ts';

let made: TestDatabase;
let db: Database;
let reader: Reader;
/** A session that nobody cuts off; it writes the events. */
let writer: Client;
let workspaceId: string;
let sequencer: Sequencer;
let log: EventLog;
let aborts: AbortController[];
const bus = openLocalBus();
/** The sequencer of another process. */
let elsewhere: Sequencer;
const soon = { timeout: 15_000 };

beforeAll(async () => {
  made = await createTestDatabase();
  db = openDatabase(made.url, { poolSize: 10 });
  reader = openReader(made.url, { poolSize: 4 });
  sequencer = createSequencer(reader, bus, pino({ level: 'silent' }));
  elsewhere = createSequencer(reader, openLocalBus(), pino({ level: 'silent' }));
  writer = new Client({ connectionString: made.url });
  await writer.connect();
});
afterAll(async () => {
  await stopProcesses();
  await writer.end();
  await reader.close();
  await db.$disconnect();
  await made.drop();
});
beforeEach(async () => {
  workspaceId = (await createWorkspace(db)).workspace.id;
  log = openEventLog(db, reader, bus);
  aborts = [];
});
afterEach(() => {
  for (const abort of aborts) abort.abort();
  log.close();
});

let last = 0;
/** Commits events numbered on, and returns their numbers; with a hint or without. */
async function append(count: number, { hint = true, to = workspaceId } = {}): Promise<number[]> {
  const first = last + 1;
  last += count;
  await writer.query(
    `INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, subject_type, subject_id, data)
     SELECT $1, gen_random_uuid(), 'customer.updated', 1, now(), now(), 'SYSTEM', 'LIVE', 'Customer', $2, jsonb_build_object('n', n)
     FROM generate_series($3::integer, $4::integer) n`,
    [to, newId(), first, last],
  );
  if (hint) await sequencer.run();
  else await writer.query('SELECT sequence_events(100000)');
  return range(first, last);
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const numberOf = (event: Event) => (event.data as { n: number }).n;

function follow(after: bigint, from: EventLog = log) {
  const abort = new AbortController();
  aborts.push(abort);
  return { events: from.follow(workspaceId, after, abort.signal), abort };
}

/** The numbers of the next events, as many as that. */
async function take(events: AsyncGenerator<Event, void>, count: number): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < count) {
    const { value, done } = await events.next();
    if (done) throw new Error(`The stream ended after ${taken.length} of ${count} events.`);
    taken.push(numberOf(value as Event));
  }
  return taken;
}

/** The database, counting what is asked of it. */
function counted() {
  const asked: string[] = [];
  const counting = {
    db: db.$extends({
      query: {
        $allOperations: ({ model, operation, args, query }) => {
          asked.push(`${model}.${operation}`);
          return query(args);
        },
      },
    }) as unknown as Database,
    reader: {
      ...reader,
      read: (statement) => {
        asked.push('page');
        return reader.read(statement);
      },
    } satisfies Reader as Reader,
  };
  return {
    counting,
    count: (what: string) => asked.filter((one) => one === what).length,
    all: () => asked.length,
  };
}

/** The first poll looks at every tail. Waits until that is over. */
const firstPoll = (count: (what: string) => number) =>
  expect.poll(() => count('EventSequencer.findUniqueOrThrow'), soon).toBeGreaterThan(2);

describe('A follower', () => {
  test('from zero gets every event of its workspace in order, then those that come.', async () => {
    const other = (await createWorkspace(db)).workspace.id;
    const before = await append(450);
    await append(3, { to: other });
    const { events } = follow(0n);
    expect(await take(events, 450)).toEqual(before);
    const next = take(events, 2);
    await append(3, { to: other });
    expect([...(await append(1)), ...(await append(1))]).toEqual(await next);
  });

  test('from a position gets what is behind it.', async () => {
    const before = await append(600);
    const { events } = follow(0n);
    let position = 0n;
    for (let i = 0; i < 250; i++) position = (await events.next()).value!.position;
    expect(await take(follow(position).events, 350)).toEqual(before.slice(250));
  });

  test('from the end gets only what comes, also the very first event of a workspace.', async () => {
    expect(await log.end(workspaceId)).toBe(0n);
    const first = take(follow(0n).events, 1);
    const [one] = await append(1);
    expect(await first).toEqual([one]);
    const end = await log.end(workspaceId);
    const second = take(follow(end).events, 1);
    const [two] = await append(1);
    expect(await second).toEqual([two]);
  });

  test('from far beyond what is kept in memory reads pages, while the log goes on growing.', async () => {
    const { events: live } = follow(await log.end(workspaceId));
    const seenLive = take(live, 4_000);
    const numbers = await append(2_600);
    const [all] = await Promise.all([
      take(follow(0n).events, 4_000),
      (async () => {
        for (let i = 0; i < 28; i++) numbers.push(...(await append(50)));
      })(),
    ]);
    expect(all).toEqual(numbers);
    expect(await seenLive).toEqual(numbers);
  });

  test('that stops reading for a while falls out of memory and misses nothing.', async () => {
    const { events: keepsTheTail } = follow(0n);
    const others = take(keepsTheTail, 3_001);
    const { events } = follow(0n);
    const first = take(events, 1);
    const numbers = await append(1);
    expect(await first).toEqual(numbers);
    for (let i = 0; i < 30; i++) numbers.push(...(await append(100)));
    expect(await others).toEqual(numbers);
    expect(await take(events, 3_000)).toEqual(numbers.slice(1));
  });

  test('reads no further than it is asked.', async () => {
    await append(3_000);
    const { counting, count } = counted();
    const own = openEventLog(counting.db, counting.reader, bus);
    const { events } = follow(0n, own);
    await take(events, 5);
    await firstPoll(count);
    // One page for the follower; the tail, which was at the end already, looked at its start and with the first poll.
    expect(count('page')).toBe(3);
    own.close();
  });

  test('costs no memory for what all have read.', async () => {
    const { counting, count } = counted();
    const own = openEventLog(counting.db, counting.reader, bus);
    const { events } = follow(0n, own);
    const numbers: number[] = [];
    for (let i = 0; i < 20; i++) {
      const next = take(events, 10);
      numbers.push(...(await append(10)));
      await next;
    }
    const rest = events.next(); // it waits, and so has read all
    await append(1);
    await rest;
    await firstPoll(count);
    // Who comes late does not find it in memory.
    const before = count('page');
    expect(await take(follow(0n, own).events, 200)).toEqual(numbers);
    expect(count('page')).toBe(before + 1);
    own.close();
  });

  test('shares its queries with all others of its workspace.', async () => {
    const { counting, count } = counted();
    const own = openEventLog(counting.db, counting.reader, bus);
    const waiting = Array.from({ length: 300 }, () => take(follow(0n, own).events, 2));
    await firstPoll(count);
    expect([count('Event.findFirst'), count('page')]).toEqual([1, 2]);
    // Hints of another process: they say how far the log reaches.
    const hint = async () => {
      const { lastPosition } = await db.eventSequencer.findUniqueOrThrow({ where: { id: 1 } });
      bus.publish({ workspaceId, position: String(lastPosition) });
    };
    const numbers = await append(1, { hint: false });
    await elsewhere.run();
    await hint();
    await expect.poll(() => count('page'), soon).toBe(3);
    numbers.push(...(await append(1, { hint: false })));
    await elsewhere.run();
    await hint();
    for (const seen of await Promise.all(waiting)) expect(seen).toEqual(numbers);
    expect([count('Event.findFirst'), count('page')]).toEqual([1, 4]);
    own.close();
  });

  test('is handed what its own process moved, and looks for it only when it may not be all.', async () => {
    const { counting, count } = counted();
    const own = openEventLog(counting.db, counting.reader, bus);
    const seen: number[] = [];
    const following = (async () => {
      for await (const event of follow(0n, own).events) seen.push(numberOf(event));
    })();
    await firstPoll(count);
    const before = count('page');
    const numbers: number[] = [];
    for (let n = 0; n < 20; n++) numbers.push(...(await append(5)));
    await expect.poll(() => seen, soon).toEqual(numbers);
    expect(count('page')).toBe(before);
    // Another process had these, and its hint was lost; what this one moves next is behind them.
    numbers.push(...(await append(3, { hint: false })));
    await elsewhere.run();
    numbers.push(...(await append(2)));
    await expect.poll(() => seen, soon).toEqual(numbers);
    expect(count('page')).toBe(before + 1);
    // Too many to be handed over.
    numbers.push(...(await append(450)));
    await expect.poll(() => seen, soon).toEqual(numbers);
    own.close();
    await following;
  });

  test('costs no more polls than all followers of all workspaces together, and none once they have left.', async () => {
    const { counting, count, all } = counted();
    const own = openEventLog(counting.db, counting.reader, bus);
    const many = Array.from({ length: 50 }, () => own.follow(newId(), 0n, new AbortController().signal));
    const ends = many.map((events) => events.next());
    await firstPoll(count);
    await expect.poll(() => count('page'), soon).toBe(100); // each at its start and with the first poll
    const before = all();
    await sleep(1_000);
    expect(all() - before).toBeLessThan(10);
    for (const events of many) await events.return();
    for (const { done } of await Promise.all(ends)) expect(done).toBe(true);
    await sleep(300); // a poll that was under way
    const after = all();
    await sleep(700);
    expect(all()).toBe(after);
  });
});

describe('A follower that waits ends at once', () => {
  const ways: [string, (events: AsyncGenerator<Event, void>, abort: AbortController) => unknown][] = [
    ['when its signal aborts', (_, abort) => abort.abort()],
    ['when the consumer returns', (events) => events.return()],
    ['when the consumer throws', (events) => events.throw(new Error('enough')).catch(() => {})],
    ['when the log is closed', () => log.close()],
  ];

  test.each(ways)('%s, and leaves nothing behind.', async (_, end) => {
    const [one] = await append(1);
    const { events, abort } = follow(0n);
    expect(await take(events, 1)).toEqual([one]);
    const next = events.next();
    await sleep(50);
    await end(events, abort);
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  test.each(ways)('%s, also while the database does not answer.', async (_, end) => {
    await append(3_000);
    const { events, abort } = follow(0n);
    await take(events, 200);
    await writer.query('BEGIN');
    await writer.query('LOCK TABLE event IN ACCESS EXCLUSIVE MODE');
    try {
      const next = events.next();
      await expect
        .poll(
          async () =>
            (
              await writer.query(
                `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
              )
            ).rowCount,
          soon,
        )
        .toBeGreaterThan(0);
      await end(events, abort);
      expect(await next).toEqual({ done: true, value: undefined });
    } finally {
      await writer.query('ROLLBACK');
    }
  });

  test('and so does a loop that is left, or that never began.', async () => {
    const numbers = await append(3);
    const seen: number[] = [];
    for await (const event of follow(0n).events) {
      seen.push(numberOf(event));
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(numbers.slice(0, 2));
    await follow(0n).events.return();
    const { events, abort } = follow(0n);
    abort.abort();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    log.close();
    expect(await follow(0n).events.next()).toEqual({ done: true, value: undefined });
  });

  test('so that a process in which all have ended can exit by itself.', async () => {
    const process = await startProcess(
      'node',
      ['test/events/support/endFollowing.ts', made.url, workspaceId],
      { until: /ended/ },
    );
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });
});

describe('A follower misses nothing', () => {
  test('when no hint ever comes.', async () => {
    const { events } = follow(0n);
    for (let i = 0; i < 5; i++) {
      const next = take(events, 3);
      await sleep(Math.random() * 300);
      expect(await append(3, { hint: false })).toEqual(await next);
    }
  });

  test('when no hint comes about an event of its first moments.', async () => {
    for (let i = 0; i < 12; i++) {
      workspaceId = newId();
      const { events, abort } = follow(0n);
      const next = take(events, 1);
      await sleep(2 * i);
      expect(await append(1, { hint: false })).toEqual(await next);
      abort.abort();
    }
  });

  test('when no hint comes about an event of the first moments of a second follower elsewhere.', async () => {
    const { events } = follow(0n);
    void take(events, 1).catch(() => {});
    for (let i = 0; i < 12; i++) {
      workspaceId = newId();
      const { events, abort } = follow(0n);
      const next = take(events, 1);
      await sleep(20 * i);
      expect(await append(1, { hint: false })).toEqual(await next);
      abort.abort();
    }
  });

  test('when the database cuts it off again and again, whether it waits or lags behind.', async () => {
    const numbers = await append(2_500);
    const live = follow(await log.end(workspaceId));
    const seenLive = take(live.events, 300);
    const { events } = follow(0n);
    const seen: number[] = [];
    const reading = (async () => {
      while (seen.length < 2_800) {
        seen.push(...(await take(events, 1)));
        if (seen.length % 50 === 0) await sleep(10);
      }
    })();
    for (let i = 0; i < 30; i++) {
      await cutOff();
      numbers.push(...(await append(10, { hint: i % 2 === 0 })));
      await writer.query('SELECT sequence_events(1000)'); // for a run that was cut off
    }
    await reading;
    expect(seen).toEqual(numbers);
    expect(await seenLive).toEqual(numbers.slice(2_500));
  });

  test('when the database is away for a while, also at its start.', async () => {
    const before = await append(1_200);
    const { events } = follow(0n);
    expect(await take(events, 100)).toEqual(before.slice(0, 100));
    const allowConnections = (allow: boolean) =>
      admin.query(`ALTER DATABASE ${new URL(made.url).pathname.slice(1)} ALLOW_CONNECTIONS ${allow}`);
    const admin = new Client({ connectionString: inject('databaseAdminUrl') });
    await admin.connect();
    await allowConnections(false);
    try {
      await cutOff();
      const rest = take(events, 1_101);
      const late = take(follow(0n).events, 1_201);
      const [one] = await append(1, { hint: false });
      await sleep(1_000);
      await allowConnections(true);
      expect(await rest).toEqual([...before.slice(100), one]);
      expect(await late).toEqual([...before, one]);
    } finally {
      await allowConnections(true);
      await admin.end();
    }
  });
});

/** Ends every connection to the database but the writer's. */
async function cutOff(): Promise<void> {
  await writer.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
}
