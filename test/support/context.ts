import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, expect } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { anonymous, type Context, nowhere, type Viewer, type Workspace } from '../../src/core/context.ts';
import { apiKeyParts, newApiKey } from '../../src/core/crypto.ts';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { Failure, Refused } from '../../src/core/errors.ts';
import { newId } from '../../src/core/ids.ts';
import {
  allPermissions,
  type Permission,
  permissionsOf,
  presets,
  type Role,
  type RowScope,
} from '../../src/core/permissions.ts';
import { openReader, type Reader } from '../../src/core/reader.ts';
import { createTestDatabase } from './database.ts';

/**
 * What tests of verbs and reads stand on:
 *
 *     const db = await openTestDatabase();           // this file's own, gone at its end
 *     const shop = await createWorkspace(db);        // a business of this test's own
 *     const admin = await shop.asUser('ADMIN');      // a Context, as a request of this user would have
 *     const service = await createService(admin, { name: 'Cut', durationMinutes: 30 });
 *     expect(await shop.events()).toMatchObject([{ type: 'service.created' }]);
 *     const failure = await refused(admin, () => createService(admin, { name: '' }));
 */

/** A database of this test file's own with all migrations applied; closed and dropped when the file is through. */
export async function openTestDatabase(): Promise<Database> {
  const { url, drop } = await createTestDatabase();
  const db = openDatabase(url, { poolSize: 10 });
  urls.set(db, url);
  afterAll(async () => {
    await readers.get(db)?.close();
    await db.$disconnect();
    await drop();
  });
  return db;
}

const readers = new WeakMap<Database, Reader>();

/** A reader of a database that `openTestDatabase` opened; closed with it. */
export function readerOf(db: Database): Reader {
  const reader = readers.get(db) ?? openReader(urlOf(db), { poolSize: 4 });
  readers.set(db, reader);
  return reader;
}

const urls = new WeakMap<Database, string>();

/** Where a database that `openTestDatabase` opened is. */
export const urlOf = (db: Database): string => urls.get(db) as string;

/** A clock that stands still until it is moved. */
export interface TestClock extends Clock {
  set(at: string | Date): void;
  advance(by: { days?: number; hours?: number; minutes?: number; seconds?: number }): void;
}

export function testClock(at: string | Date = '2026-11-23T09:00:00.000Z'): TestClock {
  let now = new Date(at);
  return {
    now: () => new Date(now),
    set(to) {
      now = new Date(to);
    },
    advance({ days = 0, hours = 0, minutes = 0, seconds = 0 }) {
      now = new Date(now.getTime() + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000);
    },
  };
}

const silent = pino({ level: 'silent' });

/**
 * A context of this viewer. Events stay in the outbox, where `shop.events()` finds them too; pass
 * `committed: sequencer.run` to have them take their place in the log.
 */
export function testContext(
  db: Database,
  of: { workspace: Workspace; viewer: Viewer } & Partial<Omit<Context, 'db'>>,
): Context {
  return { db, clock: testClock(), log: silent, requestId: newId(), committed: async () => {}, ...of };
}

export interface StoredEvent {
  type: string;
  subjectId: string;
  customerId: string | null;
  actorId: string | null;
  data: unknown;
  changes: unknown;
  /** What stands beside the event in `event_personal`; null when nothing does. */
  personal: unknown;
}

export interface TestWorkspace {
  workspace: Workspace;
  /** The time of every context of this workspace. */
  clock: TestClock;
  /** A new user of this role. Their teams and staff member go into `principals`. */
  asUser(
    role: Role,
    options?: { rowScope?: RowScope; principals?: string[]; externalId?: string },
  ): Promise<Context>;
  /** A new API key of this role, narrowed to these permissions if any are given. */
  asKey(role: Role, ...scopes: Permission[]): Promise<Context>;
  /** The customer with this id, signed in. */
  asCustomer(customerId: string): Context;
  /** Frontdesk itself: a job, a rule, a workflow. */
  asSystem(): Context;
  /** Nobody; the workspace is `nowhere`. */
  asAnonymous(): Context;
  /** Every event of the workspace so far, oldest first, sequenced or not; of one type if one is given. */
  events(type?: string): Promise<StoredEvent[]>;
}

/** A business of the test's own, with nothing in it. `with` goes into every context that it makes. */
export async function createWorkspace(
  db: Database,
  { with: services = {}, ...fields }: Partial<Workspace> & { with?: Partial<Context> } = {},
): Promise<TestWorkspace> {
  const workspace: Workspace = {
    id: newId(),
    name: 'Test',
    timeZone: 'Europe/Berlin',
    currency: 'EUR',
    country: 'DE',
    ...fields,
  };
  const clock = testClock();
  await db.workspace.create({ data: workspace });
  const as = (viewer: Viewer) => testContext(db, { workspace, viewer, clock, ...services });

  return {
    workspace,
    clock,
    async asUser(role, { rowScope, principals = [], externalId } = {}) {
      const id = newId();
      const name = `${role.toLowerCase()}-${randomBytes(4).toString('hex')}`;
      await db.user.create({
        data: {
          id,
          workspaceId: workspace.id,
          email: `${name}@example.com`,
          displayName: name,
          externalId: externalId ?? name,
          role,
          rowScope: rowScope ?? null,
        },
      });
      const rights = { permissions: permissionsOf(role), rowScope: rowScope ?? presets[role].rowScope };
      return as({ kind: 'user', id, role, ...rights, principals: [id, ...principals] });
    },
    async asKey(role, ...scopes) {
      const id = newId();
      await db.apiKey.create({
        data: { id, workspaceId: workspace.id, name: role, role, scopes, ...apiKeyParts(newApiKey()) },
      });
      const rights = { permissions: permissionsOf(role, scopes), rowScope: presets[role].rowScope };
      return as({ kind: 'apiKey', id, role, ...rights, principals: [] });
    },
    asCustomer: (id) =>
      as({ kind: 'customer', id, permissions: permissionsOf('CUSTOMER'), rowScope: 'OWN', principals: [] }),
    asSystem: () =>
      as({ kind: 'system', permissions: new Set(allPermissions), rowScope: 'ALL', principals: [] }),
    asAnonymous: () => testContext(db, { workspace: nowhere, viewer: anonymous, clock, ...services }),
    async events(type) {
      const where = { workspaceId: workspace.id, ...(type ? { type } : {}) };
      // Outbox first: an event that is sequenced between the two is then seen twice rather than never.
      const waiting = await db.eventOutbox.findMany({ where, orderBy: { seq: 'asc' } });
      const logged = await db.event.findMany({ where, orderBy: { position: 'asc' } });
      const personal = await db.eventPersonal.findMany({ where: { workspaceId: workspace.id } });
      const all = [...logged, ...waiting.filter(({ id }) => !logged.some((event) => event.id === id))];
      return all.map(({ id, type, subjectId, customerId, actorId, data, changes }) => ({
        type,
        subjectId,
        customerId,
        actorId,
        data,
        changes,
        personal: personal.find((row) => row.eventId === id)?.values ?? null,
      }));
    },
  };
}

/**
 * What every table holds, as a number of rows and a hash of them all: equal before and after means that
 * nothing was written. Idempotency keys are left out: they remember refusals too.
 */
export async function fingerprint(db: Database): Promise<Record<string, string>> {
  if (!fingerprinted.has(db)) fingerprinted.set(db, prepareFingerprint(db));
  await fingerprinted.get(db);
  const rows = await db.$queryRaw<
    { name: string; content: string }[]
  >`SELECT * FROM test_support.fingerprint()`;
  return Object.fromEntries(rows.map(({ name, content }) => [name, content]));
}

const fingerprinted = new WeakMap<Database, Promise<void>>();

/** A function, since the database keeps its plan: to parse and plan this statement takes ten times what it takes to run it. */
async function prepareFingerprint(db: Database): Promise<void> {
  const tables = await db.$queryRaw<{ name: string }[]>`
    SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND NOT relispartition AND relname NOT IN ('idempotency_key', '_prisma_migrations') ORDER BY 1`;
  const each = tables.map(
    ({ name }) =>
      `SELECT '${name}', count(*) || ' rows, ' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM "${name}" t`,
  );
  await db.$executeRawUnsafe('CREATE SCHEMA IF NOT EXISTS test_support');
  await db.$executeRawUnsafe(
    `CREATE OR REPLACE FUNCTION test_support.fingerprint() RETURNS TABLE (name text, content text) LANGUAGE plpgsql
       AS $$ BEGIN RETURN QUERY ${each.join(' UNION ALL ')}; END $$`,
  );
}

/** Runs what must be refused, checks that it left nothing behind, and answers why it was refused. */
export async function refused(
  ctx: Pick<Context, 'db'>,
  run: () => Promise<unknown>,
): Promise<Failure | Refused> {
  const before = await fingerprint(ctx.db);
  const outcome = await run().then(
    () => 'not refused',
    (error: unknown) => error,
  );
  if (!(outcome instanceof Failure || outcome instanceof Refused)) {
    throw outcome instanceof Error ? outcome : new Error('This was not refused.');
  }
  expect(await fingerprint(ctx.db)).toEqual(before);
  return outcome;
}

/** The same call many times at once. */
export function atOnce<Result>(times: number, run: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: times }, (_, index) => run(index)));
}
