import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Hint, openLocalBus } from '../../src/core/bus.ts';
import type { Context } from '../../src/core/context.ts';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { newId } from '../../src/core/ids.ts';
import { lockedOrThrow } from '../../src/core/load.ts';
import { openReader, type Reader } from '../../src/core/reader.ts';
import { record } from '../../src/events/record.ts';
import { createSequencer } from '../../src/events/sequencer.ts';
import { createWorkspace } from '../support/context.ts';
import { createTestDatabase } from '../support/database.ts';

// Each test has a database of its own: what is looked at is the one row of `event_sequencer`, and who holds a
// transaction.
let url: string;
let db: Database;
let reader: Reader;
let ctx: Context;
let clients: Client[] = [];
const drops: (() => Promise<void>)[] = [];
const silent = pino({ level: 'silent' });
const soon = { timeout: 20_000 };

beforeEach(async () => {
  const made = await createTestDatabase();
  drops.push(made.drop);
  url = made.url;
  db = openDatabase(url, { poolSize: 10 });
  reader = openReader(url, { poolSize: 10 });
  ctx = (await createWorkspace(db)).asSystem();
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.end()));
  clients = [];
  await reader.close();
  await db.$disconnect();
});
afterAll(() => Promise.all(drops.map((drop) => drop())));

/** A session of somebody else. */
async function connect(): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  return client;
}

/** Commits an event and returns the id of its subject. */
async function happen(subjectId = newId(), customerId: string | null = null): Promise<string> {
  await db.$transaction((tx) =>
    record(ctx, tx, 'customer.updated', { subjectId, customerId, data: { fields: [] } }),
  );
  return subjectId;
}

/** Until a session waits for this. */
async function waiting(event: string): Promise<void> {
  await expect
    .poll(
      () =>
        db.$executeRaw`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = ${event}`,
      soon,
    )
    .toBe(1);
}

/** An insert into the outbox, for sessions that are not ours. */
function insertion(
  subjectId: string,
  { id = newId(), customerId = null as string | null, data = `'{"fields": []}'` } = {},
): string {
  return `INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin,
      subject_type, subject_id, customer_id, data)
    VALUES ('${ctx.workspace.id}', '${id}', 'customer.updated', 1, now(), now(), 'SYSTEM', 'LIVE',
      'Customer', '${subjectId}', ${customerId ? `'${customerId}'` : 'NULL'}, ${data})`;
}

/** An insert of many events at once. */
const many = (count: number) =>
  insertion(newId(), { id: 'any' })
    .replace("'any'", 'gen_random_uuid()')
    .replace(/VALUES \((.*)\)$/s, `SELECT $1 FROM generate_series(1, ${count})`);

/** Subjects of the log, in its order. */
async function logged(): Promise<string[]> {
  const events = await db.event.findMany({
    where: { workspaceId: ctx.workspace.id },
    orderBy: { position: 'asc' },
  });
  return events.map(({ subjectId }) => subjectId);
}

async function state() {
  const [row] = await db.$queryRaw<
    { mark: bigint; head: bigint; waiting: number; stranded: number; version: string }[]
  >`
    SELECT s.mark, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_outbox_seq_seq) AS head,
      (SELECT count(*)::integer FROM event_outbox) AS waiting,
      (SELECT count(*)::integer FROM event_outbox WHERE seq <= s.mark) AS stranded,
      s.xmin || ' ' || s.ctid AS version
    FROM event_sequencer s`;
  return row!;
}

/** Runs until the mark has reached the head; other databases of the server may hold it up for a moment. */
async function settle(run: () => Promise<void>): Promise<void> {
  await expect
    .poll(async () => {
      await run();
      const { mark, head } = await state();
      return head - mark;
    }, soon)
    .toBe(0n);
}

/** The database, counting the calls of the sequencer. */
function counted() {
  let calls = 0;
  const counting: Reader = {
    ...reader,
    read: (statement) => {
      calls++;
      return reader.read(statement);
    },
  };
  return { counting, calls: () => calls };
}

describe('Running the sequencer', () => {
  test('any number of times at once is one call for the run under way and one for all others.', async () => {
    const { counting, calls } = counted();
    const { run } = createSequencer(counting, openLocalBus(), silent);
    await happen();
    await Promise.all(Array.from({ length: 500 }, () => run()));
    expect(calls()).toBe(2);
    expect((await state()).waiting).toBe(0);
  });

  test('gives every caller a position for the event that they committed, in few calls.', async () => {
    const { counting, calls } = counted();
    const { run } = createSequencer(counting, openLocalBus(), silent);
    const missing: string[] = [];
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        for (let i = 0; i < 10; i++) {
          const subjectId = await happen();
          await run();
          const found = await db.event.count({ where: { workspaceId: ctx.workspace.id, subjectId } });
          if (found !== 1) missing.push(subjectId);
        }
      }),
    );
    expect(missing).toEqual([]);
    expect(calls()).toBeLessThan(300);
    expect(await logged()).toHaveLength(400);
  });

  test('moves a backlog of several batches, and hints at the last position of each workspace.', async () => {
    const other = (await createWorkspace(db)).asSystem();
    await (await connect()).query(many(2_500));
    await db.$transaction((tx) =>
      record(other, tx, 'tag.created', { subjectId: newId(), data: { name: 'A' } }),
    );
    const bus = openLocalBus();
    const hints: Hint[] = [];
    bus.listen((hint) => hints.push(hint));
    await createSequencer(reader, bus, silent).run();
    expect((await state()).waiting).toBe(0);
    expect(hints.filter(({ workspaceId }) => workspaceId === other.workspace.id)).toEqual([
      { workspaceId: other.workspace.id, position: '2501' },
    ]);
    expect(
      hints.filter(({ workspaceId }) => workspaceId === ctx.workspace.id).map(({ position }) => position),
    ).toEqual(['1000', '2000', '2500']);
  });

  test('waits for its turn while another process sequences.', async () => {
    const other = await connect();
    await other.query('BEGIN');
    await other.query('SELECT sequence_events(1)');
    const subjectId = await happen();
    let done = false;
    const running = createSequencer(reader, openLocalBus(), silent)
      .run()
      .then(() => {
        done = true;
      });
    await sleep(300);
    expect(done).toBe(false);
    await other.query('COMMIT');
    await running;
    expect(await logged()).toEqual([subjectId]);
  });

  test('does not throw when the database fails, says so once, and the next run heals.', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
    const { run, healthy } = createSequencer(reader, openLocalBus(), log);
    const other = await connect();
    await other.query('BEGIN');
    await other.query('SELECT sequence_events(1)');
    const subjectId = await happen();
    for (let i = 0; i < 2; i++) {
      const running = run();
      await expect
        .poll(
          () => db.$executeRaw`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event = 'advisory'`,
          soon,
        )
        .toBe(1);
      await running;
      expect(healthy()).toBe(false);
    }
    await other.query('COMMIT');
    await run();
    expect(healthy()).toBe(true);
    expect(await logged()).toEqual([subjectId]);
    expect(lines).toHaveLength(1);
  });

  test('writes nothing while there is nothing to do.', async () => {
    const { run } = createSequencer(reader, openLocalBus(), silent);
    await happen();
    await settle(run);
    const { version } = await state();
    for (let i = 0; i < 20; i++) await run();
    expect((await state()).version).toBe(version);

    const client = await connect();
    await client.query('BEGIN');
    await client.query('SELECT sequence_events(1000)');
    const { rows } = await client.query('SELECT pg_current_xact_id_if_assigned() AS xid');
    expect(rows).toEqual([{ xid: null }]);
    await client.query('COMMIT');
  });

  test("writes nothing while all it could do is wait for somebody else's transaction.", async () => {
    const { run } = createSequencer(reader, openLocalBus(), silent);
    const open = await connect();
    await open.query('BEGIN');
    await open.query('SELECT pg_current_xact_id()');
    await happen();
    await run();
    await run();
    const { version, mark, head } = await state();
    expect(mark).toBeLessThan(head);
    for (let i = 0; i < 20; i++) await run();
    expect((await state()).version).toBe(version);
    await open.query('COMMIT');
    await settle(run);
  });

  test('on a timer finds what a dead writer left, and stops when told.', async () => {
    const sequencer = createSequencer(reader, openLocalBus(), silent);
    sequencer.start();
    const left = await happen();
    await expect.poll(logged, soon).toEqual([left]);
    await sequencer.stop();
    await happen();
    await sleep(700);
    expect(await logged()).toEqual([left]);
  });
});

describe('The database function', () => {
  const sequence = async () =>
    void (await db.$queryRaw`SELECT workspace, last, moved FROM sequence_events(1000::integer)`);

  test('refuses a transaction that has already written, since its id is then too old for the mark.', async () => {
    const client = await connect();
    await client.query('BEGIN');
    await client.query(insertion(newId()));
    await expect(client.query('SELECT sequence_events(1000)')).rejects.toThrow(
      'first statement of its transaction',
    );
    await client.query('ROLLBACK');
    expect((await state()).head).toBe(1n);
  });

  test('never leaves behind what commits after events that came later.', async () => {
    const late = await connect();
    const [first, second] = [newId(), newId()];
    await late.query('BEGIN');
    await late.query(insertion(first));
    await late.query('SAVEPOINT a');
    await late.query(insertion(second));
    await late.query('RELEASE a');
    await late.query('SAVEPOINT b');
    await late.query(insertion(newId()));
    await late.query('ROLLBACK TO b');
    const passed = await happen();
    for (let i = 0; i < 5; i++) await sequence();
    expect(await logged()).toEqual([passed]);
    await late.query('COMMIT');
    await settle(sequence);
    expect(await logged()).toEqual([passed, first, second]);
    expect(await state()).toMatchObject({ waiting: 0, stranded: 0 });
  });

  test('never leaves behind an event that draws its number long before its row, as the first write of its transaction.', async () => {
    const slow = await connect();
    // The first number of all takes a transaction id by itself.
    const first = await happen();
    const subjectId = newId();
    const inserted = slow.query(
      insertion(subjectId, { data: `(SELECT '{"fields": []}'::jsonb FROM pg_sleep(1))` }),
    );
    await expect.poll(async () => (await state()).head, { ...soon, interval: 10 }).toBe(2n);
    for (let i = 0; i < 5; i++) await sequence();
    expect((await state()).mark).toBeLessThan(2n);
    await inserted;
    await settle(sequence);
    expect(await logged()).toEqual([first, subjectId]);
    expect(await state()).toMatchObject({ waiting: 0, stranded: 0 });
  });

  test('never leaves behind the younger of two open transactions once the older one has ended.', async () => {
    // More than once, since transactions of other databases on this server can be in between.
    for (let i = 0; i < 5; i++) {
      await settle(sequence);
      const [older, younger] = [await connect(), await connect()];
      await older.query('BEGIN');
      await older.query('SELECT pg_current_xact_id()');
      await younger.query('BEGIN');
      const subjectId = newId();
      await younger.query(insertion(subjectId));
      for (let j = 0; j < 3; j++) await sequence();
      await older.query('COMMIT');
      for (let j = 0; j < 3; j++) await sequence();
      const { mark, head } = await state();
      expect(mark).toBeLessThan(head);
      await younger.query('COMMIT');
      await settle(sequence);
      expect((await logged()).at(-1)).toBe(subjectId);
    }
  });

  test('never leaves behind what began while a call was under way.', async () => {
    const first = await happen();
    const [holder, late] = [await connect(), await connect()];
    // Until this is over, nobody can tell whether the event is in the log: the call waits, with its transaction id taken.
    await holder.query('BEGIN');
    await holder.query(
      `INSERT INTO event (position, workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, subject_type, subject_id, data)
       SELECT 9, workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, subject_type, subject_id, data FROM event_outbox`,
    );
    const slow = sequence();
    await waiting('transactionid');
    const subjectId = newId();
    await late.query('BEGIN');
    await late.query(insertion(subjectId));
    await holder.query('ROLLBACK');
    await slow;
    for (let i = 0; i < 5; i++) await sequence();
    const { mark, head } = await state();
    expect(mark).toBeLessThan(head);
    await late.query('COMMIT');
    await settle(sequence);
    expect(await logged()).toEqual([first, subjectId]);
  });

  test('never leaves behind a prepared transaction.', async ({ skip }) => {
    const client = await connect();
    const { rows } = await client.query('SHOW max_prepared_transactions');
    if (rows[0].max_prepared_transactions === '0') skip('max_prepared_transactions is 0 on this server');
    const subjectId = newId();
    const name = `prepared-${subjectId}`;
    await client.query('BEGIN');
    await client.query(insertion(subjectId));
    await client.query(`PREPARE TRANSACTION '${name}'`);
    try {
      const passed = await happen();
      for (let i = 0; i < 5; i++) await sequence();
      expect(await logged()).toEqual([passed]);
      await client.query(`COMMIT PREPARED '${name}'`);
      await settle(sequence);
      expect(await logged()).toEqual([passed, subjectId]);
    } finally {
      await client.query(`ROLLBACK PREPARED '${name}'`).catch(() => {});
    }
  });

  test("keeps the order of a customer's events through one transaction and from one to the next.", async () => {
    const subjects = Array.from({ length: 30 }, () => newId());
    for (let i = 0; i < 30; i += 3) {
      await db.$transaction(async (tx) => {
        for (const subjectId of subjects.slice(i, i + 3))
          await record(ctx, tx, 'customer.updated', { subjectId, data: { fields: [] } });
      });
      if (i % 2) await sequence();
    }
    await sequence();
    expect(await logged()).toEqual(subjects);
  });

  test("does not wait for a verb that holds a customer's row.", async () => {
    const customerId = newId();
    await db.customer.create({
      data: { id: customerId, workspaceId: ctx.workspace.id, sortName: '', searchText: '' },
    });
    await happen(customerId, customerId);
    await db.$transaction(async (tx) => {
      await lockedOrThrow(ctx, tx, 'Customer', customerId);
      await sequence();
      expect(await logged()).toEqual([customerId]);
    });
  });

  test('is not held up by a row that the log cannot take, and gives the rest of the batch their places.', async () => {
    const client = await connect();
    const [before, unknown, twice, after] = [newId(), newId(), newId(), newId()];
    await client.query(insertion(before));
    await client.query(insertion(unknown, { customerId: newId() }));
    await client.query(insertion(twice, { id: twice }));
    await client.query(insertion(twice, { id: twice }));
    await client.query(insertion(after));
    await settle(sequence);
    expect(await logged()).toEqual([before, unknown, twice, after]);
    expect(await state()).toMatchObject({ waiting: 0, stranded: 0 });
    expect(await db.event.findFirst({ where: { subjectId: unknown } })).toMatchObject({ customerId: null });
  });

  test('finds every event again after a restore on a server whose transaction ids stand lower.', async () => {
    await happen();
    await db.$executeRaw`UPDATE event_sequencer SET mark = 0, candidate_seq = 1, candidate_xid = 9000000000000000`;
    await settle(sequence);
    await happen();
    await settle(sequence);
    expect(await logged()).toHaveLength(2);
  });

  test('finds every event again after a restore that set the sequence back.', async () => {
    const first = [await happen(), await happen(), await happen()];
    await settle(sequence);
    await db.$executeRaw`ALTER SEQUENCE event_outbox_seq_seq RESTART`;
    const second = [await happen(), await happen()];
    await sequence();
    expect(await logged()).toEqual([...first, ...second]);
    await settle(sequence);
  });

  describe('while a dump holds a snapshot, so that no dead row can be cleared away', () => {
    beforeEach(async () => {
      const dump = await connect();
      await dump.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await dump.query('SELECT count(*) FROM workspace');
    });

    test('keeps up with its mark, so that calls stay quick.', async () => {
      for (let i = 0; i < 10; i++) {
        await happen();
        await sequence();
      }
      await settle(sequence);
    });

    test('moves its mark along while it works on a backlog, and never scans the outbox from end to end.', async () => {
      const client = await connect();
      await client.query(many(5_000));
      await client.query('ANALYZE event_outbox');
      // What was committed before is settled once nobody else on the server writes.
      await expect
        .poll(async () => {
          await client.query('SELECT sequence_events(1)');
          return Number((await state()).mark);
        }, soon)
        .toBeGreaterThan(0);
      expect((await state()).waiting).toBeGreaterThan(4_000);
      const scans = async () => {
        await client.query('SELECT pg_stat_force_next_flush()');
        const { rows } = await client.query(
          `SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'event_outbox'`,
        );
        return rows[0].seq_scan;
      };
      const before = await scans();
      for (;;) {
        const { rowCount } = await client.query('SELECT sequence_events(500)');
        if (rowCount === 0) break;
        const { rows } = await client.query('SELECT last_position - mark AS behind FROM event_sequencer');
        expect(Number(rows[0].behind)).toBeLessThanOrEqual(500);
      }
      expect(await scans()).toBe(before);
    });
  });
});
